"""`import mien` is light and has no side effects; and this would be noticed, were it otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from mien.cli.options import SIGNS
from mien.cli.verbs import VERBS

HEAVY = {"torch", "onnx", "onnxscript", "matplotlib", "fastapi", "streamlit", "pandas", "pyarrow", "av", "scipy"}

PROBE = """
import json, os, sys

deeds = []

def watch(event, args):
    if event == "open":
        path, mode, flags = args
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or set(mode or "") & set("wax+"):
            deeds.append(f"opened {path} for writing")
    elif event in ("subprocess.Popen", "os.system", "socket.connect", "os.mkdir", "os.remove", "os.rename"):
        deeds.append(f"{event} {args}")

sys.addaudithook(watch)
__import__(sys.argv[1])
print(json.dumps({"deeds": deeds, "modules": sorted(sys.modules)}))
"""


def faults(module: str, folder: Path) -> list[str]:
    """What is wrong with importing a module, in a fresh interpreter that also looks for modules in `folder`."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    result = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", PROBE, module],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    *printed, last = result.stdout.splitlines() or [""]
    if result.returncode:
        return [f"failed: {result.stderr}"]
    seen = json.loads(last)
    found: list[str] = [f"imported {name}" for name in sorted(HEAVY.intersection(seen["modules"]))] + seen["deeds"]
    return found + [f"printed {text}" for text in (*printed, result.stderr) if text]


def test_import_mien(tmp_path: Path) -> None:
    assert faults("mien", tmp_path) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("import matplotlib", "imported matplotlib"),
        ("import onnx", "imported onnx"),
        ("import pyarrow", "imported pyarrow"),
        ("print('hello')", "printed hello"),
        ("import sys; sys.stderr.write('hello')", "printed hello"),
        ("open('{folder}/left', 'w').close()", "opened {folder}/left for writing"),
        ("import os; os.mkdir('{folder}/made')", "os.mkdir"),
        ("import warnings; warnings.warn('old')", "UserWarning: old"),
    ],
)
def test_the_test_can_fail(line: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("import mien\n" + line.format(folder=tmp_path))
    assert any(fault.format(folder=tmp_path) in found for found in faults("loud", tmp_path))


def files_after(code: str, home: Path) -> list[Path]:
    """What a program leaves in its home folder, with nothing in its environment that would silence ONNX Runtime."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
    return [path for path in home.rglob("*") if path.is_file()]


def test_onnx_runtime_reports_nothing_of_those_who_use_mien(tmp_path: Path) -> None:
    read = "import mien, numpy; mien.load().predict(numpy.zeros((99, 99, 3), numpy.uint8))"
    assert files_after(read, tmp_path) == []


def test_and_would_if_it_were_not_told(tmp_path: Path) -> None:
    """Version 1.31 does. Should this fail with another, it may have stopped: then both tests can go."""
    assert files_after("import onnxruntime", tmp_path)


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("mien.report.plots", False),
        ("mien.report.strips", False),
        ("mien.training.learning.curve", False),
        ("matplotlib.font_manager", True),
    ],
)
def test_who_draws_tells_nothing_of_a_home_that_takes_no_files(module: str, told: bool, tmp_path: Path) -> None:
    """As in a container of a user without one. Matplotlib alone tells of it, so that the test can fail."""
    home = tmp_path / "home"
    home.write_text("no folder")
    environment = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CACHE_HOME")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "XDG_CONFIG_HOME": str(home)}
    command = [sys.executable, "-c", f"import {module}"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert ("temporary cache directory" in done.stderr, bool(done.stderr)) == (told, told)


def last_line(code: str, *words: str) -> str:
    """What a program prints last."""
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def loaded(*words: str) -> set[str]:
    """The modules that a command had loaded when it ended."""
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules)); from mien.cli import main; main()"
    return set(last_line(code, *words).split())


def test_a_verb_waits_for_no_other_verb() -> None:
    modules = loaded("predict", "--help")
    assert {verb for verb in VERBS if f"mien.cli.{verb}" in modules} == {"predict"}


def test_rich_is_loaded_where_somebody_may_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (48, 48)).save(tmp_path / "face.png")
    for sign in SIGNS:
        monkeypatch.delenv(sign, raising=False)
    words = "predict", str(tmp_path / "face.png"), "--crop", "whole"
    assert "rich" not in loaded(*words)
    monkeypatch.setenv("TTY_COMPATIBLE", "0")  # rich is asked, and says no
    assert "rich" in loaded(*words)


def test_a_command_is_not_searched_for_garbage_as_it_ends() -> None:
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count())); from mien.cli import main; main()"
    assert int(last_line(code, "--version")) > 0
