/**
 * Pixels, resampled as Pillow 12 does: the same integers, so that a face's crop is the same as in Python.
 *
 * Reducing, resizing and the affine transform follow Pillow's documented filters: box, triangle, cubic with a = -0.5 where
 * an image is resized and a = -1 where it is transformed. A canvas's own scaling differs by 2 to 5 levels.
 */

/** An image: rows of pixels, of 1 byte each (gray) or of 4 (RGB and a byte that means nothing). */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** x0, y0, x1, y1 in px. */
export type Box = readonly [number, number, number, number];

export type Filter = 'bilinear' | 'bicubic';

const BITS = 22; // of the fraction of a weight
const HALF = 1 << (BITS - 1);
const SUPPORT = { bilinear: 1, bicubic: 2 };

export function blank(width: number, height: number, channels: 1 | 4): Image & { data: Uint8Array } {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

/** As ITU-R 601 has it. */
export function gray(image: Image): Image {
  if (image.channels === 1) return image;
  const made = blank(image.width, image.height, 1);
  const { data } = image;
  for (let at = 0, from = 0; at < made.data.length; at++, from += 4) {
    made.data[at] = (data[from]! * 19595 + data[from + 1]! * 38470 + data[from + 2]! * 7471 + 0x8000) >> 16;
  }
  return made;
}

/** The means of blocks of pixels, `across` x `down` each; those at the right and at the lower edge may be smaller. */
export function reduce(
  image: Image,
  across: number,
  down: number,
  box: Box = [0, 0, image.width, image.height],
): Image {
  const [x0, y0, x1, y1] = box;
  const { channels, data } = image;
  const made = blank(Math.ceil((x1 - x0) / across), Math.ceil((y1 - y0) / down), channels);
  const stride = image.width * channels;
  const bands = channels === 1 ? 1 : 3;
  for (let y = 0, at = 0; y < made.height; y++) {
    const top = y0 + y * down;
    const rows = Math.min(down, y1 - top);
    for (let x = 0; x < made.width; x++, at += channels) {
      const left = x0 + x * across;
      const columns = Math.min(across, x1 - left);
      const count = rows * columns;
      const share = Math.floor(2 ** 24 / count);
      const half = count >> 1;
      for (let band = 0; band < bands; band++) {
        let sum = half;
        for (let row = 0; row < rows; row++) {
          let from = (top + row) * stride + left * channels + band;
          for (let column = 0; column < columns; column++, from += channels) sum += data[from]!;
        }
        made.data[at + band] = (sum * share) >>> 24;
      }
    }
  }
  return made;
}

/**
 * A part of an image in another size.
 *
 * @param gap how many times as large as the result what the filter sees is at least: what is larger is reduced before.
 */
export function resize(
  image: Image,
  width: number,
  height: number,
  filter: Filter,
  box: Box = [0, 0, image.width, image.height],
  gap = Infinity,
): Image {
  const across = Math.floor((box[2] - box[0]) / width / gap) || 1;
  const down = Math.floor((box[3] - box[1]) / height / gap) || 1;
  if (across === 1 && down === 1) return resampled(image, width, height, filter, box);
  const reach = SUPPORT[filter] - 0.5;
  const aside = (reach * (box[2] - box[0])) / width;
  const above = (reach * (box[3] - box[1])) / height;
  const safe: Box = [
    Math.max(0, Math.trunc(box[0] - aside)),
    Math.max(0, Math.trunc(box[1] - above)),
    Math.min(image.width, Math.ceil(box[2] + aside)),
    Math.min(image.height, Math.ceil(box[3] + above)),
  ];
  const part: Box = [
    (box[0] - safe[0]) / across,
    (box[1] - safe[1]) / down,
    (box[2] - safe[0]) / across,
    (box[3] - safe[1]) / down,
  ];
  return resampled(reduce(image, across, down, safe), width, height, filter, part);
}

interface Weights {
  /** Of each pixel of the result: the first of the image's pixels, and how many there are. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `most` for each pixel of the result, fractions of `BITS` bits. */
  readonly values: Int32Array;
  readonly most: number;
}

function weights(length: number, from: number, to: number, size: number, filter: Filter): Weights {
  const low = Math.fround(from); // as Pillow takes a box
  const scale = Math.fround(Math.fround(to) - low) / size;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT[filter] * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(size);
  const count = new Int32Array(size);
  const values = new Int32Array(size * most);
  const shape = filter === 'bilinear' ? triangle : cubic;
  const each = new Float64Array(most);
  for (let at = 0; at < size; at++) {
    const centre = low + (at + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const number = Math.min(Math.trunc(centre + support + 0.5), length) - start;
    let total = 0;
    for (let pixel = 0; pixel < number; pixel++) {
      each[pixel] = shape((pixel + start - centre + 0.5) * (1 / stretch));
      total += each[pixel]!;
    }
    first[at] = start;
    count[at] = number;
    for (let pixel = 0; pixel < number; pixel++) {
      const weight = (total === 0 ? each[pixel]! : each[pixel]! / total) * 2 ** BITS;
      values[at * most + pixel] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return { first, count, values, most };
}

function triangle(x: number): number {
  const far = Math.abs(x);
  return far < 1 ? 1 - far : 0;
}

function cubic(x: number): number {
  const far = Math.abs(x);
  const a = -0.5;
  if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
  return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
}

function resampled(image: Image, width: number, height: number, filter: Filter, box: Box): Image {
  const [x0, y0, x1, y1] = box;
  let made = image;
  let top = 0;
  const rows = weights(image.height, y0, y1, height, filter);
  const downwards = height !== image.height || y0 !== 0 || y1 !== height;
  if (width !== image.width || x0 !== 0 || x1 !== width) {
    top = downwards ? rows.first[0]! : 0;
    const end = downwards ? rows.first[height - 1]! + rows.count[height - 1]! : image.height;
    made = across(image, weights(image.width, x0, x1, width, filter), width, top, end);
  }
  return downwards ? down(made, rows, height, top) : made;
}

function across(image: Image, { first, count, values, most }: Weights, width: number, top: number, end: number): Image {
  const { channels, data } = image;
  const made = blank(width, end - top, channels);
  const bands = channels === 1 ? 1 : 3;
  for (let y = top, at = 0; y < end; y++) {
    const row = y * image.width * channels;
    for (let x = 0; x < width; x++, at += channels) {
      const start = row + first[x]! * channels;
      const number = count[x]!;
      for (let band = 0; band < bands; band++) {
        let sum = HALF;
        for (let each = 0, from = start + band; each < number; each++, from += channels) {
          sum += data[from]! * values[x * most + each]!;
        }
        made.data[at + band] = level(sum);
      }
    }
  }
  return made;
}

function down(image: Image, { first, count, values, most }: Weights, height: number, top: number): Image {
  const { channels, data } = image;
  const stride = image.width * channels;
  const made = blank(image.width, height, channels);
  for (let y = 0, at = 0; y < height; y++) {
    const start = (first[y]! - top) * stride;
    const number = count[y]!;
    for (let x = 0; x < stride; x++, at++) {
      let sum = HALF;
      for (let each = 0, from = start + x; each < number; each++, from += stride) {
        sum += data[from]! * values[y * most + each]!;
      }
      made.data[at] = level(sum);
    }
  }
  return made;
}

function level(sum: number): number {
  const value = sum >> BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/**
 * A square of an image, by the cubic filter; beyond the image's edge it is black.
 *
 * @param matrix a, b, c, d, e, f: the pixel at x, y has its middle at a x + b y + c, d x + e y + f, from the middles of both.
 */
export function transform(image: Image, size: number, matrix: readonly number[]): Image {
  const [a, b, c, d, e, f] = matrix as [number, number, number, number, number, number];
  const { channels } = image;
  const made = blank(size, size, channels);
  const bands = channels === 1 ? 1 : 3;
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++, at += channels) {
      const x = a * (column + 0.5) + b * (row + 0.5) + c;
      const y = d * (column + 0.5) + e * (row + 0.5) + f;
      if (x < 0 || y < 0 || x >= image.width || y >= image.height) continue;
      for (let band = 0; band < bands; band++) made.data[at + band] = between(image, x - 0.5, y - 0.5, band);
    }
  }
  return made;
}

function between({ width, height, channels, data }: Image, x: number, y: number, band: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const dx = x - left;
  const columns = [0, 0, 0, 0];
  for (let each = 0; each < 4; each++) {
    columns[each] = Math.min(Math.max(left - 1 + each, 0), width - 1) * channels + band;
  }
  const [x0, x1, x2, x3] = columns as [number, number, number, number];
  const lines = [0, 0, 0, 0];
  for (let each = 0; each < 4; each++) {
    const row = Math.min(Math.max(top - 1 + each, 0), height - 1) * width * channels;
    lines[each] = spline(data[row + x0]!, data[row + x1]!, data[row + x2]!, data[row + x3]!, dx);
  }
  const value = spline(lines[0]!, lines[1]!, lines[2]!, lines[3]!, y - top);
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}

function spline(a: number, b: number, c: number, d: number, t: number): number {
  return b + t * (c - a + t * (2 * (a - b) + c - d + t * (b - a - c + d)));
}

/** Crops as networks take them: (n, channels, size, size). */
export function planes(crops: readonly Image[], channels: 1 | 3): Uint8Array {
  const area = crops[0]!.width * crops[0]!.height;
  const made = new Uint8Array(crops.length * channels * area);
  crops.forEach(({ data, channels: step }, number) => {
    for (let band = 0; band < channels; band++) {
      const start = (number * channels + band) * area;
      for (let at = 0; at < area; at++) made[start + at] = data[at * step + band]!;
    }
  });
  return made;
}
