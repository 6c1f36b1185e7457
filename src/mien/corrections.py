"""Corrections: faces of which a person says what they show, kept as a dataset to train on, where that was asked for.

DIR/label/<name>.png   the crop that the model saw; its name is made of its pixels, so that a face is kept once
DIR/kept.csv           a line a face: when (UTC), which file, what mien said, how sure it was, what the person said, and
                       which model it was

Nothing else is kept: no photo, no name of a file, nothing of what a file says of itself. The folder that a crop lies in
is its label, wherever a person may move it. What `kept.csv` does not list is somebody else's, and stays as it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from mien.cells import Rows, plain
from mien.datasets.base import split_named
from mien.datasets.rows import cells_of
from mien.errors import MienError
from mien.files import UNFINISHED, UNFIT, alone, check_writable, replacing, write_text
from mien.image import Pixels
from mien.labels import FACE
from mien.prediction import Expression
from mien.wording import reason

TABLE = "kept.csv"
COLUMNS = ("when", "crop", "mien_said", "confidence", "person_said", "model")
NAME = re.compile(r"[0-9a-f]{32}")

NOT_A_FACE = FACE.emotions[1]
"""What a person may say of any crop, whatever the model speaks."""


@dataclass(frozen=True)
class Kept:
    """A face that was kept.

    Args:
        when: in UTC, as ISO 8601 has it.
        name: tells its crop from others, see `name_of`.
        said: the expression that mien said.
        confidence: in that, 0..1.
        label: what the person said.
        model: whose answer it was.
        path: its crop.
    """

    when: str
    name: str
    said: str
    confidence: float
    label: str
    model: str
    path: Path


def name_of(crop: Pixels) -> str:
    """What tells a crop from others: 32 characters that hang on all of its pixels, and on nothing else."""
    return hashlib.sha256(repr(crop.shape).encode() + crop.tobytes()).hexdigest()[:32]


def check(folder: Path) -> None:
    """See that faces can be kept in a folder: one that mien keeps them in, an empty one, or one that can be made.

    Raises:
        MienError: it holds something else, or a table that is not as mien wrote it.
        OSError: it cannot be written.
    """
    check_writable(folder)
    _listed(folder)
    if folder.exists():
        _check_ours(folder)


def kept(folder: Path) -> tuple[Kept, ...]:
    """The faces that are kept in a folder, in the order in which they were; none where there is no such folder.

    One whose crop a person has taken away is not among them.

    Raises:
        MienError: the table is not as mien wrote it.
        OSError: it cannot be read.
    """
    crops = _crops(folder)
    faces = (replace(each, path=crops[each.name]) for each in _listed(folder) if each.name in crops)
    return tuple(replace(each, label=each.path.parent.name) for each in faces)


def keep(folder: Path, crop: Pixels, expression: Expression, label: str, model: str) -> Kept:
    """Keep a face; where it is kept already, what is said now holds.

    Args:
        folder: see `check`; it is made where it is not there, for nobody else to read.
        crop: what the model saw.
        expression: what mien said of it.
        label: what the person says.
        model: whose answer it was.

    Raises:
        MienError: as `check` does, or no folder can have the label as its name.
        OSError: it cannot be written.
    """
    name, when = name_of(crop), datetime.now(UTC).isoformat(timespec="seconds")
    path = folder / _named(label) / f"{name}.png"
    face = Kept(when, name, expression.label, round(expression.confidence, 4), label, model, path)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(folder):
        _check_ours(folder)
        others = [each for each in kept(folder) if each.name != name]
        _write(folder, [*others, face])  # first, so that a crop that nobody lists is never there
        with replacing(path) as temporary:
            Image.fromarray(crop).save(temporary, "PNG")
        _remove(each for each in _places(folder, name) if each != path)
    return face


def forget(folder: Path, names: Collection[str] | None = None) -> None:
    """Delete faces that are kept, and their lines; all of them if no names are given. No other file is touched.

    Raises:
        MienError: the table is not as mien wrote it.
        OSError: it cannot be written.
    """
    if not (folder / TABLE).exists():
        return
    with alone(folder):
        listed = _listed(folder)
        gone = {each.name for each in listed if names is None or each.name in names}
        for name in sorted(gone):
            _remove(_places(folder, name))
        _write(folder, [each for each in kept(folder) if each.name not in gone])


def _check_ours(folder: Path) -> None:
    """Raises `MienError` where there are files, and not the table that mien keeps."""
    if not (folder / TABLE).exists() and any(not each.name.startswith(".") for each in folder.iterdir()):
        raise MienError(f"{folder} holds other files, and no {TABLE}: choose a folder that is empty or does not exist")


def _listed(folder: Path) -> list[Kept]:
    """What the table says, whether the crops are there or not."""
    path = folder / TABLE
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:  # which a spreadsheet may have written anew
            rows = [tuple(map(plain, row)) for row in cells_of(stream) if any(row)]
        if rows[:1] != [COLUMNS]:
            raise ValueError(f"expected the columns {', '.join(COLUMNS)}")
        return [_face(folder, row) for row in rows[1:]]
    except FileNotFoundError:
        return []
    except (ValueError, csv.Error) as error:
        advice = "mend it, or move the folder away; nothing was changed"
        raise MienError(f"{path} is not as mien wrote it ({reason(error)}): {advice}") from error


def _face(folder: Path, row: Sequence[str]) -> Kept:
    """A line of the table. Raises `ValueError`."""
    if len(row) != len(COLUMNS) or not NAME.fullmatch(Path(row[1]).stem):
        raise ValueError(f"expected a face, got {','.join(row)!r}")
    when, crop, said, confidence, label, model = row
    name = Path(crop).stem
    return Kept(when, name, said, float(confidence), label, model, folder / label / f"{name}.png")


def _write(folder: Path, faces: Sequence[Kept]) -> None:
    """Write the table anew, and clear away what a killed process has left half-written."""
    for left in (*folder.glob(f".{Path(TABLE).stem}.*"), *folder.glob("*/.*.png")):
        if UNFINISHED.fullmatch(left.name) and (left.parent == folder or NAME.match(left.name, 1)):
            left.unlink()
    stream = io.StringIO()
    Rows(stream, COLUMNS).write(
        (each.when, f"{each.label}/{each.name}.png", each.said, each.confidence, each.label, each.model)
        for each in faces
    )
    write_text(folder / TABLE, stream.getvalue())


def _crops(folder: Path) -> Mapping[str, Path]:
    """The files in label folders that are named as crops are, by that name."""
    return {path.stem: path for path in sorted(folder.glob("*/*.png")) if NAME.fullmatch(path.stem)}


def _places(folder: Path, name: str) -> Iterator[Path]:
    return folder.glob(f"*/{name}.png")


def _remove(crops: Iterator[Path]) -> None:
    """Delete crops, and the folders that are empty without them."""
    for crop in list(crops):
        crop.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it
            crop.parent.rmdir()


def _named(label: str) -> str:
    """The folder of a label. Raises `MienError` where no system, or no dataset, would read it as that."""
    if not label or UNFIT.search(label) or label != label.strip(". ") or split_named(label):
        raise MienError(f"no folder can have the label {label!r} as its name: say it in other words")
    return label
