"""FER2013 as CSV, with and without FER+ votes, and as parquet; and the official majority rule on the real rows."""

from __future__ import annotations

import csv
import datetime
import io
import json
import runpy
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import write_fer2013_csv, write_parquet
from PIL import Image

from mien.datasets import open_dataset
from mien.datasets.base import NO_LABEL, majority
from mien.errors import DataError
from mien.image import read_image
from mien.labels import FER7, FERPLUS8

Write = Callable[..., Path]
VOTE_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
HEADER = ("emotion", "pixels", "Usage")
FACES = np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8)
TEXTS = [" ".join(map(str, face.ravel())) for face in FACES]
ROWS = [(3, TEXTS[0], "Training"), (0, TEXTS[1], "PublicTest"), (6, TEXTS[2], "PrivateTest")]
VOTES = [(0, 10, 0, 0, 0, 0, 0, 0, 0, 0), (1, 0, 0, 4, 5, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0, 0, 10)]


@pytest.mark.parametrize(
    ("votes", "emotion"),
    [
        ((), None),
        ((0,) * 10, None),
        ((0, 10, 0, 0, 0, 0, 0, 0, 0, 0), "happy"),
        ((5, 5, 0, 0, 0, 0, 0, 0, 0, 0), None),
        ((6, 4, 0, 0, 0, 0, 0, 0, 0, 0), "neutral"),
        ((5, 1, 1, 1, 1, 1, 0, 0, 0, 0), "neutral"),
        ((4, 2, 2, 1, 1, 0, 0, 0, 0, 0), None),
        ((1,) * 10, None),
        ((0, 2, 0, 0, 0, 0, 0, 0, 8, 0), None),
        ((0, 0, 0, 0, 0, 0, 0, 0, 0, 10), None),
        ((0, 0, 0, 0, 0, 0, 0, 9, 0, 1), "contempt"),
    ],
)
def test_majority(votes: tuple[int, ...], emotion: str | None) -> None:
    assert majority(votes) == (NO_LABEL if emotion is None else FERPLUS8.index(emotion))


@pytest.mark.parametrize("by_file", [False, True])
def test_csv(tmp_path: Path, write_table: Write, by_file: bool) -> None:
    file = write_table("fer2013.csv", HEADER, ROWS)
    dataset = open_dataset(file if by_file else tmp_path)
    assert dataset.form == "fer2013.csv"
    assert dataset.labels is FER7
    assert not dataset.has_votes
    assert [(example.name, example.label, example.split) for example in dataset.examples] == [
        ("fer2013.csv:0", "happy", "train"),
        ("fer2013.csv:1", "angry", "valid"),
        ("fer2013.csv:2", "neutral", "test"),
    ]
    for face, example in zip(FACES, dataset.examples, strict=True):
        np.testing.assert_array_equal(read_image(example.source)[..., 0], face)
    assert dataset.targets(FERPLUS8).tolist() == [1, 4, 0]


def test_csv_as_others_write_it(tmp_path: Path, write_table: Write) -> None:
    rows = [(f"{emotion}.0", f" {usage} ", pixels) for emotion, pixels, usage in ROWS]
    dataset = open_dataset(write_table("icml_face_data.CSV", ("emotion", " Usage", " pixels"), rows))
    assert [(example.label, example.split) for example in dataset.examples] == [
        ("happy", "train"),
        ("angry", "valid"),
        ("neutral", "test"),
    ]


def test_votes_of_another_table_are_left_alone(tmp_path: Path, write_table: Write) -> None:
    write_table("fer2013.csv", HEADER, ROWS)
    write_table("fer2013new.csv", VOTE_COLUMNS, VOTES)
    for rows in (ROWS, ROWS[:2]):
        assert not open_dataset(write_table("mine.csv", HEADER, rows)).has_votes
    assert open_dataset(tmp_path).has_votes


