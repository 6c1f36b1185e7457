"""The app itself, for tests that look at it in a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from browsing import App
from filmed import Film
from PIL import Image
from served import answers, free, no_files
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
    folder = tmp_path_factory.mktemp("app")
    for label in ("Happy", "Sad"):
        (folder / "samples" / "test" / label).mkdir(parents=True)
        (folder / "samples" / "test" / label / "one.jpg").write_bytes(astronaut)
    port = free()
    said = Expression({"happy": 0.9, "sad": 0.1})
    keep(folder / "kept", np.full((48, 48), 90, np.uint8), said, "sad", "small")
    command = [sys.executable, "-m", "mien", "app", "--headless", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--samples", str(folder / "samples"), "--keep", str(folder / "kept")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=no_files,
    )
    assert process.stdout is not None
    printed: list[str] = []
    reader = threading.Thread(target=printed.extend, args=(process.stdout,))
    reader.start()
    url = f"http://localhost:{port}"
    until(lambda: answers(process, f"{url}/_stcore/health", printed))
    yield App(url, printed, process.pid)
    process.terminate()
    process.wait(WAIT_S)
    reader.join(WAIT_S)
    process.stdout.close()
