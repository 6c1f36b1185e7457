// The faces of the camera as `tags.js` draws them.

import { colour, told } from "./texts.js";

/** Faces as `Faces` tells them, with the words, the number and the colour of their tags. */
export function tagged(faces) {
  return faces.map((face) => ({
    key: face.number,
    box: face.box,
    words: faces.length > 1 ? `${face.number} ${told(face)}` : told(face),
    number: String(face.number),
    line: `${face.number}: ${told(face)}`,
    fill: colour(face.label),
    dashed: face.uncertain,
  }));
}
