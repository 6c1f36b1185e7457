"""For whom mien is worse, how far answers follow what they should not, and whether a report's tests can be believed.

    python benchmarks/fairness.py [MODEL] [--stress 400] [--rounds 200]

Groups: London's portraits (see elsewhere.py) by what the people said of themselves; news photos and FER2013's public
split, of whose people nothing is known, by what can be measured on the image: light (mean gray of the crop), contrast
and sharpness, each in four parts. Stress: faces of each set, read again with one thing changed (`mien.changes`). Tests:
groups drawn by lot on the answers to FER2013's public split, in which nothing is to be found, and others in which some
right answers were made wrong; and how often intervals of small groups hold the truth, beside a bootstrap's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import rendered
from common import data_folder, head, machine, row
from numpy.typing import NDArray

import mien
from mien import metrics, shares
from mien.crops import Crop
from mien.datasets import Dataset, Example, open_dataset
from mien.face import sharpness
from mien.labels import FERPLUS8
from mien.recognizer import Recognizer
from mien.report import Answers, Group, Report
from mien.report.groups import subgroups
from mien.report.notes import notes

SIZES, GAPS = (30, 100, 300), (0.05, 0.1, 0.2)
FEW = (1, 5, 10, 30)
BY = ("gender", "group", "age", "gender+age")
MEASURED = ("light", "contrast", "sharpness")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--stress", type=int, default=400, metavar="N", help="faces changed in each set")
    parser.add_argument("--rounds", type=int, default=200, metavar="N", help="reports drawn by lot")
    given = parser.parse_args()
    model = mien.load(given.model, threads=2)
    data = data_folder("fer2013/valid.parquet", "elsewhere/london.parquet", "elsewhere/news.parquet")
    print(f"{machine()}\n\n{model.artifact.name}")
    london = from_table(data / "elsewhere" / "london.parquet")
    told(mien.evaluate(model, london, by=BY, stress=given.stress, crop="detect"), "london")
    news = measured(model, from_table(data / "elsewhere" / "news.parquet"), "detect")
    told(mien.evaluate(model, news, by=MEASURED, stress=given.stress, crop="detect"), "news")
    if heads := rendered.folder():
        told(mien.evaluate(model, of_nobody(heads), by=["shape", "sex", "age"], stress=given.stress), "rendered")
    public = measured(model, open_dataset(data / "fer2013" / "valid.parquet"), "whole")
    report = mien.evaluate(model, public, by=MEASURED, stress=given.stress, labels=FERPLUS8)
    told(report, "public split, FER+")
    by_lot(report.answers, 2 * given.rounds)
    planted(report.answers, given.rounds // 2)
    covered(report.answers.right, 10 * given.rounds)


# The sets


def from_table(path: Path) -> Dataset:
    """Photos with what is known of their people; what is not told is left out."""
    rows = [row for row in pq.read_table(path).to_pylist() if row["label"]]

    def known(row: Mapping[str, object]) -> dict[str, str]:
        columns = ("person", "gender", "group", "age")
        return {name: str(row[name]) for name in columns if row[name] not in (None, "", "NA")}

    examples = tuple(
        Example(f"{path.stem} {number}", row["image"]["bytes"], row["label"], attributes=known(row))
        for number, row in enumerate(rows)
    )
    return Dataset(path, "photos", FERPLUS8, examples)


def measured(model: Recognizer, dataset: Dataset, crop: Crop) -> Dataset:
    """With what can be measured on each image's crop, where there is one."""
    examples = []
    for example in dataset.examples:
        crops = model.find(example.source, crop).crops
        known = dict(example.attributes)
        if crops:
            values = float(crops[0].mean()), float(crops[0].std()), float(sharpness(crops[0][None])[0])
            known |= {name: f"{value:.3g}" for name, value in zip(MEASURED, values, strict=True)}
        examples.append(replace(example, attributes=known))
    return replace(dataset, examples=tuple(examples))


def of_nobody(heads: Path) -> Dataset:
    """Rendered heads in full expression, as in rendered.py."""
    examples = tuple(
        Example(
            f"{number} {look}",
            rendered.photograph(head, look, 1.0, heads),
            look,
            attributes={"person": str(number), "shape": head.shape, "sex": head.sex, "age": head.age},
        )
        for (number, head), look in product(enumerate(rendered.heads()), rendered.LOOKS)
    )
    return Dataset(heads, "rendered", FERPLUS8, examples)


# What is told


def told(report: Report, name: str) -> None:
    print(f"\n{name}: {report.n:,} faces, {report.accuracy:.1%} right\n")
    for note in notes(report):
        print(f"- {note}")
    head(name, "faces", "right (95%)", "above the others by (95%)", "p", "uncertain", "overconfident by", "surer")
    for by, groups in report.subgroups.items():
        for value, group in groups.items():
            row(f"{by}: {value}", *measures(group))
    head(f"{name}, changed", "faces", "another answer (95%)", "no face", "right before, after", "groups differ")
    for change, each in report.changed.items():
        moved = f"{each.moved:.1%} ({each.moved_interval[0]:.1%} to {each.moved_interval[1]:.1%})"
        scores = f"{each.lost:.1%}", f"{each.before:.1%}, {each.after:.1%}"
        row(change, f"{each.n:,}", moved, *scores, ", ".join(apart(report, change)) or "no")


