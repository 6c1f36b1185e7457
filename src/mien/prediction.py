"""What was read in an image: frozen types that check themselves, with one JSON form wherever they go."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Literal, overload

from mien.errors import MienError
from mien.face import Face

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BOX_DIGITS = 2
SHARE_DIGITS = 6
FACES_SHOWN = 3  # by `repr`
LOW = "low confidence"

Method = Literal["cam", "occlusion"]
METHODS: tuple[Method, ...] = ("cam", "occlusion")
LOST_DIGITS = 4
HIDDEN = 1 / 4  # of the crop's side, that is hidden at once
PLACES = (
    "at the top left",
    "at the top",
    "at the top right",
    "at the left",
    "in the middle",
    "at the right",
    "at the bottom left",
    "at the bottom",
    "at the bottom right",
)
"""Thirds of a crop, row by row."""


def percent(share: float) -> str:
    """A confidence of 0..1 in words, rounded down: 100% is said of certainty alone. Counted shares: `percentage`."""
    return f"{math.floor(share * 100 + 1e-9)}%"


def reliable(threshold: float) -> str:
    """What a threshold of 0..1 makes of confidence: `"reliable from 62%"`, or `"never reliable"` where it is 1."""
    return f"reliable from {math.ceil(100 * threshold - 1e-9)}%" if threshold < 1 else "never reliable"


AT_ONCE, LEAST = 3, 0.01
"""How many expressions a page shows unasked, and the share from which it does."""

Ranks = list[tuple[str, float]]


def ranked(expression: Expression) -> tuple[Ranks, Ranks]:
    """Emotions and their probabilities, the most probable first: those that a page shows at once, and the others."""
    ranks = sorted(expression.probabilities.items(), key=lambda each: -each[1])
    first = [each for each in ranks[:AT_ONCE] if each[1] >= LEAST or each is ranks[0]]
    return first, ranks[len(first) :]


@overload
def is_sure(confidence: float, threshold: float) -> bool: ...


@overload
def is_sure(confidence: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]: ...


def is_sure(confidence: Any, threshold: float) -> Any:
    """Whether a confidence, 0..1, or each of an array, may be relied on: from a threshold on; never where that is 1.

    Infinity always may: it stands for a head that has no opinion on the answer.
    """
    return confidence >= threshold if threshold < 1 else confidence > 1


def unsure(confidence: float, threshold: float, head: str = "") -> tuple[str, ...]:
    """The reason not to rely on a confidence, by a threshold; none where it may be relied on, see `is_sure`.

    Args:
        head: whose confidence it is, where that is another than the one that answers.
    """
    if is_sure(confidence, threshold):
        return ()
    return (f"{LOW}{f' by {head} labels' if head else ''} ({percent(confidence)}, {reliable(threshold)})",)


class Shares(dict[str, float]):
    """A share by emotion: a dict that does not change, and so can be hashed."""

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("the shares of an expression do not change; dict(shares) may")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[Shares], tuple[dict[str, float]]]:
        return Shares, (dict(self),)


@dataclass(frozen=True)
class Explanation:
    """How much each part of a face speaks for an answer.

    Args:
        method: `cam`, where a part is left out of what the network has found; `occlusion`, where it is hidden from it.
        lost: square, row by row from the top left, -1..1: how much of the confidence is lost without that part; below 0
            where some is gained. The parts lie side by side (`cam`), or each half over the next (`occlusion`).
    """

    method: Method
    lost: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if not self.lost or any(len(row) != len(self.lost) for row in self.lost):
            raise MienError(f"an explanation is square, got rows of {', '.join(str(len(row)) for row in self.lost)}")

    @property
    def most(self) -> float:
        """What is lost without the part that counts most."""
        return max(map(max, self.lost))

    @property
    def where(self) -> str:
        """Where that part lies: `"at the top left"`, or another of `PLACES`."""
        row = max(range(len(self.lost)), key=lambda at: max(self.lost[at]))
        column = self.lost[row].index(max(self.lost[row]))
        down, across = (math.floor(3 * self.middles[at]) for at in (row, column))
        return PLACES[3 * down + across]

    @property
    def middles(self) -> tuple[float, ...]:
        """Where the middles of the rows lie, and those of the columns: 0..1 of the crop's side."""
        parts = len(self.lost)
        margin = HIDDEN / 2 if self.method == "occlusion" else 1 / (2 * parts)
        return tuple(margin + (1 - 2 * margin) * at / max(parts - 1, 1) for at in range(parts))

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: shares with four decimals."""
        lost = [[round(share, LOST_DIGITS) for share in row] for row in self.lost]
        return {"method": self.method, "where": self.where, "lost": lost}


@dataclass(frozen=True)
class Expression:
    """How likely most people would be to choose each emotion for a face.

    Args:
        probabilities: by emotion, in the order of the label set; each 0..1, together 1.
        reasons: why the answer should not be relied on, as sentences; empty when it may be.
        not_a_face: the share of people who would say that this is no face, 0..1; None where the model cannot tell.
        votes: of the people who would choose one of these emotions, the share for each, together 1; None where votes
            did not teach the model.
        explanation: what the label hangs on, where that was asked for (see `explain.explained`).

    Raises:
        MienError: fewer than two probabilities, or they are not together 1.
    """

    probabilities: Mapping[str, float]
    reasons: tuple[str, ...] = ()
    not_a_face: float | None = None
    votes: Mapping[str, float] | None = None
    explanation: Explanation | None = None

    def __post_init__(self) -> None:
        values = self.probabilities.values()
        if len(values) < 2 or not (min(values) >= 0 and max(values) <= 1 and abs(sum(values) - 1) <= 1e-3):
            raise MienError(
                f"an expression needs probabilities of two or more emotions, together 1; got {dict(self.probabilities)}"
            )
        if not isinstance(self.probabilities, Shares):
            object.__setattr__(self, "probabilities", Shares(self.probabilities))
        if self.votes is not None and not isinstance(self.votes, Shares):
            object.__setattr__(self, "votes", Shares(self.votes))

    def __repr__(self) -> str:
        return f"Expression({self})"

    def __str__(self) -> str:
        """`happy 97%`, or `sad? 41% (blurred)`."""
        why = f" ({'; '.join(self.reasons)})" if self.uncertain else ""
        return f"{self.label}{'?' if self.uncertain else ''} {percent(self.confidence)}{why}"

    @property
    def label(self) -> str:
        """The most probable emotion; the first of equals."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of `label`, 0..1."""
        return self.probabilities[self.label]

    @property
    def uncertain(self) -> bool:
        """Whether there is any reason not to rely on the answer."""
        return bool(self.reasons)

    @property
    def low(self) -> bool:
        """Whether low confidence, of the head that answers or of one that is asked too, is among the reasons."""
        return any(reason.startswith(LOW) for reason in self.reasons)