def test_csv_with_votes(tmp_path: Path, write_table: Write) -> None:
    write_table("fer2013.csv", HEADER, ROWS)
    columns = ("Usage", "Image name", *VOTE_COLUMNS)
    write_table(
        "fer2013new.csv", columns, [(row[2], "fer.png", *votes) for row, votes in zip(ROWS, VOTES, strict=True)]
    )
    dataset = open_dataset(tmp_path)
    assert dataset.form == "fer2013.csv with FER+ votes"
    assert dataset.votes().tolist() == [list(votes) for votes in VOTES]
    assert dataset.targets(FERPLUS8).tolist() == [1, 4, NO_LABEL]
    assert dataset.targets(FER7).tolist() == [3, 0, 6]


def table(**changed: Any) -> dict[str, Any]:
    """The columns of a parquet file with the three faces."""
    images = []
    for face in FACES:
        stream = io.BytesIO()
        Image.fromarray(face).save(stream, "PNG")
        images.append({"bytes": stream.getvalue(), "path": "fer.png"})
    columns = {"image": images, "emotion": [3, 0, 6], "usage": [row[2] for row in ROWS]}
    votes = {name: [row[place] for row in VOTES] for place, name in enumerate(VOTE_COLUMNS)}
    return {name: values for name, values in (columns | votes | changed).items() if values is not None}


@pytest.mark.parametrize("by_file", [False, True])
@pytest.mark.parametrize("with_votes", [False, True])
def test_parquet(tmp_path: Path, by_file: bool, with_votes: bool) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = table() if with_votes else table(NF=None)
    pq.write_table(pa.table(columns), tmp_path / "some.parquet")
    (tmp_path / "._some.parquet").touch()  # what some systems put beside each file
    dataset = open_dataset(tmp_path / "some.parquet" if by_file else tmp_path)
    assert dataset.form == "FER2013 parquet" + " with FER+ votes" * with_votes
    assert dataset.splits == ("train", "valid", "test")
    assert dataset.targets(FER7).tolist() == [3, 0, 6]
    assert dataset.targets(FERPLUS8).tolist() == ([1, 4, NO_LABEL] if with_votes else [1, 4, 0])
    for face, example in zip(FACES, dataset.examples, strict=True):
        np.testing.assert_array_equal(read_image(example.source)[..., 0], face)


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        ((), (), "no column emotion, pixels; found none"),
        (("emotion", "Usage"), (), "no column pixels; found emotion, Usage"),
        (("pixels", "Usage"), (), "no column emotion, only pixels, usage: faces without labels"),
        (HEADER, None, "without a single example"),
        (HEADER, (7, TEXTS[0], "Training"), r"fer2013\.csv, line 2: emotion is 0\.\.6, got '7'"),
        (HEADER, (-1, TEXTS[0], "Training"), "emotion is 0..6, got '-1'"),
        (HEADER, ("happy", TEXTS[0], "Training"), "emotion is 0..6, got 'happy'"),
        (HEADER, (0, TEXTS[0], "Holiday"), "usage is Training, PublicTest or PrivateTest, got 'Holiday'"),
        (HEADER, (0, TEXTS[0] + " 0", "Training"), "pixels are 2304 numbers"),
        (HEADER, (0, TEXTS[0].replace(" ", " 2", 1).replace(" 2", " 999", 1), "Training"), "pixels are 2304 numbers"),
        (HEADER, (0, "", "Training"), "pixels are 2304 numbers"),
    ],
)
def test_wrong_csv_is_told(tmp_path: Path, write_table: Write, header: list[str], row: list[str], told: str) -> None:
    write_table("fer2013.csv", header, [] if row is None else [row])
    with pytest.raises(DataError, match=told):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "0 rows of votes for 3 rows in fer2013.csv"),
        (VOTES[:2], "2 rows of votes for 3 rows"),
        ([VOTES[0], VOTES[1], ("x",) * 10], r"fer2013new\.csv, line 4: votes are whole numbers"),
        ([VOTES[0], VOTES[1], (-1,) * 10], "line 4: votes cannot be negative"),
    ],
)
def test_wrong_votes_are_told(tmp_path: Path, write_table: Write, rows: list[Any], told: str) -> None:
    write_table("fer2013.csv", HEADER, ROWS)
    write_table("fer2013new.csv", VOTE_COLUMNS, rows)
    with pytest.raises(DataError, match=told):
        open_dataset(tmp_path)


