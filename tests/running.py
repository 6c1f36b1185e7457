"""`mien batch` as users start it, over one folder of images, a fifth of them broken; what it opens is watched."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from broken import broken
from waiting import WAIT_S, until

COUNT, SIZE = 60, 10
WATCHED = Path(__file__).parent / "batch" / "watched"


class Runs:
    """Starts runs over one folder of images, and knows what they opened.

    Args:
        folder: of the images, and of what is watched.
        model: its folder.
        faces: files of images that it reads, eight of them.
    """

    def __init__(self, folder: Path, model: Path, faces: Sequence[bytes]) -> None:
        self.images, self.watch = folder / "images", folder / "watch"
        self.images.mkdir()
        self.watch.mkdir()
        self._model = model
        spoilt = list(broken(faces[0]).values())
        for number in range(COUNT):
            content = spoilt[number // 5] if number % 5 == 3 else faces[number % 8]
            (self.images / f"{number:02}.png").write_bytes(content)
        (self.images / "notes.txt").touch()

    @property
    def environment(self) -> dict[str, str]:
        """Of processes that are watched."""
        path = os.pathsep.join([str(WATCHED), *filter(None, [os.environ.get("PYTHONPATH")])])
        return os.environ | {"PYTHONPATH": path, "WATCH": str(self.watch)}

    def start(
        self,
        out: Path | str,
        *words: str,
        images: str = "",
        limit: int | None = None,
        within: Sequence[str] = (),
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Begin a run.

        Args:
            out: its folder.
            words: of its command line.
            images: where they are, if not in its folder.
            limit: of the bytes of a file that it writes.
            within: the command that starts it.
            environment: what is to be known beside.
        """
        (self.watch / "opened").write_text("")
        (self.watch / "go").unlink(missing_ok=True)
        options = {"--out": str(out), "--model": str(self._model), "--part": str(SIZE), "--workers": "2"}
        named = [images or str(self.images), *(word for option in options.items() for word in option)]
        return subprocess.Popen(
            [*within, sys.executable, "-W", "error", "-m", "mien", "batch", *named, "--crop", "whole", *words],
            env=self.environment | environment,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        _, told = process.communicate(timeout=WAIT_S)
        assert "Traceback" not in told
        return process.returncode, told

    def opened(self) -> list[tuple[int, str]]:
        """Each file that was opened, by which process."""
        lines = (self.watch / "opened").read_text().splitlines()
        return [(int(process), name) for process, name in map(str.split, lines)]

    def wait_for(self, *names: str) -> list[int]:
        """Until these have been opened; by whom, in this order."""
        until(lambda: set(names) <= {name for _, name in self.opened()})
        by = {name: process for process, name in self.opened()}
        return [by[name] for name in names]

    def go(self) -> None:
        (self.watch / "go").touch()


def gone(*processes: int) -> None:
    """Wait until they are."""
    until(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))


def rows(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "rows").glob("*"))}


def state(out: Path) -> Any:
    return json.loads((out / "progress.json").read_text())
