"""What a recipe makes of a dataset: its label set, the splits it lacks, and crops on the device."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mien.crops import Crop
from mien.datasets import Dataset, divided
from mien.datasets.base import read_each
from mien.datasets.copies import fingerprints, leaks
from mien.datasets.walk import few
from mien.errors import DataError
from mien.image import Pixels
from mien.intake import ImageSource
from mien.labels import FACE, label_set
from mien.memory import memory
from mien.photos import CROP_WORDS, CropChoice, crop_reader, load_crops, usual_crop
from mien.preprocess import Preprocess
from mien.training.batches.store import Crops, Held, Streamed
from mien.training.batches.targets import Target, fingerprint, targets
from mien.training.recipes.recipe import Recipe
from mien.wording import counted

OF_MEMORY = 4
"""The part of it that crops take unasked: twice as much while they are read, and others need some too."""
MOST_REASONS = 5
"""Why images were left out, told of a split; the run's folder has all."""


@dataclass(frozen=True)
class Split:
    """One split on the device.

    Args:
        crops: of its images.
        targets: what each head learns from them.
        truth: their emotions' positions in a head's label set, for the heads that are judged.
        left_out: why other images of the split are not among them, by name.
    """

    crops: Crops
    targets: Mapping[str, Target]
    truth: Mapping[str, Tensor]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.crops)


def prepare(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The dataset in the recipe's label set, with a `valid` split, and a `test` split if the recipe holds one out.

    Raises:
        DataError: no image has a label of the set, or there is too little to hold anything out.
    """
    if recipe.labels:
        dataset = dataset.of(label_set(recipe.labels))
    return divided(
        dataset, test_share=recipe.test_share, validation_share=recipe.validation_share, seed=recipe.split_seed
    )


def tell_copies(dataset: Dataset, prepared: Dataset, say: Callable[[str], None]) -> None:
    """Say which images stay together in the splits that mien made, and which stand on both sides of the data's own."""
    groups = Counter(example.group for example in prepared.examples if example.group)
    if groups:
        together = f"{counted(groups.total(), 'image')} in {counted(len(groups), 'group')}"
        say(f"{together}, of copies and near copies or of one person, stay on one side of a split each")
    for split, leak in leaks(dataset, fingerprints(dataset)).items() if len(dataset.splits) > 1 else ():
        if leak.exact or leak.near:
            exact = counted(leak.exact, "image is", "images are")
            copies = f"{exact} in train as well, and {leak.near:,} nearly"
            say(f"of {split}, {copies}: its scores flatter; mien evaluate tells those without them")


def load_splits(
    recipe: Recipe,
    dataset: Dataset,
    device: torch.device,
    say: Callable[[str], None],
    choice: CropChoice | None = None,
    buffer: int | None = None,
) -> tuple[Split, Split]:
    """The train and the valid split of a prepared dataset, cropped as chosen, or else as is usual for it.

    With a buffer of so many crops, they are cropped in each epoch anew (see `store`); else once, and held.

    Raises:
        DataError: no image could be read or shows a face, or no head can both learn and be judged.
    """
    choice = choice or usual_crop(dataset)
    training, valid = (
        load_split(dataset.split(name), recipe, choice.crop, device, say, buffer) for name in ("train", "valid")
    )
    valid = replace(valid, truth={name: truth for name, truth in valid.truth.items() if name in training.targets})
    if not valid.truth:
        raise DataError(f"{dataset.path}: no head of the recipe can both learn and be judged; heads.votes needs votes")
    read = f"{counted(len(training), 'image')} to train on, {len(valid):,} to validate"
    if buffer is not None:
        say(f"they do not fit into memory: read anew in each epoch, and shuffled {buffer:,} at a time")
    say(f"{read}, {CROP_WORDS[choice.crop]} ({choice.reason}); heads: {', '.join(training.targets)}")
    return training, valid


def describe_data(
    dataset: Dataset, training: Split, valid: Split, crop: Crop, buffer: int | None = None
) -> dict[str, Any]:
    """Where the data are, how the user had them read, how many images they hold, and hashes of their crops and labels.

    Args:
        dataset: prepared.
        training, valid: its splits.
        crop: how they were cropped.
        buffer: as for `load_splits`; it is told where there is one.
    """
    hashes = [fingerprint(split.crops.digest(), split.targets) for split in (training, valid)]
    return {
        "path": str(dataset.path.resolve()),
        "form": dataset.form,
        "mapping": dict(dataset.mapping) or None,
        "group": dataset.group,
        "crop": crop,
        "names_sha256": dataset.names_sha256,
        "train": len(training),
        "valid": len(valid),
        "train_sha256": hashes[0],
        "valid_sha256": hashes[1],
    } | ({} if buffer is None else {"buffer": buffer})


def load_split(
    split: Dataset,
    recipe: Recipe,
    crop: Crop,
    device: torch.device,
    say: Callable[[str], None],
    buffer: int | None = None,
) -> Split:
    """One split, every image of which is read; says what is left out. Raises `DataError` where nothing is left."""
    preprocess = Preprocess(recipe.size, recipe.colour)
    crops: Crops
    if buffer is None:
        readable, pixels, left_out = load_crops(split, preprocess, crop)
        crops = Held(torch.from_numpy(preprocess.tensor(pixels)).to(device))
    else:
        largest, digest = crop_reader(preprocess, crop), hashlib.sha256()

        def read(source: ImageSource) -> Pixels:
            pixels: Pixels = preprocess.tensor([largest(source)])[0]
            return pixels

        readable, left_out = read_each(split, read, lambda pixels: digest.update(pixels.tobytes()))
        crops = Streamed(readable.examples, read, buffer, digest, device)
    for sentence in _told_left_out(split, left_out):
        say(sentence)
    found = targets(readable, recipe.heads)
    judged = {name: readable.targets(target.labels) for name, target in found.items() if name != FACE.name}
    truth = {name: torch.from_numpy(positions).to(device) for name, positions in judged.items()}
    return Split(crops, {name: target.to(device) for name, target in found.items()}, truth, left_out)


def buffer_for(dataset: Dataset, recipe: Recipe, size: int | None, device: torch.device) -> int | None:
    """How many crops a buffer holds; None where it holds all of training and validation.

    Args:
        dataset: prepared.
        recipe: says how large crops are.
        size: of the buffer in bytes; a share of the memory if None.
        device: where crops are held.
    """
    there = min(memory(), torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else memory()
    size = there // OF_MEMORY if size is None else size
    buffer = size // (recipe.channels * recipe.size**2)
    examples = sum(example.split in ("train", "valid") for example in dataset.examples)
    return None if examples <= buffer else max(buffer, recipe.schedule.batch)


def _told_left_out(split: Dataset, reasons: Mapping[str, str]) -> Iterator[str]:
    """How many images were left out, and the most frequent reasons, each with the first of their names."""
    names = defaultdict[str, list[str]](list)
    for name, why in reasons.items():
        names[why].append(name)
    if reasons:
        counts = f"{len(reasons)} of {counted(len(split), 'image')} of {split.examples[0].split}"
        yield f"left out {counts}; left_out.csv of the run names all:"
    often = sorted(names.items(), key=lambda each: -len(each[1]))
    for why, alike in often[:MOST_REASONS]:
        yield f"  {why}: {few(alike)}"
    if rest := sum(len(alike) for _, alike in often[MOST_REASONS:]):
        yield f"  for other reasons: {rest}"
