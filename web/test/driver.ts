/** Answers questions of the tests, a line of JSON each: what the reader does with pixels, in Node, where there is no canvas. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { cropFace, sharpness, wholeCrop } from '../src/face.js';
import { type Image, gray, reduce, resize, transform } from '../src/pixels.js';
import { type PredictOptions, load } from '../src/reader.js';
import type { Reader } from '../src/reader.js';
import type { Prediction } from '../src/prediction.js';
import { Steady } from '../src/steady.js';

interface Question {
  readonly ask: keyof typeof answers;
  /** A file of raw pixels, gray or RGBX, and its size. */
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 4;
  /** What else the function takes. */
  readonly given: never[];
}

const [folder, wasm] = process.argv.slice(2) as [string, string];
let opened: Promise<Reader> | undefined;

async function reader(): Promise<Reader> {
  const give = (name: string) => readFile(join(folder, name));
  opened ??= give(wasm).then((binary) => load(give, { wasm: new Uint8Array(binary).buffer }));
  return opened;
}

const pixels = (image: Image) => ({
  width: image.width,
  height: image.height,
  data: Buffer.from(image.data).toString('base64'),
});

const answers = {
  gray: (image: Image) => pixels(gray(image)),
  reduce: (image: Image, ...given: [number, number]) => pixels(reduce(image, ...given)),
  resize: (image: Image, ...given: [number, number, 'bicubic']) => pixels(resize(image, ...given)),
  transform: (image: Image, ...given: [number, number[]]) => pixels(transform(image, ...given)),
  crop: (image: Image, ...given: [never, number, boolean]) => pixels(cropFace(image, ...given)),
  whole: (image: Image, ...given: [number, boolean]) => pixels(wholeCrop(image, ...given)),
  sharpness: (image: Image) => sharpness(image),
  read: async (image: Image, options: PredictOptions) => (await reader()).read(image, options),
  /** Answers of a camera, each with its time in seconds. */
  steady: (_: Image, threshold: number, answers: [Prediction, number][]) => {
    const steady = new Steady(threshold);
    return answers.map(([answer, timeS]) => steady.next(answer, timeS));
  },
  /** Many images of one size, one after the other in the file. */
  reads: async (image: Image, count: number, options: PredictOptions) => {
    const open = await reader();
    const size = image.data.length / count;
    const told = [];
    for (let at = 0; at < count; at++) {
      const each = { ...image, height: image.height / count, data: image.data.subarray(at * size, (at + 1) * size) };
      told.push(await open.read(each, options));
    }
    return told;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, file, given, ...size } = JSON.parse(line) as Question;
  const image = { ...size, data: new Uint8Array(await readFile(file)) };
  const answer = answers[ask] as (image: Image, ...given: never[]) => unknown;
  process.stdout.write(`${JSON.stringify(await answer(image, ...given))}\n`);
}