@pytest.mark.parametrize("vote", [3.7, float("nan"), float("inf"), None])
def test_votes_in_parquet_are_whole(vote: float | None, tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(table(neutral=[1.0, vote, 2.0])), tmp_path / "some.parquet")
    with pytest.raises(DataError, match="votes are whole numbers"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_whole_votes_may_be_spelled_as_fractions(form: str, tmp_path: Path, write_table: Write) -> None:
    """As of columns that once had gaps."""
    if form == "parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        votes = {name: [float(row[place]) for row in VOTES] for place, name in enumerate(VOTE_COLUMNS)}
        pq.write_table(pa.table(table(**votes)), tmp_path / "some.parquet")
    else:
        write_table("fer2013.csv", HEADER, ROWS)
        write_table("fer2013new.csv", VOTE_COLUMNS, [[f"{vote}.0" for vote in row] for row in VOTES])
    assert open_dataset(tmp_path).votes().tolist() == [list(votes) for votes in VOTES]


def shuffled(path: Path, within: tuple[str, ...]) -> None:
    """Turns the rows of a CSV file about, those that are alike in some columns among themselves."""
    with path.open(newline="") as stream:
        columns, *rows = csv.reader(stream)
    rng = np.random.default_rng(0)
    places: dict[tuple[str, ...], list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(tuple(row[columns.index(column)] for column in within), []).append(place)
    turned = list(rows)
    for alike in places.values():
        for place, other in zip(alike, rng.permutation(alike).tolist(), strict=True):
            turned[place] = rows[other]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *turned])


def test_votes_of_the_same_rows_are_joined(tmp_path: Path) -> None:
    data = open_dataset(write_fer2013_csv(tmp_path, 12, with_votes=True, empty=5))
    targets = data.targets(FERPLUS8)
    agree = [
        FERPLUS8.emotions[place] == each.label for place, each in zip(targets, data.examples, strict=True) if place >= 0
    ]
    assert len(agree) > 200
    assert sum(agree) == len(agree)


@pytest.mark.parametrize(
    ("within", "told"),
    [
        (
            (),
            r"Usage differs from fer2013\.csv's in \d+ of 252 rows, first in line \d+: the votes are not of these",
        ),
        (
            ("Usage",),
            r"majority is FER2013's label for 1\d% of 2\d\d faces, where 59% is usual with these labels: the votes are",
        ),
    ],
)
def test_votes_of_rows_in_another_order_are_refused(tmp_path: Path, within: tuple[str, ...], told: str) -> None:
    write_fer2013_csv(tmp_path, 12, with_votes=True)
    shuffled(tmp_path / "fer2013.csv", within)
    with pytest.raises(DataError, match=told):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("faces", "turned", "notes", "fault"),
    [
        (0, 0, [], None),
        (2, 0, ["100% of 14 faces; 59% is usual with these labels"], None),
        (2, 14, [], r"0% of 14 faces, where 59% is usual with these labels: the votes are not of these images"),
        (20, 40, ["71% of 140 faces; 59% is usual with these labels"], None),
        (20, 140, [], r"0% of 140 faces, where 59%"),
    ],
)
def test_agreement_of_votes_and_labels(
    tmp_path: Path, write_table: Write, faces: int, turned: int, notes: list[str], fault: str | None
) -> None:
    """As many faces of each label, of which the first ones have votes for the next; and one without a majority."""
    labels = [*range(7)] * faces
    meant = [(number + (place < turned)) % 7 for place, number in enumerate(labels)]
    votes = [[10 * (column == FERPLUS8.index(FER7.emotions[number])) for column in range(10)] for number in meant]
    write_table("fer2013.csv", HEADER, [(number, TEXTS[0], "Training") for number in [*labels, 0]])
    write_table("fer2013new.csv", VOTE_COLUMNS, [*votes, [1] * 10])
    with pytest.raises(DataError, match=fault) if fault else nullcontext():
        found = open_dataset(tmp_path).notes
        begin = "the votes' majority is FER2013's label for "
        assert [note.removeprefix(begin) for note in found if note.startswith(begin)] == notes


