"""What the Hugging Face Hub reads of a model's card, written above the cards of models, as `mien export` does it.

    python tools/cards.py src/mien/assets/models/* teachers/* --licence mit

The cards themselves stay as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mien.artifact import read
from mien.files import write_text
from mien.training.export.card import metadata


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--licence", help="by the Hub's name of it")
    given = parser.parse_args()
    for folder in given.folders:
        if (folder / "model.json").is_file():
            artifact = read(folder)
            write_text(folder / "README.md", metadata(artifact.manifest, given.licence) + artifact.card)


if __name__ == "__main__":
    main()
