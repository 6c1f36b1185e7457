"""What a release is: an sdist and a wheel, built twice, looked into, and installed where nothing else is.

    make dist    (tools/dist.py --tests .venv/bin/python, in an environment of locks/dist.txt)

Both are built from this checkout and from a clone of what is committed, and must be the same bytes. The wheel holds the
package and the recipes, without what its catalogs are compiled from, the sdist all that is committed but the models
that taught; neither holds more. The wheel, with no packages but those of locks/base.txt, then reads a photo, and does
so with the lowest versions that it says it takes; and the sdist's own tests of its pages, cards and versions pass.

Writes dist/: the two files, a bill of materials of what the wheel installs (CycloneDX, JSON), and the SHA-256 of these.
Needs git, the package index, and about a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "dist"
LEFT_OUT = "teachers/"  # but for the files beside its folders
PARTS = {
    "batch": "mien.batch.run",
    "heic": "pillow_heif",
    "report": "mien.report.plots",
    "serve": "mien.service.server",
    "video": "mien.watching, scipy.optimize",
}
"""Those of the package that are small, and what is loaded to see that they work."""

TESTS = ("tests/test_cards.py", "tests/test_docs.py", "tests/test_installed.py", "tests/test_release.py")
QUIET = os.environ | {"PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", metavar="PYTHON", help="an interpreter with what the tests need, to run the sdist's")
    given = parser.parse_args()
    shutil.rmtree(OUT, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sdist, wheel = built(ROOT, OUT)
        compare(built(clone(folder / "clone"), folder / "again"), (sdist, wheel))
        look(sdist, wheel)
        run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
        python = installed(wheel, folder / "alone")
        read_a_photo(python)
        run_unpacked(wheel, folder / "uv")
        try_lowest(wheel, folder / "lowest")
        bill = wheel.with_name(f"{sdist.name.removesuffix('.tar.gz')}.cdx.json")
        write_bill(python, bill)
        if given.tests:
            test(sdist, folder / "sdist", given.tests)
        sums = "".join(f"{digest(file)}  {file.name}\n" for file in (sdist, wheel, bill))
        (OUT / "SHA256SUMS").write_text(sums)
        whole, own = megabytes(folder / "alone"), megabytes(package(python))
    print(f"\n{sums}\nsdist {megabytes(sdist):.1f} MB, wheel {megabytes(wheel):.1f} MB;", end=" ")
    print(f"installed {whole:.1f} MB with all that it needs, of which mien is {own:.1f} MB")


def built(checkout: Path, out: Path) -> tuple[Path, Path]:
    """The sdist of a checkout, and the wheel of that sdist, dated by the last commit."""
    date = run("git", "log", "-1", "--format=%ct").strip()
    environment = QUIET | {"SOURCE_DATE_EPOCH": date}
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, checkout, environment=environment)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def clone(folder: Path) -> Path:
    run("git", "clone", "--quiet", ROOT, folder)
    return folder


def compare(again: tuple[Path, Path], first: tuple[Path, Path]) -> None:
    for one, other in zip(again, first, strict=True):
        if digest(one) != digest(other):
            sys.exit(f"{one.name}: a clone of what is committed makes another file: commit or remove the rest")


def look(sdist: Path, wheel: Path) -> None:
    """Nothing is missing in the files, and nothing is too much."""
    tracked = run("git", "ls-files", "-z").rstrip("\0").split("\0")
    package = {
        name.removeprefix("src/") for name in tracked if name.startswith("src/mien/") and not name.endswith(".po")
    }
    recipes = {f"mien/{name}" for name in tracked if name.startswith("recipes/")}
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    about = {name for name in held if name.split("/")[0].endswith(".dist-info")}
    expect(wheel, package | recipes, held - about)
    licences = {name.rpartition("/")[2] for name in about if "/licenses/" in name}
    expect(wheel, {name for name in tracked if name.startswith(("LICENSE", "NOTICE"))}, licences)
    with tarfile.open(sdist) as unzipped:
        held = {name.partition("/")[2] for name in unzipped.getnames()}
    left_out = {name for name in tracked if "/" in name.removeprefix(LEFT_OUT) and name.startswith(LEFT_OUT)}
    expect(sdist, {*tracked, "PKG-INFO"} - left_out, held)


def expect(file: Path, expected: set[str], held: set[str]) -> None:
    if missing := sorted(expected - held):
        sys.exit(f"{file.name} lacks {', '.join(missing)}")
    if more := sorted(held - expected):
        sys.exit(f"{file.name} holds {', '.join(more)} too")


def empty(folder: Path) -> Path:
    """The interpreter of a new environment."""
    venv.create(folder)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed(wheel: Path, folder: Path) -> Path:
    """The interpreter of an environment with the wheel, what it needs, and nothing else."""
    python = empty(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    run(*pip, "install", "--no-deps", "--require-hashes", "-r", ROOT / "locks" / "base.txt")
    run(*pip, "install", "--no-deps", "--no-index", "--find-links", wheel.parent, "mien")  # as from an index: no path
    run(*pip, "check")
    return python


def package(python: Path) -> Path:
    return Path(run(python, "-c", "import mien; print(mien.__path__[0])").strip())


def read_a_photo(python: Path) -> None:
    """The command reads the portrait that comes with the service, and says what is installed."""
    mien = python.with_name("mien")
    print(run(mien, "--version"), run(mien, "doctor"), sep="\n")
    faces = json.loads(run(mien, "predict", package(python) / "service" / "static" / "sample.jpg", "--format", "json"))
    labels = [face["label"] for face in faces["faces"]]
    if labels != ["happy"]:
        sys.exit(f"the portrait has one face, which is happy: mien says {labels}")


def run_unpacked(wheel: Path, folder: Path) -> None:
    """`uvx mien`, as it is once the wheel is on an index."""
    uv = Path(sys.executable).with_name("uv")
    words = ["tool", "run", "--python", sys.executable, "--constraints", "constraints.txt", "--from", str(wheel)]
    environment = QUIET | {"UV_CACHE_DIR": str(folder), "UV_TOOL_DIR": str(folder / "tools")}
    run(uv, *words, "mien", "--version", environment=environment)


def try_lowest(wheel: Path, folder: Path) -> None:
    """The wheel reads a photo, and its parts are loaded, with the lowest versions that they ask for themselves."""
    uv, python = Path(sys.executable).with_name("uv"), empty(folder)
    what = f"{wheel}[{','.join(PARTS)}]"
    run(uv, "pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct", what)
    read_a_photo(python)
    run(python, "-c", f"import {', '.join(PARTS.values())}")


def write_bill(python: Path, bill: Path) -> None:
    words = ["environment", "--output-reproducible", "--output-format", "JSON", "--output-file"]
    run(sys.executable, "-m", "cyclonedx_py", *words, bill, python)


def test(sdist: Path, folder: Path, python: str) -> None:
    """Run the tests that hang on which files there are; the others find the same files as in the checkout."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    environment = QUIET | {"PYTHONPATH": str(unpacked / "src"), "CI": "false"}
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not examples", *TESTS]
    print(run(ROOT / python, *words, cwd=unpacked, environment=environment))


def run(*words: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """What a command says; if it fails, so does this."""
    done = subprocess.run(words, cwd=cwd or ROOT, env=environment or QUIET, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def megabytes(path: Path) -> float:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir()) / 1e6


if __name__ == "__main__":
    main()
