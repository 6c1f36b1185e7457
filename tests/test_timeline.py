"""Timelines: a video's rows in memory, or kept on disk so that another process goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image
from walking import HAPPY, SAD, Blocks, drawn, filmed

import mien
from mien import watching
from mien.errors import MienError
from mien.labels import HAPPY_SAD
from mien.recognizer import Recognizer
from mien.timeline import Recording, meanings
from mien.watching import moment_columns

Toy = Callable[..., Path]


@pytest.fixture(scope="module")
def reader(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    folder = toy(tmp_path_factory.mktemp("model") / "toy", {"happy-sad": HAPPY_SAD.emotions})
    return mien.load(folder, detector=Blocks())


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shown = [drawn([(30, HAPPY)])] * 25 + [drawn([(30, SAD)])] * 25 + [drawn([])] * 5
    return filmed(tmp_path_factory.mktemp("clip") / "clip.mp4", shown)


def test_read_video(reader: Recognizer, clip: Path) -> None:
    timeline = mien.read_video(clip, model=reader)
    assert len(timeline) == 55
    assert timeline.rows == list(reader.watch(clip))
    frame = timeline.to_pandas()
    assert list(frame) == list(moment_columns(HAPPY_SAD))
    assert frame["track"].isna().sum() == 5
    assert pa.table(timeline).schema.field("track").type == pa.int32()
    (told,) = timeline.summary().rows
    assert (told["start_s"], told["end_s"], told["share_happy"], told["changes"]) == (0.0, 2.0, 0.5, 1)
    kept = [(each["label"], each["onset_s"], each["offset_s"]) for each in timeline.events().rows]
    assert kept == [("happy", 0.0, 1.0), ("sad", 1.0, 2.0)]


def test_a_video_that_cannot_be_read(reader: Recognizer, tmp_path: Path) -> None:
    timeline = mien.read_video(tmp_path / "none.mp4", model=reader)
    assert [(row["time_s"], row["frame"], row["error"]) for row in timeline.rows] == [(0.0, None, "no such file")]
    assert len(timeline.to_pandas()) == 1
    assert timeline.summary().rows == timeline.events().rows == []
    with pytest.raises(MienError, match=r"none\.mp4: no such file"):
        mien.read_video(tmp_path / "none.mp4", model=reader, strict=True)


@pytest.fixture(scope="module")
def gone(reader: Recognizer, tmp_path_factory: pytest.TempPathFactory) -> mien.Timeline:
    """Someone leaves and comes back as another, 1; 2 is there all the time."""
    there = [[(30, HAPPY), (100, SAD)]] * 10 + [[(100, SAD)]] * 35 + [[(30, HAPPY), (100, SAD)]] * 10
    return mien.read_video(
        filmed(tmp_path_factory.mktemp("gone") / "clip.mp4", [drawn(each) for each in there]), model=reader
    )


def test_tracks_that_are_one_persons_are_one(gone: mien.Timeline) -> None:
    first, other, last = sorted({row["track"] for row in gone.rows})
    assert gone.merged().rows == gone.merged((first,)).rows == gone.rows
    one = gone.merged((last, first))
    assert {row["track"] for row in one.rows} == {first, other}
    assert [{**row, "track": None} for row in one.rows] == [{**row, "track": None} for row in gone.rows]
    assert {row["track"]: (row["start_s"], row["end_s"], row["seen_s"]) for row in one.summary().rows} == {
        first: (0.0, 2.2, 0.8),
        other: (0.0, 2.2, 2.2),
    }
    assert [(each["track"], each["onset_s"]) for each in one.events().rows] == [
        (first, 0.0),
        (other, 0.0),
        (first, 1.8),
    ]


def test_tracks_are_numbers_with_fractions_too(gone: mien.Timeline) -> None:
    """As pandas has them, of a table in which some rows have none."""
    tracks: Any = (0.0, 2.0)
    assert gone.merged(tracks).rows == gone.merged((0, 2)).rows


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ([(0, 7)], "there is no track 7: the tracks are 0, 1, 2"),
        ([(0, 2), (2,)], "track 2 is two people's"),
        ([(0, 1)], "tracks 0 and 1 are both seen at 0.00 s"),
        ([0, 2], r"each person is a list of their tracks, as merged\(\[1, 2\]\); got 0"),
        ([None], "each person is a list of their tracks, .*; got None"),
        ([("0", "2")], "there is no track 0: the tracks are 0, 1, 2"),
        ([([0], 2)], r"there is no track \[0\]: the tracks are 0, 1, 2"),
    ],
)
def test_people_who_cannot_be_one(people: list[Any], told: str, gone: mien.Timeline) -> None:
    with pytest.raises(MienError, match=told):
        gone.merged(*people)


def test_every_column_has_its_meaning() -> None:
    names = [*moment_columns(HAPPY_SAD), "person"]
    told = meanings(names)
    assert list(told) == names
    assert told["p_happy"].startswith("probability that most people would say happy")
    assert told["s_sad"].startswith("probability of sad")


def recorded(reader: Recognizer, clips: list[Path], out: Path, *, resume: bool = False, most: int = 10**9) -> bool:
    """Keeps rows until so many moments are out; whether it got to the end."""
    recording = Recording(
        reader, [str(clip) for clip in clips], out, labels=HAPPY_SAD, merge_people=True, resume=resume
    )
    moments = recording.moments()
    try:
        for at, _ in enumerate(moments):
            if at == most:
                return False
        rows = list(recording.rows())
        for name in map(str, clips):
            assert list(recording.rows_of(name)) == [row for row in rows if row["source"] == name]
        recording.write("csv")
        recording.remove()
        return True
    finally:
        moments.close()  # type: ignore[attr-defined]
        recording.close()


@pytest.mark.parametrize("stops", [(3,), (40,), (60, 3), (20, 20, 20, 20)])
def test_one_that_was_stopped_ends_with_the_same_rows(
    stops: tuple[int, ...], reader: Recognizer, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "CHECKPOINT_S", -1.0)
    clips = [clip, tmp_path / "none.mp4", clip]
    assert recorded(reader, clips, tmp_path / "whole.csv")
    for number, most in enumerate(stops):
        assert not recorded(reader, clips, tmp_path / "out.csv", resume=number > 0, most=most)
    assert recorded(reader, clips, tmp_path / "out.csv", resume=True)
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert not list(tmp_path.glob("*.part.*"))


@pytest.mark.parametrize("named", ["", "*.png"])
def test_one_whose_videos_were_changed_is_not_gone_on_with(
    named: str, reader: Recognizer, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "CHECKPOINT_S", -1.0)
    ours, stills, out = tmp_path / "clip.mp4", tmp_path / "stills", tmp_path / "stills" / "out.csv"
    shutil.copy(clip, ours)
    stills.mkdir()
    sources = [ours, stills / named]
    for number in range(30):
        Image.fromarray(drawn([(100, HAPPY)])).save(stills / f"{number}.png")
    written = (stills / "29.png").stat().st_mtime_ns
    assert not recorded(reader, sources, out, most=60)
    assert not recorded(reader, sources, out, resume=True, most=1)
    (stills / "30.png").write_bytes((stills / "29.png").read_bytes())
    with pytest.raises(MienError, match="was begun with another content of them: ask as then, or delete it"):
        recorded(reader, sources, out, resume=True)
    (stills / "30.png").unlink()
    os.utime(stills / "29.png")
    with pytest.raises(MienError, match="was begun with another content of them"):
        recorded(reader, sources, out, resume=True)
    os.utime(stills / "29.png", ns=(written, written))
    assert not recorded(reader, sources, out, resume=True, most=1)
    shutil.copy(clip, ours)  # at another time
    with pytest.raises(MienError, match="was begun with another content of them"):
        recorded(reader, sources, out, resume=True)


@pytest.mark.parametrize(
    ("name", "frames", "tracks"),
    [("single_face.mp4", 72, {0}), ("no_face.mp4", 95, {None}), ("WolfgangLanger_Pexels.mp4", 472, {0})],
)
def test_media(name: str, frames: int, tracks: set[int | None], media: Path) -> None:
    rows = mien.read_video(media / name).rows
    assert len(rows) == frames
    assert {row["track"] for row in rows} == tracks
    assert not any(row["error"] for row in rows)
