"""A table of labelled images: a CSV file with a column of paths and a column of labels, and whatever else is known.

Paths are relative to the folder of the table, or to a folder in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath
from unicodedata import normalize

from mien.datasets.base import Dataset, Example, own_labels, split_named
from mien.datasets.folder import has_known_labels
from mien.datasets.names import people_named
from mien.datasets.rows import KINDS, found_in, header, read_header, read_rows
from mien.datasets.tree import Tree
from mien.datasets.walk import few
from mien.errors import DataError
from mien.intake import describe
from mien.labels import canonical
from mien.wording import CONTROL, counted

PATHS = (
    *("path", "image", "filename", "file", "image_path", "img_path", "file_path", "filepath"),
    *("file_name", "image_file", "image_name", "img", "pth", "subdirectory_filepath"),
)
LABELS = ("label", "emotion", "expression", "class", "labels")
SPLIT = ("split", "usage", "subset", "partition")
PEOPLE = ("person", "subject", "person_id", "subject_id", "participant", "participant_id", "identity", "set_id")
"""Columns as published tables name them, in lower case, with `_` for blanks and hyphens; the first that is there
counts."""

TRIED = 100  # paths of a table, to find the folder that they are relative to


def is_table(tree: Tree) -> bool:
    return bool(_tables(tree)) or (tree.alone and tree.path.suffix.lower() in KINDS)


def read_table(tree: Tree) -> Dataset:
    """A table, or a folder with one, or with one for each split that is named by it (`train.csv`, `test_labels.csv`).

    Columns that say neither path, label, split nor person become attributes. A label folder's own labels come before
    those of a table beside it.

    Raises:
        DataError: no column of paths or labels, an unknown split, an image listed twice, none of the first images is
            there, or fewer than two labels.
    """
    tables = _tables(tree) or list(tree.others)
    splits = [_split_named(place) for place in tables] if len(tables) > 1 else [""]
    if len(set(splits)) < len(splits) or (len(splits) > 1 and "" in splits):
        names = few([describe(place) for place in tables])
        raise DataError(f"{tree.path}: several tables, {names}: name the one to read, or name each by its split")
    examples: list[Example] = []
    unlabelled = 0
    for place, split in zip(tables, splits, strict=True):
        for example in _examples(tree, place, split):
            if example.label:
                examples.append(example)
            unlabelled += not example.label
    if twice := [name for name, n in Counter(each.name for each in examples).items() if n > 1]:
        one = "keep one row an image; where several people labelled it, with what most of them said"
        raise DataError(f"{tree.path}: listed more than once: {few(twice)}; {one}")
    columns = _columns(tree, tables[0])
    labels = own_labels(tree.path, (example.label for example in examples))
    notes = (
        f"labels: the column {columns['label']}",
        f"splits: {_splits_of(columns, named=any(splits))}",
        *((f"people: the column {columns['person']}",) if columns["person"] else ()),
        *((f"left out: {counted(unlabelled, 'row')} without a label",) if unlabelled else ()),
    )
    listed = {example.name for example in examples}
    unlisted = [name for place in tree.images if (name := describe(place.as_posix())) not in listed]
    form = "table " + few([describe(place) for place in tables])
    return people_named(Dataset(tree.path, form, labels, tuple(examples), tuple(unlisted), notes))


def _splits_of(columns: dict[str, str], *, named: bool) -> str:
    if named:
        return "the tables' names"
    return f"the column {columns['split']}" if columns["split"] else "none"


def _tables(tree: Tree) -> list[Path]:
    """The tables of labelled images that were named or lie beside the images."""
    if not tree.alone and has_known_labels(tree):
        return []
    places = [place for place in tree.others if len(place.parts) == 1]
    return [place for place in places if all(_columns(tree, place)[what] for what in ("path", "label"))]


def _columns(tree: Tree, place: Path) -> dict[str, str]:
    """The columns of a table that say path, label, split and person; `""` where none does."""
    found = {plainly(name): name for name in reversed(header(tree, place))}
    wanted = {"path": PATHS, "label": LABELS, "split": SPLIT, "person": PEOPLE}
    return {what: next((found[name] for name in names if name in found), "") for what, names in wanted.items()}


def plainly(column: str) -> str:
    """A column's name as `PATHS` and the others have them."""
    return re.sub(r"[\s-]+", "_", column.strip().lower())


def check_columns(tree: Tree, place: Path) -> None:
    """Raises `DataError` where a CSV file is no table of labelled images; says which columns it lacks."""
    found, columns = read_header(tree, place), _columns(tree, place)
    if missing := [what for what in ("path", "label") if not columns[what]]:
        looked_for = "; ".join(f"{what}: {', '.join({'path': PATHS, 'label': LABELS}[what])}" for what in missing)
        none = f"{tree.root / place}: no column for {' and '.join(missing)}"
        raise DataError(f"{none} ({looked_for}); found {found_in(found)}")


def _examples(tree: Tree, place: Path, split: str) -> Iterator[Example]:
    check_columns(tree, place)
    file, columns = tree.root / place, _columns(tree, place)
    rows = list(read_rows(tree, place))
    places = [_place(values[columns["path"]]) for _, values in rows]
    if Path() in places:
        raise DataError(f"{file}, line {rows[places.index(Path())][0]}: no path")
    base = _base(tree, file, places) if places else Path()
    for at, (line, values) in zip(places, rows, strict=True):
        listed = _spelled(tree, base / at)
        person = values[columns["person"]] if columns["person"] else ""
        attributes = {name: cell for name, cell in values.items() if name not in columns.values() and cell}
        label = canonical(values[columns["label"]])
        if CONTROL.search(label):
            raise DataError(f"{file}, line {line}: a label with control characters in it, {label!r}")
        yield Example(
            name=describe(listed.as_posix()),
            source=tree.source(listed),
            label=label,
            split=split or (_split(file, line, values[columns["split"]]) if columns["split"] else "all"),
            attributes=attributes | ({"person": person} if person else {}),
        )


def _place(listed: str) -> Path:
    """A path as it stands in a table, written with `/` or as Windows does."""
    return Path(listed if "/" in listed else PureWindowsPath(listed).as_posix())


def _spelled(tree: Tree, place: Path) -> Path:
    """A place as the name of its file is spelled, where that is in another form of Unicode: macOS writes a letter with
    a mark as two signs, and most others as one."""
    if str(place).isascii() or tree.has(place):
        return place
    others = [Path(normalize(form, str(place))) for form in ("NFC", "NFD")]
    return next((other for other in others if tree.has(other)), place)


def _base(tree: Tree, file: Path, listed: Sequence[Path]) -> Path:
    """The folder that a table's paths are relative to, by its first that is there: that of the table, or one in it."""
    folders = {place.parts[0] for place in tree.images if len(place.parts) > 1} if not tree.alone else set()
    if tree.alone:
        folders = {entry.name for entry in tree.root.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    for base in (Path(), *map(Path, sorted(folders))):
        if any(tree.has(_spelled(tree, base / place)) for place in listed[:TRIED]):
            return base
    raise DataError(
        f"{file}: its first images, {few([describe(place) for place in listed[:TRIED]], 1)}, are not there; "
        f"paths are relative to {tree.root} or to a folder in it"
    )


def _split(file: Path, line: int, value: str) -> str:
    if split := split_named(value):
        return split
    raise DataError(f"{file}, line {line}: split is train, valid or test, got {value!r}")


def _split_named(place: Path) -> str:
    """The split that a table's name speaks of; `""` if none."""
    words = re.split(r"[^a-z]+", place.stem.lower())
    return next(filter(None, map(split_named, words)), "")
