// Boxes and tags, drawn on the moving picture and on a saved one alike.
//
// A box is solid, or dashed where the expression is uncertain, in the expression's colour between two lines of its ink,
// so that one of the two stands out from whatever lies beneath; a tag is filled with the colour and edged with the ink.

import { layOut } from "./layout.js";
import { colour, told } from "./texts.js";

const LINE = 3; // px, of a box's colour
const EDGE = 2; // px, of the ink on either side

/**
 * Where the tags of faces go.
 * @param {CanvasRenderingContext2D} pen whose units are px of the picture
 * @param {object[]} faces as `Faces` tells them, boxes in px of the picture
 * @param {number[]} picture width and height
 * @param {number} size of the letters, px
 * @param {Map} before where they were; see `layOut`
 */
export function arrange(pen, faces, picture, size, before) {
  write(pen, size);
  const sized = (text) => [Math.ceil(pen.measureText(text).width + size), Math.round(1.6 * size)];
  const tagged = faces.map((face) => ({
    key: face.number,
    box: face.box,
    full: sized(tag(face, faces.length)),
    short: sized(String(face.number)),
  }));
  return layOut(tagged, picture, before);
}

/** Draw faces with their tags where `arrange` put them. */
export function draw(pen, faces, places, size) {
  for (const face of faces) box(pen, face);
  for (const face of faces) line(pen, places.get(face.number).leader, colour(face.label));
  write(pen, size);
  for (const face of faces) {
    const { rect, short } = places.get(face.number);
    plate(pen, rect, short ? String(face.number) : tag(face, faces.length), colour(face.label), size);
  }
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

function tag(face, count) {
  return count > 1 ? `${face.number} ${told(face)}` : told(face);
}

function box(pen, face) {
  const [x0, y0, x1, y1] = face.box;
  const fill = colour(face.label);
  pen.setLineDash(face.uncertain ? [10, 8] : []);
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
