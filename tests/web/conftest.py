"""The reader in the browser, asked in Node; and what it needs, from npm: `npm ci` in `web/`."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from asking import MODULES, WEB, Ask, Pixels
from waiting import WAIT_S

from mien import artifact
from mien.page import RUNTIME, RUNTIME_PACKAGE, files, find_runtime


@pytest.fixture(scope="session")
def node() -> str:
    """Node's path, with what the sources in `web/` need beside it."""
    found = shutil.which("node")
    if found is None or not (MODULES / "esbuild").is_dir():
        pytest.skip("needs Node, and its packages: npm ci --prefix web")
    return found


@pytest.fixture(scope="session")
def runtime() -> bytes:
    """ONNX Runtime's WebAssembly."""
    if not (MODULES / RUNTIME_PACKAGE).is_dir():
        pytest.skip("needs ONNX Runtime's WebAssembly: npm ci --prefix web")
    return find_runtime(MODULES / RUNTIME_PACKAGE)


@pytest.fixture(scope="module")
def ask(node: str, runtime: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks the reader in Node: `ask("resize", pixels, 10, 10, "bicubic")` gives pixels, or what else JSON holds."""
    folder = tmp_path_factory.mktemp("reader")
    for name, content in {**files(artifact.read(artifact.find())), RUNTIME: runtime}.items():
        (folder / name).write_bytes(content)
    driver = MODULES / f"driver-{os.getpid()}.mjs"  # where it finds the packages that it leaves out
    bundle = [str(MODULES / ".bin" / "esbuild"), "--bundle", "--platform=node", "--format=esm", "--log-level=error"]
    bundle += ["--external:onnxruntime-web", f"--outfile={driver}", "test/driver.ts"]
    subprocess.run(bundle, cwd=WEB, check=True)
    command = [node, str(driver), str(folder), RUNTIME]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    questions, answers, raw = process.stdin, process.stdout, folder / "pixels"

    def asked(what: str, image: Pixels, *given: Any) -> Any:
        height, width = image.shape[:2]
        spare = () if image.ndim == 2 else (np.full_like(image[..., 0], 255),)
        raw.write_bytes(np.dstack([image, *spare]).tobytes())
        size = {"width": width, "height": height, "channels": 4 if spare else 1}
        print(json.dumps({"ask": what, "file": str(raw), "given": given, **size}), file=questions, flush=True)
        answer = json.loads(answers.readline())
        return _pixels(answer) if isinstance(answer, dict) and "data" in answer else answer

    yield asked
    questions.close()
    answers.close()
    driver.unlink()
    assert process.wait(WAIT_S) == 0


def _pixels(answer: dict[str, Any]) -> Pixels:
    """Gray as (H, W), or RGB as (H, W, 3)."""
    values = np.frombuffer(base64.b64decode(answer["data"]), np.uint8).reshape(answer["height"], answer["width"], -1)
    return values[..., 0] if values.shape[2] == 1 else values[..., :3]
