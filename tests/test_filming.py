"""`film`: a copy of a video with its sound, its times, and tags that can be read."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from browsing import needs_browser, new_page
from filmed import BARS, Film, barred, bars_of, coded, corners, plain
from PIL import Image
from playwright.sync_api import Browser

from mien.draw import PALETTE
from mien.errors import MienError, VideoError
from mien.filming import Readable, film
from mien.video import Frame, frames
from mien.video.sound import Sound
from mien.watching import Wanted

VP9: dict[str, Any] = {"deadline": "realtime", "cpu-used": "8"}
BOX = (200.0, 120.0, 300.0, 240.0)
Row = dict[str, Any]


def row(number: int, label: str = "happy", box: Sequence[float] = BOX, **others: Any) -> Row:
    x0, y0, x1, y1 = box
    told = {"frame": number, "track": 0, "x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return told | {"smoothed_label": label, "smoothed_confidence": 0.97, "smoothed_uncertain": False} | others


def nobody(number: int) -> Row:
    return row(number, track=None, smoothed_label=None, smoothed_confidence=None, smoothed_uncertain=None)


def written(folder: Path, made: bytes, rows: Sequence[Row], form: str = "webm", **wanted: Any) -> Path:
    (folder / "in").write_bytes(made)
    for _ in film(folder / "in", rows, folder / f"out.{form}", Wanted(**wanted)):
        pass
    return folder / f"out.{form}"


def read(path: Path) -> list[Frame]:
    with frames(path) as video:
        return list(video)


def sound(path: Path) -> tuple[str, list[bytes], float]:
    """How the sound of a file is coded, its packets, and when it begins."""
    with av.open(path) as container:
        stream = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        begins = float(packets[0].pts or 0) * float(stream.time_base or 0)
        return stream.codec_context.name, [bytes(packet) for packet in packets], begins


@pytest.mark.parametrize("form", ["webm", "mp4"])
def test_without_faces_it_is_the_video(form: str, tmp_path: Path) -> None:
    times = [0, 40, 200, 210, 1000, 1040]
    made = Film([corners(640, 360)] * 6, times, options={"preset": "ultrafast"}).made()
    found = read(written(tmp_path, made, [nobody(number) for number in range(6)], form))
    assert [round(frame.time_s, 3) for frame in found] == [time / 1000 for time in times]
    assert np.abs(found[-1].pixels[10::40, 10::40].astype(int) - corners(640, 360)[10::40, 10::40]).max() <= 12


@pytest.mark.parametrize("form", ["webm", "mp4"])
@pytest.mark.parametrize("matrix", ["601", "709"])
def test_its_colours_are_those_of_the_video(form: str, matrix: str, tmp_path: Path) -> None:
    tags = {"colorspace": 6 if matrix == "601" else 1, "color_range": 1}
    tall = np.repeat(barred(40)[:1], 360, 0)
    made = Film([coded(tall, matrix)] * 3, options={"qp": "0", "preset": "ultrafast"}, tags=tags).made()
    found = read(written(tmp_path, made, [], form))
    assert np.abs(bars_of(found[1].pixels) - BARS).max() <= 6  # what coding costs


def test_what_is_clear_in_a_palette_is_white_as_it_is_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    halves = np.repeat(np.array([[0, 1]], np.uint8), 160, 1).repeat(320, 0)
    palette = np.array([(0, 0, 0, 0), (255, 235, 16, 16), *[(0, 0, 0, 0)] * 254], np.uint8)  # alpha comes first
    with av.open(stream, "w", format="nut") as container:
        video = container.add_stream("rawvideo", rate=25)
        video.width, video.height, video.pix_fmt = 320, 320, "pal8"
        for number in range(3):
            frame = VideoFrame.from_ndarray(cast(Any, (halves, palette)), "pal8")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
    found = read(written(tmp_path, stream.getvalue(), []))[1].pixels.astype(int)
    before = read(tmp_path / "in")[1].pixels
    assert before[10, 10].tolist() == [255, 255, 255]
    assert np.abs(found[10::40, 10::40] - before[10::40, 10::40]).max() <= 6


@pytest.mark.parametrize("form", ["webm", "mp4"])
def test_a_face_is_marked_from_its_frame_on(form: str, tmp_path: Path) -> None:
    made = Film([plain(12, 640, 360)] * 8, options={"preset": "ultrafast"}).made()
    rows = [*(nobody(number) for number in range(4)), *(row(number) for number in range(4, 8))]
    before, after = (read(written(tmp_path, made, rows, form))[number].pixels.astype(int) for number in (2, 6))
    changed = np.abs(after - before).max(2) > 40
    assert not changed[:90].any()
    assert not changed[130:230, 210:290].any()  # the face itself stays as it is
    assert changed[90:250, 190:310].any()
    yellow = np.abs(after - PALETTE["happy"]).max(2) < 40
    assert yellow[118:120, 210:290].mean() > 0.5 or yellow[115:120, 210:290].any(0).mean() > 0.9


@pytest.mark.parametrize("name", ["odd", "turned", "small", "not square"])
def test_whatever_its_shape_the_box_lies_on_the_face(name: str, tmp_path: Path) -> None:
    how: dict[str, Any] = {}
    size, box, scale = (640, 360), BOX, 1
    one = 1 << 16
    if name == "odd":
        size = (641, 361)
    elif name == "turned":
        size, how = (640, 480), {"matrix": (0, one, 0, -one, 0, 0, 0, 0, 1 << 30)}
    elif name == "small":
        size, box, scale = (160, 120), (50.0, 40.0, 80.0, 80.0), 3
    else:
        how = {"tags": {"sample_aspect_ratio": 2}}
    film_ = Film([plain(12, *size)] * 3, form="matroska", codec="libvpx-vp9", options=VP9, **how)
    out = read(written(tmp_path, film_.made(), [row(number, box=box) for number in range(3)]))[1]
    shown = read(tmp_path / "in")[1]
    assert abs(out.width - shown.width * scale) <= 1
    assert abs(out.height - shown.height * scale) <= 1
    yellow = np.abs(out.pixels.astype(int) - PALETTE["happy"]).max(2) < 60
    x0, y0, x1, y1 = (round(edge * scale) for edge in box)
    rows, columns = np.nonzero(yellow)
    assert columns.min() == pytest.approx(x0, abs=8)
    assert columns.max() == pytest.approx(x1, abs=8)
    assert rows.max() == pytest.approx(y1, abs=8)
    assert not yellow[y0 + 8 : y1 - 8, x0 + 8 : x1 - 8].any()


@pytest.mark.parametrize(("form", "into", "codec"), [("mp4", "mp4", "aac"), ("webm", "webm", "libopus")])
def test_its_sound_is_copied_as_it_is(form: str, into: str, codec: str, tmp_path: Path) -> None:
    how: dict[str, Any] = {"codec": "libvpx-vp9", "options": VP9} if form == "webm" else {}
    made = Film(
        [plain(i, 320, 320) for i in range(25)], [500 + 40 * i for i in range(25)], form, sound_s=1.5, **how
    ).made()
    out = written(tmp_path, made, [], into)
    kind, before, begins = sound(tmp_path / "in")
    copied, after, now = sound(out)
    assert copied == kind
    assert codec.removeprefix("lib") in kind
    assert before[-40:] == after[-40:]
    assert len(before) - 2 <= len(after) <= len(before)  # what precedes 0, to set in, is left out
    assert now == pytest.approx(begins, abs=0.05)
    assert read(out)[0].time_s == pytest.approx(read(tmp_path / "in")[0].time_s, abs=0.03)


def test_sound_that_a_browser_would_not_play_is_coded_anew(tmp_path: Path) -> None:
    made = Film([plain(i, 320, 320) for i in range(25)], form="mp4", sound_s=1.0).made()
    kind, packets, begins = sound(written(tmp_path, made, [], "webm"))
    assert "opus" in kind
    assert len(packets) == pytest.approx(50, abs=4)
    assert begins == pytest.approx(0, abs=0.03)


class TestSoundThatIsNotWhole:
    """The pictures are copied whatever the sound is; what can be kept of it is, and the rest is told."""

    @staticmethod
    def copied(folder: Path, made: bytes, form: str, **wanted: Any) -> tuple[Path, list[str]]:
        notes: list[str] = []
        (folder / "in").write_bytes(made)
        out = folder / f"out.{form}"
        assert len(list(film(folder / "in", [], out, Wanted(**wanted), notes))) == len(read(out))
        return out, notes

    @staticmethod
    def filmed(form: str, count: int = 50, **how: Any) -> bytes:
        return Film([plain(i, 320, 320) for i in range(count)], form=form, sound_s=count / 25, **how).made()

    @staticmethod
    def spoilt(made: bytes, *which: int) -> bytes:
        """A file with these packets of its sound damaged, or with all."""
        data = bytearray(made)
        with av.open(io.BytesIO(made), "r") as container:
            packets = [packet for packet in container.demux(container.streams.audio[0]) if packet.size]
        for number, packet in enumerate(packets):
            if not which or number in which:
                assert packet.pos is not None
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
        return bytes(data)

    @staticmethod
    def begins(path: Path) -> list[float]:
        """When each packet of its sound does."""
        with av.open(path) as container:
            packets = [packet for packet in container.demux(container.streams.audio[0]) if packet.size]
        return [float((packet.pts or 0) * packet.time_base) for packet in packets]

    @pytest.mark.parametrize(
        ("which", "told"),
        [
            ((20,), "at 0.41 s of the video, its sound is left out: damaged"),
            ((20, 21), "at 0.41 s of the video, its sound is left out: damaged"),
            ((20, 50, 60), "at 0.41 s of the video, and in 2 more places, its sound is left out: damaged"),
        ],
    )
    def test_packets_that_are_damaged_are_left_out(self, which: tuple[int, ...], told: str, tmp_path: Path) -> None:
        out, notes = self.copied(tmp_path, self.spoilt(self.filmed("mp4"), *which), "webm")
        assert notes == [told]
        assert len(sound(out)[1]) == pytest.approx(100 - len(which), abs=3)
        assert self.begins(out)[-1] == pytest.approx(2.0, abs=0.04)  # with the pictures

    def test_what_is_damaged_before_the_part_that_is_copied_is_no_loss(self, tmp_path: Path) -> None:
        assert self.copied(tmp_path, self.spoilt(self.filmed("mp4"), 5), "webm", start_s=1.0)[1] == []
        _, (note,) = self.copied(tmp_path, self.spoilt(self.filmed("mp4"), 60), "webm", start_s=1.0)
        assert note == "at 1.26 s of the video, its sound is left out: damaged"

    @pytest.mark.parametrize("form", ["webm", "mp4"])
    def test_where_all_are_damaged_there_are_the_pictures(self, form: str, tmp_path: Path) -> None:
        _, notes = self.copied(tmp_path, self.spoilt(self.filmed("mp4")), form)
        assert notes == ["its sound is left out: damaged"]

    @pytest.mark.parametrize("form", ["webm", "mp4"])
    def test_what_ffmpeg_cannot_decode_is_left_out(self, form: str, tmp_path: Path) -> None:
        made = self.filmed("matroska").replace(b"A_OPUS", b"A_OPUX")
        out, notes = self.copied(tmp_path, made, form)
        assert notes == ["its sound is left out: coded in a way that this FFmpeg does not decode"]
        with av.open(out) as container:
            assert not container.streams.audio

    @pytest.mark.parametrize("form", ["webm", "mp4"])
    @pytest.mark.parametrize("times", [2, 3])
    def test_where_clocks_begin_anew_it_goes_on_with_the_pictures(self, form: str, times: int, tmp_path: Path) -> None:
        out, notes = self.copied(tmp_path, self.filmed("mpegts") * times, form)
        assert len(read(out)) == 50 * times
        assert notes == []
        begins = self.begins(out)
        assert begins[0] == pytest.approx(0, abs=0.03)
        assert begins[-1] == pytest.approx(2 * times, abs=0.05)
        assert 0 < np.diff(begins).min() <= np.diff(begins).max() < 0.06

    def test_sound_that_ends_early_is_none_of_the_next_recordings(self, tmp_path: Path) -> None:
        """It waits for the pictures, and does not go on with what comes next."""
        early = Film([plain(i, 320, 320) for i in range(75)], form="mpegts", sound_s=1.5).made()
        out, _ = self.copied(tmp_path, early + self.filmed("mpegts"), "webm")
        begins = self.begins(out)
        gap = int(np.diff(begins).argmax())
        assert begins[gap] == pytest.approx(1.5, abs=0.06)
        assert begins[gap + 1] == pytest.approx(3.0, abs=0.06)

    @pytest.mark.parametrize("seconds", [4, 40])
    def test_where_its_clock_alone_begins_anew_it_goes_on_with_what_comes(self, seconds: int, tmp_path: Path) -> None:
        out = io.BytesIO()
        with av.open(out, "w", format="webm") as container:
            heard = Sound(io.BytesIO(self.filmed("mpegts") * 2), 0.0, container, "webm", 0.0, float("inf"))
            for time_s in range(seconds):
                heard.write(time_s, (0.0,))
            heard.finish((0.0,))
            heard.close()
        (tmp_path / "out.webm").write_bytes(out.getvalue())
        begins = self.begins(tmp_path / "out.webm")
        assert heard.notes == ()
        assert begins[-1] == pytest.approx(4.0, abs=0.06)
        assert np.diff(begins).max() < 0.06

    @pytest.mark.parametrize("form", ["webm", "mp4"])
    def test_sound_of_another_kind_goes_on(self, form: str, tmp_path: Path) -> None:
        made = b"".join(self.heard("mpegts", "mp2", *kind) for kind in ((48_000, "stereo"), (32_000, "mono")))
        out, notes = self.copied(tmp_path, made, form)
        assert notes == []
        packets = sound(out)[1]
        assert len(packets) == pytest.approx(200 if form == "webm" else 188, abs=5)

    @pytest.mark.parametrize(("rate", "kept"), [(44_100, "mp3float"), (8_000, "aac")])
    def test_what_a_form_does_not_take_as_it_is_is_coded_anew(self, rate: int, kept: str, tmp_path: Path) -> None:
        out, notes = self.copied(tmp_path, self.heard("matroska", "libmp3lame", rate, "mono"), "mp4")
        assert (sound(out)[0], notes) == (kept, [])

    @staticmethod
    def heard(form: str, codec: str, rate: int, layout: str) -> bytes:
        """Two seconds of a sound that is coded so."""
        stream = io.BytesIO()
        with av.open(stream, "w", format=form) as container:
            heard = cast(AudioStream, container.add_stream(codec, rate=rate, layout=layout))
            Film([plain(i, 320, 320) for i in range(50)]).write(container)
            for at in range(0, 2 * rate, rate // 50):
                frame = AudioFrame(heard.format.name, layout, rate // 50)
                for plane in frame.planes:
                    plane.update(bytes(plane.buffer_size))
                frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
                container.mux(heard.encode(frame))
            container.mux(heard.encode(None))
        return stream.getvalue()

    def test_what_is_in_the_coder_comes_out_where_the_part_ends(self, tmp_path: Path) -> None:
        made = self.filmed("mp4")
        whole = sound(self.copied(tmp_path, made, "webm")[0])[1]
        part = sound(self.copied(tmp_path, made, "webm", end_s=1.0)[0])[1]
        assert len(part) == pytest.approx(len(whole) / 2, abs=2)
        assert len(part) * 0.02 > 1.0


def test_what_is_in_memory_is_copied_there(tmp_path: Path) -> None:
    made = Film([plain(i, 320, 320) for i in range(25)], form="mp4", sound_s=1.0).made()
    rows, out = [row(number) for number in range(25)], io.BytesIO()
    assert len(list(film(made, rows, out))) == 25
    path = written(tmp_path, made, rows)
    (tmp_path / "from memory.webm").write_bytes(out.getvalue())
    assert sound(tmp_path / "from memory.webm") == sound(path)
    for one, other in zip(read(tmp_path / "from memory.webm"), read(path), strict=True):
        assert one.time_s == other.time_s
        assert (one.pixels == other.pixels).all()


def test_a_part_begins_at_zero(tmp_path: Path) -> None:
    made = Film([plain(i, 320, 320) for i in range(50)], form="mp4", sound_s=2.0).made()
    out = written(tmp_path, made, [row(30)], start_s=1.0, end_s=1.6)
    assert [round(frame.time_s, 2) for frame in read(out)] == [round(0.04 * i, 2) for i in range(15)]
    assert len(sound(out)[1]) == pytest.approx(30, abs=4)


def test_images_in_a_folder_become_a_video(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(5):
        Image.fromarray(plain(number, 321, 320)).save(tmp_path / "in" / f"{number}.png")
    for _ in film(tmp_path / "in", [row(0)], tmp_path / "out.mp4", Wanted(rate=10)):
        pass
    assert [round(frame.time_s, 3) for frame in read(tmp_path / "out.mp4")] == [0, 0.1, 0.2, 0.3, 0.4]


def test_of_a_video_that_breaks_off_what_is_there_is_copied(tmp_path: Path) -> None:
    made = Film([plain(i, 320, 320) for i in range(50)], form="matroska").made()
    assert 10 < len(read(written(tmp_path, made[: len(made) // 2], []))) < 45


def test_pictures_that_a_form_does_not_take_are_told_and_nothing_is_left(tmp_path: Path) -> None:
    made = Film([plain(i, 320, 320) for i in range(3)], [0, 40, 60_000_000], "matroska").made()
    assert len(read(written(tmp_path, made, []))) == 3
    with pytest.raises(MienError, match="the copy cannot be written"):  # with a picture that lasts half a day
        written(tmp_path, made, [], "mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out.webm"}


@pytest.mark.parametrize("name", ["out.avi", "out"])
def test_another_ending_is_refused_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(Film([plain(0)]).made())
    with pytest.raises(MienError, match=r"a video is written as \.webm or \.mp4"):
        list(film(tmp_path / "in", [], tmp_path / name))
    with pytest.raises(VideoError, match="no frame between these times"):
        list(film(tmp_path / "in", [], tmp_path / "out.mp4", Wanted(start_s=9.0)))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


class TestReadable:
    """What is said of a face stays for a moment."""

    @staticmethod
    def said(labels: Sequence[str], rate: int = 25, **others: Any) -> list[str]:
        readable = Readable()
        return [readable.said(n / rate, [row(n, label, **others)])[0].label for n, label in enumerate(labels)]

    def test_nobody_is_nothing(self) -> None:
        assert Readable().said(0.0, []) == []
        assert Readable().said(0.0, [nobody(0)]) == []

    @pytest.mark.parametrize("pattern", [["happy", "sad"], ["happy", "sad", "sad"], ["happy"] * 6 + ["sad"] * 6])
    def test_answers_that_flicker_are_shown_as_the_first(self, pattern: list[str]) -> None:
        assert set(self.said(pattern * 20)) == {"happy"}

    @pytest.mark.parametrize("rate", [5, 25, 60])
    def test_another_that_lasts_is_shown_once_and_soon(self, rate: int) -> None:
        shown = self.said(["happy"] * rate + ["sad"] * rate, rate)
        changes = [at for at, (one, two) in enumerate(itertools.pairwise(shown)) if one != two]
        assert len(changes) == 1
        assert 0 < changes[0] / rate - 1 + 1 / rate <= 0.5

    def test_shares_are_renewed_twice_a_second(self) -> None:
        readable = Readable()
        rng = np.random.default_rng(0)
        shown = [
            readable.said(n / 25, [row(n, smoothed_confidence=float(rng.uniform(0.9, 1)))])[0].confidence
            for n in range(100)
        ]
        assert len(dict.fromkeys(shown)) == 8

    def test_boxes_glide(self) -> None:
        readable = Readable()
        rng = np.random.default_rng(0)
        jitter = [np.array(BOX) + rng.normal(0, 3, 4) for _ in range(100)]
        drawn = [readable.said(n / 25, [row(n, box=box.tolist())])[0].box for n, box in enumerate(jitter)]
        assert np.std(np.diff(drawn, axis=0)) < 0.6 * np.std(np.diff(jitter, axis=0))

    def test_a_face_that_comes_back_late_is_another_view(self) -> None:
        readable = Readable()
        readable.said(0.0, [row(0, "happy")])
        assert readable.said(0.5, [row(12, "sad")])[0].label == "happy"
        assert readable.said(2.0, [row(50, "sad")])[0].label == "sad"


PAGE = """<video id=film muted src="data:video/{form};base64,{data}"></video>"""

PLAYED = """async () => {
  const film = document.getElementById('film');
  await film.play();
  await new Promise(done => { film.onended = done; });
  const canvas = document.createElement('canvas');
  canvas.width = film.videoWidth; canvas.height = film.videoHeight;
  const pen = canvas.getContext('2d');
  pen.drawImage(film, 0, 0);
  const at = (x, y) => Array.from(pen.getImageData(x, y, 1, 1).data.slice(0, 3));
  return {duration: film.duration, width: film.videoWidth, height: film.videoHeight, time: film.currentTime,
          colours: POINTS.map(([x, y]) => at(x, y))};
}"""


@needs_browser
@pytest.mark.parametrize("form", ["webm", "mp4"])
def test_chromium_plays_it_to_its_end_in_its_colours(form: str, browser: Browser, tmp_path: Path) -> None:
    tall = np.repeat(barred(40)[:1], 360, 0)
    tags = {"colorspace": 6, "color_range": 1}
    made = Film([coded(tall)] * 20, options={"qp": "0", "preset": "ultrafast"}, tags=tags, sound_s=0.8).made()
    out = written(tmp_path, made, [row(number) for number in range(20)], form)
    page = new_page(browser)
    page.set_content(PAGE.format(form=form, data=base64.b64encode(out.read_bytes()).decode()))
    points = [[int((i + 0.5) * 40), 300] for i in range(len(BARS))]
    played = page.evaluate(PLAYED.replace("POINTS", str(points)))
    page.close()
    assert (played["width"], played["height"]) == (760, 360)
    assert played["duration"] == pytest.approx(0.8, abs=0.06)
    assert played["time"] == pytest.approx(played["duration"], abs=0.06)
    assert np.abs(np.array(played["colours"]) - BARS).max() <= 12
