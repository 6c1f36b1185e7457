"""`mien app`: what it refuses before a browser opens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--samples", "nowhere"], "nowhere: no such folder of samples"),
        (["--model", "nothing"], "no model 'nothing'"),
        (["--port", "70000"], "65535"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mien", "app", "--headless", *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert result.returncode == 2
    assert told in result.stderr
