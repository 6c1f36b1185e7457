"""How far answers move once faces are changed in one thing."""

from __future__ import annotations

from dataclasses import dataclass

from mien import shares
from mien.report.answers import Answers


@dataclass(frozen=True)
class Moved:
    """What a change does to the answers; of the faces that were changed.

    Args:
        n: how many.
        moved: the share that gets another answer, or none, and its 95% interval.
        lost: the share in which no face is found any more.
        drift: how much probability moves to other emotions on average, 0..1 (total variation).
        before, after: the share that is right as they are, and changed.
    """

    n: int
    moved: float
    moved_interval: tuple[float, float]
    lost: float
    drift: float
    before: float
    after: float


def moves(answers: Answers) -> dict[str, Moved]:
    """By change, where faces were changed."""
    people, found = shares.numbered(answers.people), {}
    for name, changed in answers.changed.items():
        rows = changed.asked
        if rows.any():
            moved = changed.moved[rows]
            found[name] = Moved(
                n=int(rows.sum()),
                moved=float(moved.mean()),
                moved_interval=shares.interval(moved, people[rows].tolist()),
                lost=1 - float(changed.found[rows].mean()),
                drift=float(changed.drift[rows].mean()),
                before=float(answers.right[rows].mean()),
                after=float(changed.right[rows].mean()),
            )
    return found
