"""Keeping rows: what is on the disk after a kill, and what it becomes."""

from __future__ import annotations

import csv
import errno
import io
import json
import resource
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pyarrow.parquet as pq
import pytest

from mien.errors import MienError
from mien.keeping import PARQUET_ROWS, Journal, put_rows, write_rows

KINDS = {"time_s": "float64", "frame": "int32", "label": "string", "sure": "bool"}
ROWS: list[dict[str, Any]] = [
    {"time_s": 0.25, "frame": 0, "label": "happy", "sure": True},
    {"time_s": 0.5, "frame": None, "label": None, "sure": None},
]
ASKED = {"videos": ["a.mp4"], "labels": ["happy", "sad"]}


def journal(out: Path, *, resume: bool = False, **asked: Any) -> Journal:
    return Journal(out, ASKED | asked, resume=resume)


def test_nothing(tmp_path: Path) -> None:
    kept = journal(tmp_path / "new" / "out.csv")
    assert kept.state is None
    assert list(kept.rows()) == []
    kept.remove()
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_killed_process_leaves(tmp_path: Path) -> None:
    killed = journal(tmp_path / "out.csv")
    killed.write(ROWS)
    killed.checkpoint({"at": 2})
    killed.write(ROWS[:1])  # after the checkpoint, and so lost
    killed.close()
    part = tmp_path / "out.csv.part.jsonl"
    assert list(pd.read_json(part, lines=True)["frame"].notna()) == [True, False]
    assert not (tmp_path / "out.csv").exists()

    other = journal(tmp_path / "out.csv", resume=True)
    assert other.state == {"at": 2}
    other.write(ROWS[1:])
    other.checkpoint({"at": 3})
    assert list(other.rows()) == [*ROWS, ROWS[1]]
    other.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("resume", [True, False])
def test_two_runs_do_not_write_one_file(resume: bool, tmp_path: Path) -> None:
    with closing(journal(tmp_path / "out.csv")) as first:
        with pytest.raises(MienError, match=r"out\.csv\.part\.jsonl: another run writes it"):
            journal(tmp_path / "out.csv", resume=resume)
        first.write(ROWS)
        first.checkpoint(1)
        with pytest.raises(MienError, match="another run writes it"):
            journal(tmp_path / "out.csv", resume=resume)
        assert list(first.rows()) == ROWS
    with closing(journal(tmp_path / "out.csv", resume=True)) as second:
        second.checkpoint(2)  # of no more rows
        assert list(second.rows()) == ROWS
    with closing(journal(tmp_path / "out.csv", resume=True)) as third:
        assert third.state == 2


def test_where_a_disk_knows_no_locks_rows_are_kept_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", unknown)
    with closing(journal(tmp_path / "out.csv")) as kept:
        kept.write(ROWS)
        kept.checkpoint(1)
        assert list(kept.rows()) == ROWS


