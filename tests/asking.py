"""The reader in the browser: where its sources are, what tests ask of it, and how alike its answers must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEB = Path(__file__).parents[1] / "web"
MODULES = WEB / "node_modules"

Pixels = NDArray[np.uint8]
Ask = Callable[..., Any]
"""Asks the reader in Node, as the fixture `ask` does: `ask("resize", pixels, 10, 10, "bicubic")`."""

PX, COPY = 0.2, 1 / 1000  # px by which boxes and landmarks may differ, or sides of a photo that Python decodes smaller
SHARE = 0.03  # by which probabilities may differ: the network's integers fall to either side


def assert_alike(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """That two answers say the same, in the same form."""
    assert list(mine) == list(theirs)
    assert {**mine, "faces": len(mine["faces"])} == {**theirs, "faces": len(theirs["faces"])}
    px = max(PX, COPY * max(mine["width"], mine["height"]))
    for one, other in zip(mine["faces"], theirs["faces"], strict=True):
        assert list(one) == list(other)
        for name in ("label", "uncertain"):
            assert one[name] == other[name]
        assert [words(each) for each in one["reasons"]] == [words(each) for each in other["reasons"]]
        for name, most in (("box", px), ("landmarks", px), ("score", SHARE), ("not_a_face", SHARE)):
            np.testing.assert_allclose(one[name], other[name], rtol=0, atol=most)
        for name in ("probabilities", "votes"):
            assert list(one[name] or ()) == list(other[name] or ())
            np.testing.assert_allclose(shares(one[name]), shares(other[name]), rtol=0, atol=SHARE)


def shares(named: dict[str, float] | None) -> list[float]:
    return list((named or {}).values())


def words(reason: str) -> str:
    """Without numbers, which may be off by one in the last digit."""
    return reason.partition(" (")[0]
