"""`frames`: every frame once, in its order, with the time at which a player shows it, whatever the container does."""

from __future__ import annotations

import gc
import io
import struct
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from filmed import Film, corners, plain, seen, tone

from mien.errors import MienError, SourceError, VideoError
from mien.intake import Limits
from mien.video import Clip, Frame, decoder, describe, frames
from mien.video.clock import Clock
from mien.video.decoder import Decoder

COUNT = 20
FILM = [plain(number) for number in range(COUNT)]
B_FRAMES = {"preset": "ultrafast", "bf": "3", "b-pyramid": "normal"}
FASTEST = {"deadline": "realtime", "cpu-used": "8"}
MJPEG: dict[str, Any] = {"codec": "mjpeg", "pixel": "yuvj420p", "options": {}}
VP9: dict[str, Any] = {"form": "webm", "codec": "libvpx-vp9", "options": FASTEST}


def read(made: bytes, **how: Any) -> list[Frame]:
    with frames(io.BytesIO(made), **how) as video:
        return list(video)


def times(found: Sequence[Frame]) -> list[float]:
    return [round(frame.time_s, 3) for frame in found]


def test_frames_go_at_once_and_do_not_wait_for_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        with frames(io.BytesIO(Film(FILM).made())) as video:
            for frame in video:
                assert frame.pixels.size
            assert sum(type(each) is VideoFrame for each in gc.get_objects()) < COUNT / 2
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty: no bytes to read"),
        (b"Once upon a time there was a text.\n" * 99, "not a video of a supported kind"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n", "not a video of a supported kind"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "not a video of a supported kind"),
        (b"PK\3\4" + bytes(99), "not a video of a supported kind"),
        (Film(FILM[:1], form="mov", **MJPEG).made()[:60], "not a video of a supported kind"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "an image, not a video: `mien predict` reads it"),
    ],
    ids=["empty", "text", "playlist", "list of files", "archive", "cut off in its head", "JPEG"],
)
def test_what_is_no_video_is_told(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    for source in (tmp_path / "clip.mp4", io.BytesIO(content)):
        with pytest.raises(VideoError, match=reason) as raised:
            frames(source)
        assert raised.value.time_s == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.mp4", "no such file"),
        ("http://a.org/b.mp4", "an address"),
        ("rtsp://a.org/b?c=[1]", "an address"),
        ("a\0b", "cannot be read"),
        (".", "images"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VideoError, match=reason):
        describe(name)


def test_sound_alone_is_told(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.mp3", "w") as container:
        stream = container.add_stream("libmp3lame", rate=48_000)
        for frame in tone(0.5, 0):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="holds sound and no video"):
        frames(tmp_path / "a.mp3")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"every_s": 0}, "every_s is a number of seconds above 0"),
        ({"every_s": -1}, "every_s is"),
        ({"start_s": 2, "end_s": 2}, "end_s lies after start_s"),
        ({"rate": 0}, "rate is a number of frames a second above 0"),
        ({"rate": float("inf")}, "rate is a number of frames a second above 0"),
        ({"rate": "25"}, "rate is a number of frames a second above 0; got '25'"),
        ({"rate": None}, "rate is a number of frames a second above 0; got None"),
        ({"every_s": "1"}, "every_s is a number of seconds; got '1'"),
        ({"start_s": "1"}, "start_s is a number of seconds; got '1'"),
        ({"start_s": None}, "start_s is a number of seconds; got None"),
        ({"end_s": [1]}, r"end_s is a number of seconds; got \[1\]"),
        ({"stream": "0"}, "stream is the number of one of the file's video streams, from 0; got '0'"),
    ],
)
def test_arguments_out_of_range_are_told(how: dict[str, Any], told: str) -> None:
    with pytest.raises(MienError, match=told):
        frames("clip.mp4", **how)


def test_an_open_file_is_read_from_its_beginning() -> None:
    written = io.BytesIO()
    written.write(Film(FILM).made())
    with frames(written) as video:
        assert len(list(video)) == len(FILM)


class Pipe(io.RawIOBase):
    """Gives nothing, and cannot go back."""

    def readinto(self, buffer: object) -> int:
        return 0


