"""How often each expression is among the labels that mien's models learned from, in both worlds.

    python benchmarks/labels.py

FER2013's training images, by FER+'s majority of eight and by FER2013's own label of seven. Needs pyarrow; some seconds.
"""

from __future__ import annotations

import numpy as np
from common import data_folder, head, row

from mien.datasets import open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import FER7, FERPLUS8


def main() -> None:
    training = open_dataset(data_folder("fer2013/train.parquet") / "fer2013" / "train.parquet")
    head("share", *FERPLUS8.emotions)
    for labels, name in ((FERPLUS8, "FER+ majority"), (FER7, "FER2013's label")):
        targets = training.targets(labels)
        targets = targets[targets != NO_LABEL]
        shares = np.bincount(targets, minlength=len(labels)) / len(targets)
        told = {emotion: f"{share:.1%}" for emotion, share in zip(labels.emotions, shares, strict=True)}
        row(f"{name}, of {len(targets):,} training images", *(told.get(emotion, "-") for emotion in FERPLUS8.emotions))


if __name__ == "__main__":
    main()
