"""Broken videos: what can be read is read, and then it is told when it broke."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from av.container import InputContainer
from av.packet import Packet
from filmed import Film, plain

from mien.errors import VideoError
from mien.video import Frame, frames
from mien.video.opening import packets_of

COUNT = 100
TEXTURE = np.random.default_rng(0).integers(0, 40, (48, 64, 3), np.uint8)
FILM = [(plain(number) - 20 + TEXTURE).astype(np.uint8) for number in range(COUNT)]
OPTIONS = {"preset": "ultrafast", "bf": "2", "g": "10"}
VP9: dict[str, Any] = {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8", "g": "10"}}
FRONT = {"movflags": "faststart"}


def read(made: bytes, every_s: float | None = None) -> tuple[list[Frame], VideoError | None, tuple[str, ...]]:
    found: list[Frame] = []
    with frames(io.BytesIO(made), every_s=every_s) as video:
        try:
            found.extend(video)  # which keeps what comes before the error
        except VideoError as error:
            return found, error, video.notes
        return found, None, video.notes


@pytest.mark.parametrize(
    ("film", "says"),
    [
        (Film(FILM, options=OPTIONS, settings=FRONT), ("damaged", "cut short: ends at")),
        (Film(FILM, form="matroska", options=OPTIONS), ("cut short: ends at",)),
        (Film(FILM, form="webm", **VP9), ("cut short: ends at",)),
        (Film(FILM, form="avi", options=OPTIONS), ("",)),
        (Film(FILM, form="matroska", options=OPTIONS, sound_s=4.0), ("cut short: ends at",)),
    ],
    ids=["mp4", "matroska", "webm", "avi: a part of a frame or none is there", "with sound"],
)
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_video_whose_end_is_missing_is_read_up_to_there(film: Film, says: tuple[str, ...], share: float) -> None:
    """Where one decoder thread tells of a damaged frame, several leave out that one in silence."""
    made = film.made()
    found, error, _ = read(made[: int(share * len(made))])
    assert share * COUNT * 0.5 < len(found) < COUNT * min(1, share * 1.5)
    assert [frame.number for frame in found] == list(range(len(found)))
    assert np.diff([frame.time_s for frame in found]) == pytest.approx([0.04] * (len(found) - 1), abs=0.0011)
    assert error is not None
    assert any(each in str(error) for each in says)
    assert error.time_s == pytest.approx(found[-1].time_s + 0.04, abs=0.25)


def test_wherever_a_short_one_is_cut_that_is_all_that_is_told() -> None:
    made = Film(FILM[:5], form="matroska", options=OPTIONS).made()
    for length in range(1, len(made), 97):
        try:
            found, error, _ = read(made[:length])
        except VideoError:
            continue
        assert found
        assert error is None or "cut short" in str(error)


def test_a_transport_stream_does_not_say_how_long_it_should_be() -> None:
    made = Film(FILM, form="mpegts", options=OPTIONS).made()
    found, _, _ = read(made[: len(made) // 2])
    assert COUNT * 0.3 < len(found) < COUNT * 0.7


@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
def test_damage_in_the_middle_costs_a_few_frames_and_is_told(form: str) -> None:
    made = bytearray(Film(FILM, form=form, options=OPTIONS, settings=FRONT if form == "mp4" else {}).made())
    middle = len(made) // 2
    made[middle : middle + 600] = np.random.default_rng(1).integers(0, 256, 600, np.uint8).tobytes()
    found, error, _ = read(bytes(made))
    assert COUNT * 0.6 < len(found) < COUNT
    assert error is not None
    assert 1.0 < error.time_s < 3.0
    assert found[-1].time_s == pytest.approx(0.04 * (COUNT - 1), abs=0.01)  # it goes on after it
    shades = [round((float(frame.pixels.mean()) - float(TEXTURE.mean())) / 9) for frame in found[-5:]]
    assert shades == [number % 24 for number in range(COUNT - 5, COUNT)]


def test_a_whole_video_has_no_error() -> None:
    for film in (Film(FILM, options=OPTIONS, sound_s=3.0), Film(FILM, form="webm", **VP9, sound_s=5.0)):
        found, error, notes = read(film.made())
        assert (len(found), error, notes) == (COUNT, None, ())


@pytest.mark.parametrize("form", ["mp4", "matroska"])
def test_another_video_beside_it_may_last_longer(form: str) -> None:
    small = Film([plain(0, 32, 32)] * COUNT, form=form)
    found, error, _ = read(Film(FILM[:10], form=form, beside=[small]).made())
    assert (len(found), error) == (10, None)


def test_a_video_that_is_left_before_its_damage_has_no_error() -> None:
    made = Film(FILM, options=OPTIONS, settings=FRONT).made()
    with frames(io.BytesIO(made[: int(0.8 * len(made))]), end_s=1.0) as video:
        assert len(list(video)) == 25


def test_a_clock_that_goes_back_goes_on() -> None:
    """Two recordings in one transport stream, as cameras leave them."""
    one = Film(FILM[:50], form="mpegts", options=OPTIONS).made()
    two = Film(FILM[50:], [40 * i for i in range(50)], form="mpegts", options=OPTIONS).made()
    found, _, notes = read(one + two)
    times = [frame.time_s for frame in found]
    assert len(found) >= COUNT - 2
    assert all(np.diff(times) > 0)
    assert times[-1] == pytest.approx(4.0, abs=0.2)
    some = [(frame.time_s, frame.number) for frame in read(one + two, every_s=0.2)[0]]
    assert len(some) == 20
    assert set(some) <= {(frame.time_s, frame.number) for frame in found}
    assert [note for note in notes if "run backwards" in note]


def test_streams_that_begin_while_it_is_read_end_nothing() -> None:
    """Behind the last packet PyAV may look for them among those that there were when the file was opened."""

    class Container:
        def demux(self, *_: Any) -> Iterator[Packet[Any]]:
            yield Packet(b"one")
            yield Packet()
            yield [][0]

    assert [bytes(packet) for packet in packets_of(cast(InputContainer, Container()))] == [b"one"]
