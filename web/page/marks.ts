/** Boxes and their names, drawn on a photo or on a moving picture. A box is dashed where the expression is uncertain. */

import type { Reading } from '../src/prediction.js';
import { colour, ink } from './texts.js';

/**
 * Draws faces on a canvas that has the size of their picture.
 *
 * @param name what stands at a face's box.
 * @param mirrored whether the picture is shown in a mirror, `width` px wide; names are not.
 */
export function draw(
  pen: CanvasRenderingContext2D,
  faces: readonly Reading[],
  name: (face: Reading, at: number) => string,
  mirrored = false,
): void {
  const { width, height } = pen.canvas;
  const letters = Math.max(12, Math.round(0.03 * Math.max(width, height)));
  pen.font = `600 ${letters}px system-ui, sans-serif`;
  pen.textBaseline = 'middle';
  for (const [at, face] of faces.entries()) {
    const [x0, y0, x1, y1] = face.box as [number, number, number, number];
    const left = mirrored ? width - x1 : x0;
    pen.setLineDash(face.uncertain ? [letters / 2, letters / 2] : []);
    for (const [style, thick] of [
      [ink(face.label), letters / 4],
      [colour(face.label), letters / 8],
    ] as const) {
      pen.strokeStyle = style;
      pen.lineWidth = thick;
      pen.strokeRect(left, y0, x1 - x0, y1 - y0);
    }
    const words = name(face, at);
    const wide = pen.measureText(words).width + letters;
    const tall = 1.5 * letters;
    const x = Math.max(0, Math.min(left, width - wide));
    const y = y0 >= tall ? y0 - tall : Math.min(y1, height - tall);
    pen.fillStyle = colour(face.label);
    pen.fillRect(x, y, wide, tall);
    pen.fillStyle = ink(face.label);
    pen.fillText(words, x + letters / 2, y + tall / 2);
  }
}