def test_a_run_that_has_just_ended_takes_no_rows_of_the_next_one_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its last word and when it takes its files away."""
    ended = journal(tmp_path / "out.csv")
    ended.checkpoint(1)

    def taken_away(file: object) -> bool:
        ended.remove()
        return True

    monkeypatch.setattr("mien.keeping.locked", taken_away)
    with pytest.raises(MienError, match="another run writes it"):
        journal(tmp_path / "out.csv", resume=True)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_with_the_rows_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with closing(journal(tmp_path / "out.csv")) as kept:
        kept.write(ROWS)
        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left") as told:
            kept.checkpoint(None)
    assert told.value.filename == str(tmp_path / "out.csv.part.jsonl")


def test_a_disk_that_stays_full_is_told_so_where_rows_are_closed_too(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = journal(tmp_path / "out.csv")
    kept.write(ROWS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        for step in (partial(kept.checkpoint, None), kept.close):
            with pytest.raises(OSError, match="too large") as told:
                step()
            assert told.value.filename == str(tmp_path / "out.csv.part.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_found_by_what_a_column_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"source": name, "frame": number} for number, name in enumerate(["é", "é", "b", "c", "b"])]
    with closing(journal(tmp_path / "out.csv")) as kept:
        assert kept.places("source") == {}
        kept.write(rows)
        kept.checkpoint({})
        places = kept.places("source")
        assert list(places) == ["é", "b", "c"]
        read = Mock(side_effect=json.loads)
        monkeypatch.setattr("mien.keeping.json.loads", read)
        assert list(kept.rows(*places["é"])) == rows[:2]
        assert list(kept.rows(*places["b"])) == rows[2:]
        assert list(kept.rows(*places["c"])) == rows[3:4]
        assert read.call_count == 2 + 3 + 1
        assert list(kept.rows(0, 0)) == []


def test_a_row_that_was_being_written_is_written_anew(tmp_path: Path) -> None:
    killed = journal(tmp_path / "out.csv")
    killed.write(ROWS)
    killed.checkpoint(1)
    killed.close()
    with (tmp_path / "out.csv.part.jsonl").open("ab") as stream:
        stream.write(b'{"time_s": 0.')
    with closing(journal(tmp_path / "out.csv", resume=True)) as other:
        assert list(other.rows()) == ROWS


def test_one_without_a_checkpoint_begins_anew(tmp_path: Path) -> None:
    journal(tmp_path / "out.csv").close()
    for name in ("out.csv", "none.csv"):
        with closing(journal(tmp_path / name, resume=True)) as kept:
            assert kept.state is None
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The rows of an unfinished run, which will be `out.csv`."""
    kept = journal(tmp_path / "out.csv")
    kept.write(ROWS)
    kept.checkpoint(1)
    kept.close()
    return tmp_path / "out.csv.part.jsonl"


@pytest.mark.parametrize("left", [0, 20])
def test_rows_that_were_lost_are_told(left: int, begun: Path) -> None:
    begun.write_bytes(begun.read_bytes()[:left])
    for _ in range(2):
        with pytest.raises(MienError, match=r"out\.csv\.part\.jsonl has lost rows that were read: delete it"):
            journal(begun.with_name("out.csv"), resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_whoever_deletes_the_rows_begins_anew(resume: bool, begun: Path) -> None:
    begun.unlink()
    with closing(journal(begun.with_name("out.csv"), resume=resume)) as kept:
        assert kept.state is None
    assert list(begun.parent.iterdir()) == []


def test_an_unfinished_run_is_not_lost_unasked(begun: Path) -> None:
    with pytest.raises(MienError, match=r"out\.csv\.part\.jsonl holds an unfinished run: --resume goes on"):
        journal(begun.with_name("out.csv"))
    with pytest.raises(MienError, match="was begun with another videos and labels: ask as then"):
        journal(begun.with_name("out.csv"), resume=True, videos=["b.mp4"], labels=["sad", "happy"])


@pytest.mark.parametrize("rows", [[], ROWS])
def test_forms(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    for form in ("csv", "json", "jsonl", "parquet"):
        write_rows(tmp_path / form, form, KINDS, rows)
        put_rows(stream := io.BytesIO(), form, KINDS, rows)
        assert stream.getvalue() == (tmp_path / form).read_bytes()
    assert json.loads((tmp_path / "json").read_text()) == rows
    assert [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()] == rows
    names, *cells = csv.reader((tmp_path / "csv").read_text().splitlines())
    assert names == list(KINDS)
    assert cells == [["" if value is None else str(value) for value in row.values()] for row in rows]
    table = pq.read_table(tmp_path / "parquet")
    assert table.to_pylist() == rows
    assert [str(field.type) for field in table.schema] == ["double", "int32", "string", "bool"]


def test_parquet_says_what_its_columns_mean_and_is_written_group_by_group(tmp_path: Path) -> None:
    rows = ({"time_s": at / 25, "frame": at, "label": "sad", "sure": True} for at in range(PARQUET_ROWS + 5))
    write_rows(tmp_path / "out.parquet", "parquet", KINDS, rows, {"time_s": "when, s"})
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [PARQUET_ROWS, 5]
    assert file.schema_arrow.field("time_s").metadata == {b"description": b"when, s"}
    assert json.loads(file.schema_arrow.metadata[b"mien.columns"]) == {"time_s": "when, s"}
    assert pd.read_parquet(tmp_path / "out.parquet")["frame"].tolist() == list(range(PARQUET_ROWS + 5))
