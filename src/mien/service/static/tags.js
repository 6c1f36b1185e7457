// Boxes and tags of faces, drawn on a moving picture and on those that are saved, of every page alike.
//
// A box is solid, or dashed where the expression is uncertain, in the expression's colour between two lines of its ink,
// so that one of the two stands out from whatever lies beneath; a tag is filled with the colour and edged with the ink.
// A tag covers no face and no other tag as long as there is room. Where its words find none it holds the face's number,
// and a picture that is saved has the words below it; where the number finds none, it lies in its face's corner.
//
// A face here is { key, box, words, number, line, fill, dashed }: `box` in px of the picture, `words` for a tag, `number`
// for one without room, `line` for the list below, `fill` as #rrggbb.

import { layOut } from "./layout.js";

const LINE = 3; // px, of a box's colour
const EDGE = 2; // px, of the ink on either side
const LEAST_SIDE = 640; // px, the longer side of a saved picture: a smaller one is enlarged, so that tags can be read
const LEAST_LETTERS = 15; // px, on a saved picture
const SPACED = 1.6; // lines of the list, of the letters' size

/**
 * Where the tags of faces go.
 * @param {CanvasRenderingContext2D} pen whose units are px of the picture
 * @param {object[]} faces
 * @param {number[]} picture width and height
 * @param {number} size of the letters, px
 * @param {Map} before where they were; see `layOut`
 */
export function arrange(pen, faces, picture, size, before = new Map()) {
  write(pen, size);
  const sized = (text) => [Math.ceil(pen.measureText(text).width + size), Math.round(1.6 * size)];
  const tagged = faces.map(({ key, box, words, number }) => ({ key, box, full: sized(words), short: sized(number) }));
  return layOut(tagged, picture, before);
}

/** Draw faces with their tags where `arrange` put them. */
export function draw(pen, faces, places, size) {
  for (const face of faces) box(pen, face);
  for (const face of faces) line(pen, places.get(face.key).leader, face.fill);
  write(pen, size);
  for (const face of faces) {
    const { rect, short } = places.get(face.key);
    plate(pen, rect, short ? face.number : face.words, face.fill, size);
  }
}

/**
 * A picture with its faces marked, on a canvas of its own.
 * @param {CanvasImageSource} image
 * @param {number[]} sides its width and height
 * @param {object[]} faces boxes in px of it
 * @param {boolean} mirror whether it is shown as in a mirror; words are not
 */
export function marked(image, sides, faces, mirror = false) {
  const scale = Math.max(1, LEAST_SIDE / Math.max(...sides));
  const [width, height] = sides.map((side) => Math.round(side * scale));
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const large = scaled(faces, scale);
  const shown = mirror ? mirrored(large, width) : large;
  const size = letters(shown, Math.max(width, height));
  const places = arrange(pen, shown, [width, height], size);
  const below = listed(pen, shown.filter((face) => places.get(face.key).short), width, size);
  [canvas.width, canvas.height] = [width, height + below.height];
  paint(pen, image, mirror, width, height);
  draw(pen, shown, places, size);
  list(pen, below, height, size);
  return canvas;
}

/** Boxes as they stand in a mirror `width` px wide. */
export function mirrored(faces, width) {
  return faces.map((face) => ({ ...face, box: [width - face.box[2], face.box[1], width - face.box[0], face.box[3]] }));
}

/** Boxes in a picture that is `scale` times as large. */
export function scaled(faces, scale) {
  return faces.map((face) => ({ ...face, box: face.box.map((edge) => edge * scale) }));
}

/** Letters of a size in px, written from the middle of their height. */
export function write(pen, size) {
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
}

/** Black or white, whichever is read more easily on a colour (WCAG 2). */
export function ink(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((start) => parseInt(hex.slice(start, start + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** The size of letters on a saved picture, px: a fifth of the usual face, as far as it suits the picture. */
function letters(faces, longer) {
  const sides = faces.map(({ box: [x0, y0, x1, y1] }) => Math.min(x1 - x0, y1 - y0)).sort((a, b) => a - b);
  const usual = sides[Math.floor(sides.length / 2)] || 0;
  return Math.max(LEAST_LETTERS, 0.012 * longer, Math.min(0.2 * usual, 0.024 * longer));
}

function box(pen, { box: [x0, y0, x1, y1], fill, dashed }) {
  pen.setLineDash(dashed ? [10, 8] : []);
  for (const [width, style] of [[LINE + 2 * EDGE, ink(fill)], [LINE, fill]]) {
    pen.lineWidth = width;
    pen.strokeStyle = style;
    pen.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  pen.setLineDash([]);
}

function line(pen, leader, fill) {
  if (!leader) return;
  for (const [width, style] of [[LINE + EDGE, ink(fill)], [LINE - 1, fill]]) {
    pen.lineWidth = width;
    pen.strokeStyle = style;
    pen.beginPath();
    pen.moveTo(...leader[0]);
    pen.lineTo(...leader[1]);
    pen.stroke();
  }
}

function plate(pen, [x0, y0, x1, y1], text, fill, size) {
  pen.fillStyle = ink(fill);
  pen.fillRect(x0, y0, x1 - x0, y1 - y0);
  pen.fillStyle = fill;
  pen.fillRect(x0 + 1, y0 + 1, x1 - x0 - 2, y1 - y0 - 2);
  pen.fillStyle = ink(fill);
  pen.fillText(text, x0 + size / 2, (y0 + y1) / 2 + 1);
}

function paint(pen, image, mirror, width, height) {
  pen.save();
  if (mirror) {
    pen.translate(width, 0);
    pen.scale(-1, 1);
  }
  pen.drawImage(image, 0, 0, width, height);
  pen.restore();
}

/** The words of tags that had room for their number alone: in as many columns as there is room for. */
function listed(pen, faces, width, size) {
  write(pen, size);
  const lines = faces.map((face) => face.line);
  const wide = size + Math.max(0, ...lines.map((text) => pen.measureText(text).width));
  const columns = Math.max(1, Math.floor(width / wide));
  const rows = Math.ceil(lines.length / columns);
  return { lines, wide, rows, height: rows ? Math.ceil((rows + 0.5) * SPACED * size) : 0 };
}

function list(pen, { lines, wide, rows, height }, top, size) {
  pen.fillStyle = "#fff";
  pen.fillRect(0, top, pen.canvas.width, height);
  pen.fillStyle = "#000";
  write(pen, size);
  lines.forEach((text, at) => {
    const [column, row] = [Math.floor(at / rows), at % rows];
    pen.fillText(text, size / 2 + column * wide, top + (row + 0.75) * SPACED * size);
  });
}
