/** What the page shares with those of the service: scripts without types, in `src/mien/service/static/`. */

declare module '*/static/tags.js' {
  export interface Marked {
    readonly key: number;
    readonly box: readonly number[];
    readonly words: string;
    readonly number: string;
    readonly line: string;
    readonly fill: string;
    readonly dashed: boolean;
  }
  export type Places = ReadonlyMap<number, object>;
  type Sides = readonly [number, number];
  export function arrange(
    pen: CanvasRenderingContext2D,
    faces: readonly Marked[],
    picture: Sides,
    size: number,
    before?: Places,
  ): Places;
  export function draw(pen: CanvasRenderingContext2D, faces: readonly Marked[], places: Places, size: number): void;
  export function mirrored(faces: readonly Marked[], width: number): Marked[];
  export function scaled(faces: readonly Marked[], scale: number): Marked[];
}

declare module '*/static/live/camera.js' {
  /** Why a browser gives no camera. */
  export function fault(error: Error): 'refused' | 'missing' | 'taken' | 'broken';
  export function open(which: { readonly id?: string; readonly facing?: string }): Promise<MediaStream>;
}

declare module '*/static/live/faces.js' {
  import type { Reading } from '../src/prediction.js';

  export interface Followed extends Pick<Reading, 'box' | 'label' | 'uncertain' | 'reasons'> {
    readonly number: number;
    readonly share: number;
    readonly answer: Reading;
  }
  export class Faces {
    constructor(gone?: number);
    update(faces: readonly Reading[], now: number): Followed[];
  }
}
