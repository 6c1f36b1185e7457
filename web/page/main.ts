/** The page: photos, a video or the camera go in; faces come out as cards, and as files to save. */

import { fault as why } from '../../src/mien/service/static/live/camera.js';
import type { Manifest } from '../src/heads.js';
import { headFor, labelSetsOf } from '../src/heads.js';
import type { Prediction } from '../src/prediction.js';
import { Steady } from '../src/steady.js';
import { Client, type Packed } from './client.js';
import { CameraGone, Moving } from './moving.js';
import { type Answer, csv, json, make, save } from './parts.js';
import { photo, unplayable } from './photos.js';
import { language, said, say, setOf, wordsOf } from './texts.js';

const find = <Kind extends HTMLElement>(query: string) => document.querySelector<Kind>(query)!;
const state = find('#state');
const labels = find<HTMLSelectElement>('#labels');
const stage = find('#stage');
const shown = find('#photos');
const manifest = JSON.parse(find('#model').textContent!) as Manifest;
const client = new Client(...started());
const moving = new Moving(client, stage);
const answers: Answer[] = [];
const waiting: File[] = [];
const came: Prediction[] = []; // of the photos that were chosen last
/** Why there is none. Each text is asked for by its own name, by which a test finds that it is used. */
const NO_CAMERA: Readonly<Record<string, () => string>> = {
  refused: () => say('refused'),
  missing: () => say('missing'),
  taken: () => say('taken'),
  gone: () => say('gone'),
};
let taken = 0; // of the files that were chosen, since none of them waited
let broken = false; // whether the reader could not start

/** The worker and its files, which the page holds. */
function started(): [Worker, Packed] {
  const address = URL.createObjectURL(new Blob([find('#worker').textContent!], { type: 'text/javascript' }));
  const files = [...document.querySelectorAll<HTMLTemplateElement>('template[data-file]')];
  return [
    new Worker(address),
    Object.fromEntries(files.map((each) => [each.dataset['file']!, each.content.textContent!])),
  ];
}

function translated(): void {
  document.documentElement.lang = language;
  for (const each of document.querySelectorAll<HTMLElement>('[data-say]')) each.textContent = say(each.dataset['say']!);
  const sets = labelSetsOf(manifest).map(({ name, emotions }) => {
    return make('option', { value: name, title: emotions.map(said).join(', ') }, setOf(name));
  });
  labels.append(...sets);
}

/** Reads files, one after the other; those that come meanwhile wait for their turn. */
async function read(files: readonly File[]): Promise<void> {
  if (!files.length) return; // what is pasted or dropped may be words
  waiting.push(...files);
  begin();
  if (taken) return;
  try {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      taken++;
      tell();
      if (file.type.startsWith('video/')) await film(file);
      else await still(file);
    }
  } finally {
    taken = 0;
    tell();
  }
}

async function still(file: File): Promise<void> {
  const answer = await photo(client, file, { labels: labels.value }, shown);
  came.push(answer);
  keep({ answer });
}

async function film(file: File): Promise<void> {
  begin();
  stage.hidden = false;
  try {
    await moving.film(file, { labels: labels.value }, steady(), keep);
  } catch (error) {
    halt();
    keep({ answer: unplayable(file, wordsOf(error), shown) });
  }
}

async function camera(): Promise<void> {
  begin();
  if (!navigator.mediaDevices) return fault(say('insecure'));
  stage.hidden = false;
  find('#stop').focus();
  try {
    await moving.camera({ labels: labels.value }, steady());
  } catch (error) {
    halt();
    const known = NO_CAMERA[error instanceof CameraGone ? 'gone' : why(error as Error)];
    if (known) fault(known());
    else fault(say('unknown'), error);
  }
}

/** What smooths the answers in the label set that is chosen. */
function steady(): Steady {
  const set = labelSetsOf(manifest).find(({ name }) => name === labels.value)!;
  return new Steady(headFor(manifest, set)!.threshold);
}

function keep(answer: Answer): void {
  answers.push(answer);
  find('#saving').hidden = false;
}

/** Whatever moves stops, and what was told before is forgotten, but that there is no reader. */
function begin(): void {
  halt();
  if (!taken) came.length = 0;
  if (!broken) state.className = '';
  tell();
}

/** What the reader is at, or what came of it, unless a fault is told. */
function tell(): void {
  const of = taken + waiting.length;
  if (state.className) return;
  if (of > 1) state.textContent = say('progress', { n: Math.max(taken, 1), of });
  else if (of) state.textContent = say('reading');
  else if (came.length) state.textContent = counted(came);
  else state.textContent = say(state.dataset['ready'] ? 'ready' : 'opening');
}

/** How many photos and faces there are, and how many could not be read if there are any. */
function counted(photos: readonly Prediction[]): string {
  const faces = photos.reduce((sum, { faces }) => sum + faces.length, 0);
  const unread = photos.filter(({ error }) => error !== null).length;
  const parts = [
    say(photos.length === 1 ? 'a_photo' : 'photos', { num: photos.length }),
    say(faces === 1 ? 'a_face' : 'faces', { num: faces }),
    ...(unread ? [say(unread === 1 ? 'an_unread' : 'unread', { num: unread })] : []),
  ];
  return parts.join(', ');
}

function halt(): void {
  const focused = stage.contains(document.activeElement);
  moving.stop();
  stage.hidden = true;
  if (focused) find('#camera').focus();
}

/** What went wrong: in the page's language, and in the browser's or the library's own words. */
function fault(words: string, error?: unknown): void {
  state.className = 'fault';
  state.replaceChildren(words);
  if (error !== undefined) state.append(' ', make('span', { lang: 'en' }, wordsOf(error)));
}

function saved(form: 'csv' | 'json'): void {
  const emotions = labelSetsOf(manifest).flatMap((set) => set.emotions);
  const named = [...new Set(emotions)].filter((each) =>
    answers.some(({ answer }) => answer.faces.some((face) => each in face.probabilities)),
  );
  if (form === 'csv') save('mien.csv', 'text/csv', csv(answers, named));
  else save('mien.json', 'application/json', json(answers));
}

function listen(): void {
  const input = find<HTMLInputElement>('#files');
  input.addEventListener('change', () => {
    void read([...(input.files ?? [])]);
    input.value = '';
  });
  const drop = find('.drop');
  addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  addEventListener('dragleave', () => drop.classList.remove('over'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    void read([...(event.dataTransfer?.files ?? [])]);
  });
  addEventListener('paste', (event) => void read([...(event.clipboardData?.files ?? [])]));
  find('#camera').addEventListener('click', () => void camera());
  find('#stop').addEventListener('click', halt);
  addEventListener('pagehide', halt); // browsers keep a page that is left, WebKit with a camera or film that is cut off
  find('#csv').addEventListener('click', () => saved('csv'));
  find('#json').addEventListener('click', () => saved('json'));
}

find('.upload').hidden = false; // it says and does nothing without this script
translated();
listen();
begin();
client.ready.then(
  () => {
    state.dataset['ready'] = 'yes';
    tell();
  },
  (error: unknown) => {
    broken = true;
    fault(say('broken'), error);
  },
);
