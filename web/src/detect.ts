/** Finding faces: BlazeFace, by the rule that `mien/detect.py` states and docs/detector.md measures. */

import { DETECTOR, LOOKS } from './constants.js';
import { type Face, type Point, overlap } from './face.js';
import type { Image } from './pixels.js';
import { type View, type Window, quartersOf, squaresOf, viewOf } from './views.js';

/** Runs a network: pixels (1, height, width, 3) in, `[raw (n, 16), logits (n)]` out. */
export type Run = (pixels: Uint8Array, height: number, width: number) => Promise<[Float32Array, Float32Array]>;

/** Box, six landmarks (px, x and y in turn), score: 17 numbers. */
type Row = readonly number[];

/** Sides of cells in px of the input, and how many rows of the output each cell has. */
type Cells = readonly (readonly [number, number])[];

const { whole: WHOLE, square: SQUARE, short: SHORT, glance: GLANCE, closeUp: CLOSE_UP } = LOOKS;
const { large, small, leastPx, perhaps, hint, most, close, plain, tiny, unsure, surer, doubtful, inverted } = DETECTOR;

export class BlazeFace {
  readonly #full: Network;
  readonly #short: Network;
  readonly #least: number;

  constructor(full: Run, short: Run, minScore: number = DETECTOR.minScore) {
    this.#full = new Network(full, DETECTOR.fullCells);
    this.#short = new Network(short, DETECTOR.shortCells);
    this.#least = minScore;
  }