@pytest.mark.parametrize(
    ("source", "told"),
    [(io.StringIO("text"), "opened in binary mode"), (Pipe(), "can be read anew; got Pipe"), (7, "got int")],
)
def test_what_can_be_no_video_is_the_callers_mistake(source: Any, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        frames(source)


@pytest.mark.parametrize(
    "how",
    [
        {"form": "mp4", "options": B_FRAMES},
        {"form": "mov", **MJPEG},
        {"form": "matroska", "options": B_FRAMES},
        {"form": "mpegts", "options": B_FRAMES},
        {"form": "flv", "options": B_FRAMES},
        {"form": "avi", "options": B_FRAMES},
        {"form": "avi", "codec": "mpeg4", "options": {}},
        {"form": "avi", **MJPEG},
        VP9,
        {"form": "mp4", "settings": {"movflags": "frag_keyframe+empty_moov"}, "options": B_FRAMES},
    ],
    ids=lambda how: f"{how['form']} {how.get('codec', 'h264')} {len(how)}",
)
def test_every_frame_comes_once_in_its_order_at_its_time(
    how: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    with frames(io.BytesIO(Film(FILM, **how).made())) as video:
        found = list(video)
    assert [seen(frame.pixels) for frame in found] == list(range(COUNT))
    assert times(found) == pytest.approx([0.04 * number for number in range(COUNT)], abs=0.0011)
    assert [frame.number for frame in found] == list(range(COUNT))
    assert video.clip == Clip(64, 48, video.clip.duration_s, 25, 0)
    assert video.clip.duration_s is None or video.clip.duration_s == pytest.approx(0.8, abs=0.09)
    assert video.notes == ()


@pytest.mark.parametrize("form", ["h264", "mjpeg"])
def test_frames_without_times_are_counted_and_that_is_said(form: str) -> None:
    how: dict[str, Any] = MJPEG if form == "mjpeg" else {"options": B_FRAMES}
    with frames(io.BytesIO(Film(FILM, form=form, **how).made())) as video:
        found = list(video)
    assert [seen(frame.pixels) for frame in found] == list(range(COUNT))
    assert times(found) == [round(0.04 * number, 3) for number in range(COUNT)]
    assert video.notes == ("its frames have no times: counted at 25 frames a second",)


@pytest.mark.parametrize(
    ("form", "codec"),
    [("h264", "libx264"), ("hevc", "libx265"), ("m4v", "mpeg4"), ("mpeg2video", "mpeg2video")],
)
def test_frames_without_times_are_counted_by_the_rate_that_they_have_themselves(form: str, codec: str) -> None:
    """FFmpeg's average is that of times which it made up, 25 a second."""
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    with frames(io.BytesIO(Film(FILM, form=form, codec=codec, options=options, rate=30).made())) as video:
        found = list(video)
    assert video.clip.rate == 30
    assert times(found) == [round(number / 30, 3) for number in range(COUNT)]
    assert video.notes == ("its frames have no times: counted at 30 frames a second",)


def test_ticks_of_a_clock_are_no_rate() -> None:
    """Of DV FFmpeg says that it has 60,000 frames a second."""
    clip = describe(
        io.BytesIO(
            Film([plain(number, 720, 576) for number in range(3)], form="dv", codec="dvvideo", options={}).made()
        )
    )
    assert (clip.rate, clip.width, clip.height) == (25, 768, 576)


VARIABLE = [0, 40, 200, 210, 1000, 2500, 2540]


@pytest.mark.parametrize(
    ("form", "shift"), [("mp4", 0), ("matroska", 0), ("matroska", 5000), ("mpegts", 0), ("mpegts", 7000)]
)
@pytest.mark.parametrize("options", [B_FRAMES, {"preset": "ultrafast"}], ids=["B-frames", "none"])
def test_variable_rates_and_late_first_times_are_a_players(form: str, shift: int, options: dict[str, str]) -> None:
    film = Film(FILM[: len(VARIABLE)], [time + shift for time in VARIABLE], form, options=options)
    with frames(io.BytesIO(film.made())) as video:
        found = list(video)
    assert times(found) == [each / 1000 for each in VARIABLE]
    assert [seen(frame.pixels) for frame in found] == list(range(len(VARIABLE)))
    assert video.clip.start_s == 0
    assert found[0].zeros[0] >= (shift / 1000 if form == "matroska" else 0)


@pytest.mark.parametrize("form", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize(("picture", "sound", "first"), [(500, 0.0, 0.5), (0, 0.5, 0.0)])
def test_pictures_that_begin_after_the_sound_begin_then(form: str, picture: int, sound: float, first: float) -> None:
    film = Film(FILM, [picture + 40 * i for i in range(COUNT)], form, sound_s=1.0, sound_from_s=sound)
    with frames(io.BytesIO(film.made())) as video:
        found = list(video)
    assert times(found)[0] == pytest.approx(first, abs=0.03)  # sound is coded in blocks, the first of them before 0
    assert np.diff([frame.time_s for frame in found]) == pytest.approx([0.04] * (COUNT - 1), abs=0.0011)


def test_frames_that_an_edit_list_cuts_off_are_not_shown() -> None:
    film = Film(
        FILM,
        [40 * i - 200 for i in range(COUNT)],
        options=B_FRAMES | {"g": "50"},
        settings={"avoid_negative_ts": "disabled"},
    )
    found = read(film.made())
    assert [seen(frame.pixels) for frame in found] == list(range(5, COUNT))
    assert times(found) == [round(0.04 * i, 3) for i in range(COUNT - 5)]
    assert [frame.number for frame in found] == list(range(COUNT - 5))


TWO = Film(FILM[:5], beside=[Film([corners(32, 32)] * 5)])


@pytest.mark.parametrize(("stream", "width"), [(None, 64), (0, 32), (1, 64)])
def test_of_several_streams_the_largest_is_read_or_the_one_asked_for(stream: int | None, width: int) -> None:
    clip = describe(io.BytesIO(TWO.made()), stream=stream)
    assert (clip.width, clip.notes) == (width, (f"video stream {0 if width == 32 else 1} of 2 was read",))


def test_a_stream_that_is_not_there_is_told() -> None:
    with pytest.raises(VideoError, match="no video stream 2: it has 2 video streams, counted from 0"):
        frames(io.BytesIO(TWO.made()), stream=2)


def test_a_cover_is_no_video() -> None:
    cover = Film([corners(128, 128)], disposition=Disposition.attached_pic, **MJPEG)
    clip = describe(io.BytesIO(Film(FILM, beside=[cover]).made()))
    assert (clip.width, clip.height, clip.notes) == (64, 48, ())


def test_the_size_may_change_in_mid_stream() -> None:
    both = Film(FILM[:4], form="h264").made() + Film([plain(i, 96, 64) for i in range(4, 8)], form="h264").made()
    found = read(both)
    assert [(frame.width, frame.height) for frame in found] == [(64, 48)] * 4 + [(96, 64)] * 4
    assert [frame.pixels.shape for frame in found] == [(48, 64, 3)] * 4 + [(64, 96, 3)] * 4
    assert [seen(frame.pixels) for frame in found] == list(range(8))


@pytest.mark.parametrize(
    ("form", "codec"), [("h264", "libx264"), ("mpeg2video", "mpeg2video"), ("mpegts", "mpeg2video")]
)
def test_the_shape_of_pixels_may_change_in_mid_stream(form: str, codec: str) -> None:
    """As broadcasts go from 4:3 to 16:9; FFmpeg may tell of it while it still has the last frames."""
    aspects = (Fraction(1), Fraction(4, 3))
    square, wide = (
        Film(FILM, form=form, codec=codec, options={}, tags={"sample_aspect_ratio": aspect}).made()
        for aspect in aspects
    )
    found = read(square + wide)
    assert len(found) == 2 * COUNT
    for frame in found:
        assert frame.pixels.shape == (frame.height, frame.width, 3)
    assert [frame.width for frame in found[: COUNT - 3]] == [64] * (COUNT - 3)
    assert [frame.width for frame in found[COUNT:]] == [85] * COUNT


def test_columns_that_are_cropped_at_the_left_are_not_shown() -> None:
    ramp = np.repeat(np.tile(np.arange(64, dtype=np.uint8) * 3, (48, 1))[..., None], 3, 2)
    options = {"preset": "ultrafast", "qp": "0", "x264-params": "crop-rect=16,0,4,8"}
    frame = read(Film([ramp], options=options).made())[0]
    assert (frame.width, frame.height) == (44, 40)
    assert np.abs(frame.pixels[20, :, 0].astype(int) - ramp[20, 16:60, 0]).max() <= 2


def test_no_frame_is_larger_than_the_limit() -> None:
    small = Limits(max_pixels=64 * 48)
    assert len(read(Film(FILM).made(), limits=small)) == COUNT
    with pytest.raises(VideoError, match=r"96 x 64 pixels, over the limit of 0.003072 million: raise max_pixels"):
        frames(io.BytesIO(Film([plain(0, 96, 64)]).made()), limits=small)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"form": "webm", "codec": "libvpx-vp9"},
        {"form": "webm", "codec": "libvpx-vp9", "pixel": "yuva420p"},
        {"form": "webm", "codec": "libvpx"},
        {"form": "avi", "codec": "mjpeg", "pixel": "yuvj420p"},
        {"form": "mpegts", "codec": "mpeg2video"},
        {"form": "mp4", "codec": "mpeg4"},
        {"form": "gif", "codec": "gif", "pixel": "rgb8"},
    ],
    ids=lambda how: "-".join(how.values()) or "mp4",
)
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_frames_over_the_limit_are_told_from_damaged_ones(
    how: dict[str, str], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FFmpeg counts some sides up to the next 64 px, and calls what is too large an invalid argument.

    It does so with the first packet, or at the end where as many threads decode.
    """
    monkeypatch.setattr(decoder, "cores", lambda: threads - 1)
    film = Film([plain(i, 330, 250) for i in range(3)], options={}, **how).made()  # type: ignore[arg-type]
    assert len(read(film, limits=Limits(max_pixels=330 * 250))) == 3
    for most in (330 * 250 - 1, 64 * 48):
        with pytest.raises(VideoError, match=r"over the limit of \S+ million( pixels)?: raise max_pixels"):
            frames(io.BytesIO(film), limits=Limits(max_pixels=most))


def test_frames_that_grow_beyond_the_limit_are_not_read() -> None:
    many = [plain(i) for i in range(100)]
    both = Film(many, form="h264").made() + Film([plain(i, 96, 64) for i in range(4)], form="h264").made()
    with frames(io.BytesIO(both), limits=Limits(max_pixels=64 * 48)) as video:
        assert [next(video).number for _ in many] == list(range(100))
        with pytest.raises(VideoError, match=r"at [34].*: frames of 96 x 64 pixels, over the limit") as raised:
            next(video)
    assert raised.value.time_s == pytest.approx(4.0, abs=0.4)  # a few frames are in the decoder still


GROUPS = {
    "closed": {"preset": "ultrafast", "bf": "2", "g": "7", "sc_threshold": "0"},
    "open": {"preset": "veryfast", "bf": "3", "g": "7", "keyint_min": "7", "x264-params": "open-gop=1:scenecut=0"},
    "intra": {"preset": "ultrafast", "g": "1"},
    "one": {"preset": "ultrafast", "bf": "2", "g": "999"},
    "pyramid": {"preset": "medium", "bf": "3", "g": "24"},
    "refreshed": {"preset": "ultrafast", "x264-params": "intra-refresh=1:keyint=7"},  # its keyframes need others
}
OTHERS: dict[str, dict[str, Any]] = {
    "hevc": {
        "codec": "libx265",
        "options": {"preset": "ultrafast", "x265-params": "log-level=none:keyint=24:bframes=4"},
    },
    "mpeg4": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "mpeg2": {"form": "mpegts", "codec": "mpeg2video", "options": {"bf": "2", "g": "12"}},
    "vp9": {**VP9, "options": FASTEST | {"g": "7"}},
}


@pytest.fixture(scope="module")
def grouped() -> dict[tuple[str, str], bytes]:
    """Sixty frames in groups of each kind, a quarter of them at uneven times."""
    film = [plain(number) for number in range(60)]
    uneven = [40 * i + (13 if i % 4 == 3 else 0) for i in range(60)]
    return {
        (form, kind): Film(film, uneven, form, options=options).made()
        for form in ("mp4", "mpegts")
        for kind, options in GROUPS.items()
    } | {("", kind): Film(film, uneven, **how).made() for kind, how in OTHERS.items()}


def told(found: Sequence[Frame]) -> list[tuple[int, float, int]]:
    return [(frame.number, frame.time_s, seen(frame.pixels)) for frame in found]


def picked(
    every: Sequence[Frame], every_s: float | None, start_s: float = 0.0, end_s: float | None = None
) -> list[tuple[int, float, int]]:
    """Of all frames those that are asked for."""
    wanted, target = [], start_s
    for frame in every:
        if target - 1e-6 <= frame.time_s < (end_s or 99):
            wanted.append(frame)
            while every_s and target <= frame.time_s + 1e-6:
                target += every_s
    return told(wanted)


@pytest.mark.parametrize(
    ("every_s", "start_s", "end_s"),
    [
        (0.04, 0.0, None),
        (0.1, 0.0, None),
        (0.28, 0.0, None),
        (0.5, 0.0, None),
        (1.0, 0.3, None),
        (9.0, 0.0, None),
        (None, 1.0, 1.5),
        (0.3, 1.0, 2.0),
        (None, 2.36, None),
        (None, 9.0, None),
    ],
)
def test_what_is_asked_for_is_what_a_full_read_has(
    every_s: float | None, start_s: float, end_s: float | None, grouped: dict[tuple[str, str], bytes]
) -> None:
    for kind, made in grouped.items():
        wanted = picked(read(made), every_s, start_s, end_s)
        assert told(read(made, every_s=every_s, start_s=start_s, end_s=end_s)) == wanted, kind


def test_moments_may_be_asked_for_one_by_one(grouped: dict[tuple[str, str], bytes]) -> None:
    for made in grouped.values():
        every = read(made)
        found = read(made, at_s=[2.1, 0.2, 0.2, 1.0, 0.21, 99.0])
        assert [frame.number for frame in found] == [
            next(frame.number for frame in every if frame.time_s >= moment) for moment in (0.2, 0.21, 1.0, 2.1)
        ]
    assert read(grouped["mp4", "closed"], at_s=[]) == []


def test_frames_that_are_only_there_for_others_have_no_number() -> None:
    """As coders of VP8 make them that look ahead; here frames of which we say so afterwards."""
    made = bytearray(
        Film([plain(number) for number in range(60)], form="webm", codec="libvpx", options={"g": "8"}).made()
    )
    with av.open(io.BytesIO(made), "r") as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    for packet in packets[3::5]:
        made[made.index(packet)] &= ~0x10
    every = read(bytes(made))
    assert len(every) == 48
    for every_s in (0.12, 0.28, 0.5, 1.0):
        assert told(read(bytes(made), every_s=every_s)) == picked(every, every_s)


@pytest.mark.parametrize("late", [200, 1000])
@pytest.mark.parametrize("options", [GROUPS["closed"], GROUPS["pyramid"]], ids=["closed", "pyramid"])
def test_a_clock_that_goes_back_where_nobody_asks_is_seen(late: int, options: dict[str, str]) -> None:
    """As in a recording that was begun anew, whose packets have times that were there before."""
    one = Film([plain(number) for number in range(60)], form="mpegts", options=options)
    two = Film([plain(number) for number in range(60)], [late + 40 * i for i in range(60)], "mpegts", options=options)
    made = one.made() + two.made()
    every = read(made)
    assert [frame.number for frame in every] == list(range(120))
    for every_s in (2.45, 3.0, 4.0):
        assert told(read(made, every_s=every_s)) == picked(every, every_s)


def cut(made: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """An MP4 file that shows these spans of itself, one after another; each as its start and its length in ms."""
    whole = bytearray(made)
    head = whole.rindex(b"moov")
    at = whole.index(b"elst", head)
    length, first, _ = struct.unpack_from(">IiI", whole, at + 12)
    assert length
    assert whole[at + 8 : at + 12] == bytes((0, 0, 0, 1))
    scale = struct.unpack_from(">I", whole, whole.index(b"mdhd", head) + 16)[0] // 1000
    table = b"".join(struct.pack(">IiI", span, first + start * scale, 1 << 16) for start, span in spans)
    whole[at + 8 : at + 24] = struct.pack(">I", len(spans)) + table
    for name in (b"moov", b"trak", b"edts", b"elst"):
        place = whole.index(name, head) - 4
        struct.pack_into(">I", whole, place, struct.unpack_from(">I", whole, place)[0] + len(table) - 12)
    return bytes(whole)


@pytest.mark.parametrize("spans", [[(200, 600), (1320, 1000)], [(1520, 600), (320, 600)], [(200, 1000), (600, 1000)]])
@pytest.mark.parametrize("kind", ["closed", "one", "pyramid"])
def test_a_film_of_several_cuts_is_read_in_their_order(kind: str, spans: list[tuple[int, int]]) -> None:
    """As FFmpeg shows it, which at a cut may be a frame off."""
    made = cut(Film([plain(number) for number in range(60)], options=GROUPS[kind]).made(), spans)
    with av.open(io.BytesIO(made), "r") as container:
        shown = [seen(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)) for frame in container.decode(video=0)]
    every = read(made)
    assert [seen(frame.pixels) for frame in every] == shown
    assert [frame.number for frame in every] == list(range(len(shown)))
    for every_s in (0.1, 0.28, 1.0):
        assert told(read(made, every_s=every_s)) == picked(every, every_s)


@pytest.mark.parametrize(
    "how",
    [
        {"form": "mpegts", "codec": "mpeg4", "options": {"bf": "2", "g": "12", "flags": "+ildct+ilme", "b": "2M"}},
        {"form": "asf", "options": {"preset": "veryfast", "bf": "3", "g": "20"}},
    ],
    ids=["interlaced MPEG-4", "times of decoding"],
)
def test_where_frames_cannot_be_told_before_they_are_decoded_all_are(how: dict[str, Any]) -> None:
    noise = [np.random.default_rng(number // 9).integers(0, 256, (64, 96, 3), np.uint8) for number in range(60)]
    made = Film([np.roll(each, number, 1) for number, each in enumerate(noise)], **how).made()
    every = read(made)
    assert [frame.number for frame in every] == list(range(60))
    for every_s in (0.1, 0.28, 1 / 3, 0.52):
        assert told(read(made, every_s=every_s)) == picked(every, every_s)


def test_of_frames_with_one_time_none_is_left_out() -> None:
    made, copied = Film([plain(number) for number in range(60)], options=GROUPS["pyramid"]).made(), io.BytesIO()
    with av.open(io.BytesIO(made), "r") as film, av.open(copied, "w", format="matroska") as copy:
        stream = copy.add_stream_from_template(film.streams.video[0])
        for number, packet in enumerate(film.demux(video=0)):
            if packet.size:
                assert packet.pts is not None
                packet.pts += 640 * (packet.pts == packet.dts and number > 20)  # that of the frame behind it
                packet.stream = stream
                copy.mux(packet)
    every = read(copied.getvalue())
    assert [seen(frame.pixels) for frame in every] == [number % 24 for number in range(60)]
    for every_s in (0.1, 0.28, 1.0):
        assert told(read(copied.getvalue(), every_s=every_s)) == picked(every, every_s)


def test_groups_that_nobody_asks_for_are_not_decoded(
    grouped: dict[tuple[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    decode = Decoder._decode

    def counted(self: Decoder, packet: Packet[VideoStream], wanted: bool) -> list[VideoFrame]:
        given.append(packet.size)
        return decode(self, packet, wanted)

    monkeypatch.setattr(Decoder, "_decode", counted)
    read(grouped["mp4", "closed"])
    assert len(given) == 60
    given.clear()
    read(grouped["mp4", "closed"], every_s=1.0)
    assert len(given) < 40


@pytest.fixture
def came(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of all frames that were decoded."""
    times: list[float] = []
    time_of = Clock.time_of

    def noted(self: Clock, frame: VideoFrame) -> float:
        times.append(time_of(self, frame))
        return times[-1]

    monkeypatch.setattr(Clock, "time_of", noted)
    return times


@pytest.mark.parametrize("kind", ["hevc", "mpeg4", "mpeg2", "pyramid"])
def test_frames_that_nobody_asks_for_and_no_other_needs_are_not_decoded(
    kind: str, grouped: dict[tuple[str, str], bytes], came: list[float]
) -> None:
    found = read(grouped["mp4" if kind == "pyramid" else "", kind], every_s=0.2)
    assert {frame.time_s for frame in found} <= set(came)
    assert len(found) == 12
    assert len(came) < 45


def test_interlaced_frames_are_all_decoded(came: list[float]) -> None:
    """Half of one may stand in a packet of its own, which must not be passed over alone."""
    options = {"preset": "medium", "x264-params": "interlaced=1:scenecut=0", "g": "99"}
    read(Film([plain(number) for number in range(60)], options=options).made(), every_s=0.2)
    assert len(came) > 55


def test_a_video_can_be_left_at_any_time(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(Film(FILM).made())
    video = frames(tmp_path / "clip.mp4")
    next(video)
    video.close()
    assert next(video, None) is None
    (tmp_path / "clip.mp4").unlink()  # no handle is left, which Windows would mind


def test_a_frame_makes_a_picture_no_finer_than_needed() -> None:
    pixels = corners(1600, 1200)
    frame = Frame.of(0.0, 0, pixels)
    first, factor = frame.picture.copy(8)
    assert (first.size, factor) == ((400, 300), 4)
    assert np.array_equal(frame.picture.pixels, pixels)
    assert frame.reduced(8).shape == (150, 200, 3)


def test_pyav_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "mien.video.opening", raising=False)
    with pytest.raises(MienError, match=r"pip install 'mien\[video\]'"):
        frames(io.BytesIO(b"film"))
