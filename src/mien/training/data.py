"""What a recipe makes of a dataset: its label set, the splits it lacks, and crops on the device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mien.crops import Crop
from mien.datasets import Dataset, divided
from mien.datasets.copies import fingerprints, leaks
from mien.errors import DataError
from mien.labels import FACE, label_set
from mien.photos import CROP_WORDS, CropChoice, load_crops, usual_crop
from mien.preprocess import Preprocess
from mien.training.loss import Target, fingerprint, targets
from mien.training.recipe import Recipe


@dataclass(frozen=True)
class Split:
    """One split on the device.

    Args:
        pixels: (n, channels, size, size) uint8.
        targets: what each head learns from them.
        truth: their emotions' positions in a head's label set, for the heads that are judged.
    """

    pixels: Tensor
    targets: Mapping[str, Target]
    truth: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.pixels)


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
        together = f"{groups.total()} images in {len(groups)} groups"
        say(f"{together}, of copies and near copies or of one person, stay on one side of a split each")
    for split, leak in leaks(dataset, fingerprints(dataset)).items() if len(dataset.splits) > 1 else ():
        if leak.exact or leak.near:
            copies = f"{leak.exact} images are in train as well, and {leak.near} nearly"
            say(f"of {split}, {copies}: its scores flatter; mien evaluate tells those without them")


def load_splits(
    recipe: Recipe,
    dataset: Dataset,
    device: torch.device,
    say: Callable[[str], None],
    choice: CropChoice | None = None,
) -> tuple[Split, Split]:
    """The train and the valid split of a prepared dataset, cropped once: as chosen, or else as is usual for it.

    Raises:
        DataError: no image could be read or shows a face, or no head can both learn and be judged.
    """
    choice = choice or usual_crop(dataset)
    training, valid = (_load(dataset.split(name), recipe, choice.crop, device, say) for name in ("train", "valid"))
    valid = replace(valid, truth={name: truth for name, truth in valid.truth.items() if name in training.targets})
    if not valid.truth:
        raise DataError(f"{dataset.path}: no head of the recipe can both learn and be judged; heads.votes needs votes")
    say(
        f"{len(training)} images to train on, {len(valid)} to validate, {CROP_WORDS[choice.crop]} ({choice.reason}); "
        f"heads: {', '.join(training.targets)}"
    )
    return training, valid


def describe_data(dataset: Dataset, training: Split, valid: Split, crop: Crop) -> dict[str, Any]:
    """Where the data are, how the user had them read, how many images they hold, and hashes of their crops and labels.

    Args:
        dataset: prepared.
        training, valid: its splits.
        crop: how they were cropped.
    """
    hashes = [fingerprint(split.pixels.cpu().numpy(), split.targets) for split in (training, valid)]
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
    }


def _load(split: Dataset, recipe: Recipe, crop: Crop, device: torch.device, say: Callable[[str], None]) -> Split:
    preprocess = Preprocess(recipe.size, recipe.colour)
    readable, crops, left_out = load_crops(split, preprocess, crop)
    for name, reason in left_out.items():
        say(f"left out {name}: {reason}")
    if left_out:
        say(f"{len(left_out)} of {len(split)} images of {split.examples[0].split} left out")
    found = targets(readable, recipe.heads)
    judged = {name: readable.targets(target.labels) for name, target in found.items() if name != FACE.name}
    truth = {name: torch.from_numpy(positions).to(device) for name, positions in judged.items()}
    tensor = torch.from_numpy(preprocess.tensor(crops)).to(device)
    return Split(tensor, {name: target.to(device) for name, target in found.items()}, truth)
