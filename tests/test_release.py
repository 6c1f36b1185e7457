"""What a release says of itself is the same everywhere: its version, the Pythons it runs on, the files it installs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

import mien

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CHANGELOG.md", r"(?s:\A.*?)^## \[(.+?)\]"),
        ("CITATION.cff", r"^version: (.+)$"),
        ("deploy/Dockerfile", r"mien:(\d\S*)"),
        ("deploy/README.md", r"mien:(\d+\.[\d.]*)"),
        ("deploy/compose.yaml", r"image: mien:(\S+)"),
        ("deploy/kubernetes.yaml", r"image: mien:(\S+)"),
        ("deploy/kuberay.yaml", r"image: mien-cluster:(\S+)"),
        ("web/package.json", r'^  "version": "(.+)"'),
        ("web/package-lock.json", r'"name": "mien",\s+"version": "(.+)"'),
    ],
)
def test_the_version_is_the_same_everywhere(file: str, pattern: str) -> None:
    assert {*re.findall(pattern, text(file), re.M)} == {mien.__version__}


def test_the_pythons_are_the_same_everywhere() -> None:
    found = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"])
    assert found
    lowest, beyond = map(int, found.groups())
    told = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert told == [f"3.{minor}" for minor in range(lowest, beyond)]
    assert re.findall(r"\(3, (\d+)\) <= .* < \(3, (\d+)\)", text("Makefile")) == [(str(lowest), str(beyond))]
    for page in ("Makefile", "README.md", "docs/index.md"):
        assert re.findall(r"Python 3\.(\d+) to 3\.(\d+)", text(page)) == [(str(lowest), str(beyond - 1))], page


def test_no_file_is_in_the_package_twice() -> None:
    package = ROOT / "src" / "mien"
    files = [path for path in package.rglob("*") if path.is_file() and path.stat().st_size and path.suffix != ".pyc"]
    names: dict[bytes, list[str]] = defaultdict(list)
    for path in files:
        names[path.read_bytes()].append(path.relative_to(package).as_posix())
    assert [each for each in names.values() if len(each) > 1] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_files_and_names_no_index(lock: Path) -> None:
    _, *entries = re.split(r"^(?=[a-z0-9])", lock.read_text(encoding="utf-8"), flags=re.M)
    assert entries
    pinned = dict(re.findall(r"^(\S+)==(\S+)$", text("constraints.txt"), re.M))
    for entry in entries:
        name, version = entry.split()[0].split("==")
        assert pinned.get(name, version) == version, name
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), name
    assert "://" not in "".join(entries)
    assert "torch" not in {entry.partition("==")[0] for entry in entries}


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        ("CHANGELOG.md", "#", "##", ""),
        ("constraints.txt", "numpy==", "numpy==9.", "base"),
        ("pyproject.toml", '"numpy>=2"', '"numpy>=2.1"', "base"),
        ("pyproject.toml", '"pytest>=9"', '"pytest>=9.1"', "test"),
        ("pyproject.toml", '"twine>=6"', '"twine>=6.1"', "dist"),
    ],
)
def test_locks_are_made_anew_after_a_change(file: str, old: str, new: str, stale: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "locks", tmp_path / "locks")
    for name in ("tools/lock.py", "constraints.txt", "pyproject.toml", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        content = text(name)
        (tmp_path / name).write_text(content.replace(old, new) if name == file else content, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "tools" / "lock.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == bool(stale)
    assert stale in done.stderr
