"""Ways to smooth expressions over time, on made changes whose truth is known: `python benchmarks/smoothing.py`.

A face shows one of FER+'s five frequent expressions for half a second and more, then another. What a frame says of it
is what the network says of one of FER+'s validation images of that expression, glided to from the one before, with
noise; every eighth frame is a poor one, and one in seven comes late, as where a rate varies. An image stays for .3, 1
or 5 seconds on average: what is wrong with it lasts as long. `wrong` and `NLL` are over frames, `ECE` says how far
confidence is from the share that is right, the delay is from a change until its label stays, changes are a minute's.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.labels import FERPLUS8
from mien.smoothing import CAMERA_SIGMA_S, Smooth

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
LEAST_VOTES, LEAST_IMAGES = 6, 20
LENGTH_S, SEQUENCES = 60.0, 12
HOLDS_S = (0.3, 1.0, 5.0)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Course(NamedTuple):
    """Times (n,), the true expression (n,), what frames say (n, 8), and when it changed."""

    times: Floats
    truth: Ints
    shares: Floats
    changes: list[tuple[float, int]]


def images(data: Path) -> tuple[Floats, Ints]:
    """What the network says of faces, as logarithms (n, 8), and what people say."""
    rows = pq.read_table(data / "fer2013" / "valid.parquet").slice(0, 1800).to_pylist()
    votes = np.array([[row[name] for name in VOTES] for row in rows])
    clear = np.flatnonzero(votes.max(1) >= LEAST_VOTES)
    crops = [np.asarray(Image.open(BytesIO(rows[at]["image"]["bytes"])).convert("L")) for at in clear]
    return np.log(np.maximum(mien.load().probabilities(crops, FERPLUS8), 1e-4)), votes[clear].argmax(1)


def course(said: Floats, truth: Ints, hold_s: float, rng: np.random.Generator) -> Course:
    """One made sequence."""
    kinds = [kind for kind in range(8) if (truth == kind).sum() >= LEAST_IMAGES]
    times, true, shares, changes = list[float](), list[int](), list[Floats](), list[tuple[float, int]]()
    time_s = change_s = image_s = begun_s = 0.0
    kind, now = -1, np.zeros(8)
    before = image = now
    while time_s < LENGTH_S:
        if time_s >= change_s:
            kind = int(rng.choice([each for each in kinds if each != kind]))
            changes.append((time_s, kind))
            change_s, image_s = time_s + 0.5 + rng.exponential(2.0), time_s
        if time_s >= image_s:
            before, image = now, said[rng.choice(np.flatnonzero(truth == kind))]
            begun_s, image_s = time_s, time_s + 0.05 + rng.exponential(hold_s)
        share = min(1.0, (time_s - begun_s) / 0.12)
        now = (1 - share) * before + share * image
        seen = now + rng.normal(0, 0.3, 8)
        if rng.random() < 1 / 8:
            seen = 0.4 * now + rng.normal(0, 0.8, 8)
        chances = np.exp(seen - seen.max())
        times.append(time_s)
        true.append(kind)
        shares.append(chances / chances.sum())
        time_s += (1 if rng.random() > 1 / 7 else int(rng.integers(2, 5))) / 30
    return Course(np.array(times), np.array(true), np.array(shares), changes)


def average(half_life_s: float) -> Callable[[Floats, Floats], Floats]:
    """A running mean of what was before."""

    def smooth(times: Floats, shares: Floats) -> Floats:
        kept = [shares[0]]
        for at in range(1, len(times)):
            share = 0.5 ** ((times[at] - times[at - 1]) / half_life_s)
            kept.append(share * kept[-1] + (1 - share) * shares[at])
        return np.array(kept)

    return smooth


def gaussian(times: Floats, shares: Floats) -> Floats:
    """The mean of what is around, .2 s, without regard to confidence."""
    weights = np.exp(-0.5 * ((times[:, None] - times) / 0.2) ** 2)
    return np.asarray(weights @ shares / weights.sum(1, keepdims=True))


def ours(times: Floats, shares: Floats) -> Floats:
    smooth = Smooth()
    for time_s, each in zip(times, shares, strict=True):
        smooth.add(time_s, 0, each)
    return np.array([smooth.at(time_s, 0) for time_s in times])


def so_far(times: Floats, shares: Floats) -> Floats:
    """As for a camera, where each frame's answer is asked for before the next one comes."""
    smooth, told = Smooth(sigma_s=CAMERA_SIGMA_S), []
    for time_s, each in zip(times, shares, strict=True):
        smooth.add(time_s, 0, each)
        told.append(smooth.at(time_s, 0))
    return np.array(told)


