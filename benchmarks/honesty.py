"""Whether numbers can be believed, in four parts; all of them, unless some are named.

    python benchmarks/honesty.py [lot] [photos] [clean] [transfer] [--draws 5] [--photos 1000]

photos, clean and transfer are crops.py, quality.py and transfer.py. In lot nothing can be learned, so nothing may seem
to be: photos of FER2013's training split get the labels happy and sad by lot, and each stands in a folder three times:
copied as it is; as near copies (resized, brightened, mirrored); or as frames of a person who moves a little, named in
the file. `mien train` begins with `small`, holds out two fifths to test and two fifths of the rest to validate, and is
exported: whoever is right in more than half of the cases has seen the answers. Beside it the same with images divided
one by one, as is usual. Last, the shipped model on its own training images in a plain folder.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import crops
import numpy as np
import quality
import transfer
from common import ROOT, data_folder, head, machine, row
from PIL import Image, ImageOps

import mien
from mien.datasets import Dataset, open_dataset
from mien.evaluation import evaluate
from mien.image import read_image
from mien.report.notes import notes
from mien.training.export.export import export
from mien.training.learning.loop import train
from mien.training.recipes.recipe import read_recipe

LABELS = "happy", "sad"
TIMES = 3  # that each photo stands in a folder
RECIPE = ["test_share=0.4", "validation_share=0.4", "schedule.epochs=6", "schedule.batch=64"]
OWN = 2000  # training images that the shipped model is judged on
GROUP = r"(S\d+)_"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--photos", type=int, default=1000, help="in each folder, three times each")
    given, wanted = parser.parse_known_args()
    parts: dict[str, Callable[[], None]] = {
        "lot": partial(lot, given.draws, given.photos),
        "photos": crops.main,
        "clean": quality.main,
        "transfer": transfer.main,
    }
    if unknown := set(wanted) - set(parts):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    sys.argv[1:] = []  # where the other scripts look for options of their own
    for name in wanted or parts:
        print(f"\n== {name}", flush=True)
        parts[name]()


def lot(draws: int, photos: int) -> None:
    training = open_dataset(data_folder("fer2013/train.parquet") / "fer2013" / "train.parquet")
    print(machine())
    head(f"{photos} photos, {TIMES} times each", f"{draws} draws", "mean", "divided one by one, as is usual")
    with tempfile.TemporaryDirectory() as folder:
        for name, copies in COPIES.items():
            drawn = [by_lot(training, copies, photos, draw, Path(folder)) for draw in range(draws)]
            naive = by_lot(training, copies, photos, 0, Path(folder), naive=True)
            means = [mean(column) for column in zip(*drawn, strict=True)]
            row(
                name,
                ", ".join(f"{100 * valid:.1f} {100 * test:.1f}" for valid, test in drawn),
                told(means),
                told(naive),
            )
        own_images(training, Path(folder) / "own")


def told(scores: Sequence[float]) -> str:
    """Right on validation and on test."""
    return ", ".join(f"{score:.1%}" for score in scores)


def by_lot(
    training: Dataset,
    copies: Callable[[Image.Image, random.Random], Iterator[Image.Image]],
    photos: int,
    draw: int,
    folder: Path,
    naive: bool = False,
) -> tuple[float, float]:
    """What share is right on validation and on test."""
    rng = random.Random(draw)
    place = folder / f"{copies.__name__}-{draw}{'-naive' * naive}"
    for number, example in enumerate(rng.sample(training.examples, photos)):
        label = rng.choice(LABELS)
        (place / "data" / label).mkdir(parents=True, exist_ok=True)
        photo = Image.fromarray(read_image(example.source)).convert("L")
        for frame, copy in enumerate(copies(photo, rng)):
            copy.save(place / "data" / label / f"S{number:04d}_{frame}.png")
    recipe = read_recipe(ROOT / "recipes" / "transfer.toml", [*RECIPE, f"seed={draw}", f"split_seed={draw}"])
    data = open_dataset(place / "data", group=GROUP if copies is frames and not naive else None)
    with patch("mien.datasets.splits.kept_together", lambda dataset: dataset) if naive else nullcontext():
        train(recipe, data, place / "run", start="small")
        export([place / "run"], place / "model")
        reader = mien.load(place / "model", threads=2)
        valid, test = (evaluate(reader, data, split=split).accuracy for split in ("valid", "test"))
    return valid, test


def same(photo: Image.Image, rng: random.Random) -> Iterator[Image.Image]:
    yield from [photo] * TIMES


def near(photo: Image.Image, rng: random.Random) -> Iterator[Image.Image]:
    yield photo
    yield photo.resize((96, 96), Image.Resampling.BICUBIC).point(lambda value: min(255, round(0.8 * value + 30)))
    yield ImageOps.mirror(photo).resize((60, 60), Image.Resampling.BICUBIC)


def frames(photo: Image.Image, rng: random.Random) -> Iterator[Image.Image]:
    """Turned by up to eight degrees, moved by up to three pixels, with grain."""
    for _ in range(TIMES):
        moved = photo.rotate(
            rng.uniform(-8, 8), Image.Resampling.BICUBIC, translate=(rng.randint(-3, 3), rng.randint(-3, 3))
        )
        grain = np.random.default_rng(rng.getrandbits(32)).normal(0, 6, (moved.height, moved.width))
        yield Image.fromarray(np.clip(np.asarray(moved) + grain, 0, 255).astype(np.uint8))


COPIES = {
    "copied": same,
    "resized and brightened, and mirrored": near,
    "as frames of a person who moves, people named by `--group`": frames,
}


def own_images(training: Dataset, folder: Path) -> None:
    """The shipped model on images that it was trained on, and a quarter of others, in a folder of labels."""
    public = open_dataset(data_folder("fer2013/valid.parquet") / "fer2013" / "valid.parquet")
    rng = random.Random(0)
    chosen = [*rng.sample(training.examples, OWN), *rng.sample(public.examples, OWN // 4)]
    for number, example in enumerate(chosen):
        (folder / example.label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(read_image(example.source)).save(folder / example.label / f"{number}.png")
    report = mien.evaluate(mien.load(threads=2), folder)
    print(f"\nsmall on {OWN} of its own training images and {OWN // 4} others, in a folder of labels")
    print(f"accuracy {report.accuracy:.1%}, head {report.head}")
    print(*notes(report), sep="\n")


if __name__ == "__main__":
    main()
