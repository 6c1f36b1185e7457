"""Predictions as tables: a row a face or an image, the same columns wherever they go."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

import pyarrow as pa
import pytest

import mien
from mien.errors import LabelError, MienError
from mien.face import Face
from mien.labels import HAPPY_SAD
from mien.prediction import Expression, Prediction, Reading
from mien.tables import columns, csv_text

VOTES = {"happy": 0.6, "sad": 0.4}
HAPPY = Reading(Face((1, 2, 30, 40), (), 0.9), Expression({"happy": 0.7, "sad": 0.3}, (), 0.1, VOTES))
SAD = Reading(Face((5, 6, 50, 60.5), (), 0.8), Expression({"happy": 0.1, "sad": 0.9}, ("blurred", "turned away")))
PREDICTIONS = [
    Prediction("two.jpg", 40, 50, (HAPPY, SAD)),
    Prediction("none.jpg", 40, 50, reasons=("no face was found",)),
    Prediction("gone.jpg", 0, 0, error="no such file"),
]
PLAIN = ["source", "width", "height", "face", "x0", "y0", "x1", "y1", "score", "label", "confidence"]
NAMES = [*PLAIN, "p_happy", "p_sad", "uncertain", "reasons", "not_a_face", "v_happy", "v_sad", "notes", "error"]
ROWS: list[list[Any]] = [
    ["two.jpg", 40, 50, 0, 1, 2, 30, 40, 0.9, "happy", 0.7, 0.7, 0.3, False, None, 0.1, 0.6, 0.4, None, None],
    ["two.jpg", 40, 50, 1, 5, 6, 50, 60.5, 0.8, "sad", 0.9, 0.1, 0.9, True, "blurred; turned away", *[None] * 5],
    ["none.jpg", 40, 50, *[None] * 11, "no face was found", *[None] * 5],
    ["gone.jpg", *[None] * 18, "no such file"],
]


def test_no_predictions() -> None:
    table = mien.to_table([])
    assert len(table) == 0
    assert set(table.to_dict()) == set(NAMES) - {"p_happy", "p_sad", "v_happy", "v_sad"}
    assert list(mien.to_table(iter([]), HAPPY_SAD).to_pandas()) == NAMES
    assert csv_text([], HAPPY_SAD) == ",".join(NAMES) + "\n"


def test_rows() -> None:
    table = mien.to_table(each for each in PREDICTIONS)
    assert [list(row.values()) for row in table.rows] == ROWS
    assert list(table.to_dict()) == list(columns(("happy", "sad"))) == NAMES
    assert table.to_dict()["source"] == ["two.jpg", "two.jpg", "none.jpg", "gone.jpg"]
    assert repr(table).startswith("Table(4 rows, 20 columns: source, width, ")


def test_a_label_set_may_be_named() -> None:
    assert mien.to_table(PREDICTIONS, "happy-sad").to_dict() == mien.to_table(PREDICTIONS, HAPPY_SAD).to_dict()
    with pytest.raises(LabelError, match="no label set 'happy'; there are"):
        mien.to_table(PREDICTIONS, "happy")
    with pytest.raises(LabelError, match="expected a label set, its name, or emotions; got int"):
        mien.to_table(PREDICTIONS, 3)  # type: ignore[arg-type]


def test_one_prediction_is_a_table_too() -> None:
    assert mien.to_table(PREDICTIONS[0]).rows == mien.to_table(PREDICTIONS[:1]).rows


@pytest.mark.parametrize(
    ("wrong", "kind"), [(1, "int"), ([1], "int"), ("a.jpg", "str"), ([PREDICTIONS[0], None], "NoneType")]
)
def test_what_is_no_prediction_is_told(wrong: Any, kind: str) -> None:
    with pytest.raises(MienError, match=f"expected what predict gives, .*; got {kind}$"):
        mien.to_table(wrong)


def test_csv() -> None:
    rows = list(csv.reader(io.StringIO(csv_text(PREDICTIONS, HAPPY_SAD))))
    assert rows[0] == NAMES
    assert rows[1:] == [["" if value is None else str(value) for value in row] for row in ROWS]


@pytest.mark.parametrize("labels", [None, HAPPY_SAD, ("happy", "sad")])
def test_pandas(labels: Any) -> None:
    frame = mien.to_table(PREDICTIONS, labels).to_pandas()
    assert list(frame) == NAMES
    for name, dtype in (("face", "Int32"), ("uncertain", "boolean"), ("confidence", "float64"), ("label", "string")):
        assert str(frame[name].dtype) == dtype
    assert frame.astype(object).where(frame.notna(), None).to_numpy().tolist() == ROWS


def test_arrow_takes_it_as_a_table() -> None:
    table = mien.to_table(PREDICTIONS[1:], HAPPY_SAD)  # no face, so that no value tells a column's type
    taken = pa.table(table)
    assert taken.schema == pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns(HAPPY_SAD).items()])
    assert taken.to_pylist() == table.rows
    assert str(taken.schema.field("face").type) == "int32"
    assert str(taken.schema.field("uncertain").type) == "bool"
    assert str(taken.schema.field("v_sad").type) == "double"


@pytest.mark.parametrize(("missing", "said"), [("pandas", "needs pandas"), ("pyarrow", "needs pyarrow")])
def test_without(missing: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    table = mien.to_table(PREDICTIONS)
    with pytest.raises(MienError, match=said):
        table.to_pandas() if missing == "pandas" else pa.table(table)
    assert len(table.to_dict()["label"]) == len(ROWS)
