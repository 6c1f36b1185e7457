"""Predictions as flat rows: one a face, and one for an image without faces; what does not apply is None.

The columns are those of `mien predict --format csv`, in its order.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mien.cells import Rows
from mien.errors import LabelError, MienError
from mien.labels import label_set
from mien.prediction import Prediction, Reading
from mien.wording import counted

KINDS = {
    "source": "string",
    "width": "int32",
    "height": "int32",
    "face": "int32",
    "label": "string",
    "uncertain": "bool",
    "reasons": "string",
    "notes": "string",
    "error": "string",
    "frame": "int32",
    "track": "int32",
    "person": "int32",
    "smoothed_label": "string",
    "smoothed_uncertain": "bool",
}
"""What the columns hold that hold no numbers with a fraction, as Arrow calls it."""

RENAMED = "input_"
"""Before the name of a column that comes with the images, where rows have one of that name themselves."""

NUMBER = "float64"
VERSION = "1"
"""Of the form of the rows, which Arrow and parquet tables tell in the metadata of their schema, as `mien.rows`: a
column that changes its name or its meaning, or goes, makes it another."""

PANDAS = {"string": "string", "int32": "Int32", "bool": "boolean", NUMBER: NUMBER}


@dataclass(frozen=True, repr=False)
class Table:
    """Predictions as columns, for pandas, Polars, PyArrow and whatever else takes Arrow tables.

    `table.to_pandas()`, `polars.DataFrame(table)`, `pyarrow.table(table)`, or `table.to_dict()` without PyArrow.

    Args:
        kinds: what each column holds, by name, as Arrow calls it.
        rows: the values by column; what does not apply is None.
    """

    kinds: dict[str, str]
    rows: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({counted(len(self), 'row')}, {len(self.kinds)} columns: {', '.join(self.kinds)})"

    def to_dict(self) -> dict[str, list[Any]]:
        """The values by column."""
        return {name: [row[name] for row in self.rows] for name in self.kinds}

    def to_pandas(self) -> Any:
        """A pandas DataFrame with the types that allow for missing values. Raises `MienError` without pandas."""
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise MienError("a DataFrame needs pandas: pip install pandas") from None
        values = self.to_dict().items()
        return pd.DataFrame({name: pd.array(each, dtype=PANDAS[self.kinds[name]]) for name, each in values})

    def to_arrow(self) -> Any:
        """A PyArrow table. Raises `MienError` without PyArrow."""
        schema = arrow_schema(self.kinds)
        import pyarrow as pa

        return pa.Table.from_pylist(self.rows, schema)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow C stream interface, by which libraries take each other's tables."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


def to_table(predictions: Prediction | Iterable[Prediction], labels: str | Iterable[str] | None = None) -> Table:
    """Predictions as a table of one row a face, and one for an image without faces.

    Args:
        predictions: of any number of images, or of one.
        labels: the emotions to have columns for, such as the label set that was asked for, or the name of one that mien
            knows; those of the faces if None.

    Returns:
        The table, with the columns of docs/scale.md. `table.to_pandas()` makes a DataFrame, `table.to_arrow()` a
        PyArrow table, `table.to_dict()` a list a column; `polars.DataFrame(table)` takes it as it is.

    Raises:
        LabelError: there is no label set of that name, or it is no label set.
        MienError: something else is among them.
    """
    kept = list(predictions) if isinstance(predictions, Iterable) else [predictions]
    for each in kept:
        if not isinstance(each, Prediction):
            raise MienError(f"expected what predict gives, a Prediction or several; got {type(each).__name__}")
    readings = [reading for prediction in kept for reading in prediction.faces]
    wanted = label_set(labels) if isinstance(labels, str) else labels
    if not isinstance(wanted, Iterable | None):
        raise LabelError(f"expected a label set, its name, or emotions; got {type(wanted).__name__}")
    emotions = list(wanted or dict.fromkeys(each for reading in readings for each in reading.expression.probabilities))
    rows = [row for prediction in kept for row in flat_rows(prediction, emotions)]
    return Table(columns(emotions), rows)


def columns(labels: Collection[str]) -> dict[str, str]:
    """What a row's columns hold (see `Table`), by name and in order.

    Args:
        labels: the emotions; `p_<emotion>` are their probabilities, `v_<emotion>` their votes.
    """
    return kinds_of(_row(Prediction("", 0, 0, error=""), None, labels))


def kinds_of(names: Iterable[str]) -> dict[str, str]:
    """What columns of these names hold (see `Table`)."""
    return {name: KINDS.get(name, NUMBER) for name in names}


def arrow_schema(kinds: Mapping[str, str], described: Mapping[str, str] | None = None) -> Any:
    """The schema of such rows in Arrow and parquet, with their version.

    Args:
        kinds: as `columns` gives them.
        described: what columns mean, in words, for the metadata: of each its `description`, of all `mien.columns`.

    Raises:
        MienError: PyArrow is not installed.
    """
    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        raise MienError("an Arrow table needs pyarrow: pip install 'mien[parquet]'") from None
    words = described or {}
    fields = [
        pa.field(name, pa.type_for_alias(kind), metadata={"description": words[name]} if name in words else None)
        for name, kind in kinds.items()
    ]
    return pa.schema(fields, {"mien.rows": VERSION} | ({"mien.columns": json.dumps(words)} if words else {}))


def flat_rows(prediction: Prediction, labels: Collection[str]) -> list[dict[str, Any]]:
    """The rows of one image."""
    faces = [_row(prediction, reading, labels, number) for number, reading in enumerate(prediction.faces)]
    return faces or [_row(prediction, None, labels)]


def csv_text(predictions: Iterable[Prediction], labels: Collection[str]) -> str:
    """A CSV file of several images."""
    stream = io.StringIO()
    rows = Rows(stream, columns(labels))
    for prediction in predictions:
        rows.write(row.values() for row in flat_rows(prediction, labels))
    return stream.getvalue()


def _row(prediction: Prediction, reading: Reading | None, labels: Collection[str], number: int = 0) -> dict[str, Any]:
    face: dict[str, Any] = reading.to_dict() if reading else {}
    box = face.get("box", [None] * 4)
    shares, votes = face.get("probabilities") or {}, face.get("votes") or {}
    reasons = face.get("reasons", prediction.reasons)
    emotions = tuple(labels)
    return {
        "source": prediction.source,
        "width": prediction.width or None,
        "height": prediction.height or None,
        "face": number if reading else None,
        **dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)),
        "score": face.get("score"),
        "label": face.get("label"),
        "confidence": face.get("confidence"),
        **dict(zip(_named("p", emotions), map(shares.get, emotions), strict=True)),
        "uncertain": face.get("uncertain"),
        "reasons": "; ".join(reasons) or None,
        "not_a_face": face.get("not_a_face"),
        **dict(zip(_named("v", emotions), map(votes.get, emotions), strict=True)),
        "notes": "; ".join(prediction.notes) or None,
        "error": prediction.error,
    }


@cache
def _named(letter: str, emotions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{letter}_{emotion}" for emotion in emotions)
