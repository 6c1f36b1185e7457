/**
 * The worker: opens the reader that it is sent, warms it, and reads pictures one after the other.
 *
 * No blob comes here: in WebKit the worker of a page that was opened from a file can read none.
 */

import { RUNTIME } from '../src/constants.js';
import { type Reader, load } from '../src/reader.js';
import type { Ask, Packed, Told } from './client.js';

let reader: Promise<Reader>;
let asked = false; // whether there is an image already, which is not to wait until the networks are warm
let turn: Promise<unknown> = Promise.resolve();

addEventListener('message', ({ data }: MessageEvent<Ask>) => {
  asked ||= data.source !== undefined;
  if (data.files !== undefined) reader = opened(data.files);
  turn = turn.then(() => answer(data)).then(postMessage);
});

async function answer({ id, source, options }: Ask): Promise<Told> {
  try {
    const open = await reader;
    if (!source) return { id };
    if ('data' in source) return { id, answer: await open.read(source, options) };
    const told = await open.predict(source, options);
    source.close();
    return { id, answer: told };
  } catch (error) {
    return { id, fault: error instanceof Error ? error.message : String(error) };
  }
}

/** A reader, whose networks have run once where nobody waits: the first run takes many times as long as the next. */
async function opened(files: Packed): Promise<Reader> {
  const give = (name: string) => unpacked(files[name]!);
  const open = await load(give, { wasm: await give(RUNTIME) });
  if (asked) return open;
  const empty = { width: 192, height: 192, channels: 4, data: new Uint8Array(192 * 192 * 4) } as const;
  await open.read(empty, { crop: 'detect' });
  await open.read(empty, { crop: 'whole' });
  return open;
}

async function unpacked(base64: string): Promise<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return new Response(new Response(bytes).body!.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}
