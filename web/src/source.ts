/** Sources: what a browser shows becomes pixels once, RGB, upright, alpha laid on white. */

import { LIMITS } from './constants.js';
import type { Image } from './pixels.js';
import { asked, turning } from './webp.js';

/** What `predict` takes. A video gives the frame that it shows. */
export type Source =
  | Blob
  | ImageData
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | VideoFrame;

/** An image cannot be read; the message is the reason. */
export class ImageError extends Error {
  override name = 'ImageError';
}

/** Colours stay as the file has them, as in Python, and a photo is turned as its EXIF block asks. */
const AS_IT_IS: ImageBitmapOptions = { colorSpaceConversion: 'none', imageOrientation: 'from-image' };

/** What to call a source in results. */
export function nameOf(source: Source): string {
  return 'name' in source && source.name ? source.name : source instanceof Blob ? '<bytes>' : '<image>';
}

/** @throws ImageError */
export async function pixelsOf(source: Source): Promise<Image> {
  if (source instanceof ImageData) return onWhite(source);
  if (!(source instanceof Blob)) return drawn(source, ...sizeOf(source));
  const bitmap = await decoded(source);
  try {
    return drawn(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/**
 * The picture that a file holds, upright.
 *
 * @throws ImageError
 */
export async function decoded(file: Blob): Promise<ImageBitmap> {
  await check(file);
  return (await turned(file))?.transferToImageBitmap() ?? stored(file);
}

/**
 * A file that the browser shows upright: this one, or a copy.
 *
 * @throws ImageError
 */
export async function upright(file: Blob): Promise<Blob> {
  return (await turned(file))?.convertToBlob() ?? file;
}

/** The picture of a file that the browser leaves lying; undefined of one that it turns itself. */
async function turned(file: Blob): Promise<OffscreenCanvas | undefined> {
  const lying = await asked(file);
  if (!lying) return undefined;
  const bitmap = await stored(lying.file);
  try {
    const { width, height } = bitmap;
    const pen = lying.orientation < 5 ? canvas(width, height) : canvas(height, width);
    pen.imageSmoothingEnabled = false;
    pen.setTransform(turning(lying.orientation, width, height));
    pen.drawImage(bitmap, 0, 0);
    return pen.canvas;
  } finally {
    bitmap.close();
  }
}

async function stored(file: Blob): Promise<ImageBitmap> {
  return createImageBitmap(file, AS_IT_IS).catch(() => {
    throw new ImageError('damaged, cut short, or of a kind that this browser does not read');
  });
}

async function check(file: Blob): Promise<void> {
  if (!file.size) throw new ImageError('empty: no bytes to read');
  if (file.size > LIMITS.maxBytes) throw new ImageError(`more than ${LIMITS.maxBytes / 1e6} MB, the limit`);
  const components = componentsOf(new Uint8Array(await file.slice(0, 2 ** 18).arrayBuffer()));
  if (components === 4)
    throw new ImageError('a CMYK JPEG, whose colours browsers read in different ways: save it as RGB');
}

/** How many components a JPEG's pixels have; 0 of other files. */
function componentsOf(bytes: Uint8Array): number {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return 0;
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + (bytes[at + 2]! << 8) + bytes[at + 3]!) {
    while (bytes[at + 1] === 0xff) at++; // fill bytes
    const marker = bytes[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return bytes[at + 9]!;
  }
  return 0;
}

function sizeOf(source: Exclude<Source, Blob | ImageData>): [number, number] {
  if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
  if ('naturalWidth' in source) return [source.naturalWidth, source.naturalHeight];
  return 'displayWidth' in source ? [source.displayWidth, source.displayHeight] : [source.width, source.height];
}

function canvas(width: number, height: number): OffscreenCanvasRenderingContext2D {
  if (!width || !height) throw new ImageError(`empty: ${width} x ${height} pixels`);
  if (width * height > LIMITS.maxPixels) {
    throw new ImageError(`${width} x ${height} pixels, over the limit of ${LIMITS.maxPixels / 1e6} million`);
  }
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new ImageError('not enough memory to decode it');
  return context;
}

function drawn(source: CanvasImageSource, width: number, height: number): Image {
  const context = canvas(width, height);
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0);
  return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
}

function onWhite({ width, height, data }: ImageData): Image {
  if (width * height > LIMITS.maxPixels) {
    throw new ImageError(`${width} x ${height} pixels, over the limit of ${LIMITS.maxPixels / 1e6} million`);
  }
  const laid = new Uint8Array(data);
  for (let at = 0; at < laid.length; at += 4) {
    const alpha = laid[at + 3]!;
    for (let band = at; alpha < 255 && band < at + 3; band++) {
      laid[band] = Math.round((laid[band]! * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { width, height, channels: 4, data: laid };
}
