"""Arrow in, Arrow out: a row for every image, whatever is wrong with it, with the table's own columns before it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from broken import broken, encoded
from PIL import Image

import mien
from mien.batch import read_table, table_schema
from mien.batch.table import EMPTY, image_column
from mien.errors import DataError, LabelError
from mien.labels import FERPLUS8, HAPPY_SAD
from mien.recognizer import Recognizer
from mien.tables import VERSION, arrow_schema, columns

HF = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), HF, pa.string()])
def test_no_images(kind: pa.DataType, recognizer: Recognizer) -> None:
    table = pa.table({"id": pa.array([], pa.int64()), "image": pa.array([], kind)})
    read = read_table(table, recognizer)
    assert read.num_rows == 0
    assert read.schema.equals(table_schema(table.schema, FERPLUS8), check_metadata=True)


def test_the_schema_is_that_of_rows_behind_the_tables_own_and_tells_its_version() -> None:
    texts = [(name, pa.string()) for name in ("label", "Source")]  # to engines that heed no case both are rows' own
    given = pa.schema([("id", pa.int64()), ("image", pa.binary()), *texts, ("mask", pa.binary())])
    schema = table_schema(given, HAPPY_SAD, image="image")
    assert schema.names == ["id", "input_label", "input_Source", *columns(HAPPY_SAD)]
    assert schema.metadata == {b"mien.rows": VERSION.encode()} == arrow_schema(columns(HAPPY_SAD)).metadata


@pytest.mark.parametrize("form", ["bytes", "struct", "paths"])
def test_rows_are_those_of_predict(form: str, faces: list[bytes], recognizer: Recognizer, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{number}.png") for number in range(8)]
    for path, face in zip(paths, faces, strict=True):
        Path(path).write_bytes(face)
    structs = [{"bytes": face, "path": path} for face, path in zip(faces, paths, strict=True)]
    column = {"bytes": pa.array(faces), "struct": pa.array(structs, HF), "paths": pa.array(paths)}[form]
    chunks = pa.chunked_array([column[:3], column[3:]])
    read = read_table(pa.table({"image": chunks, "id": range(8)}), recognizer)
    expected = mien.to_table(recognizer.predict(paths), FERPLUS8).to_arrow()
    assert read["id"].to_pylist() == list(range(8))
    assert read["label"].to_pylist() == list(FERPLUS8)
    assert read["source"].to_pylist() == (["<bytes>"] * 8 if form == "bytes" else paths)
    assert read.drop(["id", "source"]).equals(expected.drop(["source"]))


@pytest.mark.parametrize("threads", [1, 2])
def test_every_broken_image_has_its_row_and_none_of_the_others_changes(
    threads: int, faces: list[bytes], model: Path
) -> None:
    names = [f"{number:02}" for number in range(96)]
    contents: list[bytes | None] = [faces[number % 8] for number in range(96)]
    for number, content in enumerate(broken(faces[0]).values()):
        contents[8 * number + number % 8] = content
    contents[7] = None
    spoilt = {place for place, content in enumerate(contents) if content not in faces}
    read = read_table(pa.table({"bytes": contents, "name": names}), mien.load(model, threads=threads)).to_pylist()
    assert [row["name"] for row in read] == names
    for place, row in enumerate(read):
        assert (row["error"] is not None) == (place in spoilt), row
        assert row["label"] == (None if place in spoilt else FERPLUS8.emotions[place % 8])
    assert read[7]["error"] == EMPTY
    assert len({row["error"] for row in read}) >= 7


def test_an_image_of_several_faces_has_as_many_rows_and_one_without_has_one(media: Path) -> None:
    paths = [str(media / "multi_face.jpg"), str(media / "free-mountain-vector-01.jpg")]
    read = read_table(pa.table({"path": paths, "id": [7, 8]}), mien.load()).to_pylist()
    several = [row for row in read if row["id"] == 7]
    assert [row["face"] for row in several] == list(range(len(several)))
    assert len(several) > 1
    (none,) = [row for row in read if row["id"] == 8]
    assert (none["face"], none["error"], none["reasons"]) == (None, None, "no face was found")


@pytest.mark.parametrize(
    "kind",
    [pa.string_view(), pa.list_(pa.string_view()), pa.struct([("a", pa.string_view())]), pa.large_string(), pa.null()],
    ids=str,
)
def test_columns_of_any_kind_come_along(kind: pa.DataType, media: Path) -> None:
    values = {"list<item: string_view>": ["one", None], "struct<a: string_view>": {"a": "one"}, "null": None}
    given = pa.array([values.get(str(kind), "one"), None, values.get(str(kind), "two")], kind)
    crowd = (media / "multi_face.jpg").read_bytes()
    read = read_table(pa.table({"image": [b"", crowd, b""], "given": given}), mien.load())
    faces = len(read) - 2
    assert faces > 1
    assert read["given"].type == kind
    assert read["given"].to_pylist() == [given[0].as_py(), *[None] * faces, given[2].as_py()]


def test_what_comes_along_goes_to_another_process_once(media: Path) -> None:
    crowd = (media / "multi_face.jpg").read_bytes()
    rows = read_table(pa.table({"image": [b"", crowd, b""], "given": ["x" * 100_000] * 3}), mien.load())
    assert len(rows) > 3
    assert len(pickle.dumps(rows)) < 1.5 * sum(map(len, rows["given"].to_pylist()))


def test_a_phones_portrait_is_upright(recognizer: Recognizer, faces: list[bytes]) -> None:
    lying = Image.fromarray(np.zeros((40, 64, 3), np.uint8))
    exif = lying.getexif()
    exif[0x0112] = 6
    (row,) = read_table(pa.table({"image": [encoded(np.asarray(lying), "JPEG", exif=exif)]}), recognizer).to_pylist()
    assert (row["width"], row["height"]) == (40, 64)


@pytest.mark.parametrize(
    ("given", "asked", "said"),
    [
        ({}, {}, "no column of images: say which it is; there are no columns"),
        ({"id": pa.array([1])}, {}, r"no column of images: .* there are id \(int64\)"),
        ({"a": pa.array([b""]), "b": pa.array([b""])}, {}, "several columns of images, a, b: say which"),
        ({"a": pa.array([1])}, {"image": "a"}, "no column 'a' of bytes"),
        ({"a": pa.array([b""])}, {"image": "b"}, "no column 'b' of bytes"),
        ({"a": pa.array([b""]), "b": pa.array([b""])}, {"image": "a", "keep": ["b"]}, "no column b to keep"),
        ({"a": pa.array([b""]), "b": pa.array([1])}, {"keep": "b"}, "a list of names; got the text 'b'"),
        ({"a": pa.array([b""]), "label": pa.array([1]), "input_label": pa.array([1])}, {}, "same name: input_label"),
    ],
)
def test_what_is_no_table_of_images_is_told(
    given: dict[str, Any], asked: dict[str, Any], said: str, recognizer: Recognizer
) -> None:
    with pytest.raises(DataError, match=said):
        read_table(pa.table(given), recognizer, **asked)


def test_options_are_those_of_predict(recognizer: Recognizer, faces: list[bytes]) -> None:
    table = pa.table({"image": faces, "id": range(8), "more": range(8)})
    read = read_table(table, recognizer, keep=["id"], labels="happy-sad", crop="whole")
    assert read.column_names == ["id", *columns(HAPPY_SAD)]
    with pytest.raises(LabelError):
        read_table(table, recognizer, labels="moods")


@pytest.mark.parametrize("name", ["path", "Image Name", "image-file", "IMAGE_PATH", "URL"])
def test_a_column_of_images_is_told_by_its_name(name: str) -> None:
    assert image_column(pa.schema([("id", pa.int64()), ("note", pa.string()), (name, pa.string())])) == name