  /** The faces in an image, the largest first. */
  async search(image: Image): Promise<Face[]> {
    const [squares, bordered] = squaresOf(image.width, image.height);
    const whole = squares.length === 1 ? WHOLE : SQUARE;
    const { side } = squares[0]!;
    const seen: Row[][] = [];
    for (const each of squares) seen.push(await this.#full.seen(image, each, whole, Math.min(hint, this.#least)));
    const found = seen.map((each) => blended(each.filter((row) => row[16]! >= this.#least)));
    let rows = wholeOf(found, image, squares);
    let alone = !rows.length;
    if (alone || Math.max(...rows.map(sideOf)) > large * side) {
      rows = distinct([...rows, ...(await this.#looks(this.#short, SHORT, image, bordered))]);
      alone = alone && rows.every((row) => row[16]! < doubtful);
    }
    if (!alone && Math.min(...rows.map(sideOf)) >= small * side) {
      const nearer: Row[] = [];
      for (const row of far(seen.flatMap(blended), rows, small * side, image)) {
        nearer.push(...(await this.#close(row, image)));
      }
      rows = distinct([...rows, ...nearer]);
    }
    if (alone || Math.min(...rows.map(sideOf)) < small * side) rows = await this.#glances(image, squares, rows);
    if (!rows.length) {
      const full = await this.#looks(this.#full, over(whole), image, squares);
      rows = distinct([...full, ...(await this.#looks(this.#short, over(SHORT), image, bordered))]);
      if (!rows.some((row) => row[16]! >= unsure)) rows = [];
    }
    const faces: Face[] = [];
    for (const row of [...rows].sort((one, other) => sideOf(other) - sideOf(one))) {
      faces.push(faceOf(row[16]! < unsure ? await this.#righted(row, image) : row));
    }
    return faces;
  }

  /** Faces in any of several windows, each once and whole. */
  async #looks(network: Network, view: View, image: Image, windows: Window[]): Promise<Row[]> {
    const rows: Row[][] = [];
    for (const window of windows) rows.push(await network.look(image, window, view, this.#least));
    return wholeOf(rows, image, windows);
  }

  /** Faces in windows, and in the quarters of every window that shows tiny ones, beside those found before. */
  async #glances(image: Image, squares: Window[], rows: Row[]): Promise<Row[]> {
    let windows = squares;
    let settled = rows.filter((row) => sideOf(row) >= small * windows[0]!.side);
    while (windows.length && windows[0]!.side >= leastPx) {
      const quarters = new Map<string, Window>();
      for (const window of windows) {
        const before = settled;
        const seen = (await this.#full.look(image, window, GLANCE, perhaps))
          .slice(0, most)
          .filter((row) => inside(row, image) && before.every((other) => overlap(other, row) <= DETECTOR.sameFace))
          .sort((one, other) => sideOf(one) - sideOf(other));
        const clear = (row: Row) => row[16]! >= Math.max(unsure, this.#least) && sideOf(row) >= plain * window.side;
        const nearer: Row[] = [];
        for (const row of seen) if (!clear(row)) nearer.push(...(await this.#close(row, image)));
        settled = distinct([...settled, ...seen.filter(clear), ...nearer]);
        const specks = settled.filter((row) => sideOf(row) < tiny * window.side);
        for (const each of quartersOf(window)) {
          if (specks.some((row) => holds(each, row))) quarters.set(`${each.x} ${each.y} ${each.side}`, each);
        }
      }
      windows = [...quarters.values()];
    }
    return distinct([...rows, ...settled]);
  }

  /** What may be a face, as it is close up: one row, or none. */
  async #close(row: Row, image: Image): Promise<Row[]> {
    const same = (each: Row) => overlap(row, each) > DETECTOR.sameFace;
    let rows = await this.#full.look(image, around(row, 1 / close), CLOSE_UP, this.#least);
    if (!rows.some(same)) {
      const least = Math.max(surer, this.#least);
      rows = await this.#short.look(image, around(row, 1 + 2 * DETECTOR.around), SHORT, least);
    }
    return [...rows.filter(same).slice(0, 1), row].filter((each) => each[16]! >= this.#least).slice(0, 1);
  }

  /** A face as it looks from above, where it is more of a face from there; otherwise as it is. */
  async #righted(row: Row, image: Image): Promise<Row> {
    const window = around(row, 1 + 2 * DETECTOR.around);
    const best = surest(row, await this.#short.look(image, window, SHORT, this.#least));
    const other = surest(row, await this.#short.look(image, window, over(SHORT), this.#least));
    return other && other[16]! > (best ? best[16]! : 0) + inverted ? other : row;
  }
}

class Network {
  constructor(
    readonly run: Run,
    readonly cells: Cells,
  ) {}

  /** Faces in one window that have the least score or more, the surest first. */
  async look(image: Image, window: Window, view: View, least: number): Promise<Row[]> {
    return blended(await this.seen(image, window, view, least));
  }

  /** Whatever has the least score or more in one window, a face many times. */
  async seen(image: Image, window: Window, view: View, least: number): Promise<Row[]> {
    const { pixels, width, height, scale, offset } = viewOf(image, window, view);
    const [raw, logits] = await this.run(pixels, height, width);
    const centres = centresOf(width, height, this.cells);
    const rows: Row[] = [];
    logits.forEach((logit, at) => {
      const score = Math.fround(1 / (1 + Math.exp(-Math.min(Math.max(logit, -80), 80))));
      if (score < least) return;
      const [x, y] = centres[at]!;
      const value = (number: number) => raw[at * 16 + number]!;
      const [middleX, middleY, halfX, halfY] = [value(0) + x, value(1) + y, value(2) / 2, value(3) / 2];
      const corners = [middleX - halfX, middleY - halfY, middleX + halfX, middleY + halfY];
      const landmarks = Array.from({ length: 12 }, (_, number) => value(number + 4) + (number % 2 ? y : x));
      const points = [...corners, ...landmarks].map((each, axis) => (each - offset[axis % 2]!) / scale[axis % 2]!);
      const [x0, y0, x1, y1] = points as [number, number, number, number];
      const box = [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
      const row = [...box, ...points.slice(4), score];
      if (sideOf(row) > 0) rows.push(row);
    });
    return rows;
  }
}

const known = new Map<string, Point[]>();

/** Centres of the cells of an input, row by row, each as often as it has output rows, in px. */
function centresOf(width: number, height: number, cells: Cells): Point[] {
  const key = `${width} ${height} ${cells.join(' ')}`;
  let centres = known.get(key);
  if (!centres) {
    centres = [];
    for (const [side, rows] of cells) {
      for (let y = side / 2; y < height; y += side) {
        for (let x = side / 2; x < width; x += side) for (let row = 0; row < rows; row++) centres.push([x, y]);
      }
    }
    known.set(key, centres);
  }
  return centres;
}

/** Of the faces of each window those that are whole, each once. */
function wholeOf(rows: Row[][], image: Image, windows: Window[]): Row[] {
  if (windows.length === 1) return rows[0]!;
  return distinct(windows.flatMap((window, at) => uncut(rows[at]!, window, image)));
}

/** What may be a face below a side and apart from those that are known, the smallest first, the likeliest alone. */
function far(rows: Row[], faces: Row[], side: number, image: Image): Row[] {
  const within = (face: Row, [x, y]: Point) => x >= face[0]! && y >= face[1]! && x <= face[2]! && y <= face[3]!;
  const apart = (row: Row) => !faces.some((face) => within(face, middle(row)));
  return byScore(rows.filter((row) => inside(row, image) && sideOf(row) < side && apart(row)))
    .slice(0, most)
    .sort((one, other) => sideOf(one) - sideOf(other));
}

/** The rows whose box no edge of the window cuts, other than where the image ends as well. */
function uncut(rows: Row[], window: Window, image: Image): Row[] {
  const corner = [window.x, window.y];
  const size = [image.width, image.height];
  return rows.filter((row) =>
    corner.every(
      (start, axis) =>
        (row[axis]! >= start || start <= 0) &&
        (row[axis + 2]! <= start + window.side || start + window.side >= size[axis]!),
    ),
  );
}

/** Whether a row's box has its middle in the image. */
function inside(row: Row, image: Image): boolean {
  const [x, y] = middle(row);
  return x > 0 && y > 0 && x < image.width && y < image.height;
}

function holds(window: Window, row: Row): boolean {
  const [x, y] = middle(row);
  return window.x <= x && x < window.x + window.side && window.y <= y && y < window.y + window.side;
}

function middle(row: Row): Point {
  return [(row[0]! + row[2]!) / 2, (row[1]! + row[3]!) / 2];
}

/** Within one look: candidates that overlap become their mean, weighted by score. */
function blended(rows: Row[]): Row[] {
  const faces: Row[] = [];
  for (let left = byScore(rows); left.length;) {
    const first = left[0]!;
    const same = left.filter((row) => overlap(first, row) > DETECTOR.sameFace);
    const total = same.reduce((sum, row) => sum + row[16]!, 0);
    const mean = (at: number) => same.reduce((sum, row) => sum + row[at]! * row[16]!, 0) / total;
    faces.push(first.map((score, at) => (at < 16 ? mean(at) : score)));
    left = left.filter((row) => !same.includes(row));
  }
  return faces;
}

/** Between looks: of faces that overlap the one with the highest score stays. */
function distinct(rows: Row[]): Row[] {
  const kept: Row[] = [];
  for (const row of byScore(rows)) {
    if (kept.every((other) => overlap(other, row) <= DETECTOR.sameFace)) kept.push(row);
  }
  return kept;
}

function byScore(rows: Row[]): Row[] {
  return [...rows].sort((one, other) => other[16]! - one[16]!);
}

/** The row with the highest score among those that show the same face. */
function surest(row: Row, rows: Row[]): Row | undefined {
  return byScore(rows.filter((each) => overlap(row, each) > DETECTOR.sameFace))[0];
}

/** The box's shorter side. */
function sideOf(row: Row): number {
  return Math.min(row[2]! - row[0]!, row[3]! - row[1]!);
}

/** A square with a face in the middle, so many of its box's longer sides long. */
function around(row: Row, sides: number): Window {
  const [x0, y0, x1, y1] = row as [number, number, number, number];
  const side = Math.max(x1 - x0, y1 - y0) * sides;
  return { x: (x0 + x1 - side) / 2, y: (y0 + y1 - side) / 2, side };
}

function over(view: View): View {
  return { ...view, over: true };
}

function faceOf(row: Row): Face {
  const [x0, y0, x1, y1] = row as [number, number, number, number];
  const landmarks = Array.from({ length: 6 }, (_, at): Point => [row[4 + 2 * at]!, row[5 + 2 * at]!]);
  return { box: [x0, y0, x1, y1], landmarks, score: Math.min(row[16]!, 1) };
}
