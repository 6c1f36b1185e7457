// A frame becomes a file of the person's own: made in the browser, sent nowhere.

import { arrange, draw, mirrored, scaled, write } from "./marks.js";
import { told } from "./texts.js";

const LEAST_SIDE = 640; // px, the longer side: a smaller frame is enlarged, so that tags can be read
const LINE = 1.6; // of the letters' size

/**
 * Save a frame.
 * @param {Blob} frame as it was sent, and therefore the very one that `faces` were read in
 * @param {object[]} faces as `Faces` told them, boxes in px of the frame
 * @param {{marked: boolean, mirror: boolean, type: string}} how `type` is image/jpeg or image/png
 */
export async function save(frame, faces, how) {
  const image = await createImageBitmap(frame);
  const scale = Math.max(1, LEAST_SIDE / Math.max(image.width, image.height));
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  const [canvas, size] = [document.createElement("canvas"), Math.max(15, 0.024 * Math.max(width, height))];
  const pen = canvas.getContext("2d");
  const marked = how.marked ? scaled(faces, scale) : [];
  const shown = how.mirror ? mirrored(marked, width) : marked;
  const places = arrange(pen, shown, [width, height], size, new Map());
  const unsaid = shown.filter((face) => places.get(face.number).short);
  [canvas.width, canvas.height] = [width, height + (unsaid.length ? (unsaid.length + 0.5) * LINE * size : 0)];
  paint(pen, image, how.mirror, width, height);
  draw(pen, shown, places, size);
  list(pen, unsaid, width, height, size);
  const blob = await new Promise((done) => canvas.toBlob(done, how.type, 0.92));
  offer(blob, `mien-${stamp(new Date())}.${how.type === "image/png" ? "png" : "jpg"}`);
}

/** A time as part of a file's name: `2026-11-28-12-05-33`. */
export function stamp(time) {
  const parts = [time.getMonth() + 1, time.getDate(), time.getHours(), time.getMinutes(), time.getSeconds()];
  return [time.getFullYear(), ...parts.map((part) => String(part).padStart(2, "0"))].join("-");
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

/** The words of tags that had room for their number alone, below the picture. */
function list(pen, faces, width, height, size) {
  pen.fillStyle = "#fff";
  pen.fillRect(0, height, width, pen.canvas.height - height);
  pen.fillStyle = "#000";
  write(pen, size);
  faces.forEach((face, row) => pen.fillText(`${face.number}: ${told(face)}`, size / 2, height + (row + 0.75) * LINE * size));
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may still be asking where to put it
}
