/** Parts of the page: elements, the cards of faces, and files to take away. */

import { SHOWN } from '../src/constants.js';
import type { Prediction, Reading } from '../src/prediction.js';
import { percent } from '../src/prediction.js';
import { colour, named, said, say } from './texts.js';

/** What is kept of a photo or of a video's picture: what was read, and of a picture when it was shown, s. */
export interface Answer {
  readonly timeS?: number;
  readonly answer: Prediction;
}

/** An element with attributes and children. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A face of a moving picture, which keeps its number. */
export type Known = Reading & { readonly number: number };

/**
 * The faces of a moving picture: one with all its expressions, each in its place so that bars alone move; several with
 * their words. Nothing in it can be opened or pressed, as it is made anew again and again.
 */
export function live(faces: readonly Known[]): HTMLElement[] {
  const [first, ...others] = faces;
  if (!first) return [];
  if (others.length) return [make('ol', { class: 'list' }, ...faces.map(line))];
  const rows = table(Object.entries(first.probabilities), first.label, say('likely'));
  return [make('article', { class: 'face', 'data-label': first.label }, heading(first), ...doubts(first), rows)];
}

/** A face: its word, how sure that is, why not, and the most probable expressions. */
export function card(face: Reading, number: number, of: number): HTMLElement {
  const ranks = Object.entries(face.probabilities).sort((one, other) => other[1] - one[1]);
  const first = ranks.filter(([, share], rank) => rank < SHOWN.atOnce && (share >= SHOWN.least || rank === 0));
  const name = of > 1 ? [make('span', { class: 'number' }, say('face', { n: number })), ' '] : [];
  const made = make('article', { class: 'face', 'data-label': face.label }, heading(face, ...name), ...doubts(face));
  const rest = ranks.slice(first.length);
  made.append(table(first, face.label, say('likely')));
  if (rest.length) {
    made.append(make('details', {}, make('summary', {}, say('others')), table(rest, face.label, say('others'))));
  }
  return made;
}

function heading(face: Reading, ...name: readonly (Node | string)[]): HTMLElement {
  const word = make('span', { class: 'word' }, named(face));
  return make('h3', {}, ...name, word, ' ', make('span', { class: 'share' }, percent(face.confidence)));
}

/** Why a face is uncertain, if it is. */
function doubts(face: Reading): HTMLElement[] {
  if (!face.uncertain) return [];
  const why = face.reasons.map(said).join('; ');
  return [make('p', { class: 'unsure' }, make('strong', {}, say('unsure')), ` ${why}`)];
}

function line(face: Known): HTMLElement {
  const name = make('bdi', {}, named(face)); // its share comes after it, whichever way it is written
  return make('li', { class: 'face' }, `${face.number}: `, name, ` ${percent(face.confidence)}`, ...doubts(face));
}

/** Gives a file to save. */
export function save(name: string, kind: string, text: string): void {
  const link = make('a', { download: name, href: URL.createObjectURL(new Blob([text], { type: kind })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Answers as `mien predict --format csv` writes them, a row a face; with pictures of videos, their time before. */
export function csv(answers: readonly Answer[], emotions: readonly string[]): string {
  const timed = answers.some(({ timeS }) => timeS !== undefined);
  const heads = ['source', 'width', 'height', 'face', 'x0', 'y0', 'x1', 'y1', 'score', 'label', 'confidence'];
  heads.push(...emotions.map((each) => `p_${each}`), 'uncertain', 'reasons', 'not_a_face');
  heads.push(...emotions.map((each) => `v_${each}`), 'notes', 'error');
  const rows = answers.flatMap(({ timeS, answer }) =>
    (answer.faces.length ? answer.faces : [undefined]).map((face, number) => [
      ...(timed ? [timeS] : []),
      ...row(answer, face, number, emotions),
    ]),
  );
  return [[...(timed ? ['time_s'] : []), ...heads], ...rows].map((cells) => `${cells.map(cell).join(',')}\n`).join('');
}

/** Answers as a list of what `mien predict --format json` prints; of a video's picture with its time. */
export function json(answers: readonly Answer[]): string {
  const all = answers.map(({ timeS, answer }) => (timeS === undefined ? answer : { time_s: timeS, ...answer }));
  return `${JSON.stringify(all, null, 2)}\n`;
}

function row(answer: Prediction, face: Reading | undefined, number: number, emotions: readonly string[]): unknown[] {
  const { source, width, height, reasons, notes, error } = answer;
  return [
    source,
    width || null,
    height || null,
    face ? number : null,
    ...(face?.box ?? [null, null, null, null]),
    face?.score,
    face?.label,
    face?.confidence,
    ...emotions.map((each) => face?.probabilities[each]),
    face && (face.uncertain ? 'True' : 'False'),
    (face?.reasons ?? reasons).join('; ') || null,
    face?.not_a_face,
    ...emotions.map((each) => face?.votes?.[each]),
    notes.join('; ') || null,
    error,
  ];
}

/** A value as a cell that no spreadsheet runs as a formula, see `mien.cells`. */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = /^'*[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function table(ranks: readonly (readonly [string, number])[], top: string, words: string): HTMLTableElement {
  const rows = ranks.map(([label, share]) => {
    const bar = make('i');
    bar.style.width = `${100 * share}%`;
    bar.style.background = colour(label);
    return make(
      'tr',
      label === top ? { class: 'top' } : {},
      make('th', { scope: 'row' }, said(label)),
      make('td', { class: 'bar' }, make('span', { 'aria-hidden': 'true' }, bar)),
      make('td', { class: 'number' }, percent(share)),
    );
  });
  return make('table', {}, make('caption', { class: 'hidden' }, words), make('tbody', {}, ...rows));
}
