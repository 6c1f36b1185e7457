/** The worker that reads, so that the page stays quick: questions go there, answers come back. */

import type { Image } from '../src/pixels.js';
import type { Prediction } from '../src/prediction.js';
import type { PredictOptions } from '../src/reader.js';

/** The files of a reader by name, gzip as base64. */
export type Packed = Readonly<Record<string, string>>;

/** A picture on its way: a bitmap, or pixels. */
export type Picture = ImageBitmap | Image;

/** What the worker is sent: first of all the files, then pictures. */
export interface Ask {
  readonly id: number;
  readonly files?: Packed;
  readonly source?: Picture;
  readonly options?: PredictOptions;
}

/** What it sends. */
export interface Told {
  readonly id: number;
  readonly answer?: Prediction;
  readonly fault?: string;
}

interface Waiting {
  readonly done: (answer: Prediction | undefined) => void;
  readonly failed: (fault: Error) => void;
}

export class Client {
  /** Whether the reader is open, with its networks warm; fails if it cannot be. */
  readonly ready: Promise<unknown>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #gone: Error | undefined; // why the worker answers nothing any more

  constructor(worker: Worker, files: Packed) {
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if (data.fault === undefined) waiting?.done(data.answer);
      else waiting?.failed(new Error(data.fault));
    });
    worker.addEventListener('error', ({ message }) => {
      this.#gone = new Error(message);
      for (const { failed } of this.#waiting.values()) failed(this.#gone);
      this.#waiting.clear();
    });
    this.ready = this.#ask({ files });
  }

  /** Reads a picture, which is gone afterwards. */
  async predict(source: Picture, options: PredictOptions): Promise<Prediction> {
    const answer = await this.#ask({ source, options }, ['data' in source ? source.data.buffer : source]);
    return answer!;
  }

  #ask(ask: Omit<Ask, 'id'>, given: Transferable[] = []): Promise<Prediction | undefined> {
    const id = this.#asked++;
    return new Promise((done, failed) => {
      if (this.#gone) throw this.#gone;
      this.#waiting.set(id, { done, failed });
      this.#worker.postMessage({ id, ...ask }, given);
    });
  }
}
