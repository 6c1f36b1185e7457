// Faces followed from answer to answer, and what is shown of each.
//
// The service has smoothed its answers; here they are only kept from flickering. What is shown is never made up: a new
// word is shown once it has been the answer for HOLD_MS, and until then the old word with its own, present share. Doubt
// is shown at once and is gone once the answers have been sure for HOLD_MS. Numbers are read anew every REFRESH_MS.

const HOLD_MS = 400;
const REFRESH_MS = 250;
const GONE_MS = 1000; // see `Faces`
const SAME = 0.3; // overlap (intersection over union) from which two boxes are one face, as for the service
const LARGER = 1.3; // times as large is a face that takes the place of the largest

export class Faces {
  #gone;
  #known = [];
  #largest = null;

  /** @param {number} gone ms after which a face that is not seen has left: its number is free */
  constructor(gone = GONE_MS) {
    this.#gone = gone;
  }

  /** What is shown of the faces of an answer, at a time in ms: `number`, `box`, `label`, `share`, `uncertain`, `reasons`. */
  update(faces, now) {
    const before = this.#known.filter((each) => now - each.seen <= this.#gone);
    const present = faces.map((face) => {
      const same = match(face.box, before);
      if (same) before.splice(before.indexOf(same), 1);
      return same ? renewed(same, face, now) : { answer: face, seen: now };
    });
    const taken = new Set([...before, ...present].map((each) => each.number));
    for (const each of present.filter((one) => !one.number)) {
      Object.assign(each, { ...shown(each.answer, each.answer.label), number: free(taken), since: now, read: now });
      Object.assign(each, { rival: each.label, sure: each.uncertain ? Infinity : -Infinity });
      taken.add(each.number);
    }
    this.#known = [...before, ...present];
    this.#largest = largest(present, this.#largest);
    return present.sort((a, b) => a.number - b.number);
  }

  /** The largest face of the newest answer; it stays that until another is clearly larger. */
  get largest() {
    return this.#largest;
  }
}

function renewed(known, face, now) {
  const same = known.rival === face.label;
  const next = {
    ...known,
    answer: face,
    box: face.box,
    seen: now,
    rival: face.label,
    since: same ? known.since : now,
    sure: face.uncertain ? Infinity : Math.min(known.sure, now),
  };
  const word = now - next.since >= HOLD_MS || !(known.label in face.probabilities) ? face.label : known.label;
  const doubt = now - next.sure < HOLD_MS;
  if (word === known.label && doubt === known.uncertain && now - known.read < REFRESH_MS) return next;
  return { ...next, ...shown(face, word), uncertain: doubt, reasons: doubt ? reasons(face, known) : [], read: now };
}

function shown(face, label) {
  const { box, uncertain } = face;
  return { box, label, share: face.probabilities[label], uncertain, reasons: face.reasons };
}

function reasons(face, known) {
  return face.uncertain ? face.reasons : known.reasons;
}

function match(box, others) {
  let [best, most] = [null, SAME];
  for (const other of others) {
    const shared = overlap(box, other.box);
    if (shared >= most) [best, most] = [other, shared];
  }
  return best;
}

function overlap(a, b) {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const both = area(a) + area(b) - width * height;
  return both > 0 ? (width * height) / both : 0;
}

function area([x0, y0, x1, y1]) {
  return (x1 - x0) * (y1 - y0);
}

function largest(present, before) {
  const still = before && present.find((each) => each.number === before.number);
  const best = present.reduce((most, each) => (most && area(most.box) >= area(each.box) ? most : each), null);
  return still && area(best.box) < LARGER * area(still.box) ? still : best;
}

function free(taken) {
  let number = 1;
  while (taken.has(number)) number++;
  return number;
}
