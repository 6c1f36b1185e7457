"""The app itself, for tests that look at it in a real browser."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from urllib.request import urlopen

import numpy as np
import pytest
from browsing import App
from filmed import Film
from PIL import Image

from mien.corrections import keep
from mien.prediction import Expression


def no_files() -> None:
    """From here on this process cannot make any file longer than it is."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


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
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
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
    for _ in range(1200):
        try:
            urlopen(f"{url}/_stcore/health").close()
            break
        except OSError:
            assert process.poll() is None, printed
            time.sleep(0.1)
    yield App(url, printed)
    process.terminate()
    process.wait(120)
    reader.join(120)
    process.stdout.close()
