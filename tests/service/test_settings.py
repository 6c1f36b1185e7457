"""Settings: from the environment or the command line; every fault at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from served import WAIT_S

from mien.service.settings import Settings, SettingsError, hash_key, read_settings

KEY = hash_key("a key")


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
        ("ORIGINS", "https://a.example", "origins", ("https://a.example",)),
        ("LOG", "false", "log", False),
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
        ("MODELS", "[", "MIEN_SERVE_MODELS: Value error, not a JSON array"),
        ("API_KEYS", "a key", "MIEN_SERVE_API_KEYS"),
        ("MAX_MEMORY", "10", "10 bytes cannot hold one image of 20000000"),
        ("QUEEU", "7", "MIEN_SERVE_QUEEU: no such setting; there are MIEN_SERVE_HOST"),
    ],
)
def test_an_impossible_variable(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match="the service cannot start") as raised:
        read_settings({f"MIEN_SERVE_{name}": value})
    assert told in str(raised.value)


def test_every_fault_is_told() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"MIEN_SERVE_PORT": "x", "MIEN_SERVE_QUEUE": "0", "MIEN_SERVE_X": ""})
    assert len(raised.value.faults) == 3


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
    assert "MIEN_SERVE_QUEUE" in ended.stderr
    assert "MIEN_SERVE_PORT" not in ended.stderr


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
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=WAIT_S).status_code == 200
        process.terminate()


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = mien("--port", str(taken.getsockname()[1]))
    assert ended.returncode != 0
    assert "address already in use" in ended.stderr.lower()
    assert "Traceback" not in ended.stderr


def test_a_key_is_hashed() -> None:
    assert mien("--hash-key", given="\n").returncode == 2
    ended = mien("--hash-key", given="a key\n")
    assert ended.stdout == KEY + "\n"
