"""Several processes of one command: they know who they are, end together, and one line says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from waiting import WAIT_S, until

from mien.errors import MienError
from mien.training.machines import launch as launching
from mien.training.machines.launch import LOST, launch, launched, rank

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
KILLED = "os.kill(os.getpid(), 9)"
HANGS = f"import time; time.sleep({2 * WAIT_S})"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends late because the machine is busy is not one that does not end."""
    monkeypatch.setattr(launching, "GRACE", WAIT_S)


def child(*what: str) -> list[str]:
    """A command that does in each process what is said of it."""
    return [sys.executable, "-c", f"import os, sys\nexec({what!r}[int(os.environ['RANK'])])"]


def test_alone() -> None:
    assert rank() is None
    assert not launched()
    assert launch(child("sys.exit(0)"), 1) == 0


def test_each_knows_its_number_and_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(launching, "cores", lambda: 5)
    tell = f"import json; json.dump(dict(os.environ), open({str(tmp_path)!r} + '/' + os.environ['RANK'], 'w'))"
    assert launch(child(tell, tell), 2) == 0
    told = [json.loads((tmp_path / name).read_text()) for name in ("0", "1")]
    assert [(each["RANK"], each["LOCAL_RANK"], each["WORLD_SIZE"]) for each in told] == [
        ("0", "0", "2"),
        ("1", "1", "2"),
    ]
    assert told[0]["MIEN_MEETING"] == told[1]["MIEN_MEETING"] != ""
    assert {each["OMP_NUM_THREADS"] for each in told} == {"2"}
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert rank() == 1
    monkeypatch.delenv("RANK")  # of another program's processes
    assert rank() is None


def test_only_the_first_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    speak = "print('out', os.environ['RANK']); print('err', os.environ['RANK'], file=sys.stderr)"
    assert launch(child(speak, speak), 2) == 0
    heard = capfd.readouterr()
    assert (heard.out, heard.err) == ("out 0\n", "err 0\n")


@pytest.mark.parametrize("others", ["sys.exit(2)", f"sys.exit({LOST})", ""])
def test_what_the_first_has_told_is_not_told_again(others: str) -> None:
    assert launch(child("sys.exit(2)", others), 2) == 2


@posix
@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (f"sys.exit({LOST})", KILLED, "process 2 of 2 was ended by signal 9 (SIGKILL); all have ended"),
        (KILLED, f"sys.exit({LOST})", "process 1 of 2 was ended by signal 9 (SIGKILL); all have ended"),
        (f"sys.exit({LOST})", "sys.exit('no room')", "process 2 of 2 failed (no room); all have ended"),
        (f"sys.exit({LOST})", "os._exit(3)", "process 2 of 2 failed (exit code 3); all have ended"),
        (f"sys.exit({LOST})", f"sys.exit({LOST})", "lost touch with the others; all have ended"),
        (HANGS, "1 / 0", "process 2 of 2 failed (ZeroDivisionError: division by zero); all have ended"),
        (HANGS, KILLED, "process 2 of 2 was ended by signal 9 (SIGKILL); all have ended"),
    ],
)
def test_who_ended_first_and_why(first: str, second: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if first == HANGS:
        monkeypatch.setattr(launching, "GRACE", 0.1)
    with pytest.raises(MienError) as caught:
        launch(child(first, second), 2)
    assert str(caught.value) == f"{told}. What was done is kept: the same command with --resume goes on"


@posix
@pytest.mark.parametrize(
    ("stop", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143), (SystemExit(129), 129)], ids=repr
)
def test_a_signal_is_passed_on_to_the_first(
    stop: BaseException, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, heard = tmp_path / "ready", tmp_path / "heard"
    number = code - 128
    hear = (
        f"import signal, time, pathlib\n"
        f"signal.signal({number}, lambda *_: (pathlib.Path({str(heard)!r}).touch(), os._exit({code})))\n"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep({2 * WAIT_S})"
    )
    sleep, stops = time.sleep, [stop]

    def stopped(seconds: float) -> None:
        if ready.exists() and stops:
            raise stops.pop()
        sleep(seconds)

    monkeypatch.setattr("mien.training.machines.launch.time.sleep", stopped)
    lost = f"import time, pathlib\nwhile not pathlib.Path({str(heard)!r}).exists(): time.sleep(0.01)\nsys.exit({LOST})"
    assert launch(child(hear, lost), 2) == code
    assert heard.exists()


@posix
def test_none_is_left_when_the_launcher_is_killed(tmp_path: Path) -> None:
    tell = f"open({str(tmp_path)!r} + '/' + os.environ['RANK'], 'w').write(str(os.getpid()))"
    stay = f"from mien.training.machines.launch import end_with_launcher; {tell}; end_with_launcher()"
    begin = f"from mien.training.machines.launch import launch; launch({child(stay, stay)!r}, 2)"
    launcher = subprocess.Popen([sys.executable, "-c", begin], stdout=subprocess.PIPE)
    places = [tmp_path / "0", tmp_path / "1"]
    until(lambda: all(place.exists() and place.read_text() for place in places))
    launcher.kill()
    assert launcher.communicate(timeout=WAIT_S)[0] == b""  # the first one holds that pipe as long as it lives