def test_agreement_that_is_usual(real: Path) -> None:
    pytest.importorskip("pyarrow")
    notes = open_dataset(real / "fer2013" / "valid.parquet").notes
    assert "the votes' majority is FER2013's label for 67% of 3,199 faces; 67% is usual with these labels" in notes


def test_votes_of_other_images_are_refused_in_parquet_too(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = pq.read_table(write_parquet(tmp_path, 20) / "train.parquet")
    emotions = pa.array(np.roll(rows["emotion"].to_numpy(), 1))
    place = rows.column_names.index("emotion")
    pq.write_table(pa.concat_tables([rows.set_column(place, "emotion", emotions)] * 2), tmp_path / "train.parquet")
    with pytest.raises(DataError, match="majority is FER2013's label for"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("name", "header", "splits"),
    [
        ("train.csv", ("emotion", "pixels"), ("all",)),
        ("icml_face_data.csv", ("emotion", " Usage", " pixels"), ("train", "valid", "test")),
    ],
)
def test_the_challenges_other_tables(
    tmp_path: Path, write_table: Write, name: str, header: tuple[str, ...], splits: tuple[str, ...]
) -> None:
    place = {"emotion": 0, "pixels": 1, "Usage": 2}
    write_table(name, header, [[row[place[column.strip()]] for column in header] for row in ROWS])
    write_table("test.csv", ("pixels",), [[text] for text in TEXTS])
    dataset = open_dataset(tmp_path)
    assert (dataset.form, dataset.splits) == (name, splits)
    assert [each.label for each in dataset.examples] == ["happy", "angry", "neutral"]
    (tmp_path / name).unlink()
    for data in (tmp_path, tmp_path / "test.csv"):
        with pytest.raises(DataError, match="no column emotion, only pixels: faces without labels"):
            open_dataset(data)


def test_further_columns_are_attributes(tmp_path: Path, write_table: Write) -> None:
    rows = [(*row, person) for row, person in zip(ROWS, ("ann", "", "bob"), strict=True)]
    write_table("fer2013.csv", (*HEADER, "Person"), rows)
    assert [dict(each.attributes) for each in open_dataset(tmp_path).examples] == [
        {"person": "ann"},
        {},
        {"person": "bob"},
    ]
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(table(row=[7, 8, 9], Person=["ann", None, "bob"])), tmp_path / "a.parquet")
    dataset = open_dataset(tmp_path / "a.parquet", group="person")
    assert [dict(each.attributes) for each in dataset.examples] == [{"person": "ann"}, {}, {"person": "bob"}]


def test_cells_without_a_value_tell_nothing(tmp_path: Path, write_table: Write) -> None:
    """As pandas writes a column with gaps: its whole numbers are floats, and its texts are of nobody called nan."""
    rows = [(*row, who, age) for row, who, age in zip(ROWS, ("nan", " Nan ", "<NA>"), ("23.0", "NaN", ""), strict=True)]
    write_table("fer2013.csv", (*HEADER, "person", "age"), rows)
    known = [dict(each.attributes) for each in open_dataset(tmp_path).examples]
    assert known == [{"age": "23.0"}, {"person": "Nan"}, {}]
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "age": [23.0, float("nan"), None],
        "day": [None, datetime.date(2024, 1, 31), None],
        "glasses": [True, False, None],
        "box": [[1, 2], None, [3]],
    }
    pq.write_table(pa.table(table(**columns)), tmp_path / "a.parquet")
    known = [dict(each.attributes) for each in open_dataset(tmp_path / "a.parquet").examples]
    assert known == [{"age": "23.0", "glasses": "True"}, {"day": "2024-01-31", "glasses": "False"}, {}]


