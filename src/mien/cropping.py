"""Cropping: a dataset, or plain images, written anew as a folder of aligned face crops, a PNG file each.

OUT/[split/]label/<name>.png   the largest face of each image; OUT/<name>.png where images have no labels
OUT/crops/<name>.png           instead, where more is known than folders can say, which is then in OUT/labels.csv: path,
                               label, split, person, and whatever else is known of a person
OUT/crops.csv                  a row a source: what was written, where the face was, or why there is nothing
OUT/.crops.jsonl               the options and a line a source that is done, for a run that goes on

Files appear whole or not at all, the tables when all is done. A run that goes on reads again what could not be read,
and images that were changed since; of a parquet file that was, all.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from mien.cells import Rows
from mien.crops import NO_FACE, Crop, cut
from mien.datasets import open_dataset
from mien.datasets.base import Dataset, Example, split_named
from mien.datasets.shards import StoredImage
from mien.datasets.walk import image_files
from mien.detect import BlazeFace, Detector
from mien.errors import DataError, ImageError, MienError
from mien.files import UNFINISHED, UNFIT, check_writable, digest, naming, replacing, stamp, write_text
from mien.intake import ImageSource, describe
from mien.labels import canonical
from mien.preprocess import Preprocess
from mien.sources import SUFFIXES, expand
from mien.tables import RENAMED

STATE, TABLE, LABELS, CROPS = ".crops.jsonl", "crops.csv", "labels.csv", "crops"
LONGEST_STEM = 60  # characters, of up to 4 bytes; file systems take names of 255 bytes


@dataclass(frozen=True)
class Row:
    """What became of one source.

    Args:
        source: its name.
        crop: the file that was written, relative to the folder; empty if none.
        label, split, person: the source's own; empty where it has none.
        faces: how many were found; the largest was written.
        x0, y0, x1, y1: its box, px.
        score: the detector's confidence that it is a face, 0..1.
        width, height: of the source, px.
        reason: why nothing was written.
    """

    source: str
    crop: str = ""
    label: str = ""
    split: str = ""
    person: str = ""
    faces: int = 0
    x0: float | None = None
    y0: float | None = None
    x1: float | None = None
    y1: float | None = None
    score: float | None = None
    width: int | None = None
    height: int | None = None
    reason: str = ""

    @property
    def unreadable(self) -> bool:
        return bool(self.reason) and self.reason != NO_FACE


def find_sources(
    words: Sequence[str], stdin: BinaryIO, read: Callable[[Path], Dataset] = open_dataset
) -> Dataset | tuple[Example, ...]:
    """What words name: a dataset, or else images, of which nothing more is known.

    Args:
        words: as `sources.expand` takes them. One that is a folder or a table may be a dataset; a folder without label
            folders that is none is one of images.
        stdin: binary.
        read: opens a dataset.

    Raises:
        DataError: a table, or a folder with folders, that is no dataset.
    """
    path = Path(words[0])
    if len(words) == 1 and (path.is_dir() or (path.is_file() and path.suffix.lower() not in ("", *SUFFIXES))):
        try:
            return read(path)
        except DataError:
            if path.is_file() or any(len(file.parts) > 1 for file in image_files(path)):
                raise
    named = {describe(source): source for source in expand(words, stdin)}
    return tuple(Example(name, source, label="") for name, source in named.items())


def write_crops(
    examples: Sequence[Example],
    out: Path,
    crop: Crop,
    preprocess: Preprocess,
    *,
    detector: Detector | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Write the largest face of each image; where a run of the same sources and options was stopped, go on.

    Args:
        examples: the images, with their labels, splits and attributes; the label is empty where there is none.
        out: a folder that does not exist yet, is empty, or holds such a run.
        crop: see `crops.cut`.
        preprocess: how crops are.
        detector: finds the faces; BlazeFace if None.
        progress: called with the sources done and their number.

    Returns:
        A row a source.

    Raises:
        MienError: there is something else in the folder, or a run of other sources or options.
        OSError: it cannot be written.
    """
    tabled = any(each.attributes or (each.label and _fit(each.label) != each.label) for each in examples)
    places = _places(examples, flat=tabled)
    stamps = {each.name: _stamp(each.source) for each in examples}
    rows = _begin(out, _options(examples, crop, preprocess), stamps)
    finder = detector or BlazeFace()
    with naming(out / STATE), (out / STATE).open("a", encoding="utf-8") as stream:
        for number, (example, place) in enumerate(zip(examples, places, strict=True), 1):
            if example.name not in rows:
                rows[example.name] = _write(example, out, place, crop, preprocess, finder)
                stream.write(_line(rows[example.name], stamps))
                stream.flush()
            progress(number, len(examples))
    found = [rows[example.name] for example in examples]
    if tabled:
        _write_csv(out / LABELS, _labelled(examples, found), exact=True)
    _write_csv(out / TABLE, [{field.name: getattr(row, field.name) for field in fields(Row)} for row in found])
    return found


def _options(examples: Sequence[Example], crop: Crop, preprocess: Preprocess) -> dict[str, Any]:
    told = sorted((each.name, each.label, each.split, each.attributes.get("person", "")) for each in examples)
    sources = digest(json.dumps(told).encode())
    return {"sources": sources, "crop": crop, "size": preprocess.size, "colour": preprocess.colour}


