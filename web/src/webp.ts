/**
 * WebP files: which way is up. Browsers turn a JPEG as its EXIF block asks, and leave a WebP as it is stored; Pillow turns
 * both.
 */

const FLAGS = 20; // where an extended file says what it holds
const HAS_EXIF = 8;
const ORIENTATION = 0x0112;
const SHORT = 3; // a number of two bytes

/** A file that asks nothing more, and how its picture is to be turned: EXIF's orientation, 2 to 8. */
export interface Turned {
  readonly file: Blob;
  readonly orientation: number;
}

/** What a WebP asks; undefined of other files and of what is upright. A damaged block asks nothing. */
export async function asked(file: Blob): Promise<Turned | undefined> {
  const start = new DataView(await file.slice(0, FLAGS + 1).arrayBuffer());
  const extended = start.byteLength > FLAGS && named(start, 0, 'RIFF') && named(start, 8, 'WEBPVP8X');
  if (!extended || !(start.getUint8(FLAGS) & HAS_EXIF)) return undefined;
  const view = new DataView(await file.arrayBuffer());
  for (let at = 12; at + 8 <= view.byteLength;) {
    const size = view.getUint32(at + 4, true);
    const end = Math.min(at + 8 + size, view.byteLength);
    if (named(view, at, 'EXIF')) return within(view, at + 8, end, file.type);
    at = end + (size % 2);
  }
  return undefined;
}

/** What an EXIF block asks; it is overwritten, so that no browser turns the picture as well. */
function within(view: DataView<ArrayBuffer>, from: number, end: number, type: string): Turned | undefined {
  const whole = new DataView(view.buffer, from, end - from);
  const start = named(whole, 0, 'Exif\0\0') ? 6 : 0;
  const block = new DataView(view.buffer, from + start, end - from - start);
  const little = named(block, 0, 'II*\0');
  if ((!little && !named(block, 0, 'MM\0*')) || block.byteLength < 8) return undefined;
  const first = block.getUint32(4, little);
  const entries = first + 2 <= block.byteLength ? block.getUint16(first, little) : 0;
  for (let at = first + 2; at + 12 <= block.byteLength && at < first + 2 + 12 * entries; at += 12) {
    if (block.getUint16(at, little) !== ORIENTATION || block.getUint16(at + 2, little) !== SHORT) continue;
    const orientation = block.getUint16(at + 8, little);
    block.setUint16(at + 8, 1, little);
    return orientation > 1 && orientation <= 8 ? { file: new Blob([view.buffer], { type }), orientation } : undefined;
  }
  return undefined;
}

function named(view: DataView, at: number, name: string): boolean {
  return (
    at + name.length <= view.byteLength && [...name].every((each, to) => view.getUint8(at + to) === each.charCodeAt(0))
  );
}

/**
 * What brings a picture's pixels to their places in the upright one, as a canvas takes it.
 *
 * @param width, height of the picture as it is stored.
 */
export function turning(orientation: number, width: number, height: number): DOMMatrix2DInit {
  const turns: Readonly<Record<number, readonly [number, number, number, number, number, number]>> = {
    2: [-1, 0, 0, 1, width, 0],
    3: [-1, 0, 0, -1, width, height],
    4: [1, 0, 0, -1, 0, height],
    5: [0, 1, 1, 0, 0, 0],
    6: [0, 1, -1, 0, height, 0],
    7: [0, -1, -1, 0, height, width],
    8: [0, -1, 1, 0, 0, width],
  };
  const [a, b, c, d, e, f] = turns[orientation] ?? [1, 0, 0, 1, 0, 0];
  return { a, b, c, d, e, f };
}