def test_paths_without_bytes_are_told(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    images = [{"bytes": None, "path": f"/home/ann/{n}.png"} for n in range(3)]
    pq.write_table(pa.table(table(image=images)), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no image bytes, only paths of the machine that wrote it, such as /home/"):
        open_dataset(tmp_path)


def test_wrong_parquet_is_told(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "a.parquet"
    file.write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match="not a readable parquet file"):
        open_dataset(file)
    pq.write_table(pa.table(table(usage=None)), file)
    with pytest.raises(DataError, match="no column usage; found image, emotion"):
        open_dataset(file)
    pq.write_table(pa.table(table(emotion=[0, 1, 7])), file)
    with pytest.raises(DataError, match=r"a\.parquet, row 2: emotion is 0\.\.6, got 7"):
        open_dataset(file)


ALPHABET = ("Anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


@pytest.mark.parametrize(
    ("names", "numbers", "by"),
    [
        (ALPHABET, [3, 0, 4], "the files' names for them"),
        (("angry", "happy", "neutral"), [1, 0, 2], "the files' names for them"),
        (("neutral", "contempt", "happy", "angry"), [2, 3, 0], "the files' names for them"),  # a name that no row has
        (("0", "3", "6"), [1, 0, 2], "the files' names for them"),
        (FER7.emotions, [3, 0, 6], "number"),
        ((), [3, 0, 6], "number"),
        (None, [3, 0, 6], "number"),  # what is no class label
    ],
)
def test_numbers_mean_what_their_file_names_them(
    tmp_path: Path, names: tuple[str, ...] | None, numbers: list[int], by: str
) -> None:
    """As datasets writes them, whose image folders are numbered by the alphabet of the labels that are there.

    datasets itself reads several files by the names of the first (findings/datasets_parquet_files_of_other_classes.sh).
    """
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    feature = {"dtype": "int64", "_type": "Value"} if names is None else {"names": list(names), "_type": "ClassLabel"}
    told = {"huggingface": json.dumps({"info": {"features": {"image": {"_type": "Image"}, "Emotion": feature}}})}
    columns = table(emotion=None, Emotion=numbers)
    pq.write_table(pa.table(columns).replace_schema_metadata(told), tmp_path / "a.parquet")
    pq.write_table(pa.table(table()), tmp_path / "b.parquet")  # that has no names
    dataset = open_dataset(tmp_path)
    assert dataset.targets(FER7).tolist() == [3, 0, 6] * 2
    assert dataset.notes[0].startswith(f"labels: FER2013's, by {by}; FER+ votes")


def test_a_name_of_no_label_is_told(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    feature = {"names": ["happy", "contempt"], "_type": "ClassLabel"}
    told = {"huggingface": json.dumps({"info": {"features": {"emotion": feature}}})}
    pq.write_table(pa.table(table(emotion=[0, 1, 0])).replace_schema_metadata(told), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 1: emotion is angry, .*, and the file's name for 1 is 'contempt'"):
        open_dataset(tmp_path)
    pq.write_table(pa.table(table(emotion=[0, 2, 0])).replace_schema_metadata(told), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 1: emotion is 0\.\.1, got 2"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("told", ["{", "[]", '{"info": {"features": {"emotion": []}}}', '{"info": null}'])
def test_what_datasets_would_not_write_names_nothing(tmp_path: Path, told: str) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table(table()).replace_schema_metadata({"huggingface": told}), tmp_path / "a.parquet")
    assert open_dataset(tmp_path).targets(FER7).tolist() == [3, 0, 6]


def test_real_majority(real: Path) -> None:
    pytest.importorskip("pyarrow")
    dataset = open_dataset(real / "fer2013")
    judged = {name: int((dataset.split(name).targets(FERPLUS8) != NO_LABEL).sum()) for name in dataset.splits}
    assert {name: len(dataset.split(name)) for name in ("train", "valid")} == {"train": 28_709, "valid": 3_589}
    assert (judged["train"], judged["valid"]) == (25_060, 3_199)


def test_real_csv_is_the_same_as_parquet(tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(sys, "argv", ["export.py", "csv", str(tmp_path), "--limit", "50"])
    runpy.run_path(str(real / "export.py"), run_name="__main__")
    exported = open_dataset(tmp_path)
    assert len(exported) == 100
    for split in ("train", "valid"):
        rows, parquet = exported.split(split), open_dataset(real / "fer2013" / f"{split}.parquet")
        for row, example in zip(rows.examples, parquet.examples[:50], strict=True):
            assert (row.label, row.votes) == (example.label, example.votes)
            np.testing.assert_array_equal(read_image(row.source), read_image(example.source))
