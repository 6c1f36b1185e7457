"""Watching: every frame comes out, with who is in it and how they look; and it can be gone on with from anywhere."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest
from walking import HAPPY, SAD, SIDE, Block, Blocks, drawn, filmed

import mien
from mien import shots, watching
from mien.labels import FER7, HAPPY_SAD
from mien.picture import Picture
from mien.prediction import Prediction
from mien.recognizer import Recognizer
from mien.shots import View
from mien.video import Frame
from mien.watching import Checkpoint, Glance, Moment, Wanted, moment_columns, retold, watch

Toy = Callable[..., Path]


@pytest.fixture(scope="module")
def reader(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Recognizer:
    """Reads blocks: happy where their left is bright, sad where their right is."""
    folder = toy(tmp_path_factory.mktemp("model") / "toy", {"happy-sad": HAPPY_SAD.emotions})
    return mien.load(folder, detector=Blocks())


def scene(number: int) -> list[Block]:
    """One is happy and then sad; another is there for a while."""
    first: list[Block] = [(20 + number % 5, HAPPY if number < 30 else SAD)]
    return [*first, (110, SAD)] if 12 <= number < 48 else first


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [drawn(scene(number)) if number < 55 else drawn([]) for number in range(60)]
    return filmed(tmp_path_factory.mktemp("clip") / "clip.mp4", frames)


def moments(reader: Recognizer, clip: Path, **more: Any) -> list[Moment]:
    return [each for each in watch(reader, clip, "clip", HAPPY_SAD, **more) if isinstance(each, Moment)]


def test_every_frame_comes_out(reader: Recognizer, clip: Path) -> None:
    seen = moments(reader, clip)
    assert [each.number for each in seen] == list(range(60))
    assert [each.time_s for each in seen] == pytest.approx([number / 25 for number in range(60)])
    assert [len(each.tracks) for each in seen] == [2 if 12 <= number < 48 else number < 55 for number in range(60)]
    assert {track for each in seen for track in each.tracks} == {0, 1}
    assert [each.prediction.reasons for each in seen[55:]] == [("no face was found",)] * 5


def test_frames_are_no_larger_than_the_readers_limits(reader: Recognizer, clip: Path) -> None:
    limited = mien.load(reader.artifact.folder, detector=Blocks(), limits=mien.Limits(max_pixels=100))
    (only,) = moments(limited, clip)
    assert only.number is None
    assert "over the limit of 0.0001 million: raise max_pixels" in str(only.prediction.error)


def test_what_is_read_is_smoothed(reader: Recognizer, clip: Path) -> None:
    seen = moments(reader, clip)
    own = [each.smoothed[each.tracks.index(0)] for each in seen[:55]]
    raw = [each.prediction.faces[each.tracks.index(0)].expression for each in seen[:55]]
    assert [each.label for each in raw] == ["happy"] * 30 + ["sad"] * 25
    assert [each.label for each in own] == ["happy"] * 30 + ["sad"] * 25
    assert own[29].confidence < raw[29].confidence
    assert any(reason.startswith("low confidence") for reason in own[29].reasons) == (own[29].confidence < 0.5)


def test_rows(reader: Recognizer, clip: Path) -> None:
    seen = moments(reader, clip)
    rows = [row for each in seen for row in each.rows(HAPPY_SAD)]
    assert len(rows) == 55 + 36 + 5
    assert {tuple(row) for row in rows} == {tuple(moment_columns(HAPPY_SAD))}
    first, last = rows[0], rows[-1]
    assert (first["source"], first["time_s"], first["frame"], first["track"]) == ("clip", 0.0, 0, 0)
    assert first["s_happy"] == pytest.approx(1 - first["s_sad"], abs=1e-6)
    assert (first["label"], first["smoothed_label"]) == ("happy", "happy")
    assert first["smoothed_uncertain"] is bool(seen[0].smoothed[0].reasons)
    assert (last["track"], last["smoothed_label"], last["s_happy"], last["error"]) == (None, None, None, None)
    json.dumps(rows)


def test_no_label_takes_the_column_of_another_thing() -> None:
    """AffectNet's labels have one that is called uncertain."""
    odd = moment_columns(("uncertain", "label", "confidence"))
    assert len(odd) == len(moment_columns(())) + 3 * 3
    assert odd["s_uncertain"] == "float64"


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(every_s=0.4), [0, 10, 20, 30, 40, 50]),
        (Wanted(start_s=1.0, end_s=1.2), [25, 26, 27, 28, 29]),
        (Wanted(every_s=0.5, start_s=0.9), [23, 35, 48, 60][:3]),
    ],
)
def test_wanted(reader: Recognizer, clip: Path, wanted: Wanted, numbers: list[int]) -> None:
    assert [each.number for each in moments(reader, clip, wanted=wanted)] == numbers


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(every_s=0.1, start_s=0.3)])
def test_it_goes_on_from_every_checkpoint(
    reader: Recognizer, clip: Path, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "CHECKPOINT_S", -1.0)
    items = list(watch(reader, clip, "clip", HAPPY_SAD, wanted=wanted))
    points = [at for at, item in enumerate(items) if isinstance(item, Checkpoint)]
    assert len(points) > 5
    for at in points:
        state = json.loads(json.dumps(items[at].state))  # type: ignore[union-attr]
        rest = moments(reader, clip, wanted=wanted, state=state)
        assert rest == [item for item in items[at:] if isinstance(item, Moment)]


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip in which something is before a face for a quarter of a second, all but its brow."""
    frames = [drawn([(20, HAPPY)]) for _ in range(40)]
    for frame in frames[15:21]:
        frame[28 : 20 + SIDE, 20 : 20 + SIDE] = np.repeat((250, 0, 250, 0), 4)[:, None, None]
        frame[20:28, 20 : 20 + SIDE] = (60, 60, 60)
    return filmed(tmp_path_factory.mktemp("clip") / "covered.mp4", frames)


@pytest.mark.parametrize(("between_s", "tracks"), [(0.5, {0}), (0.0, {0, 1})])
def test_who_was_half_hidden_for_a_moment_had_the_number(
    reader: Recognizer, covered: Path, between_s: float, tracks: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "BETWEEN_S", between_s)
    monkeypatch.setattr(watching, "CHECKPOINT_S", -1.0)
    items = list(watch(reader, covered, "clip", HAPPY_SAD))
    assert {track for item in items if isinstance(item, Moment) for track in item.tracks} == tracks
    for at, item in enumerate(items):
        if isinstance(item, Checkpoint):
            rest = moments(reader, covered, state=json.loads(json.dumps(item.state)))
            assert rest == [each for each in items[at:] if isinstance(each, Moment)]
    seen = [item for item in items if isinstance(item, Moment)]
    assert list(retold(reader, seen, HAPPY_SAD)) == seen


def test_what_breaks_is_the_last_moment(reader: Recognizer, clip: Path, tmp_path: Path) -> None:
    (seen,) = moments(reader, tmp_path / "none.mp4")
    assert (seen.number, seen.prediction.error, seen.rows(HAPPY_SAD)[0]["error"]) == (
        None,
        "no such file",
        "no such file",
    )
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:-200])
    *_, last = moments(reader, broken)
    assert last.prediction.error


def test_moments_are_told_anew_without_another_look(toy: Toy, tmp_path: Path, clip: Path) -> None:
    heads = {"happy-sad": HAPPY_SAD.emotions, "fer7": FER7.emotions}
    reader = mien.load(toy(tmp_path / "toy", heads), detector=Blocks())
    assert list(retold(reader, [], HAPPY_SAD)) == []
    (tmp_path / "broken.mp4").write_bytes(clip.read_bytes()[:-200])
    for source in (clip, tmp_path / "broken.mp4"):
        watched = {labels: list(watch(reader, source, "clip", labels)) for labels in (HAPPY_SAD, FER7)}
        kept = {labels: [each for each in items if isinstance(each, Moment)] for labels, items in watched.items()}
        looks = reader.detector.looks  # type: ignore[attr-defined]
        for labels, other in ((HAPPY_SAD, FER7), (FER7, HAPPY_SAD), (FER7, FER7)):
            assert list(retold(reader, kept[labels], other)) == kept[other]
        assert reader.detector.looks == looks  # type: ignore[attr-defined]


def test_pixels_are_let_go_once_faces_are_cut_out_of_them(
    reader: Recognizer, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, most = WeakSet[Picture](), list[int]()

    def viewed(frames: Iterable[Frame]) -> Iterator[View]:
        for view in shots.viewed(frames):
            held.add(view.picture)
            yield view

    def express(*given: Any) -> list[Prediction]:
        time.sleep(0.1)  # until those before wait
        most.append(len(held))
        return Recognizer.express(reader, *given)

    monkeypatch.setattr(watching, "viewed", viewed)
    monkeypatch.setattr(reader, "express", express, raising=False)
    assert len(moments(reader, clip)) == 60
    assert max(most) < 2 * watching.AHEAD + watching.FRAMES


def test_one_who_stops_listening_ends_the_work(reader: Recognizer, clip: Path) -> None:
    before = set(threading.enumerate())
    watched = watch(reader, clip, "clip", HAPPY_SAD)
    next(watched)
    watched.close()
    assert set(threading.enumerate()) <= before


def test_what_goes_wrong_in_a_thread_is_told(reader: Recognizer, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Blocks, "detect", refuse)
    with pytest.raises(ZeroDivisionError):
        moments(reader, clip)


def test_single_frames_are_read_at_once(reader: Recognizer) -> None:
    glance = Glance(reader, "camera", HAPPY_SAD)
    seen = [glance(Frame.of(number / 30, number, drawn([(30, HAPPY)]))) for number in range(5)]
    assert [each.number for each in seen] == [0, 1, 2, 3, 4]
    assert {each.tracks for each in seen} == {(0,)}
    assert {each.smoothed[0].label for each in seen} == {"happy"}
    later = glance(Frame.of(5 / 30, 5, drawn([(30, SAD)])))
    assert later.prediction.faces[0].expression.label == "sad"
    assert later.smoothed[0].label == "happy"  # not yet


@pytest.mark.parametrize(
    ("times", "tracks"),
    [
        ([0, 0.04, 0.08, 0.9, 0.94], [0] * 5),
        ([0, 0.04, 0.08, 9, 9.04], [0, 0, 0, 1, 1]),
        ([0, 0.04, 9, 14], [0, 0, 1, 2]),
        ([0, 3, 6, 9], [0] * 4),
        ([0, 0.9, 3, 6, 9], [0] * 5),
    ],
)
def test_no_track_goes_on_where_a_stream_had_broken_off(
    reader: Recognizer, times: list[float], tracks: list[int]
) -> None:
    glance = Glance(reader, "camera", HAPPY_SAD)
    seen = [glance(Frame.of(time_s, number, drawn([(30, HAPPY)]))) for number, time_s in enumerate(times)]
    assert [each.tracks for each in seen] == [(track,) for track in tracks]


@pytest.mark.parametrize(("dark", "number"), [(13, 0), (22, 0), (40, 1)])
@pytest.mark.parametrize("later", [HAPPY, SAD])
def test_black_between_two_frames_of_a_shot_is_no_cut(
    reader: Recognizer, dark: int, number: int, later: tuple[int, int], tmp_path: Path
) -> None:
    """As where somebody walks by close to the lens; who is out of sight for longer than a second gets a new number."""
    given = [drawn([(30, HAPPY)], 120)] * 12 + [drawn([])] * dark + [drawn([(30, later)], 120)] * 12
    told = [each.tracks for each in moments(reader, filmed(tmp_path / "dark.mp4", given))]
    assert told == [(0,)] * 12 + [()] * dark + [(number,)] * 12
    glance = Glance(reader, "channel", HAPPY_SAD, cuts=True)
    assert [glance(Frame.of(at / 25, at, each)).tracks for at, each in enumerate(given)] == told


@pytest.mark.parametrize(
    ("papers", "cuts", "tracks"),
    [
        ([40] * 4 + [75] * 6, True, [0] * 7 + [1] * 3),  # a tenth of a second late
        ([40] * 4 + [75] * 6, False, [0] * 10),  # before a camera that has none
        ([40] * 4 + [75] * 2 + [40] * 4, True, [0] * 10),  # a flash
    ],
)
def test_no_track_goes_on_where_a_broadcast_is_cut(
    reader: Recognizer, papers: list[int], cuts: bool, tracks: list[int]
) -> None:
    glance = Glance(reader, "channel", HAPPY_SAD, cuts=cuts)
    frames = (Frame.of(at / 25, at, drawn([(30, (230, 150))], paper)) for at, paper in enumerate(papers))
    assert [glance(each).tracks for each in frames] == [(track,) for track in tracks]
