// A frame becomes a file of the person's own: made in the browser, sent nowhere.

import { marked } from "../tags.js";
import { tagged } from "./marks.js";

/**
 * Save a frame.
 * @param {Blob} frame as it was sent, and therefore the very one that `faces` were read in
 * @param {object[]} faces as `Faces` told them, boxes in px of the frame
 * @param {{marked: boolean, mirror: boolean, type: string}} how `type` is image/jpeg or image/png
 */
export async function save(frame, faces, how) {
  const image = await createImageBitmap(frame);
  const canvas = marked(image, [image.width, image.height], how.marked ? tagged(faces) : [], how.mirror);
  const blob = await new Promise((done) => canvas.toBlob(done, how.type, 0.92));
  offer(blob, `mien-${stamp(new Date())}.${how.type === "image/png" ? "png" : "jpg"}`);
}

/** A time as part of a file's name: `2026-11-28-12-05-33`. */
export function stamp(time) {
  const parts = [time.getMonth() + 1, time.getDate(), time.getHours(), time.getMinutes(), time.getSeconds()];
  return [time.getFullYear(), ...parts.map((part) => String(part).padStart(2, "0"))].join("-");
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // a browser may still be asking where to put it
}
