"""What `make demo`, `make test` and `make dist` install, pinned to the very files: `locks/`, which pip is held to.

    make lock                       after a change of constraints.txt or of pyproject.toml's packages
    python tools/lock.py --check    whether there was one; needs the standard library alone

A line names a package, its version in constraints.txt and the systems that need it, and then the SHA-256 of each of its
files on PyPI, whatever system and Python they are for. Files name no index. torch and what only torch brings are not
among them: a build for the CPU is another file than one for a GPU, so constraints.txt alone pins them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ROOT / "locks"
BUILDS = "torch"  # the package whose files depend on where it comes from
PYTHON = "3.11.5"  # the lowest that every package takes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    check = parser.parse_args().check
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    base, extras = project["project"]["dependencies"], project["project"]["optional-dependencies"]
    named = {  # what a file is made of, and what tells uv so
        "base": (base, ["pyproject.toml"]),
        "test": ([base, extras], ["pyproject.toml", "--all-extras"]),
        "dist": (project["dependency-groups"]["dist"], ["--group", "dist"]),
    }
    for name, (asked, words) in named.items():
        path, head = LOCKS / f"{name}.txt", heading(name, asked)
        if not check:
            path.write_text(head + locked(path, words), encoding="utf-8", newline="\n")
        elif not path.is_file() or not path.read_text(encoding="utf-8").startswith(head):
            sys.exit(f"locks/{path.name} is older than constraints.txt or pyproject.toml: make lock")


def heading(name: str, asked: Any) -> str:
    """The first lines of a file, with a digest of what it is made of."""
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    digest = hashlib.sha256(json.dumps([asked, pinned]).encode()).hexdigest()
    return f"# The packages of the {name} environment, by SHA-256: `make lock` wrote it, of\n# {digest}\n"


def locked(path: Path, words: list[str]) -> str:
    """The lines of a file; versions that constraints.txt leaves open stay as they are where the file has them."""
    with tempfile.TemporaryDirectory() as folder:
        left_out = Path(folder) / "left_out.txt"
        left_out.write_text(f"{BUILDS}\n")
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet"]
        form = ["--universal", "--generate-hashes", "--no-header", "--no-annotate"]
        pins = ["--python-version", PYTHON, "--constraint", "constraints.txt", "--excludes", str(left_out)]
        subprocess.run([*uv, *form, *pins, "--output-file", str(path), *words], cwd=ROOT, check=True)
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
