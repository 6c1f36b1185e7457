"""The app itself, for tests that look at it in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from browsing import App
from filmed import Film
from PIL import Image
from served import answers, no_files, reserved
from waiting import WAIT_S, until

from mien.corrections import keep
from mien.prediction import Expression


@pytest.fixture(scope="package")
def clip(astronaut: bytes) -> bytes:
    """Five seconds of someone who leaves after two, and comes back a second and a half later elsewhere."""
    with Image.open(BytesIO(astronaut)) as photo:
        face = np.asarray(photo.resize((288, 288)))
    frames = np.full((25, 288, 480, 3), 90, np.uint8)
    frames[:10, :, :288] = frames[18:, :, 192:] = face
    how = {"deadline": "realtime", "cpu-used": "8"}
    return Film(list(frames), form="webm", codec="libvpx-vp9", options=how, rate=5).made()


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory, astronaut: bytes) -> Iterator[App]:
    """The app, which cannot write a single byte into a file."""
    folder = tmp_path_factory.mktemp("app")
    for label in ("Happy", "Sad"):
        (folder / "samples" / "test" / label).mkdir(parents=True)
        (folder / "samples" / "test" / label / "one.jpg").write_bytes(astronaut)
    keep_faces(folder / "kept", 1)
    with started(folder, "--samples", folder / "samples", "--keep", folder / "kept", before=no_files) as app:
        yield app


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[App]:
    """The app, with three faces kept in `kept/` of the test's folder, where it may write."""
    keep_faces(tmp_path / "kept", 3)
    with started(tmp_path, "--keep", tmp_path / "kept") as app:
        yield app


def keep_faces(folder: Path, n: int) -> None:
    for bright in range(n):
        keep(folder, np.full((48, 48), 90 + bright, np.uint8), Expression({"happy": 0.9, "sad": 0.1}), "sad", "small")


@contextmanager
def started(home: Path, *words: str | Path, before: Callable[[], None] | None = None) -> Iterator[App]:
    """The app of a command line, once it answers; `before` is called in its process first."""
    printed: list[str] = []
    with reserved() as port:
        process = subprocess.Popen(
            [sys.executable, "-m", "mien", "app", "--headless", "--port", str(port), *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=before,
        )
        assert process.stdout is not None
        reader = threading.Thread(target=printed.extend, args=(process.stdout,))
        reader.start()
        url = f"http://localhost:{port}"
        until(lambda: answers(process, f"{url}/_stcore/health", printed))
    yield App(url, printed, process.pid)
    process.terminate()
    process.wait(WAIT_S)
    reader.join(WAIT_S)
    process.stdout.close()
