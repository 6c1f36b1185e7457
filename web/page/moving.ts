/** Moving pictures: the camera or a video file, each picture read as soon as the one before is. */

import { open } from '../../src/mien/service/static/live/camera.js';
import { Faces } from '../../src/mien/service/static/live/faces.js';
import type { Prediction } from '../src/prediction.js';
import type { PredictOptions } from '../src/reader.js';
import { pixelsOf } from '../src/source.js';
import type { Steady } from '../src/steady.js';
import type { Client } from './client.js';
import { Overlay } from './marks.js';
import { type Answer, type Known, live } from './parts.js';
import { say } from './texts.js';

const COUNTED_S = 2; // over which pictures are counted
const LISTED_S = 0.25; // between two lists of faces
const ALONE_S = 1; // until it is told that there is no face
const LEFT_S = 3; // a face that is not seen for so long has left: slow machines take a second or two for a picture
const DARK_S = 3; // without a picture of the camera, until that is told

/** The camera was unplugged. */
export class CameraGone extends Error {}

/** Switches a camera off. */
function off(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function after(seconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, 1000 * seconds));
}

export class Moving {
  readonly #client: Client;
  readonly #video: HTMLVideoElement;
  readonly #boxes: Overlay;
  readonly #state: HTMLElement;
  readonly #rate: HTMLElement;
  readonly #faces: HTMLElement;
  #turn = 0;
  #resting = false; // a film, as long as nobody sees the page

  /** @param stage holds a video, a canvas, a `[role=status]`, a `.rate` and a `.seen`. */
  constructor(client: Client, stage: HTMLElement) {
    this.#client = client;
    this.#video = stage.querySelector('video')!;
    this.#boxes = new Overlay(stage.querySelector('canvas')!);
    this.#state = stage.querySelector('[role=status]')!;
    this.#rate = stage.querySelector('.rate')!;
    this.#faces = stage.querySelector('.seen')!;
    this.#video.addEventListener('resize', () => {
      const { videoWidth, videoHeight } = this.#video;
      this.#video.parentElement!.style.setProperty('--ratio', String(videoWidth / videoHeight || 4 / 3));
    });
  }

  /**
   * Reads the camera until `stop`; what is shown is smoothed.
   *
   * @throws DOMException as `getUserMedia` does.
   * @throws CameraGone
   */
  async camera(options: PredictOptions, steady: Steady): Promise<void> {
    const turn = this.#begin();
    this.#say('allow');
    const stream = await this.#unlessStopped(turn, open({ facing: 'user' }));
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
    this.#resting = false;
    this.#clear();
    this.#state.textContent = '';
  }

  #begin(): number {
    this.stop();
    return this.#turn;
  }

  #clear(): void {
    this.#boxes.clear();
    this.#faces.replaceChildren();
    this.#rate.textContent = '';
  }

  #say(key: string): void {
    const words = say(key);
    if (this.#state.textContent !== words) this.#state.textContent = words; // so that it is read aloud once
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
    const stream = video.srcObject;
    const shown = new Shown(!keep);
    video.parentElement!.classList.toggle('mirrored', shown.mirror);
    let waited = performance.now();
    await this.#unlessStopped(turn, Promise.race(stream ? [video.play(), after(DARK_S)] : [video.play()]));
    if (stream) video.parentElement!.scrollIntoView({ block: 'nearest' }); // now that it has its height
    let last = -1;
    while (turn === this.#turn && !(video.ended && video.currentTime === last)) {
      if (video.error) throw new Error(video.error.message);
      if (stream instanceof MediaStream && !stream.active) throw new CameraGone();
      this.#rest(document.hidden);
      if (document.hidden) waited = performance.now();
      if (document.hidden || video.readyState < 2 || video.currentTime === last) {
        if (stream && performance.now() - waited > 1000 * DARK_S) this.#dark();
        await after(0.01);
        continue;
      }
      last = video.currentTime;
      const pixels = await pixelsOf(video); // a bitmap costs WebKit several times as much on its way to the worker
      const answer = await this.#client.predict(pixels, { ...options, crop: 'detect' });
      if (turn !== this.#turn) break;
      keep?.({ timeS: last, answer });
      waited = performance.now();
      this.#show(steady.next(answer, last), shown, keep && last);
    }
  }

  /** As long as nobody sees the page, the camera sees nothing and a film stands still. */
  #rest(unseen: boolean): void {
    const stream = this.#video.srcObject;
    if (stream instanceof MediaStream) for (const track of stream.getTracks()) track.enabled = !unseen;
    else if (unseen && !this.#video.paused) {
      this.#resting = true;
      this.#video.pause();
    } else if (!unseen && this.#resting) {
      this.#resting = false;
      void this.#video.play().catch(() => undefined); // its controls are there
    }
  }

  #dark(): void {
    this.#clear();
    this.#say('dark');
  }

  /** @param timeS of a film, where the picture is. */
  #show(answer: Prediction, shown: Shown, timeS?: number): void {
    const now = performance.now() / 1000;
    const faces = shown.next(answer, now, timeS ?? now);
    this.#boxes.show(faces, answer.width, shown.mirror);
    const alone = shown.alone(now);
    this.#say(alone ? 'nobody' : 'live');
    if (shown.list(now)) this.#faces.replaceChildren(...live(faces));
    this.#rate.textContent = say('rate', { number: shown.rate.toFixed(0) });
    this.#state.dataset['rate'] = shown.rate.toFixed(1);
  }
}

/** What is shown of one moving picture: its faces, which keep their numbers, and how many pictures a second are read. */
class Shown {
  readonly mirror: boolean;
  #faces = new Faces(1000 * LEFT_S);
  #followed = -Infinity;
  #times: readonly number[] = [];
  #seen = -Infinity;
  #listed = -Infinity;

  constructor(mirror: boolean) {
    this.mirror = mirror;
  }

  get rate(): number {
    return this.#times.length / COUNTED_S;
  }

  /** @param at when the picture was, by the clock that its faces live by; all begins anew where that goes back. */
  next(answer: Prediction, now: number, at: number): Known[] {
    this.#times = [...this.#times.filter((each) => each >= now - COUNTED_S), now];
    if (at < this.#followed) this.#faces = new Faces(1000 * LEFT_S);
    this.#followed = at;
    const faces = this.#faces.update(answer.faces, 1000 * at);
    if (faces.length || this.#seen === -Infinity) this.#seen = faces.length ? now : now - ALONE_S;
    return faces.map((face) => ({ ...face.answer, ...face, confidence: face.share }));
  }

  /** Whether there has been no face for a while. */
  alone(now: number): boolean {
    return now - this.#seen >= ALONE_S;
  }

  /** Whether it is time to tell of the faces in words. */
  list(now: number): boolean {
    const due = now - this.#listed >= LISTED_S;
    if (due) this.#listed = now;
    return due;
  }
}
