/** Photos: each becomes a section of the page, with its faces marked and a card for each of them. */

import type { Prediction } from '../src/prediction.js';
import { unread } from '../src/prediction.js';
import type { PredictOptions } from '../src/reader.js';
import { ImageError, decoded, nameOf, upright } from '../src/source.js';
import type { Client } from './client.js';
import { draw } from './marks.js';
import { card, make } from './parts.js';
import { language, said, say } from './texts.js';

/** Reads a photo and shows it below the others. */
export async function photo(
  client: Client,
  file: File,
  options: PredictOptions,
  into: HTMLElement,
): Promise<Prediction> {
  const state = make('p', { role: 'status' }, say('reading'));
  const section = make('section', { class: 'photo', 'aria-busy': 'true' }, make('h2', {}, file.name), state);
  into.append(section);
  const answer = await answered(client, file, options);
  state.replaceWith(...(await shown(file, answer)));
  section.removeAttribute('aria-busy');
  return answer;
}

/** The answer to a photo; one that cannot be read is an answer with an error. */
async function answered(client: Client, file: File, options: PredictOptions): Promise<Prediction> {
  const source = nameOf(file);
  try {
    return await client.predict(await decoded(file), { ...options, source });
  } catch (error) {
    if (error instanceof ImageError) return unread(source, error.message);
    throw error;
  }
}

/** An answer beside its photo, or why there is none. */
async function shown(file: File, answer: Prediction): Promise<HTMLElement[]> {
  if (answer.error !== null) {
    const words = said(answer.error);
    const why = make('span', { lang: words === answer.error ? 'en' : language }, words);
    return [make('p', { class: 'fault' }, say('unreadable'), ' ', why)];
  }
  const figure = await marked(file, answer);
  const faces = make('div', { class: 'faces' });
  answer.faces.forEach((face, at) => faces.append(card(face, at + 1, answer.faces.length)));
  if (!answer.faces.length) faces.append(make('p', {}, answer.reasons.map(said).join('; ')));
  return [make('div', { class: answer.faces.length > 1 ? 'pair many' : 'pair' }, figure, faces)];
}

/** The photo with boxes over it. */
async function marked(file: File, answer: Prediction): Promise<HTMLElement> {
  const image = make('img', { alt: file.name });
  image.src = URL.createObjectURL(await upright(file).catch(() => file));
  const boxes = make('canvas', { class: 'boxes', 'aria-hidden': 'true' });
  await image.decode().catch(() => undefined); // it was read, so that it can be shown but for want of memory
  URL.revokeObjectURL(image.src);
  const shrink = Math.max(1, Math.max(answer.width, answer.height) / 1600); // px, enough for a screen
  boxes.width = Math.round(answer.width / shrink);
  boxes.height = Math.round(answer.height / shrink);
  const faces = answer.faces.map((face) => ({ ...face, box: face.box.map((at) => at / shrink) }));
  draw(boxes.getContext('2d')!, faces);
  return make('figure', {}, image, boxes);
}
