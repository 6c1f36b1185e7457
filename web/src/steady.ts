/** What is read of moving pictures, each face followed from one to the next and smoothed with what was before. */

import { STEADY } from './constants.js';
import { overlap } from './face.js';
import { type Prediction, type Reading, smoothed } from './prediction.js';

type Shares = Readonly<Record<string, number>>;

/** A face, and what was read of it of late. */
interface Known {
  readonly box: readonly number[];
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly timeS: number;
  readonly shares: Shares;
  readonly votes: Shares | null;
}

export class Steady {
  readonly #threshold: number;
  #known: readonly Known[] = [];

  /** @param threshold the confidence below which a face is uncertain: that of the head that answers. */
  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /**
   * What was read of a picture, smoothed; a face that was not there in the one before is as it was read.
   *
   * @param timeS when it was shown, in seconds; where that is before the last one, all begins anew.
   */
  next(answer: Prediction, timeS: number): Prediction {
    if (answer.error !== null) return answer;
    const before = this.#known.filter(({ samples }) => samples.at(-1)!.timeS <= timeS);
    const known = answer.faces.map((face) => {
      const same = match(face.box, before);
      if (same) before.splice(before.indexOf(same), 1);
      const late = same ? same.samples.filter((each) => timeS - each.timeS <= STEADY.reachS) : [];
      const now = { timeS, shares: face.probabilities, votes: face.votes };
      return { box: face.box, samples: [...late, now], fresh: !same };
    });
    this.#known = known;
    const faces = answer.faces.map((face, at) => (known[at]!.fresh ? face : this.#over(face, known[at]!.samples)));
    return { ...answer, faces };
  }

  #over(face: Reading, samples: readonly Sample[]): Reading {
    const votes = samples.flatMap((each) => (each.votes ? [{ ...each, shares: each.votes }] : []));
    const shares = mean(samples);
    return smoothed(face, shares, this.#threshold, face.votes && mean(votes));
  }
}

/** The geometric mean of shares, each weighing as near as it is in time and as sure as it was. */
function mean(samples: readonly Omit<Sample, 'votes'>[]): Record<string, number> {
  const { timeS, shares } = samples.at(-1)!;
  const weights = samples.map((each) => {
    return Math.exp(-0.5 * ((each.timeS - timeS) / STEADY.sigmaS) ** 2) * Math.max(...Object.values(each.shares));
  });
  const whole = sum(weights);
  const means = Object.keys(shares).map((name) => {
    const logs = samples.map((each, at) => weights[at]! * Math.log(Math.max(each.shares[name]!, STEADY.least)));
    return [name, Math.exp(sum(logs) / whole)] as const;
  });
  const all = sum(means.map(([, share]) => share));
  return Object.fromEntries(means.map(([name, share]) => [name, share / all]));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0);
}

function match(box: readonly number[], known: readonly Known[]): Known | undefined {
  const best = known.reduce<Known | undefined>((most, each) => {
    return most && overlap(box, most.box) >= overlap(box, each.box) ? most : each;
  }, undefined);
  return best && overlap(box, best.box) >= STEADY.same ? best : undefined;
}
