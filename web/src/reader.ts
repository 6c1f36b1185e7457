/** The reader: a model and a detector that read expressions in images, in ONNX Runtime's WebAssembly. */

import * as ort from 'onnxruntime-web/wasm';

import { BATCH, CROP_SIDE, FILES } from './constants.js';
import { Covers } from './covers.js';
import { BlazeFace, type Run } from './detect.js';
import { type Face, cropFace, sharpness, wholeCrop, wholeFace } from './face.js';
import { type LabelSet, type Manifest, type Prior, headFor, labelSetsOf, sharesOf, stacked } from './heads.js';
import { type Image, planes } from './pixels.js';
import { type Logits, type Prediction, predicted, reading, unread } from './prediction.js';
import { ImageError, type Source, nameOf, pixelsOf } from './source.js';

/** Gives a file by its name: `model.json`, `model.onnx`, the detector's two networks, and what sees covers. */
export type Files = (name: string) => Promise<ArrayBuffer | Uint8Array>;

export interface LoadOptions {
  /** Content of `ort-wasm-simd-threaded.wasm`, or where it is; beside the script if not given. */
  readonly wasm?: ArrayBuffer | string;
}

export interface PredictOptions {
  /** What to call the image in the answer; its file name if not given. */
  readonly source?: string;
  /** The label set to answer in, by name; the model's own if not given. */
  readonly labels?: string;
  readonly prior?: Prior;
  /** `detect` reads the faces that are found; `whole` takes the image as one face; `auto` does so if it is small and
   * none is found. */
  readonly crop?: 'auto' | 'detect' | 'whole';
}

/**
 * Opens a model.
 *
 * @param files the folder with the files, as an address, or what gives them.
 * @throws if a file is missing or is no network.
 */
export async function load(files: string | URL | Files, { wasm }: LoadOptions = {}): Promise<Reader> {
  const give = typeof files === 'function' ? files : fetched(files);
  ort.env.wasm.numThreads = 1; // more gained nothing, and need headers that few servers send
  ort.env.logLevel = 'error';
  if (typeof wasm === 'string') ort.env.wasm.wasmPaths = { wasm };
  else if (wasm) ort.env.wasm.wasmBinary = wasm;
  const manifest = JSON.parse(new TextDecoder().decode(await give(FILES.manifest))) as Manifest;
  const open = async (name: string) =>
    ort.InferenceSession.create(new Uint8Array(await give(name)), { executionProviders: ['wasm'] });
  const network = await open(FILES.network);
  const full = await open(FILES.fullRange);
  const detector = new BlazeFace(finder(full), finder(await open(FILES.shortRange)));
  return new Reader(manifest, network, detector, new Covers(await open(FILES.covers)));
}

export class Reader {
  readonly #network: ort.InferenceSession;
  readonly #detector: BlazeFace;
  readonly #covers: Covers;

  constructor(
    readonly manifest: Manifest,
    network: ort.InferenceSession,
    detector: BlazeFace,
    covers: Covers,
  ) {
    this.#network = network;
    this.#detector = detector;
    this.#covers = covers;
  }

  /** The label sets that it can answer in, its own first. */
  get labelSets(): LabelSet[] {
    return labelSetsOf(this.manifest);
  }

  /**
   * Reads one image.
   *
   * @returns mien's JSON; an image that cannot be read is an answer with an error.
   * @throws RangeError if the model cannot speak that label set, or expect that prior.
   */
  async predict(source: Source, options: PredictOptions = {}): Promise<Prediction> {
    const name = options.source ?? nameOf(source);
    try {
      return await this.read(await pixelsOf(source), { ...options, source: name });
    } catch (error) {
      if (error instanceof ImageError) return unread(name, error.message);
      throw error;
    }
  }

  /** As `predict`, of pixels in memory. */
  async read(
    image: Image,
    { source = '<array>', labels, prior = 'training', crop = 'auto' }: PredictOptions = {},
  ): Promise<Prediction> {
    const spoken = this.#spoken(labels);
    const head = headFor(this.manifest, spoken)!;
    const shares = sharesOf(prior, spoken);
    const { size, colour } = this.manifest;
    const coloured = colour === 'rgb';
    let faces = crop === 'whole' ? [] : await this.#detector.search(image);
    const whole =
      crop === 'whole' || (crop === 'auto' && !faces.length && Math.min(image.width, image.height) <= CROP_SIDE);
    if (whole) faces = [wholeFace(image.width, image.height)];
    const cut = (face: Face) => (whole ? wholeCrop(image, size, coloured) : cropFace(image, face, size, coloured));
    const crops = faces.map(cut);
    const logits = await this.#logits(crops);
    const hidden = await this.#covers.told(crops);
    const seen = crops.map((crop, at) => ({ sharpness: sharpness(crop), hidden: hidden[at]! }));
    const readings = faces.map((face, at) =>
      reading(face, image, seen[at]!, logits[at]!, this.manifest, head, spoken, shares),
    );
    return predicted(source, image, readings);
  }

  #spoken(labels?: string): LabelSet {
    const sets = this.labelSets;
    const spoken = labels === undefined ? sets[0] : sets.find(({ name }) => name === labels);
    if (spoken) return spoken;
    throw new RangeError(`the model cannot speak '${labels}'; it speaks ${sets.map(({ name }) => name).join(', ')}`);
  }

  async #logits(crops: readonly Image[]): Promise<Logits[]> {
    const { size, colour, heads, face } = this.manifest;
    const channels = colour === 'rgb' ? 3 : 1;
    const names = [...heads.map(({ labels }) => labels), ...(face ? ['face'] : [])];
    const told: Logits[] = [];
    for (let at = 0; at < crops.length; at += BATCH) {
      const part = crops.slice(at, at + BATCH);
      const pixels = new ort.Tensor('uint8', planes(part, channels), [part.length, channels, size, size]);
      const given = await this.#network.run(
        { pixels },
        names.map((name) => `logits_${name}`),
      );
      const said = (name: string, row: number) => {
        const { data, dims } = given[`logits_${name}`]!;
        return [...(data as Float32Array).subarray(row * dims[1]!, (row + 1) * dims[1]!)];
      };
      const alone = part.map((_, row) => Object.fromEntries(names.map((name) => [name, said(name, row)])));
      told.push(...alone.map((logits) => stacked(heads, logits)));
    }
    return told;
  }
}

function finder(session: ort.InferenceSession): Run {
  return async (pixels, height, width) => {
    const given = await session.run({ input: new ort.Tensor('uint8', pixels, [1, height, width, 3]) });
    const [raw, logits] = session.outputNames.map((name) => given[name]!.data as Float32Array);
    return [raw!, logits!];
  };
}

function fetched(folder: string | URL): Files {
  const base = new URL(`${folder}/`, globalThis.location?.href);
  return async (name) => {
    const answer = await fetch(new URL(name, base));
    if (!answer.ok) throw new Error(`${name} cannot be read from ${base}: ${answer.status}`);
    return answer.arrayBuffer();
  };
}
