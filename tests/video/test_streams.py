"""`Live`: the newest frame wins, and a stream that breaks off is taken up again."""

from __future__ import annotations

import io
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from threading import Event, Thread, Timer

import numpy as np
import pytest
from filmed import Film, plain, seen
from PIL import Image
from waiting import WAIT_S, until

from mien.errors import VideoError
from mien.video import live
from mien.video.live import Live

COUNT = 20


@pytest.fixture
def clip(tmp_path: Path) -> str:
    path = tmp_path / "clip.mp4"
    path.write_bytes(Film([plain(number) for number in range(COUNT)], options={"preset": "ultrafast"}).made())
    return str(path)


class Camera(ThreadingHTTPServer):
    """Serves its pictures as motion JPEG, a few to each who comes, and the next ones to the next; then it is gone.

    Or a film, to each from its beginning; and files, by their names.
    """

    daemon_threads = True

    def __init__(self, each: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.each, self.number, self.film = each, 0, b""
        self.gone, self.silent = Event(), Event()
        self.files: dict[str, bytes] = {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    server: Camera

    def do_GET(self) -> None:
        if self.server.gone.is_set():
            self.send_error(503)
            return
        self.send_response(200)
        if data := self.server.files.get(self.path.strip("/")):
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(data)
            return
        if self.server.film:
            self.end_headers()
            self.wfile.write(self.server.film)
            return
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with suppress(ConnectionError):  # whoever looked has left
            for _ in range(self.server.each):
                stream = io.BytesIO()
                Image.fromarray(plain(self.server.number)).save(stream, "JPEG")
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(b"Content-Length: %d\r\n\r\n%s\r\n" % (len(stream.getvalue()), stream.getvalue()))
                self.server.number += 1
            while self.server.silent.is_set():
                time.sleep(0.02)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def camera() -> Iterator[Camera]:
    with Camera(each=6) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("source", "reason"),
    [("none.mp4", "no such file"), ("999", "camera"), ("http://127.0.0.1:1/", "cannot be opened: connection refused")],
)
def test_what_cannot_be_opened_is_told_at_once(source: str, reason: str) -> None:
    with pytest.raises(VideoError, match=reason):
        Live(source)


def test_a_file_is_played_at_its_own_speed(clip: str) -> None:
    began = time.monotonic()
    with Live(clip) as film:
        found = list(film)
    assert time.monotonic() - began >= 0.04 * (COUNT - 1)
    assert [seen(frame.pixels) for frame in found] == [frame.number for frame in found]
    assert len(found) + film.missed == COUNT
    assert found[-1].time_s == pytest.approx(0.76)


def test_frames_that_come_while_nobody_looks_are_passed_over(clip: str) -> None:
    with Live(clip) as film:
        next(film)
        film._thread.join()  # all of it has been played by then
        (last,) = film
    assert last.number == COUNT - 1
    assert film.missed >= COUNT - 3


def test_a_stream_that_breaks_off_is_taken_up_again(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.01)
    numbers: list[int] = []
    times: list[float] = []
    with Live(camera.url) as stream:
        for frame in stream:
            numbers.append(seen(frame.pixels) if not numbers or seen(frame.pixels) > numbers[-1] else -1)
            times.append(frame.time_s)
            if numbers[-1] >= 14:  # of the third connection
                break
    assert -1 not in numbers
    assert times == sorted(times)
    assert camera.number > 12


def test_what_is_done_about_a_stream_that_is_gone_is_told(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.01)
    waits: list[float] = []
    with Live(camera.url) as stream:
        next(stream)
        wait = stream._stopped.wait

        def counted(wait_s: float) -> bool:
            waits.append(wait_s)
            return wait(wait_s)

        camera.gone.set()  # first, or it may be found once more, and waits begin anew
        monkeypatch.setattr(stream._stopped, "wait", counted)
        until(lambda: len(waits) >= 6)
        assert "connects again in" in stream.trouble
    rising = waits[1:6]
    assert rising == pytest.approx([rising[0] * 2**step for step in range(5)])


def test_times_begin_when_somebody_looks(camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.01)
    with Live(camera.url) as stream:
        until(lambda: camera.number > 12)  # of the third connection
        asked = time.monotonic()
        assert 0 <= next(stream).time_s <= time.monotonic() - asked


def test_a_stream_begins_with_its_first_frames(camera: Camera) -> None:
    """What FFmpeg looks at, to tell what a stream is, counts: else nothing is seen until the next keyframe."""
    camera.film = Film([plain(number) for number in range(COUNT)], form="mpegts").made()
    with Live(camera.url) as stream:
        assert seen(next(stream).pixels) in range(COUNT)


def test_a_stream_of_files_is_shown_at_its_own_speed(camera: Camera) -> None:
    """HLS, as most of the web has it: a file of some seconds comes at once, and then none for as long."""
    for part in range(3):
        numbers = range(8 * part, 8 * (part + 1))
        film = Film([plain(n) for n in numbers], [40 * n for n in numbers], "mpegts", options={"preset": "ultrafast"})
        camera.files[f"part-{part}.ts"] = film.made()
    parts = "".join(f"#EXTINF:0.32,\npart-{part}.ts\n" for part in range(3))
    camera.files["live.m3u8"] = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n{parts}".encode()
    began = time.monotonic()
    with Live(f"{camera.url}live.m3u8") as stream:
        for frame in stream:
            assert time.monotonic() - began >= 0.04 * seen(frame.pixels)
            if seen(frame.pixels) > 16:  # of the third file
                break
    assert stream.trouble == ""


def test_a_broadcast_that_has_come_to_its_end_is_not_shown_again(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.01)
    camera.files["part.ts"] = Film([plain(n) for n in range(8)], form="mpegts").made()
    parts = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.32,\npart.ts\n"
    camera.files["live.m3u8"] = parts.encode()
    with Live(f"{camera.url}live.m3u8") as stream:
        next(stream)
        camera.files["live.m3u8"] = (parts + "#EXT-X-ENDLIST\n").encode()
        numbers = [frame.number for frame in islice(stream, 20)]
    assert max(numbers, default=0) < 8


@pytest.mark.parametrize("form", ["flv", "mpegts"])
def test_a_stream_without_an_end_is_taken_up_again(form: str, camera: Camera, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its head says of its duration."""
    monkeypatch.setattr(live, "FIRST_WAIT_S", 0.01)
    camera.film = Film([plain(number) for number in range(COUNT)], form=form).made()
    with Live(camera.url) as stream:
        assert max(frame.number for frame in islice(stream, 2 * COUNT)) > COUNT


def test_a_video_at_an_address_is_shown_once(camera: Camera) -> None:
    camera.files["film.mkv?key=a"] = Film([plain(number) for number in range(COUNT)], form="matroska").made()
    began = time.monotonic()
    with Live(f"{camera.url}film.mkv?key=a") as stream:
        found = list(islice(stream, COUNT + 1))
    assert time.monotonic() - began >= 0.04 * (COUNT - 1)
    assert len(found) + stream.missed == COUNT
    assert seen(found[-1].pixels) == COUNT - 1
    assert stream.trouble == ""


class Ranged(BaseHTTPRequestHandler):
    """A server of files that closes a connection where it is asked to, as Python's own; parts of files, too."""

    protocol_version = "HTTP/1.1"
    data = b""

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(self.data) - start))
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(self.data[start:])

    def log_message(self, *_: object) -> None: ...


