"""What `deploy/` ships, as the tests of it read it: YAML, a systemd unit, a Dockerfile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def compose() -> Any:
    return yaml.safe_load(text("compose.yaml"))


def kubernetes() -> dict[str, Any]:
    """The manifest's objects by kind, of which there is one each."""
    objects = list(yaml.safe_load_all(text("kubernetes.yaml")))
    return {each["kind"]: each for each in objects}


def unit() -> dict[str, list[str]]:
    """The unit's settings, each with its values in their order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text("mien.service"), re.M):
        found.setdefault(name, []).append(value)
    return found


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions: each its word and the rest, on one line."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def assigned(words: str) -> dict[str, str]:
    """The variables of an ENV instruction."""
    return dict(re.findall(r"(\w+)=(\S+)", words))


def swapped(of: str, changes: Mapping[str, str]) -> str:
    """A text with some of its words replaced, each of which must be there once."""
    for old, new in changes.items():
        assert of.count(old) == 1, old
        of = of.replace(old, new)
    return of