def _stamp(source: ImageSource) -> str:
    """What tells that an image was changed: the stamp of its file or of the table that holds it, or a hash of bytes."""
    if isinstance(source, str | os.PathLike):
        return stamp(source)
    if isinstance(source, StoredImage):
        return source.shard.stamp
    if isinstance(source, np.ndarray):
        source = source.tobytes()
    elif isinstance(source, io.BytesIO):
        source = source.getvalue()
    return digest(source) if isinstance(source, bytes) else ""


def _line(row: Row, stamps: Mapping[str, str]) -> str:
    return json.dumps({"stamp": stamps[row.source], **asdict(row)}) + "\n"


def _begin(out: Path, options: dict[str, Any], stamps: Mapping[str, str]) -> dict[str, Row]:
    """What an earlier run has done and still holds, by the source's name; what does not hold is cleared away."""
    check_writable(out)
    state = out / STATE
    if not state.exists():
        if out.exists() and any(not each.name.startswith(".") for each in out.iterdir()):
            raise MienError(f"{out} is in the way: choose a folder that does not exist yet")
        write_text(state, json.dumps(options) + "\n")
    lines = state.read_text(encoding="utf-8").splitlines(keepends=True)
    before, *done = [json.loads(line) for line in lines if line.endswith("\n")]
    if faults := [f"{key}: was {before[key]}, is {now}" for key, now in options.items() if before[key] != now]:
        raise MienError(f"{out} holds crops of other sources or options ({'; '.join(faults)}): choose another folder")
    for left in out.rglob(".*"):
        if UNFINISHED.fullmatch(left.name):
            left.unlink()
    rows = dict[str, Row]()
    for each in done:
        changed, row = each.pop("stamp", None) != stamps[each["source"]], Row(**each)
        if not (changed or row.unreadable or (row.crop and not (out / row.crop).exists())):
            rows[row.source] = row
        elif row.crop:
            (out / row.crop).unlink(missing_ok=True)
    write_text(state, json.dumps(options) + "\n" + "".join(_line(row, stamps) for row in rows.values()))
    return rows


def _write(example: Example, out: Path, place: str, crop: Crop, preprocess: Preprocess, detector: Detector) -> Row:
    split, person = "" if example.split == "all" else example.split, example.attributes.get("person", "")
    row = Row(example.name, label=example.label, split=split, person=person)
    try:
        found = cut(example.source, crop, detector, preprocess)
    except ImageError as error:
        return replace(row, reason=str(error))
    row = replace(row, width=found.size[0], height=found.size[1])
    if not found.faces:
        return replace(row, reason=NO_FACE)
    with replacing(out / place) as temporary:
        Image.fromarray(found.crops[0]).save(temporary)
    x0, y0, x1, y1 = (round(float(at), 1) for at in found.faces[0].box_xyxy)
    score = round(float(found.faces[0].score), 3)
    return replace(row, crop=place, faces=len(found.faces), x0=x0, y0=y0, x1=x1, y1=y1, score=score)


def _places(examples: Sequence[Example], *, flat: bool) -> Iterator[str]:
    """Where each crop goes, relative to the folder: no two alike on any system."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}  # the last of each name
    for example in examples:
        folders = [CROPS] if flat else ["" if example.split == "all" else example.split, example.label]
        folder = PurePosixPath(*(_fit(each) for each in folders if each))
        stem = _stem(example)
        place, named = folder / f"{stem}.png", str(folder / stem).casefold()
        while str(place).casefold() in taken:
            numbers[named] = numbers.get(named, 1) + 1
            place = folder / f"{stem}-{numbers[named]}.png"
        taken.add(str(place).casefold())
        yield str(place)


def _stem(example: Example) -> str:
    """Of a source's name, what its folder does not say: `train/happy/ann/01.jpg` is `ann-01`."""
    *folders, name = PurePosixPath(example.name).parts or ("image",)
    own = [each for each in folders if canonical(each) != example.label and split_named(each) != example.split]
    stem = PurePosixPath(name).stem if PurePosixPath(name).suffix.lower() in SUFFIXES else name
    return _fit("-".join([*own, stem]) if example.label else stem)


def _fit(name: str) -> str:
    return UNFIT.sub("-", name)[-LONGEST_STEM:].strip("-. ") or "image"


def _labelled(examples: Sequence[Example], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What is known of each crop, as a dataset's table has it; only columns in which something is known.

    An attribute that is called as one of the table's own columns is `input_<name>`.
    """
    own = "path", "label", "split"
    told = [
        {
            "path": row.crop,
            "label": row.label,
            "split": row.split,
            "person": row.person,
            **{RENAMED * (name in own) + name: value for name, value in example.attributes.items()},
        }
        for example, row in zip(examples, rows, strict=True)
        if row.crop
    ]
    columns = dict.fromkeys(name for each in told for name, value in each.items() if value)
    return [{name: each.get(name, "") for name in columns} for each in told]


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]], exact: bool = False) -> None:
    stream = io.StringIO()
    Rows(stream, list(rows[0]) if rows else [], exact).write(row.values() for row in rows)
    write_text(path, stream.getvalue())