def measures(group: Group) -> tuple[str, ...]:
    right, unsure, much = (group.measures.get(each) for each in ("accuracy", "uncertain", "overconfidence"))
    assert right
    assert unsure
    gap = chance = ""
    if right.gap is not None and right.gap_interval is not None:
        gap = f"{100 * right.gap:+.1f} ({100 * right.gap_interval[0]:+.1f} to {100 * right.gap_interval[1]:+.1f})"
        chance = "too few"
        if right.chance is not None:
            chance = shares.luck(right.chance).removeprefix("= ") + " *" * right.shown
    return (
        f"{group.n:,}",
        f"{right.value:.1%} ({right.interval[0]:.1%} to {right.interval[1]:.1%})",
        *(gap, chance),
        f"{unsure.value:.0%}{' *' * unsure.shown}",
        f"{100 * much.value:+.1f}{' *' * much.shown}" if much else "",
        "" if group.surer is None else f"{group.surer:.2f}",
    )


def apart(report: Report, change: str) -> Iterator[str]:
    """Groups of which a change moves more or fewer answers than of the others, by more than luck."""
    for by, groups in report.subgroups.items():
        for value, group in groups.items():
            moved = group.measures.get(f"moved by {change}")
            if moved and moved.shown:
                yield f"{by}: {value} ({moved.value:.0%})"


# Whether the tests can be believed


def lots(n: int, rng: np.random.Generator) -> list[dict[str, str]]:
    """Three columns of two, four and eight groups."""
    return [{f"of {size}": str(rng.integers(size)) for size in (2, 4, 8)} for _ in range(n)]


def by_lot(answers: Answers, rounds: int) -> None:
    """How many reports call some group different where none is: together as they do, and had each test been alone."""
    rng, alarms, alone = np.random.default_rng(0), 0, 0
    labels = list(FERPLUS8)
    for _ in range(rounds):
        found = subgroups(replace(answers, attributes=tuple(lots(len(answers.truth), rng)), changed={}), labels)
        measures = [each for groups in found.values() for group in groups.values() for each in group.measures.values()]
        alarms += any(each.shown for each in measures)
        alone += any(each.gap_interval and not each.gap_interval[0] <= 0 <= each.gap_interval[1] for each in measures)
    print(f"\nGroups by lot, {rounds} reports: some group is called different in {alarms / rounds:.1%}; ", end="")
    print(f"some interval of a gap leaves out 0 in {alone / rounds:.0%}", flush=True)


def planted(answers: Answers, rounds: int) -> None:
    """How often a group is found in which a share of the answers was made wrong."""
    rng, n = np.random.default_rng(0), len(answers.truth)
    head(f"faces in the group, {rounds} reports", *(f"{100 * gap:.0f} points worse" for gap in GAPS))
    for size in SIZES:
        shown = []
        for gap in GAPS:
            hits = 0
            for _ in range(rounds):
                chosen = rng.permutation(n)[:size]
                spoilt = rng.permutation(chosen[answers.right[chosen]])[: round(gap * size)]
                known = lots(n, rng)
                for place in range(n):
                    known[place]["planted"] = "no"
                for place in chosen:
                    known[place]["planted"] = "yes"
                probabilities = answers.probabilities.copy()
                probabilities[spoilt] = np.roll(probabilities[spoilt], 1, 1)
                made = replace(answers, attributes=tuple(known), probabilities=probabilities, changed={})
                hits += subgroups(made, list(FERPLUS8))["planted"]["yes"].measures["accuracy"].shown
            shown.append(hits / rounds)
        row(size, *(f"{each:.0%}" for each in shown))


def covered(right: NDArray[np.bool_], rounds: int) -> None:
    """How often the interval of a few faces drawn by lot holds the share of all."""
    rng, truth = np.random.default_rng(0), float(right.mean())
    head(f"faces, {rounds:,} draws", "Wilson", "mean width", "bootstrap", "mean width")
    for size in FEW:
        ends = []
        for _ in range(rounds):
            drawn = right[rng.integers(0, len(right), size)]
            means = rng.binomial(size, drawn.mean(), 1000) / size  # of samples drawn from these with replacement
            ends.append((*shares.wilson(float(drawn.mean()), size), *metrics.interval(means.tolist())))
        low, high, bottom, top = np.array(ends).T
        row(
            size,
            f"{np.mean((low <= truth) & (truth <= high)):.1%}",
            f"{np.mean(high - low):.2f}",
            f"{np.mean((bottom <= truth) & (truth <= top)):.1%}",
            f"{np.mean(top - bottom):.2f}",
        )


if __name__ == "__main__":
    main()
