/** The page's texts, in the language that the browser asks for: the page holds them as JSON, made by `mien.page`. */

import type { Reading } from '../src/prediction.js';
import { percent } from '../src/prediction.js';

interface Texts {
  /** The page's own texts by key. */
  readonly page: Readonly<Record<string, string>>;
  /** What the library says, `#` in place of each number: expressions and reasons. */
  readonly said: Readonly<Record<string, string>>;
  /** Label sets by name, in a person's words. */
  readonly sets: Readonly<Record<string, string>>;
}

const NUMBER = /\d+(?:[.,]\d+)*(?:e[+-]\d+)?/g;
const held = (id: string): unknown => JSON.parse(document.getElementById(id)!.textContent!);
const known = held('texts') as Record<string, Texts>;
const { colours } = held('model') as { colours: Readonly<Record<string, string>> };

export const language =
  navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]!).find((tag) => tag in known) ?? 'en';
const texts = known[language]!;

/** A text by its key, its `%(name)s` filled in. */
export function say(key: string, values: Readonly<Record<string, string | number>> = {}): string {
  return texts.page[key]!.replace(/%\((\w+)\)s/g, (_, name: string) => String(values[name]));
}

/** A word or a sentence of the library in the page's language, its numbers kept. */
export function said(sentence: string): string {
  const numbers = sentence.match(NUMBER) ?? [];
  let at = 0;
  const words = texts.said[sentence.replace(NUMBER, '#')];
  return words === undefined ? sentence : words.replace(/#/g, () => numbers[at++]!);
}

/** A label set in a person's words, where it is a known one; else its name. */
export function setOf(name: string): string {
  return texts.sets[name] ?? name;
}

/** A face's word with its share, `?` where it is uncertain. */
export function told(face: Pick<Reading, 'label' | 'confidence' | 'uncertain'>): string {
  return `${named(face)} ${percent(face.confidence)}`;
}

/** A face's word, `?` where it is uncertain. */
export function named(face: Pick<Reading, 'label' | 'uncertain'>): string {
  return `${said(face.label)}${face.uncertain ? '?' : ''}`;
}

/** An expression's colour, `#rrggbb`. */
export function colour(label: string): string {
  return colours[label]!;
}

/** What the library says, one after the other, as a sentence. */
export function sentence(parts: readonly string[]): string {
  const words = parts.map(said).join('; ');
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}

/** A fault in the browser's or the library's own words. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
