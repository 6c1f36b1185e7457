/** Photos: each becomes a section of the page, with its faces marked and a card for each of them. */

import type { Prediction } from '../src/prediction.js';
import { unread } from '../src/prediction.js';
import type { PredictOptions } from '../src/reader.js';
import { decoded, nameOf, upright } from '../src/source.js';
import type { Client } from './client.js';
import { drawOn } from './marks.js';
import { card, make } from './parts.js';
import { language, said, say, sentence, wordsOf } from './texts.js';

const ENOUGH = 1600; // px of a photo's longer side, for a screen
const LEAST = 192; // px of its width, as which even a face crop is shown
const TALL = 2; // times its width: a photo that is higher has less, or its height would find no room

/** Reads a photo and shows it below the others; whatever fails at that is told there, and is an answer with an error. */
export async function photo(
  client: Client,
  file: File,
  options: PredictOptions,
  into: HTMLElement,
): Promise<Prediction> {
  const state = make('p', {}, say('reading'));
  const section = below(into, file, state);
  section.setAttribute('aria-busy', 'true');
  const source = nameOf(file);
  let answer: Prediction;
  try {
    answer = await client.predict(await decoded(file), { ...options, source });
    if (answer.error === null) state.replaceWith(await shown(file, answer));
  } catch (error) {
    answer = unread(source, wordsOf(error));
  }
  if (answer.error !== null) state.replaceWith(fault(say('unreadable'), answer.error));
  section.removeAttribute('aria-busy');
  return answer;
}

/** Tells below the photos that a video cannot be played, and why: an answer with an error. */
export function unplayable(file: File, why: string, into: HTMLElement): Prediction {
  below(into, file, fault(say('unplayable'), why));
  return unread(file.name, why);
}

/** A section of the page for a file. */
function below(into: HTMLElement, file: File, content: HTMLElement): HTMLElement {
  const section = make('section', { class: 'photo' }, make('h2', {}, file.name), content);
  into.append(section);
  return section;
}

function fault(words: string, error: string): HTMLElement {
  const tongue = said(error) === error ? 'en' : language;
  return make('p', { class: 'fault' }, words, ' ', make('span', { lang: tongue }, sentence([error])));
}

/** An answer beside its photo. */
async function shown(file: File, answer: Prediction): Promise<HTMLElement> {
  const figure = await marked(file, answer);
  const faces = make('div', { class: 'faces' });
  answer.faces.forEach((face, at) => faces.append(card(face, at + 1, answer.faces.length)));
  if (!answer.faces.length) faces.append(make('p', {}, sentence(answer.reasons)));
  return make('div', { class: answer.faces.length > 1 ? 'pair many' : 'pair' }, figure, faces);
}

/** The photo with boxes over it; where there are several, with the numbers of their cards. */
async function marked(file: File, answer: Prediction): Promise<HTMLElement> {
  const image = make('img', { alt: file.name, class: answer.height > TALL * answer.width ? 'tall' : '' });
  image.src = URL.createObjectURL(await upright(file).catch(() => file));
  const boxes = make('canvas', { class: 'boxes', 'aria-hidden': 'true' });
  await image.decode().catch(() => undefined); // it was read, so that it can be shown but for want of memory
  URL.revokeObjectURL(image.src);
  const scale = Math.min(ENOUGH / Math.max(answer.width, answer.height), Math.max(1, LEAST / answer.width));
  boxes.width = Math.max(1, Math.round(answer.width * scale));
  boxes.height = Math.max(1, Math.round(answer.height * scale));
  const numbered = answer.faces.map((face, at) => ({ ...face, number: at + 1 }));
  drawOn(boxes, numbered, scale);
  return make('figure', {}, image, boxes);
}