@dataclass(frozen=True)
class Reading:
    """A face and its expression.

    Args:
        face: its box clipped to the image.
        expression: what most people would say of it.
    """

    face: Face
    expression: Expression

    def __repr__(self) -> str:
        return f"Reading({self.expression}, {self.face!r})"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, as of a `Prediction`."""
        expression, label = self.expression, self.expression.label
        nobody, votes, explanation = expression.not_a_face, expression.votes, expression.explanation
        return {
            "box": [round(edge, BOX_DIGITS) for edge in self.face.box_xyxy],
            "landmarks": [[round(at, BOX_DIGITS) for at in point] for point in self.face.landmarks_xy],
            "score": round(self.face.score, SHARE_DIGITS),
            "label": label,
            "confidence": round(expression.probabilities[label], SHARE_DIGITS),
            "probabilities": _rounded(expression.probabilities),
            "uncertain": expression.uncertain,
            "reasons": list(expression.reasons),
            "not_a_face": None if nobody is None else round(nobody, SHARE_DIGITS),
            "votes": None if votes is None else _rounded(votes),
            **({"explanation": explanation.to_dict()} if explanation else {}),
        }


@dataclass(frozen=True)
class Prediction:
    """One image: its size and the faces in it, or why it could not be read. Never a silent skip.

    Args:
        source: what the image was read from, as `intake.describe` puts it.
        width: of the upright image in px; 0 where it could not be read.
        height: likewise.
        faces: the largest first.
        reasons: why there are no faces, where the image was read and none was found.
        error: why the image could not be read, or None.
        notes: what is to be said of how the image was read, such as that the file has more of them; most often none.

    Raises:
        MienError: neither a size nor an error, or an error with more beside it, or reasons beside faces.
    """

    source: str
    width: int
    height: int
    faces: tuple[Reading, ...] = ()
    reasons: tuple[str, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.error is None and not (self.width > 0 and self.height > 0):
            raise MienError(f"a prediction has a size or an error, got {self.width} x {self.height} and no error")
        if self.error is not None and (self.faces or self.reasons or self.notes or self.width or self.height):
            raise MienError("a prediction with an error has no size, no faces, no reasons and no notes")
        if bool(self.faces) and bool(self.reasons):
            raise MienError("a prediction with faces gives its reasons with each face")

    def __repr__(self) -> str:
        if self.error is not None:
            return f"Prediction({self.source!r}, error: {self.error})"
        said = [str(reading.expression) for reading in self.faces[:FACES_SHOWN]] or list(self.reasons)
        more = len(self.faces) - FACES_SHOWN
        return (
            f"Prediction({self.source!r}, {self.width} x {self.height}: "
            f"{', '.join(said)}{f', and {more} more' if more > 0 else ''})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: boxes and landmarks in px with two decimals, probabilities with six."""
        return {
            "source": self.source,
            "width": self.width,
            "height": self.height,
            "faces": [reading.to_dict() for reading in self.faces],
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "error": self.error,
        }


@dataclass
class Totals:
    """How many images there are, and faces; how many of these are uncertain, of those without a face or not read."""

    images: int = 0
    faces: int = 0
    uncertain: int = 0
    faceless: int = 0
    unread: int = 0

    @classmethod
    def of(cls, predictions: Iterable[Prediction]) -> Totals:
        totals = Totals()
        for prediction in predictions:
            totals.add(prediction)
        return totals

    def add(self, prediction: Prediction) -> None:
        self.images += 1
        self.faces += len(prediction.faces)
        self.uncertain += sum(face.expression.uncertain for face in prediction.faces)
        self.faceless += prediction.error is None and not prediction.faces
        self.unread += prediction.error is not None


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return dict(zip(shares, map(round, shares.values(), repeat(SHARE_DIGITS)), strict=False))
