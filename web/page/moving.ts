/** Moving pictures: the camera or a video file, each picture read as soon as the one before is. */

import type { Prediction } from '../src/prediction.js';
import type { PredictOptions } from '../src/reader.js';
import type { Steady } from '../src/steady.js';
import type { Client } from './client.js';
import { draw } from './marks.js';
import { type Answer, card } from './parts.js';
import { say, told } from './texts.js';

const WANTED = { video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: 'user' } };
const COUNTED_S = 2; // over which pictures are counted

/** Switches a camera off. */
function off(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

export class Moving {
  readonly #client: Client;
  readonly #video: HTMLVideoElement;
  readonly #boxes: HTMLCanvasElement;
  readonly #state: HTMLElement;
  readonly #faces: HTMLElement;
  #turn = 0;

  /** @param stage holds a video, a canvas, a `[role=status]` and a `.faces`. */
  constructor(client: Client, stage: HTMLElement) {
    this.#client = client;
    this.#video = stage.querySelector('video')!;
    this.#boxes = stage.querySelector('canvas')!;
    this.#state = stage.querySelector('[role=status]')!;
    this.#faces = stage.querySelector('.faces')!;
  }

  /** Reads the camera until `stop`; what is shown is smoothed. */
  async camera(options: PredictOptions, steady: Steady): Promise<void> {
    const turn = this.#begin();
    this.#state.textContent = say('allow');
    const stream = await this.#unlessStopped(turn, navigator.mediaDevices.getUserMedia(WANTED));
    if (!stream) return;
    if (turn !== this.#turn) return off(stream);
    this.#video.srcObject = stream;
    this.#video.controls = false;
    await this.#read(turn, { ...options, source: 'camera' }, steady);
  }

  /**
   * Reads a video file while it plays.
   *
   * @param keep is given each answer, as it was read.
   * @throws Error if it cannot be played, or no further.
   */
  async film(file: File, options: PredictOptions, steady: Steady, keep: (answer: Answer) => void): Promise<void> {
    const turn = this.#begin();
    this.#video.src = URL.createObjectURL(file);
    this.#video.controls = true;
    await this.#read(turn, { ...options, source: file.name }, steady, keep);
  }

  stop(): void {
    this.#turn++;
    const stream = this.#video.srcObject;
    if (stream instanceof MediaStream) off(stream);
    this.#video.srcObject = null;
    if (this.#video.src) URL.revokeObjectURL(this.#video.src);
    this.#video.removeAttribute('src');
    this.#boxes.width = this.#boxes.height = 0;
    this.#faces.replaceChildren();
    this.#state.textContent = '';
  }

  #begin(): number {
    this.stop();
    return this.#turn;
  }

  /** What is waited for; a fault is none if it was stopped meanwhile. */
  async #unlessStopped<Value>(turn: number, wait: Promise<Value>): Promise<Value | undefined> {
    try {
      return await wait;
    } catch (error) {
      if (turn === this.#turn) throw error;
      return undefined;
    }
  }

  async #read(turn: number, options: PredictOptions, steady: Steady, keep?: (answer: Answer) => void): Promise<void> {
    const video = this.#video;
    const mirrored = !keep;
    video.parentElement!.classList.toggle('mirrored', mirrored);
    await this.#unlessStopped(turn, video.play());
    const times: number[] = [];
    let last = -1;
    while (turn === this.#turn && !(video.ended && video.currentTime === last)) {
      if (video.error) throw new Error(video.error.message);
      if (document.hidden || video.readyState < 2 || video.currentTime === last) {
        await new Promise((done) => setTimeout(done, 10));
        continue;
      }
      last = video.currentTime;
      const answer = await this.#client.predict(await createImageBitmap(video), { ...options, crop: 'detect' });
      if (turn !== this.#turn) break;
      keep?.({ timeS: last, answer });
      const now = performance.now() / 1000;
      times.push(now);
      while (times[0]! < now - COUNTED_S) times.shift();
      this.#show(steady.next(answer, last), mirrored, times.length / COUNTED_S);
    }
  }

  #show(answer: Prediction, mirrored: boolean, rate: number): void {
    this.#boxes.width = answer.width;
    this.#boxes.height = answer.height;
    draw(this.#boxes.getContext('2d')!, answer.faces, told, mirrored);
    this.#faces.replaceChildren(...answer.faces.slice(0, 1).map((face) => card(face, 1, 1)));
    this.#state.textContent = say(answer.faces.length ? 'rate' : 'nobody', { number: rate.toFixed(0) });
    this.#state.dataset['rate'] = rate.toFixed(1);
  }
}
