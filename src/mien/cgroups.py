"""Control groups: where Linux tells what a service, a container or a job leaves its processes, of version 1 or 2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROCESS = Path("/proc/self")


def control_groups(process: Path = PROCESS) -> list[Path]:
    """Folders of the control groups that a process is in, and of those above, as far as they are to be seen.

    None where there is no Linux, or one that tells of itself in another way.

    Args:
        process: where Linux tells of a process.
    """
    try:
        return list(_groups(process))
    except (OSError, ValueError):
        return []


def words(path: Path) -> list[str]:
    """What a file says; nothing where there is none."""
    try:
        return path.read_text().split()
    except OSError:
        return []


def _groups(process: Path) -> Iterator[Path]:
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    for line in (process / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for mount in mounts:
            kind, _, options = mount[mount.index("-") + 1 :][:3]
            if kind != ("cgroup" if controllers else "cgroup2"):  # version 1, or 2
                continue
            if not {*controllers.split(",")} <= {"", *options.split(",")}:
                continue
            root, top = mount[3], Path(mount[4].replace("\\040", " "))
            below = Path(os.path.relpath(path, root))
            folder = top if ".." in below.parts else top / below  # a container may take its own group for the top
            yield from (each for each in (folder, *folder.parents) if each.is_relative_to(top))
