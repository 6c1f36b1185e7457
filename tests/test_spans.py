"""Spans: what rows come to, in time and not in frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mien.errors import DataError, FaultsError, MienError
from mien.spans import Mark, averages, events, of_no_video, read_marks, seconds, shown, summary

LABELS = ("happy", "sad")


def row(time_s: float, frame: int | None, track: int | None = None, happy: float = 0.0, **more: Any) -> dict[str, Any]:
    known = track is not None
    return {
        "source": "a.mp4",
        "time_s": time_s,
        "frame": frame,
        "track": track,
        "s_happy": happy if known else None,
        "s_sad": round(1 - happy, 6) if known else None,
        "smoothed_label": ("happy" if happy >= 0.5 else "sad") if known else None,
        "smoothed_confidence": max(happy, 1 - happy) if known else None,
        "smoothed_uncertain": False if known else None,
        **more,
    }


def of(*happy: float | None, step_s: float = 0.5, source: str = "a.mp4") -> list[dict[str, Any]]:
    """Rows of one track, none where nobody is seen."""
    return [
        row(at * step_s, at, None if share is None else 0, share or 0.0, source=source)
        for at, share in enumerate(happy)
    ]


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("90", 90), ("1:30", 90), ("0:01:30.5", 90.5), (" 2:00 ", 120), ("1:00:00", 3600)]
)
def test_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "a", "-1", "1:60", "1:2:3:4", "nan", "inf", "1:", "1,5"])
def test_no_seconds(text: str) -> None:
    with pytest.raises(ValueError, match=r"a time is seconds, such as 90\.5, or minutes and seconds as 1:30; got '"):
        seconds(text)


def test_frames_stand_until_the_next_one() -> None:
    assert list(shown([])) == []
    given = [row(0.0, 0), row(0.5, 1, 0, 0.9), row(0.5, 1, 1, 0.9), row(2.0, 4, 0, 0.9), row(2.5, None, error="broken")]
    assert [(each.time_s, each.lasts_s, len(each.rows)) for each in shown(given)] == [
        (0.0, 0.5, 1),
        (0.5, 1.5, 2),
        (2.0, 1.5, 1),
    ]


def test_summary_of_nothing() -> None:
    assert summary([], LABELS).rows == []
    assert summary(of(None, None), LABELS).rows == []


def test_tables_are_of_the_kinds_that_they_say() -> None:
    rows = of(0.9, 0.9, 0.1)
    for table in (summary(rows, LABELS), averages(summary(rows, LABELS), LABELS), events(rows, LABELS)):
        assert len(table.to_pandas()) == len(table.to_arrow()) == len(table) > 0
        assert {str(dtype) for dtype in table.to_pandas().dtypes} <= {"string", "Int32", "float64"}


def test_summary() -> None:
    rows = of(0.9, 0.8, 0.1, None, 0.2, 0.3)
    rows[1]["smoothed_uncertain"] = True
    (told,) = summary(rows, LABELS).rows
    assert told == {
        "source": "a.mp4",
        "mark": None,
        "track": 0,
        "person": None,
        "start_s": 0.0,
        "end_s": 3.0,
        "seen_s": 2.5,
        "share_happy": 0.4,
        "share_sad": 0.6,
        "mean_happy": pytest.approx((0.9 + 0.8 + 0.1 + 0.2 + 0.3) / 5),
        "mean_sad": pytest.approx((0.1 + 0.2 + 0.9 + 0.8 + 0.7) / 5),
        "confidence": pytest.approx((0.9 + 0.8 + 0.9 + 0.8 + 0.7) / 5),
        "uncertain_share": 0.2,
        "changes": 1,
        "longest": "happy",
        "longest_s": 1.0,
    }


def test_time_counts_and_not_frames() -> None:
    rows = [row(0.0, 0, 0, 0.9), row(3.0, 1, 0, 0.1), row(3.5, 2, 0, 0.1), row(4.0, 3, 0, 0.1)]
    (told,) = summary(rows, LABELS).rows
    assert told["share_happy"] == pytest.approx(3 / 4.5, abs=1e-4)
    assert (told["longest"], told["longest_s"]) == ("happy", 3.0)


def test_the_only_frame_of_a_video_says_what_its_face_shows() -> None:
    (told,) = summary(of(0.9), LABELS).rows
    assert (told["seen_s"], told["share_happy"], told["mean_happy"], told["longest"]) == (0.001, 1.0, 0.9, "happy")
    together = averages(summary([*of(0.9), *of(0.9, 0.9, source="b.mp4")], LABELS), LABELS).rows
    assert [(each["files"], each["share_happy"], each["mean_happy"]) for each in together] == [(2, 1.0, 0.9)]
    (marked,) = summary(of(0.9), LABELS, [Mark("first", 0, 1), Mark("second", 1, 2)]).rows
    assert (marked["mark"], marked["share_happy"]) == ("first", 1.0)
    assert events(of(0.9), LABELS).rows == []


def test_marks_take_parts_of_frames() -> None:
    marks = [Mark("one", 0.25, 1.0), Mark("two", 1.0, 9.0), Mark("none", 50, 60), Mark("other", 0, 9, "b.mp4")]
    told = summary(of(0.9, 0.9, 0.1, 0.1), LABELS, marks).rows
    assert [(each["mark"], each["seen_s"], each["share_happy"]) for each in told] == [
        ("one", 0.75, 1.0),
        ("two", 1.0, 0.0),
    ]


@pytest.mark.parametrize(
    ("marks", "seen"),
    [
        ([("one", 0, 1), ("one", 0.5, 2)], {"one": 2.0}),
        ([("one", 0.5, 2), ("one", 0, 1), ("one", 0.75, 0.8)], {"one": 2.0}),
        ([("one", 0, 3), ("one", 1, 2, "a.mp4"), ("one", 2, 9, "b.mp4")], {"one": 3.0}),
        ([("one", 0, 1), ("one", 1, 2), ("one", 2.5, 3)], {"one": 2.5}),
        ([("one", 0, 2), ("two", 1, 3)], {"one": 2.0, "two": 2.0}),
    ],
)
def test_time_within_several_marks_of_one_name_counts_once(marks: list[Any], seen: dict[str, float]) -> None:
    told = summary(of(*[0.9] * 6), LABELS, [Mark(*each) for each in marks]).rows
    assert {each["mark"]: each["seen_s"] for each in told} == seen
    assert {each["longest_s"] for each in told} <= {*seen.values(), 2.0}


def test_marks_of_no_video() -> None:
    marks = [Mark("a", 0, 1), Mark("b", 0, 1, "b.mp4"), Mark("c", 0, 1, "c.mp4"), Mark("d", 0, 1, "c.mp4")]
    assert of_no_video([], ["films/b.mp4"]) == []
    assert of_no_video(marks, ["films/b.mp4"]) == ["c.mp4"]
    assert of_no_video(marks, ["films/b.mp4", "c.mp4"]) == []
    assert of_no_video(marks, []) == ["b.mp4", "c.mp4"]


def test_sums_come_by_video_mark_and_track_whoever_is_the_largest() -> None:
    rows = [row(0.0, 0, 1, 0.9), row(0.0, 0, 0, 0.9), row(1.0, 1, 0, 0.9), row(1.0, 1, 1, 0.9)]
    marks = [Mark("late", 1, 2), Mark("early", 0, 1), Mark("late", 0, 0.5)]
    told = summary([*rows, *of(0.9, source="b.mp4")], LABELS, marks).rows
    assert [(each["source"], each["mark"], each["track"]) for each in told] == [
        ("a.mp4", "late", 0),
        ("a.mp4", "late", 1),
        ("a.mp4", "early", 0),
        ("a.mp4", "early", 1),
        ("b.mp4", "late", 0),
        ("b.mp4", "early", 0),
    ]


def test_averages_over_videos() -> None:
    assert averages(summary([], LABELS), LABELS).rows == []
    rows = of(0.9, 0.9, 0.9, source="a.mp4") + of(0.1, 0.1, source="b.mp4")
    (told,) = averages(summary(rows, LABELS), LABELS).rows
    assert (told["files"], told["tracks"], told["share_happy"]) == (2, 2, 0.5)
    assert told["mean_happy"] == pytest.approx(0.5)
    assert told["sd_happy"] == pytest.approx(0.8 / 2**0.5, abs=1e-4)
    (alone,) = averages(summary(rows[:3], LABELS), LABELS).rows
    assert alone["sd_happy"] is None


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], []),
        (of(None, None), []),
        (of(0.6, 0.9, 0.7, 0.2), [("happy", 0.0, 0.5, 1.5, 0.9), ("sad", 1.5, 1.5, 2.0, 0.8)]),
        (of(0.9, 0.9, None, 0.9), [("happy", 0.0, 0.0, 1.0, 0.9), ("happy", 1.5, 1.5, 2.0, 0.9)]),
        (of(0.9, 0.8, None, 0.95, step_s=0.1), [("happy", 0.0, 0.3, 0.4, 0.95)]),  # a short break
        (of(0.9, 0.9, 0.4, 0.9, 0.9, step_s=0.05), [("happy", 0.0, 0.0, 0.25, 0.9)]),  # the other is too brief
        (of(0.9, step_s=0.5), []),  # nobody knows how long
    ],
)
def test_events(rows: list[dict[str, Any]], told: list[tuple[str, float, float, float, float]]) -> None:
    found = events(rows, LABELS).rows
    kept = [(each["label"], each["onset_s"], each["apex_s"], each["offset_s"], each["peak"]) for each in found]
    assert kept == told


@pytest.mark.parametrize("start", range(20))
def test_events_are_the_same_wherever_in_a_video_they_lie(start: int) -> None:
    shares = [0.9, 0.9, None, None, 0.9, 0.9, None, 0.9]  # apart by as much as ends one, and by less
    rows = of(*[None] * start, *shares, None, None, 0.9, None, step_s=0.1)
    found = [
        (round(10 * each["onset_s"]) - start, round(10 * each["offset_s"]) - start)
        for each in events(rows, LABELS).rows
    ]
    assert found == [(0, 2), (4, 8), (10, 11)]  # the last as brief as one may be


@pytest.mark.parametrize("marks", [None, 3, "all", [3], [("one", 0.0, 1.0)]])
def test_what_is_no_list_of_marks(marks: Any) -> None:
    expected = f"marks are a list of mien.spans.Mark(name, start_s, end_s); got {marks!r}"
    with pytest.raises(MienError, match=re.escape(expected)):
        summary([], LABELS, marks)


@pytest.mark.parametrize("least", [-0.1, 50, float("nan"), None, "half"])
def test_events_of_no_share(least: Any) -> None:
    with pytest.raises(MienError, match=r"least is a probability, 0\.\.1; got"):
        events([], ("happy", "sad"), least)


def test_events_by_tracks_and_videos_in_order() -> None:
    two = [row(0.0, 0, 1, 0.9), row(0.0, 0, 0, 0.9), row(1.0, 1, 1, 0.9), row(1.0, 1, 0, 0.2)]
    found = events([*two, *of(0.9, 0.9, source="0.mp4")], LABELS, least=0.7).rows
    told = [(each["source"], each["track"], each["label"], each["onset_s"], each["offset_s"]) for each in found]
    assert told == [
        ("a.mp4", 0, "happy", 0.0, 1.0),
        ("a.mp4", 1, "happy", 0.0, 2.0),
        ("a.mp4", 0, "sad", 1.0, 2.0),
        ("0.mp4", 0, "happy", 0.0, 1.0),
    ]


def test_read_marks(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text("name,start,end,file\nsmile,0,1:30\nfrown,90,100.5,b.mp4\n")
    assert read_marks(path) == [Mark("smile", 0, 90), Mark("frown", 90, 100.5, "b.mp4")]
    path.write_text("name,start,end\n")
    assert read_marks(path) == []


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfName;Start;End\r\n\r\n A ;0;1:30\r\n", b"end\tname\tstart\n90\tA\t0\n"]
)
def test_marks_as_spreadsheets_write_them(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_bytes(content)
    assert read_marks(path) == [Mark("A", 0, 90)]


def test_wrong_marks(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    with pytest.raises(DataError, match=r"marks\.csv: No such file"):
        read_marks(path)
    path.write_text("name,begin,end\n")
    with pytest.raises(DataError, match="no column start; found name, begin, end"):
        read_marks(path)
    path.write_bytes("name,start,end\nMünchen,0,1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"marks\.csv: not a readable table in UTF-8"):
        read_marks(path)
    path.write_text("name,start,end\na,1,2\nb,x,2\nc,3,2\nd,1\n")
    with pytest.raises(FaultsError, match="lines that are no marks") as told:
        read_marks(path)
    assert [fault.partition(":")[0] for fault in told.value.faults] == ["line 3", "line 4", "line 5"]
