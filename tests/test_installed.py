"""What is installed: each part that users may add is told, with what it lacks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien import installed
from mien.cli.verbs import app
from mien.installed import ADDS, parts

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Packages that are not there."""

    def lack(*names: str) -> None:
        def found(package: str) -> str:
            if package in names:
                raise PackageNotFoundError(package)
            return version(package)

        monkeypatch.setattr(installed, "version", found)

    return lack


def test_every_part_for_users_is_told() -> None:
    assert set(ADDS) == set(PROJECT["optional-dependencies"]) - {"dev"}
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.M) == list(ADDS.items())


@pytest.mark.parametrize(
    ("absent", "told"),
    [
        ((), {}),
        (("torch",), {"train": ("torch",), "notebooks": ("torch",)}),
        (("streamlit", "streamlit-webrtc"), {"app": ("streamlit",), "live": ("streamlit", "streamlit-webrtc")}),
    ],
    ids=["nothing", "one", "two"],
)
def test_what_is_missing(
    absent: tuple[str, ...], told: dict[str, tuple[str, ...]], lacking: Callable[..., None]
) -> None:
    lacking(*absent)
    assert {part.name: part.missing for part in parts() if part.missing} == told


def test_the_doctor_says_how_to_add_a_part(lacking: Callable[..., None]) -> None:
    lacking("torch")
    told = CliRunner().invoke(app, ["doctor"])
    assert told.exit_code == 0
    assert "missing: torch" in told.output
    assert "pip install 'mien[train]'" in told.output
    assert "telemetry of ONNX Runtime" in told.output
    assert re.search(r"model small +whole: .*; the one in use", told.output)
    assert re.search(r"may use +\d+ cores? of this machine", told.output)
