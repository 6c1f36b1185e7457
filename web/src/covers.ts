/** What hides a part of a face: masks, dark glasses, hands, half of a face in the dark; by a small network. */

import * as ort from 'onnxruntime-web/wasm';

import { BATCH, COVERS } from './constants.js';
import { smallGray } from './face.js';
import { softmax } from './heads.js';
import { type Image, planes } from './pixels.js';
import { percent } from './prediction.js';

export class Covers {
  readonly #network: ort.InferenceSession;

  constructor(network: ort.InferenceSession) {
    this.#network = network;
  }

  /** What is hidden of each face, in words with its chance; null of clear ones. */
  async told(crops: readonly Image[]): Promise<(string | null)[]> {
    const { side, limit, parts, words } = COVERS;
    const told: (string | null)[] = [];
    for (let at = 0; at < crops.length; at += BATCH) {
      const part = crops.slice(at, at + BATCH).map((crop) => smallGray(crop, side));
      const pixels = new ort.Tensor('uint8', planes(part, 1), [part.length, 1, side, side]);
      const given = await this.#network.run({ pixels });
      const logits = given[this.#network.outputNames[0]!]!.data as Float32Array;
      for (let row = 0; row < part.length; row++) {
        const [clear, ...hidden] = softmax([...logits.subarray(row * parts.length, (row + 1) * parts.length)]);
        const likeliest = parts[1 + hidden.indexOf(Math.max(...hidden))]!;
        const chance = 1 - clear!;
        told.push(chance >= limit ? `${words[likeliest as keyof typeof words]} (${percent(chance)})` : null);
      }
    }
    return told;
  }
}
