"""Settings: from the environment or the command line; every fault at once."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from served import get, serving
from waiting import WAIT_S, until
from wire import count

from mien.cores import cores
from mien.service import door, settings
from mien.service.server import listen
from mien.service.settings import Settings, SettingsError, hash_key, read_settings

KEY = hash_key("a key")
IPV6 = False
with suppress(OSError), socket.socket(socket.AF_INET6) as found:
    found.bind(("::1", 0))
    IPV6 = True


def test_nothing_said() -> None:
    assert read_settings({"HOME": "/", "PATH": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("PORT", "0", "port", 0),
        ("MODELS", "base, other/model", "models", ("base", "other/model")),
        ("MODELS", '["base", "/my models/one"]', "models", ("base", "/my models/one")),
        ("QUEUE", "7", "queue", 7),
        ("DEADLINE_S", "0.5", "deadline_s", 0.5),
        ("API_KEYS", f"{KEY} {KEY}", "api_keys", (KEY, KEY)),
        ("RATE", "60", "rate", 60),
        ("FRAME_RATE", "900", "frame_rate", 900),
        ("CAMERAS", "4", "cameras", 4),
        ("MAX_FRAME", "500kB", "max_frame", 500_000),
        ("CONNECTIONS", "20", "connections", 20),
        ("ORIGINS", "https://A.example:8443 *", "origins", ("https://a.example:8443", "*")),
        ("ORIGINS", "https://a.example:443 http://[::1]:80", "origins", ("https://a.example", "http://[::1]")),
        ("ORIGINS", "http://a.example:443", "origins", ("http://a.example:443",)),
        ("THREADS", str(16 * cores()), "threads", 16 * cores()),
        ("LOG", "false", "log", False),
        ("MAX_BYTES", "10MB", "max_bytes", 10_000_000),
        ("MAX_BYTES", "1.5 kb", "max_bytes", 1_500),
        ("MAX_MEMORY", "1G", "max_memory", 1_000_000_000),
        ("MAX_PIXELS", "50 MP", "max_pixels", 50_000_000),
        ("MAX_PIXELS", "7_000", "max_pixels", 7_000),
        ("VIDEOS", "0", "videos", 0),
        ("VIDEOS_WAITING", "0", "videos_waiting", 0),
        ("MAX_VIDEO", "50MB", "max_video", 50_000_000),
        ("MAX_VIDEO_PIXELS", "9MP", "max_video_pixels", 9_000_000),
        ("VIDEO_FETCHED_S", "0.5", "video_fetched_s", 0.5),
        ("TRUSTED_PROXIES", "10.0.0.0/8 ::1", "trusted_proxies", (ip_network("10.0.0.0/8"), ip_network("::1"))),
        ("ROOT_PATH", "/", "root_path", ""),
        ("ROOT_PATH", "/a/mien/", "root_path", "/a/mien"),
        ("GRACE_S", "3", "grace_s", 3.0),
        ("NOTICE", " On ", "notice", "on"),
        ("NOTICE", "off", "notice", ""),
        ("NOTICE", "Faces are read here.", "notice", "Faces are read here."),
    ],
)
def test_a_variable(name: str, value: str, field: str, expected: object) -> None:
    assert getattr(read_settings({f"MIEN_SERVE_{name}": value}), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "70000", "MIEN_SERVE_PORT: Input should be less than 65536"),
        ("PORT", "eighty", "MIEN_SERVE_PORT: Input should be a valid integer"),
        ("QUEUE", "0", "MIEN_SERVE_QUEUE: Input should be greater than 0"),
        ("DEADLINE_S", "-1", "MIEN_SERVE_DEADLINE_S"),
        ("MODELS", "", "MIEN_SERVE_MODELS"),
        ("MODELS", "[", "MIEN_SERVE_MODELS: not a JSON array"),
        ("API_KEYS", "a key", "MIEN_SERVE_API_KEYS: expected hashes of 64 digits"),
        ("DEADLINE_S", "inf", "MIEN_SERVE_DEADLINE_S: Input should be a finite number"),
        ("GRACE_S", "inf", "MIEN_SERVE_GRACE_S: Input should be a finite number"),
        ("THREADS", str(16 * cores() + 1), f"MIEN_SERVE_THREADS: {16 * cores() + 1} are more than {16 * cores()}"),
        ("ORIGINS", "a.example", "MIEN_SERVE_ORIGINS: expected an origin such as https://a.example"),
        ("ORIGINS", "https://a.example/", "MIEN_SERVE_ORIGINS: expected an origin such as https://a.example"),
        ("MAX_BYTES", "20 potatoes", "MIEN_SERVE_MAX_BYTES: expected a size such as 20MB or 20000000"),
        ("MAX_BYTES", "20MP", "expected a size such as 20MB"),
        ("MAX_PIXELS", "0", "MIEN_SERVE_MAX_PIXELS: expected a size such as 200MP"),
        ("MAX_PIXELS", "9" * 400, "MIEN_SERVE_MAX_PIXELS"),
        ("TRUSTED_PROXIES", "proxy.example", "MIEN_SERVE_TRUSTED_PROXIES: expected an address or a network"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.0/8, got '10.0.0.1/8': 10.0.0.1/8 has host bits set"),
        ("HOST", "", "MIEN_SERVE_HOST: expected a name or an address"),
        ("ROOT_PATH", "mien", "MIEN_SERVE_ROOT_PATH: expected a path such as /mien, got 'mien'"),
        ("ROOT_PATH", "//mien", "MIEN_SERVE_ROOT_PATH"),
        ("ROOT_PATH", "/a/../b", "MIEN_SERVE_ROOT_PATH"),
        ("MAX_MEMORY", "10", "10 bytes cannot hold one image of 20000000"),
        ("VIDEOS", "-1", "MIEN_SERVE_VIDEOS: Input should be greater than or equal to 0"),
        ("MAX_VIDEO", "201MB", "MIEN_SERVE_MAX_VIDEO_MEMORY: 200000000 bytes cannot hold one video of 201000000"),
        ("CONNECTIONS", "0", "MIEN_SERVE_CONNECTIONS: Input should be greater than 0"),
        ("CONNECTIONS", "9" * 18, f"MIEN_SERVE_CONNECTIONS: {'9' * 18} are more than the "),
        ("QUEEU", "7", "MIEN_SERVE_QUEEU: no such setting; there are host, port, models"),
    ],
)
def test_an_impossible_variable(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match="the service cannot start") as raised:
        read_settings({f"MIEN_SERVE_{name}": value})
    assert told in str(raised.value)


@pytest.mark.parametrize(("files", "most"), [(64, 48), (256, 192), (1024, 768), (2**20, 1000), (sys.maxsize, 1000)])
def test_connections_leave_files_for_others(files: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "descriptors", lambda: files)
    assert Settings().connections == most


@pytest.mark.parametrize(("there", "read"), [(settings.ROOMY - 1, 0), (settings.ROOMY, 1)])
def test_no_videos_are_read_where_memory_is_short(there: int, read: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "memory", lambda: there)
    assert Settings().videos == read


def test_every_fault_is_told() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"MIEN_SERVE_PORT": "x", "MIEN_SERVE_QUEUE": "0", "MIEN_SERVE_X": ""})
    assert len(raised.value.faults) == 3


def test_what_the_command_line_chose_is_called_as_it_is_there() -> None:
    variables = {"MIEN_SERVE_PORT": "99999", "MIEN_SERVE_QUEUE": "0", "MIEN_SERVE_QUEEU": "7"}
    with pytest.raises(SettingsError) as raised:
        read_settings(variables, ["port", "queeu", "rate"])
    assert [fault.partition(": ")[0] for fault in raised.value.faults] == ["port", "MIEN_SERVE_QUEUE", "queeu"]
    with pytest.raises(SettingsError) as raised:
        read_settings({"MIEN_SERVE_MAX_MEMORY": "10"}, ["max_memory"])
    assert raised.value.faults == ("max_memory: 10 bytes cannot hold one image of 20000000",)


def mien(
    *arguments: str, given: str = "", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("mien")), "serve", *arguments]
    settings = os.environ | environment
    return subprocess.run(
        command, input=given, cwd=cwd, env=settings, capture_output=True, text=True, timeout=WAIT_S, check=False
    )


def test_modules_in_the_current_folder_are_left_alone(tmp_path: Path) -> None:
    for name in ("queue.py", "calendar.py", "hashlib.py"):
        (tmp_path / name).write_text("raise SystemExit('from the current folder')")
    ended = mien("--model", "nothing", cwd=tmp_path)
    assert "no model 'nothing'" in ended.stderr


def test_the_command_line_wins_over_the_environment() -> None:
    ended = mien("--port", "1", "--set", "queue=x", MIEN_SERVE_QUEUE="7", MIEN_SERVE_PORT="70000")
    assert ended.returncode == 2
    assert "  - queue: Input should be a valid integer" in ended.stderr
    assert "MIEN_SERVE" not in ended.stderr


def test_any_setting_may_be_set() -> None:
    ended = mien(
        "--set", "port=x", "--set", "host=nowhere", "--set", "models=", "--host", "127.0.0.1", "--set", "rate=0"
    )
    assert [line.split(": ")[0].strip(" -") for line in ended.stderr.splitlines()[1:]] == [
        "port",
        "models",
        "rate",
    ]


def test_a_setting_without_a_value() -> None:
    ended = mien("--set", "queue")
    assert ended.returncode == 2
    assert "expected KEY=VALUE" in ended.stderr


def test_a_model_that_is_not_there() -> None:
    ended = mien("--model", "nothing")
    assert ended.returncode == 2
    assert "no model 'nothing'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_models_of_one_name() -> None:
    ended = mien("--model", "small", "--model", "small")
    assert ended.returncode == 2
    assert "two models are called 'small'" in ended.stderr


def test_a_free_port_is_told() -> None:
    command = [sys.executable, "-m", "mien", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        assert port > 0
        assert get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        process.terminate()


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = mien("--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "is taken at 127.0.0.1: choose another, or 0 for one that is free" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("host", "told"),
    [("192.0.2.1", "192.0.2.1 is no address of this machine"), ("no host", "no host is no address to listen at: ")],
)
def test_an_address_that_is_not_here(host: str, told: str) -> None:
    ended = mien("--host", host, "--port", "0")
    assert ended.returncode == 2
    assert f"  - host {told}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_kept_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(SettingsError, match="port 80 is kept for programs with more rights: choose"):
        listen("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("host", "shown", "asked"),
    [
        ("localhost", "http://localhost:", ["localhost"]),
        ("[::1]", "http://[::1]:", ["[::1]"]),
        ("::", "http://[::]:", ["[::1]", "127.0.0.1"]),
    ],
)
def test_addresses_of_both_kinds(host: str, shown: str, asked: list[str]) -> None:
    if ":" in host and not IPV6:
        assert "  - host " in mien("--host", host, "--port", "0").stderr  # and not a traceback
        return
    with serving(host=host) as served:
        assert served.url == f"{shown}{served.port}"
        for each in asked:
            assert get(f"http://{each}:{served.port}/healthz").status_code == 200


def patched(folder: Path, line: str) -> list[str]:
    """A program that serves, after a line of Python."""
    program = folder / "patched.py"
    program.write_text(
        "import asyncio, time\nfrom mien.service import door, engine\nfrom mien.service.__main__ import main\n"
        f"{line}\nmain()\n"
    )
    return [sys.executable, str(program)]


@pytest.mark.parametrize(
    "line",
    [
        f"engine.Engine.stop = lambda self: asyncio.sleep({WAIT_S})",
        f"door.Server.shutdown = lambda *_, **__: time.sleep({WAIT_S})",
    ],
    ids=["a part that does not end", "a loop that stands still"],
)
def test_whatever_hangs_it_ends_within_its_grace_and_half_a_second(tmp_path: Path, line: str) -> None:
    assert door.AFTER_S <= 0.5
    with serving(program=patched(tmp_path, line), grace_s=0.5) as served:
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(WAIT_S / 2) == 0


def test_a_stop_waits_no_longer_than_its_grace(tmp_path: Path) -> None:
    assert Settings().grace_s < 10  # which containers are given before they are killed
    unfinished = b"POST /v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\nx"
    with (
        serving(program=patched(tmp_path, "door.AFTER_S = 3600"), grace_s=0.5, upload_s=99, deadline_s=99) as served,
        socket.create_connection(("127.0.0.1", served.port), WAIT_S) as wire,
    ):
        wire.sendall(unfinished)
        until(lambda: count(served, "mien_upload_bytes") == 1)
        served.stop()
        told = b"".join(iter(lambda: wire.recv(65536), b""))
    assert told.startswith(b"HTTP/1.1 503")
    assert b'"/problems/stopping"' in told
    assert served.process.returncode == 0
    assert "Traceback" not in "".join(served.printed)


def test_a_key_is_hashed() -> None:
    assert mien("--hash-key", given="\n").returncode == 2
    ended = mien("--hash-key", given="a key\n")
    assert ended.stdout == KEY + "\n"