def markov(evidence: float) -> Callable[[Floats, Floats], Floats]:
    """Forward-backward (Rabiner, 1989): expressions stay for 2 s on average, a thirtieth of one tells so much."""

    def smooth(times: Floats, shares: Floats) -> Floats:
        gaps = np.diff(times, prepend=times[0] - 1 / 30)
        told = np.maximum(shares, 1e-4) ** (evidence * 30 * np.minimum(gaps, 0.2)[:, None])
        stay = np.exp(-gaps / 2.0)

        def passed(along: range, step: int) -> Floats:
            chances, now = np.empty_like(told), np.full(8, 1 / 8)
            for at in along:
                moved = stay[at if step > 0 else min(at + 1, len(times) - 1)]
                now = moved * now + (1 - moved) / 8
                chances[at] = now
                now = now * told[at] / (now * told[at]).sum()
            return chances

        both = passed(range(len(times)), 1) * passed(range(len(times) - 1, -1, -1), -1) * told
        return np.asarray(both / both.sum(1, keepdims=True))

    return smooth


WAYS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "none": lambda _, shares: shares,
    "running mean, half-life .1 s": average(0.1),
    "running mean, half-life .25 s": average(0.25),
    "Gaussian mean, .2 s": gaussian,
    "**Gaussian geometric mean, by confidence, .2 s**": ours,
    "**the same of what was before alone, .08 s**": so_far,
    "hidden Markov, evidence .05": markov(0.05),
    "hidden Markov, evidence .1": markov(0.1),
}


def delays(told: Course, labels: Ints) -> list[float]:
    """Seconds from each change until its label stays for three frames; until the next change where it never does."""
    ends = [time_s for time_s, _ in told.changes[2:]] + [told.times[-1]]
    found = []
    for (start_s, kind), end_s in zip(told.changes[1:], ends, strict=True):
        window = np.flatnonzero((told.times >= start_s - 0.6) & (told.times < end_s))
        stays = (told.times[at] - start_s for at in window if (labels[at : at + 3] == kind).all())
        found.append(float(next(stays, end_s - start_s)))
    return found


def error_of_confidence(shares: Floats, truth: Ints) -> float:
    """Expected calibration error in ten bins."""
    sure, right = shares.max(1), shares.argmax(1) == truth
    bins = np.minimum((sure * 10).astype(int), 9)
    return float(sum(abs(sure[bins == each].sum() - right[bins == each].sum()) for each in range(10)) / len(truth))


def main() -> None:
    data = data_folder("fer2013/valid.parquet")
    said, truth = images(data)
    print(machine())
    head("errors last", "way", "wrong", "NLL", "ECE", "delay 50%, 90%", "changes")
    for hold_s in HOLDS_S:
        rng = np.random.default_rng(1)
        made = [course(said, truth, hold_s, rng) for _ in range(SEQUENCES)]
        for name, way in WAYS.items():
            smoothed = [way(each.times, each.shares) for each in made]
            whole, true = np.concatenate(smoothed), np.concatenate([each.truth for each in made])
            late = [s for each, own in zip(made, smoothed, strict=True) for s in delays(each, own.argmax(1))]
            nll = -np.log(np.maximum(whole[np.arange(len(true)), true], 1e-6)).mean()
            turns = sum((np.diff(own.argmax(1)) != 0).sum() for own in smoothed)
            half, most = np.percentile(late, (50, 90))
            scores = ((whole.argmax(1) != true).mean(), nll, error_of_confidence(whole, true))
            changes = f"{60 * turns / (LENGTH_S * SEQUENCES):.0f}"
            row(f"{hold_s:g} s", name, *(f"{each:.3f}" for each in scores), f"{half:.2f}, {most:.2f} s", changes)


if __name__ == "__main__":
    main()