def test_a_video_at_an_address_whose_index_is_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 96, 128, 3), np.uint8)
    monkeypatch.setattr(Ranged, "data", Film(list(noise), options={"preset": "ultrafast", "qp": "4"}).made())
    with ThreadingHTTPServer(("127.0.0.1", 0), Ranged) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with Live(f"http://127.0.0.1:{server.server_address[1]}/film.mp4") as stream:
            found = list(islice(stream, COUNT + 1))
        server.shutdown()
    assert len(found) + stream.missed == COUNT
    assert stream.trouble == ""


def test_whoever_waits_for_a_frame_is_released_when_it_is_closed(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by `mien watch --seconds`, while a stream is silent."""
    monkeypatch.setattr(live, "READ_S", WAIT_S)
    camera.silent.set()
    with Live(camera.url) as stream:
        began = time.monotonic()
        Timer(0.5, stream.close).start()
        list(stream)
        assert time.monotonic() - began < WAIT_S / 2  # and not for as long as the stream may be silent
        camera.silent.clear()


def test_who_leaves_a_stream_is_told_of_no_trouble(camera: Camera) -> None:
    camera.each = 10**6
    with Live(camera.url) as stream:
        next(stream)
    until(lambda: not stream._thread.is_alive())
    assert stream.trouble == ""


def test_a_stream_that_gives_nothing_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "OPEN_S", 0.1)
    monkeypatch.setattr(live, "READ_S", 0.1)
    told = pytest.raises(VideoError, match="cannot be opened: nothing came in time")
    with socket.create_server(("127.0.0.1", 0)) as silent, told:
        Live(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_file_begins_when_it_is_asked_for(clip: str) -> None:
    with Live(clip) as film:
        film._thread.join(0.3)
        assert next(film).number == 0


def test_it_can_be_left_at_any_time(clip: str) -> None:
    film = Live(clip)
    next(film)
    film.close()
    until(lambda: not film._thread.is_alive())
    assert len(list(film)) <= 1
