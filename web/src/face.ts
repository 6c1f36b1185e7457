/** Faces: where one is in an image, and the crop that the network sees. Coordinates are px in the upright image. */

import { FRAMING } from './constants.js';
import { type Box, type Image, blank, gray, reduce, resize, transform } from './pixels.js';

export type Point = readonly [number, number];

/** A face, as `mien.face.Face` has it. */
export interface Face {
  /** x0, y0, x1, y1; may reach past the image's edges. */
  readonly box: Box;
  /** Left eye, right eye, nose, mouth, left ear, right ear, as the image has left and right; or none. */
  readonly landmarks: readonly Point[];
  /** The detector's confidence that this is a face, 0..1. */
  readonly score: number;
}

/** The part of an image that becomes a crop: a square, turned clockwise by `roll` degrees. */
interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly roll: number;
}

/** An image that is itself a face crop, as a face. */
export function wholeFace(width: number, height: number): Face {
  return { box: [0, 0, width, height], landmarks: [], score: 1 };
}

/** The face's crop, level and framed as FER2013 frames faces; beyond the image's edge the edge is repeated. */
export function cropFace(image: Image, face: Face, size: number, coloured: boolean): Image {
  const square = framing(face);
  const step = Math.max(1, Math.trunc(square.side / (2 * size)));
  const [region, left, top] = surroundings(image, square, step, coloured);
  const scale = square.side / step / size;
  const over = Math.max(1, rint(scale));
  const turned = radians(square.roll);
  const cos = (Math.cos(turned) * scale) / over;
  const sin = (Math.sin(turned) * scale) / over;
  const x = (square.x - left) / step;
  const y = (square.y - top) / step;
  const half = (size * over) / 2;
  const matrix = [cos, -sin, x - half * (cos - sin), sin, cos, y - half * (sin + cos)];
  return reduce(transform(region, size * over, matrix), over, over);
}

/** An image that is itself a face crop, as the crop: its own pixels where it has that size already. */
export function wholeCrop(image: Image, size: number, coloured: boolean): Image {
  const whole = coloured ? image : gray(image);
  return whole.width === size && whole.height === size ? whole : resize(whole, size, size, 'bicubic', undefined, 3);
}

/** Intersection over union of two boxes: the first four numbers of each. */
export function overlap(one: readonly number[], other: readonly number[]): number {
  const across = Math.min(one[2]!, other[2]!) - Math.max(one[0]!, other[0]!);
  const down = Math.min(one[3]!, other[3]!) - Math.max(one[1]!, other[1]!);
  const shared = Math.max(across, 0) * Math.max(down, 0);
  return shared / (area(one) + area(other) - shared);
}

/** How far the head is turned aside: 0 frontal to 1 profile; 0 without landmarks. */
export function turnOf(face: Face): number {
  if (!face.landmarks.length) return 0;
  const roll = radians(rollOf(face));
  const along = face.landmarks.map(([x, y]) => x * Math.cos(roll) + y * Math.sin(roll));
  const [nose, left, right] = [along[2]!, along[4]!, along[5]!];
  const half = Math.max((right - left) / 2, 1e-6);
  return Math.min(Math.abs(nose - (left + right) / 2) / half, 1);
}

/** Fine detail in a crop, relative to its contrast, judged at 48 px. */
export function sharpness(crop: Image): number {
  const { width, height, data } = smallGray(crop, Math.min(crop.width, 48));
  const edges: number[] = [];
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * width + 1; at < (y + 1) * width - 1; at++) {
      edges.push(4 * data[at]! - data[at - width]! - data[at + width]! - data[at - 1]! - data[at + 1]!);
    }
  }
  return deviation(edges) / Math.max(deviation([...data]), 1);
}

/** A crop in gray, of another size if need be. */
export function smallGray(crop: Image, side: number): Image {
  const image = gray(crop);
  return image.width === side ? image : resize(image, side, side, 'bicubic', undefined, 3);
}

/** To the nearest whole number, and of two to the even one, as Python and NumPy round. */
export function rint(value: number): number {
  const low = Math.floor(value);
  const over = value - low;
  if (over !== 0.5) return over < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

function framing(face: Face): Square {
  const roll = rollOf(face);
  let [x, y, side, lift] = [0, 0, 0, 0];
  if (face.landmarks.length) {
    x = mean(face.landmarks.map((point) => point[0]));
    y = mean(face.landmarks.map((point) => point[1]));
    side = FRAMING.sideByLandmarks * Math.sqrt(mean(face.landmarks.map(([px, py]) => (px - x) ** 2 + (py - y) ** 2)));
    lift = FRAMING.liftByLandmarks * side;
  } else {
    const [x0, y0, x1, y1] = face.box;
    [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    side = FRAMING.sideByBox * Math.sqrt((x1 - x0) * (y1 - y0));
    lift = FRAMING.liftByBox * side;
  }
  const turned = radians(roll);
  return { x: x + lift * Math.sin(turned), y: y - lift * Math.cos(turned), side: Math.max(side, 1), roll };
}

/** How far the head leans: degrees clockwise in the image; 0 without landmarks. */
function rollOf(face: Face): number {
  if (!face.landmarks.length) return 0;
  const [[lx, ly], [rx, ry], , [mx, my]] = face.landmarks as [Point, Point, Point, Point];
  const across = mx - (lx + rx) / 2;
  const down = my - (ly + ry) / 2;
  return (Math.atan2(ry - ly - across, rx - lx + down) * 180) / Math.PI;
}

/** The upright surroundings of a square, reduced by `step`, the image's edge repeated; and their corner. */
function surroundings(image: Image, square: Square, step: number, coloured: boolean): [Image, number, number] {
  const reach = square.side * Math.sqrt(0.5) + 2 * step;
  const [columns, x0, x1, left] = span(square.x, reach, step, image.width);
  const [rows, y0, y1, top] = span(square.y, reach, step, image.height);
  const reduced = reduce(image, step, step, [x0, y0, x1, y1]);
  const region = coloured ? reduced : gray(reduced);
  const { channels } = region;
  const made = blank(columns.length, rows.length, channels);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * region.width + column) * channels;
      for (let band = 0; band < channels; band++) made.data[at++] = region.data[from + band]!;
    }
  }
  return [made, left, top];
}

/** Along one axis: which reduced pixels are taken, from which px to which they come, and where the first is. */
function span(centre: number, reach: number, step: number, length: number): [number[], number, number, number] {
  const low = Math.floor(centre - reach);
  const high = Math.ceil(centre + reach);
  const start = Math.min(Math.max(low, 0), length - 1);
  const stop = Math.min(Math.max(high, start + 1), length);
  const first = Math.floor((low - start) / step);
  const last = Math.ceil((high - start) / step);
  const most = Math.ceil((stop - start) / step) - 1;
  const taken = Array.from({ length: last - first }, (_, at) => Math.min(Math.max(first + at, 0), most));
  return [taken, start, stop, start + first * step];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function area(box: readonly number[]): number {
  return (box[2]! - box[0]!) * (box[3]! - box[1]!);
}
