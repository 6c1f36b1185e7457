"""What is installed of mien: its parts, which are the package's extras, and what each of them adds."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

PACKAGE = "mien"
ADDS = {
    "parquet": "tables as Parquet files, and datasets in them",
    "batch": "runs over many images, in tables, archives and object stores",
    "cluster": "such runs on the machines of a Ray cluster",
    "heic": "photos of iPhones",
    "video": "videos, cameras and streams",
    "report": "plots in reports",
    "train": "training and export, with PyTorch",
    "serve": "the service with its pages",
    "app": "the app in a browser",
    "live": "the app with a moving camera",
    "notebooks": "the three notebooks",
}
"""Parts for users, and what they add."""

NEED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[(?P<part>\w+)\])?[^;]*;(?P<where>.*)extra == ['\"](?P<extra>\w+)['\"]")


@dataclass(frozen=True)
class Part:
    """A part of mien.

    Args:
        name: of the extra, as in `pip install 'mien[name]'`.
        adds: what it is for.
        missing: the packages that it needs and that are not there; where there are none, it is installed.
    """

    name: str
    adds: str
    missing: tuple[str, ...]


def parts() -> tuple[Part, ...]:
    """mien's parts, in the order in which a newcomer meets them; packages are there or not, however old they are."""
    return tuple(Part(name, adds, tuple(filter(_absent, sorted(set(_needs(name)))))) for name, adds in ADDS.items())


def _needs(part: str) -> Iterator[str]:
    """The packages of a part, and of those that it includes."""
    for need in map(NEED.match, requires(PACKAGE) or ()):
        if need is None or need["extra"] != part or (sys.platform == "win32" and "win32" in need["where"]):
            continue
        if need["name"] == PACKAGE:
            yield from _needs(need["part"])
        else:
            yield need["name"]


def _absent(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return True
    return False
