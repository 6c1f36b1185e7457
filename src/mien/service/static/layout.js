// Where the tags of faces go: on no face and on no other tag as long as there is room, and where they were a moment ago
// as long as that is free and near.
//
// All rectangles are [x0, y0, x1, y1] in px of the shown picture. A tag stands beside its face's box; where that is
// taken, near it, with a line that leads to the box; where no place is left there for its words, its number
// alone is shown, and the words stand below the picture; where there is none for the number either, it lies in its
// face's corner.

const GAP = 5; // px between a tag and whatever it must not cover
const SLACK = 12; // px more that a better place must have before a tag moves to it
const TRIES = 4; // orders in which crowded tags are placed
const REACH = 1; // of a face's longer side: words further away, or across others, would seem to be those of another face
const CROSSING = 1e4; // px: a line over another face or tag costs as much as this distance

/**
 * @param {{key: number, box: number[], full: number[], short: number[]}[]} faces: `full` and `short` are the width and
 *   height of a tag with words and with a number alone
 * @param {number[]} picture width and height
 * @param {Map<number, object>} before the answer of the frame before
 * @returns {Map<number, {rect: number[], beside: ?string, short: boolean, inside: boolean, leader: ?number[][]}>} by
 *   key; `beside` names a place at the box, `leader` is a line from a tag elsewhere to its box, and `inside` says that
 *   even the number had to go into the corner of its own box
 */
export function layOut(faces, picture, before = new Map()) {
  const boxes = faces.map((face) => face.box);
  const kept = new Map();
  for (const face of faces) {
    const place = stay(face, picture, boxes, before.get(face.key), rects(kept));
    if (place) kept.set(face.key, place);
  }
  let best = fill(faces, picture, boxes, kept);
  let order = faces;
  for (let tries = 0; tries < TRIES && shorts(best) && best.size > 1; tries++) {
    const failed = ({ key }) => best.get(key).short;
    order = [...order.filter(failed), ...order.filter((face) => !failed(face))];
    const found = fill(order, picture, boxes, new Map());
    if (shorts(found) < shorts(best)) best = found;
  }
  return best;
}

/** Intersection of the insides of two rectangles. */
export function overlaps([ax0, ay0, ax1, ay1], [bx0, by0, bx1, by1]) {
  return ax0 < bx1 - 1e-6 && bx0 < ax1 - 1e-6 && ay0 < by1 - 1e-6 && by0 < ay1 - 1e-6;
}

function fill(faces, picture, boxes, kept) {
  const placed = new Map(kept);
  for (const face of faces) {
    if (!placed.has(face.key)) placed.set(face.key, place(face, picture, boxes, rects(placed)));
  }
  return placed;
}

function stay(face, picture, boxes, old, tags) {
  if (!old || old.inside) return null;
  const obstacles = [...boxes, ...tags];
  if (old.beside) {
    const rect = besides(face.box, face.full, picture)[old.beside];
    return isFree(rect, picture, obstacles, GAP) ? at(rect, { beside: old.beside }) : null;
  }
  const better = old.short
    ? place(face, picture, boxes, tags, GAP + SLACK)
    : beside(face, picture, obstacles, GAP + SLACK);
  if (better && !better.short) return better;
  const size = old.short ? face.short : face.full;
  const rect = [old.rect[0], old.rect[1], old.rect[0] + size[0], old.rect[1] + size[1]];
  const line = leader(rect, face.box);
  const strange = !old.short && (long(line) > reach(face.box) || crossed(line, face.box, obstacles));
  if (strange || !isFree(rect, picture, obstacles, GAP)) return null;
  return at(rect, { short: old.short, leader: line });
}

function place(face, picture, boxes, tags, gap = GAP) {
  const obstacles = [...boxes, ...tags];
  const find = (size, short, most) => anywhere(face, size, picture, obstacles, gap, short, most);
  return (
    beside(face, picture, obstacles, gap) ||
    find(face.full, false, reach(face.box)) ||
    find(face.short, true, Infinity) ||
    inside(face, picture)
  );
}

function beside(face, picture, obstacles, gap) {
  const others = obstacles.filter((each) => each !== face.box); // its own box is as near as it should be
  for (const [name, rect] of Object.entries(besides(face.box, face.full, picture))) {
    if (isFree(rect, picture, others, gap)) return at(rect, { beside: name });
  }
  return null;
}

