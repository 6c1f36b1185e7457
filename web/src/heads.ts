/** Heads: how logits become calibrated chances, in the label set that is asked for, as `mien.heads` has it. */

import { LABEL_SETS } from './constants.js';

/** What one head speaks: an entry of `heads` in model.json. */
export interface Head {
  readonly labels: string;
  readonly emotions: readonly string[];
  readonly temperature: number;
  readonly entropy_slope?: number;
  readonly bias?: readonly number[];
  readonly vote_temperature?: number | null;
  readonly threshold: number;
  readonly mix?: readonly number[];
  readonly second?: { readonly labels: string; readonly threshold: number } | null;
  readonly stacking?: Stacking | null;
}

/** What logits of a head become where it listens to another. */
export interface Stacking {
  readonly labels: string;
  readonly own: readonly (readonly number[])[];
  readonly other: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** What inference needs of a model.json. */
export interface Manifest {
  readonly name: string;
  readonly size: number;
  readonly colour: 'gray' | 'rgb';
  readonly face?: boolean;
  readonly heads: readonly Head[];
}

export interface LabelSet {
  readonly name: string;
  readonly emotions: readonly string[];
}

/** How often each emotion is expected: as in training, all equally often, or shares of any sum. */
export type Prior = 'training' | 'balanced' | Readonly<Record<string, number>>;

/** The label sets that a model can answer in: those of its heads, then the known ones they can express. */
export function labelSetsOf(model: Manifest): LabelSet[] {
  const own = model.heads.map(({ labels, emotions }) => ({ name: labels, emotions }));
  const others = Object.entries(LABEL_SETS).map(([name, emotions]) => ({ name, emotions }));
  return [...own, ...others.filter((set) => own.every(({ name }) => name !== set.name) && headFor(model, set))];
}

/** The head that speaks a label set, or else the first that can be expressed in it. */
export function headFor(model: Manifest, { emotions }: LabelSet): Head | undefined {
  return (
    model.heads.find((head) => head.emotions.join() === emotions.join()) ??
    model.heads.find((head) => emotions.every((emotion) => head.emotions.includes(emotion)))
  );
}

/** A network's logits by head, those that listen to others having done so. */
export function stacked(heads: readonly Head[], logits: Readonly<Record<string, number[]>>): Record<string, number[]> {
  const heard = { ...logits };
  for (const { labels, stacking } of heads) {
    if (!stacking) continue;
    const [own, other] = [centred(logits[labels]!), centred(logits[stacking.labels]!)];
    const counted = (counts: readonly number[], values: readonly number[]) =>
      sum(counts.map((count, at) => count * values[at]!));
    heard[labels] = stacking.bias.map((bias, at) =>
      Math.fround(counted(stacking.own[at]!, own) + counted(stacking.other[at]!, other) + bias),
    );
  }
  return heard;
}

/** The share of each emotion of a label set that a prior expects, together 1; undefined for the mix of training. */
export function sharesOf(prior: Prior, { name, emotions }: LabelSet): Record<string, number> | undefined {
  if (prior === 'training') return undefined;
  const given = prior === 'balanced' ? Object.fromEntries(emotions.map((emotion) => [emotion, 1])) : prior;
  const odd = Object.keys(given).find((emotion) => !emotions.includes(emotion));
  if (odd) throw new RangeError(`the prior names '${odd}', and '${name}' has ${emotions.join(', ')}`);
  const values = emotions.map((emotion) => given[emotion] ?? 0);
  if (!values.every((value) => value >= 0 && value < Infinity) || values.filter((value) => value > 0).length < 2) {
    throw new RangeError('a prior has shares of 0 or more, and at least two above');
  }
  const total = sum(values);
  return Object.fromEntries(emotions.map((emotion, at) => [emotion, values[at]! / total]));
}

/** The chance that each emotion of a head is the right label. */
export function probabilities(head: Head, logits: readonly number[], shares?: Record<string, number>): number[] {
  const even = softmax(logits);
  const entropy = -sum(even.map((share) => share * Math.log(Math.max(share, 1e-300))));
  const divided = entropy / Math.log(even.length);
  const temperature = head.temperature * Math.exp((head.entropy_slope ?? 0) * (divided - 0.5));
  const weights = shares ? weightsOf(head, shares) : undefined;
  const bias = (at: number) => (head.bias?.[at] ?? 0) + (weights ? Math.log(weights[at]!) : 0);
  return softmax(logits.map((logit, at) => logit / temperature + bias(at)));
}

/** The shares of people's votes; null where votes did not teach the head. */
export function votesOf(head: Head, logits: readonly number[]): number[] | null {
  const temperature = head.vote_temperature;
  return temperature ? softmax(logits.map((logit) => logit / temperature)) : null;
}

/** Probabilities of a head in a label set: shared emotions kept, together 1; and what they had before. */
export function projected(head: Head, values: readonly number[], { emotions }: LabelSet): [number[], number] {
  const kept = emotions.map((emotion) => values[head.emotions.indexOf(emotion)]!);
  const total = sum(kept);
  return [kept.map((value) => (total > 0 ? value / total : 1 / kept.length)), total];
}

/** The chance that a head gives to an answer of another, among the emotions that both know; infinite where it cannot. */
export function opinion(
  asked: Head,
  logits: readonly number[],
  answer: string,
  { emotions }: LabelSet,
  shares?: Record<string, number>,
): number {
  const known = asked.emotions.map((emotion) => emotions.includes(emotion));
  const guess = asked.emotions.indexOf(answer);
  if (known.filter(Boolean).length < 2 || guess < 0) return Infinity;
  const chances = probabilities(asked, logits, shares);
  return chances[guess]! / sum(chances.filter((_, at) => known[at]));
}

export function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const values = logits.map((logit) => Math.exp(logit - most));
  const total = sum(values);
  return values.map((value) => value / total);
}

/** How many times as often as in training each emotion of a head is expected. */
function weightsOf(head: Head, shares: Record<string, number>): number[] {
  const { mix, emotions } = head;
  if (!mix?.length) throw new RangeError(`the model does not say what its head '${head.labels}' saw in training`);
  const wanted = emotions.map((emotion) => shares[emotion] ?? 0);
  const total = sum(wanted);
  if (!total) return emotions.map(() => 1);
  const learned = sum(mix.filter((_, at) => emotions[at]! in shares));
  return emotions.map((emotion, at) => (emotion in shares ? ((wanted[at]! / total) * learned) / mix[at]! : 1));
}

/** Logits measured from their mean. */
function centred(logits: readonly number[]): number[] {
  const mean = sum(logits) / logits.length;
  return logits.map((logit) => logit - mean);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
