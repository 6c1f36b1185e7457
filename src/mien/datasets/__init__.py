"""Datasets: what a path holds is recognised by looking, the most specific form first."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import NamedTuple

from mien.container import VIDEO, named
from mien.datasets import fer2013, folder, index, listed, names, people, table
from mien.datasets.base import Dataset, Example, as_path, load_pixels
from mien.datasets.info import Info, inspect
from mien.datasets.rows import KINDS, NO_HEADER, begins_with_data, header
from mien.datasets.splits import divided, with_split
from mien.datasets.tree import Tree, find_tree
from mien.datasets.walk import few
from mien.datasets.words import canonical_mapping, grouped, read_mapping, relabelled
from mien.errors import DataError
from mien.intake import describe
from mien.labels import FERPLUS8, write_pairs
from mien.sources import SUFFIXES

__all__ = [
    "Dataset",
    "Example",
    "Info",
    "divided",
    "inspect",
    "load_pixels",
    "open_dataset",
    "read_mapping",
    "with_split",
]


class Form(NamedTuple):
    """A layout of datasets.

    Args:
        fits: whether files have it.
        read: what reads them.
        words: it in words.
    """

    fits: Callable[[Tree], bool]
    read: Callable[[Tree], Dataset]
    words: str


def _read_index(tree: Tree) -> Dataset:
    """What an index leaves of the dataset that it names."""
    found = index.read_index(tree.path)
    try:
        whole = open_dataset(tree.root / found.data, mapping=found.mapping, group=found.group)
    except RecursionError:
        raise DataError(f"{tree.path}: leads back to itself") from None
    return index.indexed(tree.path, found, whole)


FORMS = (
    Form(people.is_people, people.read_people, "people: images/<set_id>/<emotion>.* and emotions.csv"),
    Form(fer2013.is_csv, fer2013.read_csv, "FER2013: fer2013.csv, or another table of emotion and pixels"),
    Form(fer2013.is_parquet, fer2013.read_parquet, "FER2013: a parquet file, or a folder of them"),
    Form(listed.is_raf, listed.read_raf, "RAF-DB: list_patition_label.txt and the images"),
    Form(listed.is_ferplus, listed.read_ferplus, "FER+: FER2013Train/*.png and label.csv, likewise Valid and Test"),
    Form(names.is_named, names.read_named, "KDEF, JAFFE or RaFD, by the files' names; or <person>/<emotion>.*"),
    Form(table.is_table, table.read_table, "table: a CSV file of path and label, and perhaps split, person and others"),
    Form(folder.is_folder, folder.read_folder, "image folder: [split/]label/*"),
    Form(
        folder.is_people_folder,
        folder.read_people_folder,
        "image folder: [split/]label/person/*, or person/label/*, with labels of a known set",
    ),
    Form(index.is_index, _read_index, "index: a JSON file that mien data audit --write-clean wrote"),
)
"""Every form there is, the most specific first. Each may be wrapped in folders of its own, or in a zip."""

BEGINNING = 512  # bytes, by which a video is told
MOST_TABLES = 2  # of which it is told why they are none
ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def open_dataset(
    path: str | os.PathLike[str], *, mapping: Mapping[str, str] | None = None, group: str | None = None
) -> Dataset:
    """The dataset at a path, whichever of `FORMS` it has.

    Args:
        path: a file, a folder or a zip.
        mapping: labels of the dataset and what each means, in any spelling; `""` leaves a label out. See `relabelled`.
        group: who is on an image: a column, `folder:1` or a pattern. See `grouped`.

    Raises:
        DataError: there is nothing, it has none of the forms (the message says what was looked for and what was found),
            its content is not what its form promises, or `mapping` or `group` finds nothing in it.
    """
    found = as_path(path)
    renamed = canonical_mapping((mapping or {}).items())
    dataset = _read(find_tree(found, frozenset(FERPLUS8) | renamed.keys()))
    return grouped(relabelled(dataset, renamed), group)


def _read(tree: Tree) -> Dataset:
    inner: Tree | None = tree
    while inner:
        for form in FORMS:
            if form.fits(inner):
                return form.read(inner)
        inner = inner.within()
    if tree.alone and (told := _one_image(tree)):
        raise DataError(f"{tree.path}: {told}")
    looked_for = "".join(f"\n  - {form.words}" for form in FORMS)
    raise DataError(f"{tree.path}: not a dataset. Looked for:{looked_for}\nFound: {_found(tree)}{_advice(tree)}")


def _one_image(tree: Tree) -> str | None:
    """What is said of a file that is a video or an image; None of others."""
    with tree.path.open("rb") as stream:
        if named(stream.read(BEGINNING)) == VIDEO:
            return VIDEO
    single = "one image, not a dataset: mien predict reads it; to judge, put images in folders named by label"
    return single if tree.path.suffix.lower() in SUFFIXES else None


def _found(tree: Tree) -> str:
    if tree.alone:
        kind = tree.path.suffix
        archive = ", an archive: unpack it first" if kind.lower() in ARCHIVES else ""
        return f"a file of kind {kind or 'unknown'}{archive}"
    entries = {place.parts[0] + "/" * (len(place.parts) > 1) for place in (*tree.images, *tree.others)}
    return f"{few(sorted(map(describe, entries)))}; images: {few([describe(place) for place in tree.images], 2)}"


def _advice(tree: Tree) -> str:
    """What would make a dataset of images that no form reads."""
    if not tree.images:
        return ""
    if tables := [describe(place) for place in tree.others if begins_with_data(header(tree, place))]:
        return f"\n{few(tables)}: {NO_HEADER}"
    return _faults(tree) + _ways(tree)


def _faults(tree: Tree) -> str:
    """Why CSV files beside images are no tables of them."""
    told = ""
    for place in [each for each in tree.others if each.suffix.lower() in KINDS][:MOST_TABLES]:
        try:
            table.check_columns(tree, place)
        except DataError as error:
            told += f"\n{error}"
    return told


def _ways(tree: Tree) -> str:
    """How images may be named by label, by the folders or texts that there are."""
    ways = "put the images in folders named by label, or list them in a CSV file of path,label"
    stems = {place.stem for place in tree.images}
    if texts := [place for place in tree.others if _text_on(place, stems)]:
        return f"\nNo form reads labels from text files beside images, such as {describe(texts[0])}: {ways}"
    if all(len(place.parts) == 1 for place in tree.images):
        return f"\nImages alone have no labels: {ways}"
    deepest = max(len(place.parts) for place in tree.images) - 1
    levels = [
        sorted({describe(place.parts[level]) for place in tree.images if len(place.parts) > level + 1})
        for level in range(deepest)
    ]
    seen = "; ".join(f"level {number}: {few(names, 3)}" for number, names in enumerate(levels, 1))
    several = next((names for names in levels if len(names) > 1), None)
    if several is None:
        return f"\nFolders of {seen}, which tell no labels apart: {ways}"
    return (
        f"\nFolders of {seen}. If those of one level are labels, say what two of them mean at least, as in "
        f"--map {write_pairs({several[0]: 'LABEL'})},... (in Python: mapping={{...}})"
    )


def _text_on(place: Path, images: Set[str]) -> bool:
    """Whether a file is a text that is named after an image, as CK+'s `S005_001_00000011_emotion.txt`."""
    return place.suffix.lower() == ".txt" and (place.stem in images or place.stem.rpartition("_")[0] in images)