/** The places at a box, the best first; along its sides they are pushed into the picture. */
function besides([x0, y0, x1, y1], [width, height], picture) {
  const into = (value, size, side) => Math.max(0, Math.min(value, side - size));
  const made = {};
  for (const [name, y] of [["above", y0 - GAP - height], ["below", y1 + GAP]]) {
    for (const [where, x] of [["left", x0], ["centre", (x0 + x1 - width) / 2], ["right", x1 - width]]) {
      const left = into(x, width, picture[0]);
      made[`${name} ${where}`] = [left, y, left + width, y + height];
    }
  }
  for (const [name, x] of [["right", x1 + GAP], ["left", x0 - GAP - width]]) {
    for (const [where, y] of [["top", y0], ["middle", (y0 + y1 - height) / 2], ["bottom", y1 - height]]) {
      const top = into(y, height, picture[1]);
      made[`${name} ${where}`] = [x, top, x + width, top + height];
    }
  }
  return made;
}

/** The free place nearest to a face, and no further than `most`: if there is any, there is one that touches obstacles or edges, left and above. */
function anywhere(face, [width, height], picture, obstacles, gap, short, most) {
  const [x0, y0] = face.box;
  const grown = gap + 1e-3; // what touches is free, whatever rounding does
  const xs = [0, picture[0] - width, x0, ...obstacles.flatMap((each) => [each[2] + grown, each[0] - grown - width])];
  const ys = [0, picture[1] - height, y0, ...obstacles.flatMap((each) => [each[3] + grown, each[1] - grown - height])];
  let best = null;
  let least = most;
  for (const x of xs) {
    for (const y of ys) {
      const rect = [x, y, x + width, y + height];
      const line = leader(rect, face.box);
      if (long(line) >= least || !isFree(rect, picture, obstacles, gap)) continue;
      const cost = long(line) + CROSSING * crossed(line, face.box, obstacles);
      if (cost < least) {
        least = cost;
        best = at(rect, { short, leader: line });
      }
    }
  }
  return best;
}

function inside(face, picture) {
  const x = Math.max(0, Math.min(face.box[0], picture[0] - face.short[0]));
  const y = Math.max(0, Math.min(face.box[1], picture[1] - face.short[1]));
  return at([x, y, x + face.short[0], y + face.short[1]], { short: true, inside: true });
}

function at(rect, { beside = null, short = false, inside = false, leader = null }) {
  return { rect, beside, short, inside, leader };
}

function isFree(rect, picture, obstacles, gap) {
  const [x0, y0, x1, y1] = rect;
  const within = x0 >= 0 && y0 >= 0 && x1 <= picture[0] + 1e-6 && y1 <= picture[1] + 1e-6;
  return within && !obstacles.some((each) => overlaps(rect, [each[0] - gap, each[1] - gap, each[2] + gap, each[3] + gap]));
}

/** The line from a tag to its box, between the points of each that are nearest to the other. */
function leader(tag, box) {
  const nearest = (low, high, a, b) => {
    if (high < a) return [high, a];
    if (low > b) return [low, b];
    const middle = (Math.max(low, a) + Math.min(high, b)) / 2;
    return [middle, middle];
  };
  const [x, toX] = nearest(tag[0], tag[2], box[0], box[2]);
  const [y, toY] = nearest(tag[1], tag[3], box[1], box[3]);
  return [[x, y], [toX, toY]];
}

function long([[x, y], [toX, toY]]) {
  return Math.hypot(toX - x, toY - y);
}

/** How far from its box words may stand, px. */
function reach([x0, y0, x1, y1]) {
  return REACH * Math.max(x1 - x0, y1 - y0);
}

/** How many obstacles a line to a box enters. */
function crossed(line, box, obstacles) {
  return obstacles.filter((each) => each !== box && crosses(line, each)).length;
}

/** Whether a line enters a rectangle (Liang and Barsky, 1984). */
function crosses([[x, y], [toX, toY]], [x0, y0, x1, y1]) {
  let [enter, leave] = [0, 1];
  for (const [way, room] of [[x - toX, x - x0], [toX - x, x1 - x], [y - toY, y - y0], [toY - y, y1 - y]]) {
    if (way === 0 && room < 0) return false;
    if (way < 0) enter = Math.max(enter, room / way);
    if (way > 0) leave = Math.min(leave, room / way);
  }
  return enter < leave;
}

function rects(placed) {
  return [...placed.values()].map((each) => each.rect);
}

function shorts(placed) {
  return [...placed.values()].filter((each) => each.short).length;
}
