"""Runs a Dockerfile's steps without a container: a virtual environment is the base, a folder the file system."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import venv
from dataclasses import dataclass, field
from pathlib import Path

from shipped import assigned, steps

OUTER = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MIEN_", "VIRTUAL_"))}
"""What a step may know of this machine: how the package index is reached."""


@dataclass
class Stage:
    """A file system, the folder and variables of its steps, and what was said of how to run it."""

    root: Path
    folder: Path
    variables: dict[str, str]
    said: dict[str, str] = field(default_factory=dict)


class Builder:
    """Each stage is made in one and the same folder, so that the paths in its files keep their truth.

    Args:
        folder: where.
        context: what COPY copies from.
    """

    def __init__(self, folder: Path, context: Path) -> None:
        self._root, self._base, self._finished = folder / "root", folder / "base", folder / "finished"
        self._context = context
        venv.create(self._root / "usr" / "local", with_pip=True, symlinks=True)
        shutil.copytree(self._root, self._base, symlinks=True)
        self._finished.mkdir()

    def build(self, dockerfile: str) -> Stage:
        """The last stage."""
        (word, _), (begin, name), *others = steps(dockerfile)
        assert (word, begin) == ("ARG", "FROM")
        stage = self._begun()
        for word, rest in others:
            if word == "FROM":
                self._root.rename(self._finished / name.split()[-1])
                shutil.copytree(self._base, self._root, symlinks=True)
                name, stage = rest, self._begun()
            else:
                self._step(stage, word, rest)
        return stage

    def _begun(self) -> Stage:
        return Stage(self._root, self._root, {"PATH": f"{self._root}/usr/local/bin:/usr/bin:/bin"})

    def _step(self, stage: Stage, word: str, rest: str) -> None:
        match word:
            case "WORKDIR":
                stage.folder = Path(self._mapped(rest))
                stage.folder.mkdir(parents=True)
            case "ENV":
                for name, value in assigned(rest).items():
                    known = re.sub(r"\$(\w+)", lambda found: stage.variables[found[1]], self._mapped(value))
                    stage.variables[name] = known
            case "COPY":
                self._copy(stage, rest)
            case "RUN":
                environment = {**OUTER, **stage.variables}
                subprocess.run(["sh", "-c", self._mapped(rest)], cwd=stage.folder, env=environment, check=True)
            case "LABEL" | "USER" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "CMD":
                stage.said[word] = rest
            case _:
                raise AssertionError(f"no such step: {word}")

    def _copy(self, stage: Stage, rest: str) -> None:
        *sources, target = shlex.split(rest)
        origin = self._context
        if sources[0].startswith("--from="):
            origin = self._finished / sources.pop(0).removeprefix("--from=")
        for source in sources:
            found, to = origin / source.lstrip("/"), stage.folder / self._mapped(target)
            if found.is_dir():
                shutil.copytree(found, to, symlinks=True)
            else:
                shutil.copy(found, to)

    def _mapped(self, words: str) -> str:
        """With absolute paths in the folder."""
        return re.sub(r"(?<![\w./:])/(?=\w)", f"{self._root}/", words)
