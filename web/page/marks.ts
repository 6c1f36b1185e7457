/** Boxes and their names, drawn on a photo or on a moving picture as the service's pages draw them. */

import { type Marked, type Places, arrange, draw, mirrored, scaled } from '../../src/mien/service/static/tags.js';
import type { Reading } from '../src/prediction.js';
import { colour, told } from './texts.js';

const LETTERS = 16; // px, on a moving picture
const SHARE = 0.03; // of a photo's longer side, as which its letters are drawn
const LEAST = 12; // px
const FITTING = 0.25; // of a photo's shorter side, no larger than which they are: on a strip there is no more room

/** A face with the number of its card. */
export type Numbered = Pick<Reading, 'box' | 'label' | 'confidence' | 'uncertain'> & { readonly number: number };

/**
 * Draws the faces of a photo on a canvas of its shape: a face that is alone with its word, several with their numbers.
 *
 * @param scale how many times the canvas is larger than the photo.
 */
export function drawOn(canvas: HTMLCanvasElement, faces: readonly Numbered[], scale: number): void {
  const usual = Math.max(LEAST, Math.round(SHARE * Math.max(canvas.width, canvas.height)));
  const letters = Math.min(usual, FITTING * Math.min(canvas.width, canvas.height));
  const pen = canvas.getContext('2d')!;
  const named = faces.length > 1 ? marked(faces).map((face) => ({ ...face, words: face.number })) : marked(faces);
  const large = scaled(named, scale);
  draw(pen, large, arrange(pen, large, [canvas.width, canvas.height], letters), letters);
}

/** Draws faces over a moving picture, where their tags stay as long as they are in nobody's way. */
export class Overlay {
  readonly #canvas: HTMLCanvasElement;
  #places: Places = new Map();

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  clear(): void {
    this.#canvas.width = this.#canvas.height = 0;
  }

  /**
   * @param width of the picture in which the boxes are, px.
   * @param mirror whether it is shown in a mirror; names are not.
   */
  show(faces: readonly Numbered[], width: number, mirror: boolean): void {
    const { clientWidth: wide, clientHeight: high } = this.#canvas;
    const fine = Math.min(devicePixelRatio || 1, 2);
    this.#canvas.width = Math.round(wide * fine);
    this.#canvas.height = Math.round(high * fine);
    const pen = this.#canvas.getContext('2d')!;
    pen.scale(fine, fine);
    const placed = scaled(marked(faces), wide / width);
    const shown = mirror ? mirrored(placed, wide) : placed;
    this.#places = arrange(pen, shown, [wide, high], LETTERS, this.#places);
    draw(pen, shown, this.#places, LETTERS);
  }
}

function marked(faces: readonly Numbered[]): Marked[] {
  return faces.map((face) => {
    const number = String(face.number);
    const words = faces.length > 1 ? `${number} ${told(face)}` : told(face);
    return {
      key: face.number,
      box: face.box,
      words,
      number,
      line: words,
      fill: colour(face.label),
      dashed: face.uncertain,
    };
  });
}
