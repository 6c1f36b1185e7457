"""Drawn copies: where each goes, so that none is written over another, or over a source."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mien.files import check_writable, replacing

if TYPE_CHECKING:
    from PIL import Image

    from mien.intake import ImageSource
    from mien.prediction import Prediction

JPEG_QUALITY = 92
LONGEST_STEM = 60  # characters, of up to 4 bytes; file systems take names of 255 bytes


class Copies:
    """A folder of drawn copies, with the sub-folders in which their sources lie.

    Args:
        folder: is made where there is none, with the first copy.
        sources: all of them, to write over none.
        words: that named the sources.
        ending: of the name of each copy.
        drawing: makes the copy.

    Raises:
        OSError: the folder takes no files, or cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        sources: Iterable[ImageSource],
        words: Sequence[str],
        ending: str,
        drawing: Callable[[ImageSource, Prediction], Image.Image],
    ) -> None:
        from mien.sources import tops

        self._folder, self._tops, self._ending, self._drawing = folder, tops(words), ending, drawing
        real = cache(os.path.realpath)
        paths = (os.path.split(source) for source in sources if isinstance(source, str))
        self._taken = {os.path.join(real(parent or "."), name) for parent, name in paths}
        check_writable(folder)

    def draw(self, source: ImageSource, prediction: Prediction) -> None:
        """Write FOLDER/<sub-folder>/<name>-<ending>.jpg, numbered where that is taken.

        Raises:
            MienError: the image is no longer the one that was read.
            OSError: it cannot be written.
        """
        from mien.sources import Piped, sub_folder

        if isinstance(source, Piped):
            source.seek(0)
        folder = self._folder / (sub_folder(source, self._tops) if isinstance(source, str) else "")
        place = os.path.realpath(folder)
        stem = Path(prediction.source).stem.strip("<>")[:LONGEST_STEM]
        name = next(name for name in _names(stem, self._ending) if self._free(os.path.join(place, name)))
        self._taken.add(os.path.join(place, name))
        with replacing(folder / name) as temporary:
            self._drawing(source, prediction).save(temporary, quality=JPEG_QUALITY)

    def _free(self, path: str) -> bool:
        """Whether a copy may be written there: a link may lead to a source."""
        return path not in self._taken and not os.path.islink(path)


def _names(stem: str, ending: str) -> Iterator[str]:
    yield f"{stem}-{ending}.jpg"
    number = 2
    while True:
        yield f"{stem}-{number}-{ending}.jpg"
        number += 1
