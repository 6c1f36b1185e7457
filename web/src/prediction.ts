/** What was read in an image: mien's JSON, as `mien predict --format json` prints it; and the reasons to doubt it. */

import { DIGITS, DOUBT } from './constants.js';
import { type Face, turnOf } from './face.js';
import {
  type Head,
  type LabelSet,
  type Manifest,
  opinion,
  probabilities,
  projected,
  softmax,
  votesOf,
} from './heads.js';

export interface Reading {
  readonly box: readonly number[];
  readonly landmarks: readonly (readonly number[])[];
  readonly score: number;
  readonly label: string;
  readonly confidence: number;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly uncertain: boolean;
  readonly reasons: readonly string[];
  readonly not_a_face: number | null;
  readonly votes: Readonly<Record<string, number>> | null;
}

export interface Prediction {
  readonly source: string;
  readonly width: number;
  readonly height: number;
  readonly faces: readonly Reading[];
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly error: string | null;
}

/** What a network says of a crop: logits by head; `face` is what the crop shows at all. */
export type Logits = Readonly<Record<string, readonly number[]>>;

/** What a crop is like: its sharpness, and what hides a part of it, in words. */
export interface Seen {
  readonly sharpness: number;
  readonly hidden: string | null;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export function predicted(source: string, { width, height }: Size, faces: readonly Reading[]): Prediction {
  const reasons = faces.length ? [] : [DOUBT.noFace];
  return { source, width, height, faces, reasons, notes: [], error: null };
}

export function unread(source: string, error: string): Prediction {
  return { source, width: 0, height: 0, faces: [], reasons: [], notes: [], error };
}

/**
 * What is said of a face.
 *
 * @param seen what its crop is like.
 * @param head the one that speaks the label set.
 * @param shares how often each emotion is expected; undefined where as in training.
 */
export function reading(
  face: Face,
  size: Size,
  seen: Seen,
  logits: Logits,
  model: Manifest,
  head: Head,
  labels: LabelSet,
  shares?: Record<string, number>,
): Reading {
  const own = logits[head.labels]!;
  const [chances, kept] = projected(head, probabilities(head, own, shares), labels);
  const votes = votesOf(head, own);
  const confidence = Math.max(...chances);
  const label = labels.emotions[chances.indexOf(confidence)]!;
  const nobody = logits['face'] ? softmax(logits['face'])[1]! : null;
  const reasons: string[] = [];
  if (nobody !== null && nobody >= DOUBT.notAFace) reasons.push(`perhaps not a face (${percent(nobody)})`);
  if (kept < 0.5) reasons.push(`probably an expression that ${labels.name} lacks (${percent(1 - kept)})`);
  reasons.push(...unsure(confidence, head.threshold));
  const asked = model.heads.find((each) => each.labels === head.second?.labels);
  if (asked && head.second) {
    const chance = opinion(asked, logits[asked.labels]!, label, labels, shares);
    reasons.push(...unsure(chance, head.second.threshold, asked.labels));
  }
  reasons.push(...spoilt(face, size, seen));
  return {
    box: clipped(face, size).map((at) => rounded(at, DIGITS.box)),
    landmarks: face.landmarks.map((point) => point.map((at) => rounded(at, DIGITS.box))),
    score: rounded(face.score, DIGITS.share),
    label,
    confidence: rounded(confidence, DIGITS.share),
    probabilities: named(labels, chances),
    uncertain: reasons.length > 0,
    reasons,
    not_a_face: nobody === null ? null : rounded(nobody, DIGITS.share),
    votes: votes && named(labels, projected(head, votes, labels)[0]),
  };
}

/** A reading with its shares smoothed over time, sure of itself or not; other reasons are the picture's. */
export function smoothed(
  now: Reading,
  shares: Readonly<Record<string, number>>,
  threshold: number,
  votes: Readonly<Record<string, number>> | null,
): Reading {
  const confidence = Math.max(...Object.values(shares));
  const label = Object.keys(shares).find((name) => shares[name] === confidence)!;
  const others = now.reasons.filter((reason) => !reason.startsWith(`${DOUBT.low} (`)); // another head's doubt stays
  const reasons = [...unsure(confidence, threshold), ...others];
  return {
    ...now,
    label,
    confidence: rounded(confidence, DIGITS.share),
    probabilities: roundedAll(shares),
    uncertain: reasons.length > 0,
    reasons,
    votes: votes && roundedAll(votes),
  };
}

/** A share of 0..1 in words; 100% is said of certainty alone. */
export function percent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)}%`;
}

/** A threshold of 1 is never reached; an infinite confidence is that of a head that was not asked. */
function isSure(confidence: number, threshold: number): boolean {
  return threshold < 1 ? confidence >= threshold : confidence > 1;
}

function unsure(confidence: number, threshold: number, head = ''): string[] {
  if (isSure(confidence, threshold)) return [];
  const reliable = threshold < 1 ? `reliable from ${Math.ceil(100 * threshold - 1e-9)}%` : 'never reliable';
  return [`${DOUBT.low}${head && ` by ${head} labels`} (${percent(confidence)}, ${reliable})`];
}

/** What spoils the look of a face, whatever is asked of it. */
function spoilt(face: Face, { width, height }: Size, seen: Seen): string[] {
  const [x0, y0, x1, y1] = face.box;
  const side = Math.min(x1 - x0, y1 - y0);
  const cut = face.landmarks.slice(0, 4).some(([x, y]) => !(x >= 0 && x <= width && y >= 0 && y <= height));
  const reasons = [
    side < DOUBT.smallFace && `small face (${Math.floor(side)} px, reliable from ${DOUBT.smallFace} px)`,
    seen.sharpness < DOUBT.blurred ? 'blurred' : seen.hidden,
    turnOf(face) > DOUBT.turned && 'turned away',
    cut && "cut by the image's edge",
  ];
  return reasons.filter((reason) => typeof reason === 'string');
}

function clipped({ box: [x0, y0, x1, y1] }: Face, { width, height }: Size): [number, number, number, number] {
  return [Math.max(x0, 0), Math.max(y0, 0), Math.min(x1, width), Math.min(y1, height)];
}

function named({ emotions }: LabelSet, values: readonly number[]): Record<string, number> {
  return Object.fromEntries(emotions.map((emotion, at) => [emotion, rounded(values[at]!, DIGITS.share)]));
}

function roundedAll(shares: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, rounded(share, DIGITS.share)]));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
