"""`mien watch` and the pictures of `mien video`, as users run them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from filmed import Film
from PIL import Image
from rich.console import Console
from test_cli import listens
from typer.testing import CliRunner
from waiting import WAIT_S, until

from mien.cli.verbs import app
from mien.cli.watch import _Bars
from mien.face import Face
from mien.prediction import Expression, Prediction, Reading
from mien.video import frames
from mien.watching import Moment

RATE = 25


@pytest.fixture(scope="module")
def folder(astronaut: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`face.mp4`, the astronaut for half a second; `long.mp4`, nobody for a minute."""
    made = tmp_path_factory.mktemp("films")
    portrait = np.asarray(Image.open(io.BytesIO(astronaut)).crop((96, 0, 352, 256)))
    fast = {"preset": "ultrafast"}
    (made / "face.mp4").write_bytes(Film([portrait] * 12, options=fast).made())
    (made / "long.mp4").write_bytes(Film([np.zeros((48, 64, 3), np.uint8)] * 60 * RATE, options=fast).made())
    return made


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("watch", "none.mp4"), "none.mp4 cannot be opened: no such file"),
        (("watch", "face.mp4", "--out", "a.xlsx"), "a.xlsx: end it with one of .json, .jsonl, .csv, .parquet, .ndjson"),
        (("video", "face.mp4", "--annotate", "a.avi"), "a video is written as .webm or .mp4"),
        (("video", "face.mp4", "--plot", "a.gif"), "a page is written as .png, .pdf, .svg"),
        (("video", "face.mp4", "long.mp4", "--plot", "a.png"), "one file for 2 videos: name a folder"),
        (("video", "face.mp4", "--annotate", "face.mp4"), "that is what is read"),
        (("watch", "face.mp4", "--annotate", "./face.mp4"), "that is what is read"),
        (("video", ".", "--plot", "page.png"), "lies among the sources"),
        (("video", "face.mp4", "face.webm", "--plot", "pages"), "would both be drawn as"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_read(
    words: tuple[str, ...], told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = run(*words)
    assert told in str(result.exception)
    assert sorted(path.name for path in folder.iterdir()) == ["face.mp4", "long.mp4"]


def test_a_time_beyond_all_is_no_end(folder: Path) -> None:
    """A clock that cannot be set told of it in a thread of its own, which pytest makes an error of."""
    result = run("watch", folder / "face.mp4", "--seconds", "inf")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout


def test_lines_of_json_are_printed_where_no_terminal_is(folder: Path) -> None:
    result = run("watch", folder / "face.mp4")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {row["smoothed_label"] for row in rows} == {"happy"}
    assert [row["time_s"] for row in rows] == sorted({row["time_s"] for row in rows})


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the tests as well")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_what_is_kept_is_whole_when_it_is_stopped(number: int, code: int, folder: Path, tmp_path: Path) -> None:
    out, part, film = tmp_path / "kept.csv", tmp_path / "kept.csv.part.jsonl", tmp_path / "seen.webm"
    words = ["watch", str(folder / "long.mp4"), "--out", str(out), "--annotate", str(film)]
    command = [sys.executable, "-m", "mien", *words]
    watching = subprocess.Popen(command, preexec_fn=listens, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: part.exists() and part.stat().st_size)
    watching.send_signal(number)
    printed, told = watching.communicate(timeout=WAIT_S)
    assert (watching.returncode, printed, told) == (code, "", "")
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    assert {row["reasons"] for row in rows} == {"no face was found"}
    with frames(film) as seen:
        assert len(list(seen)) == len(rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.csv", "seen.webm"]


def test_pictures_are_kept_where_they_are_asked_for(folder: Path, tmp_path: Path) -> None:
    result = run("watch", folder / "face.mp4", "--out", tmp_path / "rows.csv", "--annotate", tmp_path / "seen.webm")
    assert result.exit_code == 0, result.output
    with (tmp_path / "rows.csv").open() as stream:
        times = [float(row["time_s"]) for row in csv.DictReader(stream)]
    with frames(tmp_path / "seen.webm") as seen:
        assert [frame.time_s for frame in seen] == pytest.approx(times, abs=0.002)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "seen.webm"]


class Guarded(BaseHTTPRequestHandler):
    """A camera for whoever knows its user, password and key."""

    def do_GET(self) -> None:
        asked = "Basic " + b64encode(b"keeper:pa55").decode()
        if (self.headers["Authorization"], self.path) != (asked, "/cam?key=k3y"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        stream = io.BytesIO()
        Image.new("RGB", (64, 48)).save(stream, "JPEG")
        picture = stream.getvalue()
        with suppress(ConnectionError):  # until whoever looks has left
            while True:
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(b"Content-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture))
                time.sleep(0.02)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def guarded() -> Iterator[str]:
    """Where it is, as `keeper:pa55@127.0.0.1:8000/cam?key=k3y`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"keeper:pa55@127.0.0.1:{server.server_address[1]}/cam?key=k3y"
        server.shutdown()
        thread.join()


def test_how_a_camera_is_entered_is_never_told(guarded: str, tmp_path: Path) -> None:
    """User, password and keys of its address: not in rows, which are passed on, nor in messages, which are logged."""
    _, place = guarded.split("@")
    host, _ = place.split("?")
    result = run("watch", f"http://{guarded}", "--seconds", "0", "--out", tmp_path / "rows.csv")
    assert result.exit_code == 0, result.output
    with (tmp_path / "rows.csv").open() as stream:
        assert {row["source"] for row in csv.DictReader(stream)} == {f"http://{host}"}
    refused = run("watch", f"http://keeper:pa55@{host}?key=old")
    assert str(refused.exception).startswith(f"http://{host} cannot be opened: server returned 401")
    broken = run("watch", "http://keeper:p@55@127.0.0.1:1?key=k3y")
    assert str(broken.exception) == "http://127.0.0.1:1 cannot be opened: connection refused"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (
            "rtsp://keeper:p/55@127.0.0.1:1/a",
            r"rtsp://\.\.\. cannot be opened: .*; in a .* password write / as %2F, ",
        ),
        (
            "http://keeper:p?55@127.0.0.1:1/a",
            r"http://\.\.\. cannot be opened: .*; in a .* password write / as %2F, ",
        ),
        ("http://keeper:p@55@127.0.0.1:1/a", "http://127.0.0.1:1/a cannot be opened: connection refused$"),
        ("ftp://keeper:p@55@127.0.0.1:1/a", "ftp://127.0.0.1:1/a cannot be opened: an address, not a file"),
        ("rtsp//keeper:p@55@127.0.0.1:1/a", "rtsp//127.0.0.1:1/a cannot be opened: no such file$"),
    ],
)
def test_a_password_that_parts_its_address_is_not_told_either(address: str, told: str) -> None:
    result = run("watch", address)
    assert re.match(told, str(result.exception))
    assert "55" not in result.output + str(result.exception)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the tests as well")
@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "")], ids=["INT", "TERM"]
)
def test_it_is_stopped_while_a_stream_is_waited_for(number: int, code: int, told: str) -> None:
    """And not by that nothing came in time, ten seconds later."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, "-m", "mien", "watch", f"http://127.0.0.1:{silent.getsockname()[1]}/"]
        watching = subprocess.Popen(
            command, preexec_fn=listens, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        silent.settimeout(WAIT_S)
        with silent.accept()[0]:
            watching.send_signal(number)
            assert watching.communicate(timeout=WAIT_S) == ("", told)
    assert watching.returncode == code


def test_rows_of_a_run_that_was_killed_are_not_lost(folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "kept.csv.part.jsonl"
    left.write_text("{}\n")
    result = run("watch", folder / "face.mp4", "--out", tmp_path / "kept.csv")
    assert "holds what a run has read that was killed" in str(result.exception)
    assert left.read_text() == "{}\n"


def test_bars_tell_who_looks_how() -> None:
    class Quiet:
        trouble = ""

    bars = _Bars(Quiet())  # type: ignore[arg-type]
    sure, unsure = Expression({"happy": 0.97, "sad": 0.03}), Expression({"happy": 0.4, "sad": 0.6}, ("blurred",))
    faces = tuple(Reading(Face((0, 0, 9, 9), (), 0.9), each) for each in (sure, unsure))

    def drawn(width: int = 100) -> str:
        console = Console(width=width, record=True, file=io.StringIO())
        console.print(bars())
        return console.export_text()

    assert "waits for the first frame" in drawn()
    bars.show(Moment(1.0, 25, Prediction("0", 10, 10, faces), (0, 3), (sure, unsure)))
    lines = drawn().splitlines()
    assert lines[0].split() == ["face", "0", "happy", "█" * 29, "97%"]
    assert lines[1].split() == ["face", "3", "sad?", "█" * 18, "60%"]
    narrow = [line.split() for line in drawn(34).splitlines()]
    assert narrow[:2] == [["face", "0", "happy", "█" * 13 + "▌", "97%"], ["face", "3", "sad?", "█" * 8 + "▍", "60%"]]
    bars.show(Moment(2.0, 50, Prediction("0", 10, 10, reasons=("no face found",))))
    assert "no face; " in drawn()
    Quiet.trouble = "no frames (timed out): connects again in 4 s"
    assert "connects again in 4 s" in drawn()


def test_copies_and_pages_are_written_beside_the_timeline(folder: Path, tmp_path: Path) -> None:
    drawn = "--annotate", tmp_path / "copies", "--plot", tmp_path / "page.png"
    result = run("video", folder / "face.mp4", "--out", tmp_path / "rows.csv", *drawn)
    assert result.exit_code == 0, result.output
    with frames(tmp_path / "copies" / "face-mien.webm") as copy:
        assert [round(frame.time_s, 3) for frame in copy] == [round(0.04 * number, 3) for number in range(12)]
        assert (copy.clip.width, copy.clip.height) == (512, 512)
    with Image.open(tmp_path / "page.png") as page:
        assert page.width > 1000
    assert (tmp_path / "rows.csv").exists()
