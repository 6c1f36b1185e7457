"""What breaks around a service: its process killed, its model damaged, its disk full, its thread failing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import answers, begin, post
from waiting import WAIT_S, until
from wire import count

from mien import artifact

JPEG = {"Content-Type": "image/jpeg"}
EACH = 15  # photos of each client
WAITS = """
import os, time
from mien.service import finder
cut = finder.cut
def waits(*given):
    while not os.path.exists({go!r}):
        time.sleep(0.01)
    return cut(*given)
finder.cut = waits
finder.main()
"""
"""A worker that reads no image before there is a file."""


def test_killed_and_started_again_a_client_that_retries_loses_nothing(port: int, astronaut: bytes) -> None:
    served = begin(port)
    served.wait()
    url = served.url
    said: list[str] = []

    def read() -> bool:
        with suppress(httpx.TransportError):
            answer = post(f"{url}/v1/predict", content=astronaut, headers=JPEG)
            said.append(answer.json()["faces"][0]["label"])
            return True
        return False

    def client() -> None:
        for _ in range(EACH):
            until(read)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for each in clients:
        each.start()
    until(lambda: len(said) >= EACH / 2)
    served.process.send_signal(signal.SIGKILL)
    served.process.wait(WAIT_S)
    again = begin(port)
    for each in clients:
        each.join(2 * WAIT_S)
    assert said == ["happy"] * 4 * EACH
    again.stop()
    assert again.process.returncode == 0


def test_told_to_stop_it_finishes_what_it_accepted(serve: Any, astronaut: bytes, tmp_path: Path) -> None:
    """Its workers begin once it has been told."""
    go, program, statuses = tmp_path / "go", tmp_path / "waiting.py", list[int]()
    program.write_text(
        "import sys\n"
        "from mien.service import worker\n"
        f"worker.PROGRAM = (sys.executable, '-c', {WAITS.format(go=str(go))!r})\n"
        "from mien.service.__main__ import main\n"
        "main()\n"
    )
    many = [("file", (f"{n}.jpg", astronaut, "image/jpeg")) for n in range(5)]
    with serve(program=[sys.executable, str(program)]) as served:

        def client() -> None:
            statuses.append(post(f"{served.url}/v1/predict", files=many).status_code)

        clients = [threading.Thread(target=client) for _ in range(3)]
        for each in clients:
            each.start()
        until(lambda: count(served, "mien_queue_images") == 15)
        served.process.send_signal(signal.SIGTERM)
        go.touch()
        for each in clients:
            each.join(WAIT_S)
        served.process.wait(WAIT_S)  # or it would be told once more, when it hears nothing any more
    assert statuses == [200] * 3
    assert served.process.returncode == 0


@pytest.mark.parametrize("damage", ["onnx", "json"])
def test_a_damaged_model_is_refused_at_the_start(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(artifact.find(None), folder)
    if damage == "onnx":
        content = bytearray((folder / "model.onnx").read_bytes())
        content[5000] ^= 255
        (folder / "model.onnx").write_bytes(content)
    else:
        (folder / "model.json").write_text("{")
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--model", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 2
    assert "is not a usable model" in ended.stderr
    assert ("sha256" if damage == "onnx" else "not JSON") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_full_disk_behind_the_log_stops_nothing(port: int, astronaut: bytes) -> None:
    """It cannot tell where it listens."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "MIEN_SERVE_DEADLINE_S": str(WAIT_S)}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "mien", "serve", "--port", str(port)]
        process = subprocess.Popen(command, stderr=full, env=environment)
    try:
        until(lambda: answers(process, f"http://127.0.0.1:{port}/readyz"))
        for _ in range(3):
            answer = post(f"http://127.0.0.1:{port}/v1/predict", content=astronaut, headers=JPEG)
            assert answer.status_code == 200
    finally:
        process.terminate()
        process.wait(WAIT_S)


def test_a_thread_that_fails_is_told_with_an_id_and_the_next_is_served(astronaut: bytes, tmp_path: Path) -> None:
    """The network fails for one label set, in a process that is otherwise the real one."""
    program = tmp_path / "failing.py"
    program.write_text(
        "from mien.recognizer import Recognizer\n"
        "from mien.service.__main__ import main\n"
        "express = Recognizer.express\n"
        "def fail(self, found, labels, *others):\n"
        "    if any(each.name == 'ckplus7' for each in labels):\n"
        "        raise RuntimeError('the network broke')\n"
        "    return express(self, found, labels, *others)\n"
        "Recognizer.express = fail\n"
        "main()\n"
    )
    served = begin(program=[sys.executable, str(program)])
    served.wait()
    broken = post(f"{served.url}/v1/predict?labels=ckplus7", content=astronaut, headers=JPEG)
    good = post(f"{served.url}/v1/predict", content=astronaut, headers=JPEG)
    served.stop()
    assert broken.status_code == 500
    assert broken.json()["type"] == "/problems/internal"
    assert broken.json()["id"] == broken.headers["x-request-id"]
    assert "network broke" not in broken.text
    assert good.status_code == 200
    told = "".join(served.printed)
    assert "the network broke" in told
    assert broken.json()["id"] in told
