/** The page: photos, a video or the camera go in; faces come out as cards, and as files to save. */

import type { Manifest } from '../src/heads.js';
import { labelSetsOf } from '../src/heads.js';
import type { Prediction } from '../src/prediction.js';
import { Client, type Packed } from './client.js';
import { Moving } from './moving.js';
import { csv, make, save } from './parts.js';
import { photo } from './photos.js';
import { language, said, say, setOf } from './texts.js';

const find = <Kind extends HTMLElement>(query: string) => document.querySelector<Kind>(query)!;
const state = find('#state');
const labels = find<HTMLSelectElement>('#labels');
const stage = find('#stage');
const shown = find('#photos');
const manifest = JSON.parse(find('#model').textContent!) as Manifest;
const client = new Client(...started());
const moving = new Moving(client, stage);
const answers: Prediction[] = [];
let filmed = false;

/** The worker and its files, which the page holds. */
function started(): [Worker, Packed] {
  const address = URL.createObjectURL(new Blob([find('#worker').textContent!], { type: 'text/javascript' }));
  const files = [...document.querySelectorAll<HTMLElement>('script[data-file]')];
  return [new Worker(address), Object.fromEntries(files.map((each) => [each.dataset['file']!, each.textContent!]))];
}

function translated(): void {
  document.documentElement.lang = language;
  for (const each of document.querySelectorAll<HTMLElement>('[data-say]')) each.textContent = say(each.dataset['say']!);
  const sets = labelSetsOf(manifest).map(({ name, emotions }) => {
    return make('option', { value: name, title: emotions.map(said).join(', ') }, setOf(name));
  });
  labels.append(...sets);
}

async function photos(files: readonly File[]): Promise<void> {
  begin();
  try {
    for (const file of files) {
      if (file.type.startsWith('video/')) await moved((options) => moving.film(file, options), true);
      else answers.push(await photo(client, file, { labels: labels.value }, shown));
      find('#saving').hidden = !answers.length && !filmed;
    }
  } catch (error) {
    fault(say('broken'), error);
  }
}

async function moved(run: (options: { labels: string }) => Promise<void>, film: boolean): Promise<void> {
  begin();
  stage.hidden = false;
  filmed = film;
  find('#saving').hidden = !film && !answers.length;
  try {
    await run({ labels: labels.value });
  } catch (error) {
    halt();
    fault(say(film ? 'unplayable' : 'dark'), error);
  }
}

/** Whatever moves stops, and a fault of before is forgotten. */
function begin(): void {
  halt();
  state.className = '';
  state.textContent = say(state.dataset['ready'] ? 'ready' : 'opening');
}

function halt(): void {
  moving.stop();
  stage.hidden = true;
}

/** What went wrong: in the page's language, and in the browser's or the library's own words. */
function fault(words: string, error: unknown): void {
  const why = make('span', { lang: 'en' }, error instanceof Error ? error.message : String(error));
  state.className = 'fault';
  state.replaceChildren(words, ' ', why);
}

function saved(form: 'csv' | 'json'): void {
  const all = filmed ? moving.moments.map(({ answer }) => answer) : answers;
  const emotions = labelSetsOf(manifest).flatMap((set) => set.emotions);
  const named = [...new Set(emotions)].filter((each) =>
    all.some(({ faces }) => faces.some((face) => each in face.probabilities)),
  );
  const times = filmed ? moving.moments.map(({ timeS }) => timeS) : [];
  if (form === 'csv') save('mien.csv', 'text/csv', csv(all, named, times));
  else save('mien.json', 'application/json', `${JSON.stringify(all, null, 2)}\n`);
}

function listen(): void {
  const input = find<HTMLInputElement>('#files');
  input.addEventListener('change', () => {
    void photos([...(input.files ?? [])]);
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
    void photos([...(event.dataTransfer?.files ?? [])]);
  });
  addEventListener('paste', (event) => void photos([...(event.clipboardData?.files ?? [])]));
  find('#camera').addEventListener('click', () => void moved((options) => moving.camera(options), false));
  find('#stop').addEventListener('click', halt);
  find('#csv').addEventListener('click', () => saved('csv'));
  find('#json').addEventListener('click', () => saved('json'));
}

translated();
listen();
begin();
client.ready.then(
  () => {
    state.dataset['ready'] = 'yes';
    state.textContent = say('ready');
  },
  (error: unknown) => fault(say('broken'), error),
);
