"""The Dockerfile of `deploy/`, its steps run by script (see `building`): half a minute, and the package index."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import Builder, Stage
from served import Served, no_files, post, reserved
from shipped import ROOT, text
from waiting import WAIT_S

PORT = "8000"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The image, at a port that is free here."""
    dockerfile = text("Dockerfile")
    assert dockerfile.count(PORT) == 2  # told and shown
    with reserved() as port:
        yield Builder(tmp_path_factory.mktemp("image"), ROOT).build(dockerfile.replace(PORT, str(port)))


def command(said: str) -> list[str]:
    """The last words of CMD or HEALTHCHECK, which no shell reads."""
    return [str(word) for word in json.loads(re.sub(r"^.*?\[", "[", said))]


def listed(root: Path) -> set[tuple[Path, int]]:
    return {(path, path.lstat().st_mtime_ns) for path in root.rglob("*")}


def test_it_holds_the_package_alone_and_its_bytecode(built: Stage) -> None:
    (package,) = built.root.glob("opt/mien/lib/python*/site-packages/mien")
    assert (package / "models").is_dir() or any(package.rglob("*.onnx"))
    sources = {path.stem for path in package.glob("*.py")}
    assert sources <= {path.name.partition(".")[0] for path in (package / "__pycache__").iterdir()}
    assert not (built.root / "src").exists()
    assert not list(package.parent.glob("pip*"))
    assert [path.name for path in package.parent.iterdir() if path.name in ("deploy", "tests", "docs")] == []


def test_it_runs_as_it_says_and_writes_nothing(built: Stage, astronaut: bytes) -> None:
    before = listed(built.root)
    healthy = command(built.said["HEALTHCHECK"])

    def asked() -> int:
        return subprocess.run(healthy, env=built.variables, cwd="/", preexec_fn=no_files, stderr=-3).returncode

    assert asked() == 1
    process = subprocess.Popen(
        command(built.said["CMD"]),
        env=built.variables | {"MIEN_SERVE_DEADLINE_S": str(WAIT_S)},  # here a machine may be busy
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=no_files,
    )
    served = Served(process)
    try:
        served.wait()
        assert str(served.port) == built.said["EXPOSE"]
        assert asked() == 0
        answer = post(f"{served.url}/v1/predict", content=astronaut, headers={"Content-Type": "image/jpeg"})
        assert answer.json()["faces"][0]["label"] == "happy"
    finally:
        process.send_signal(getattr(signal, built.said["STOPSIGNAL"]))
        process.wait(WAIT_S)
        served.stop()
    assert process.returncode == 0
    assert asked() == 1
    assert listed(built.root) == before
