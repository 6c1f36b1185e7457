/** Views: which squares of an image the detector looks at, and what a network sees of one. */

import { VIEWS } from './constants.js';
import { rint } from './face.js';
import { type Image, resize } from './pixels.js';

/** A square of the image that one look sees, in px; it may reach past the image's edges. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** How a network is shown a window, see `mien.views.View`. */
export interface View {
  readonly px: number;
  readonly step: number;
  readonly gap: number;
  readonly over: boolean;
}

/** What a network sees: RGB, black outside the image; view = image * scale + offset, for x and for y. */
export interface Seen {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly scale: readonly [number, number];
  readonly offset: readonly [number, number];
}

export function viewOf(image: Image, window: Window, view: View): Seen {
  const x = along(window.x, window.side, image.width, view);
  const y = along(window.y, window.side, image.height, view);
  const part = resize(image, x.size, y.size, 'bilinear', [x.low, y.low, x.high, y.high], view.gap);
  const pixels = new Uint8Array(x.whole * y.whole * 3);
  for (let row = 0, from = 0; row < y.size; row++) {
    let to = ((row + y.start) * x.whole + x.start) * 3;
    for (let column = 0; column < x.size; column++, from += 4, to += 3) {
      pixels[to] = part.data[from]!;
      pixels[to + 1] = part.data[from + 1]!;
      pixels[to + 2] = part.data[from + 2]!;
    }
  }
  const seen: Seen = {
    width: x.whole,
    height: y.whole,
    pixels,
    scale: [x.scale, y.scale],
    offset: [x.offset, y.offset],
  };
  return view.over ? overturned(seen) : seen;
}

/** The squares that an image is looked at in, and what the short-range network sees of it: they have a border. */
export function squaresOf(width: number, height: number): [Window[], Window[]] {
  const length = Math.max(width, height);
  const short = Math.min(width, height);
  if (length <= VIEWS.long * short) {
    const whole = { x: (width - length) / 2, y: (height - length) / 2, side: length };
    return [[whole], [grown(whole)]];
  }
  const count = Math.min(Math.ceil(length / short), VIEWS.mostSquares);
  const side = Math.max(short, length / count);
  const across = (short - side) / 2;
  const bordered = Array.from({ length: count }, (_, number) => {
    const start = (number * (length - side)) / (count - 1);
    return grown(width > height ? { x: start, y: across, side } : { x: across, y: start, side });
  });
  return [bordered, bordered];
}

/** Four windows, one in each corner, that overlap a little. */
export function quartersOf(window: Window): Window[] {
  const side = window.side * VIEWS.quarter;
  const ends = [0, window.side - side];
  return ends.flatMap((y) => ends.map((x) => ({ x: window.x + x, y: window.y + y, side })));
}

function grown({ x, y, side }: Window): Window {
  return { x: x - VIEWS.border * side, y: y - VIEWS.border * side, side: side * (1 + 2 * VIEWS.border) };
}

/** Along one axis: from which px to which it is shown, where and how large in the view, and the view's own size. */
function along(from: number, side: number, length: number, { px, step }: View) {
  const low = Math.max(from, 0);
  const high = Math.min(from + side, length);
  const begin = Math.min(rint(((low - from) * px) / side), px - 1);
  const size = Math.min(Math.max(rint(((high - low) * px) / side), 1), px - begin);
  const whole = Math.ceil(size / step) * step;
  const start = Math.min(begin, whole - size);
  const scale = size / (high - low);
  return { low, high, size, whole, start, scale, offset: start - low * scale };
}

function overturned({ width, height, pixels, scale, offset }: Seen): Seen {
  const turned = new Uint8Array(pixels.length);
  for (let from = 0, to = pixels.length - 3; to >= 0; from += 3, to -= 3) {
    turned.set(pixels.subarray(from, from + 3), to);
  }
  return {
    width,
    height,
    pixels: turned,
    scale: [-scale[0], -scale[1]],
    offset: [width - offset[0], height - offset[1]],
  };
}
