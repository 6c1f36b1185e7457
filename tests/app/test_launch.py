"""`mien app`: what it refuses before a browser opens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from served import answers, dumped, dumps
from waiting import WAIT_S, until

from mien.cli.app import app


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--samples", "nowhere"], "nowhere: no such folder of samples"),
        (["--model", "nothing"], "no model 'nothing'"),
        (["--port", "70000"], "65535"),
        (["--keep", "."], ". holds other files, and no kept.csv"),
        (["--samples", ".", "--keep", "kept"], "kept lies among the sources"),
        (["--keep", "file"], "file: a file is in the way of a folder"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "mien", "app", "--headless", *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=WAIT_S)
    assert result.returncode == 2
    assert told in result.stderr


def test_it_starts_without_a_question_or_an_offer(port: int, tmp_path: Path) -> None:
    environment = os.environ | {"HOME": str(tmp_path), "BROWSER": "true"}
    (tmp_path / "calendar.py").write_text("raise SystemExit('from the current folder')")
    command = [str(Path(sys.executable).with_name("mien")), "app", "--port", str(port)]
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            preexec_fn=dumps,
        )
        try:
            until(lambda: answers(process, f"http://localhost:{port}/_stcore/health"))
            assert process.poll() is None
            assert dumped(process.pid) == min(dumped(os.getpid()), 1)
        finally:
            process.terminate()
            process.wait(WAIT_S)
    first, *others = (tmp_path / "printed").read_text().splitlines()
    assert f"http://localhost:{port} " in first
    assert "Streamlit" not in "".join(others)  # what it offers to those who write apps


def test_it_ends_where_nobody_reads_what_it_prints(port: int, tmp_path: Path) -> None:
    """`mien app | head -1`: the reader has left, and Streamlit prints before it stops."""
    environment = os.environ | {"HOME": str(tmp_path)}
    command = [sys.executable, "-m", "mien", "app", "--headless", "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        until(lambda: answers(process, f"http://localhost:{port}/_stcore/health"))
        process.terminate()
        assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()


def test_what_it_is_told_reaches_the_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, str] = {}
    monkeypatch.setattr(os, "execve", lambda program, arguments, environment: given.update(environment))
    monkeypatch.setenv("MIEN_APP_KEEP", str(tmp_path / "of an app that started this one"))
    monkeypatch.chdir(tmp_path)
    app(notice="on")
    assert (given["MIEN_APP_NOTICE"], "MIEN_APP_KEEP" in given) == ("on", False)
    app(keep=Path("faces"))
    assert given["MIEN_APP_KEEP"] == str(tmp_path / "faces")
    assert list(tmp_path.iterdir()) == []
