"""Label sets: which emotions a model speaks of, in which order, and how one set is expressed in another.

Emotions are lower-case English words: the convention fixed here for every file, table and plot.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import LabelError

NEAR = 0.78  # of two words' letters are the same, as `difflib` counts

ALIASES = {
    # FER+ (columns of fer2013new.csv), CK+, RAF-DB and AffectNet (names of their classes), Oulu-CASIA, TFEID: nouns
    "anger": "angry",
    "happiness": "happy",
    "sadness": "sad",
    # KDEF, RaFD and the people folders: adjectives
    "afraid": "fear",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "surprised": "surprise",
    # ADFES (joy), people folders (natural), and tables by authors of other languages: synonyms
    "frightened": "fear",
    "terrified": "fear",
    "joy": "happy",
    "joyful": "happy",
    "mad": "angry",
    "natural": "neutral",
    "neutrality": "neutral",
    "rage": "angry",
    "scared": "fear",
    "sorrow": "sad",
    "sorrowful": "sad",
    # misspelled folders and tables, as people share them
    "angery": "angry",
    "angre": "angry",
    "contemp": "contempt",
    "contemt": "contempt",
    "digust": "disgust",
    "disguist": "disgust",
    "disguisted": "disgust",
    "disgut": "disgust",
    "happines": "happy",
    "happyness": "happy",
    "netural": "neutral",
    "nuetral": "neutral",
    "neutrel": "neutral",
    "sadnes": "sad",
    "suprise": "surprise",
    "suprised": "surprise",
    "suprize": "surprise",
    "surpise": "surprise",
    "surprize": "surprise",
    "surprized": "surprise",
}
"""Spellings found in published datasets, and the emotion each one means.

Words that some datasets use as classes of their own (calm, bored, smile, unhappy) mean nothing but themselves.
"""

NEGATION = re.compile(r"^(?:un|in|dis|non?|not|anti)[\W_]*|[\W_]*(?:less|free|not)$")
"""What turns a word round: `unhappy` is neither happy nor, for those who have both as classes, sad."""

BESIDE = frozenset(("class", "emotion", "expression", "face", "faces", "images", "label", "people", "photos"))
"""Words that say nothing beside an emotion."""

LOOKALIKES = frozenset(
    ("brightened", "content", "danger", "distrust", "gladness", "lightened", "tearful", "terrific", "tightened")
)
"""Words spelled nearly as an emotion that mean another thing, or even its opposite."""

CODES = {
    "af": "fear",
    "an": "angry",
    "di": "disgust",
    "fe": "fear",
    "ha": "happy",
    "ne": "neutral",
    "sa": "sad",
    "su": "surprise",
}
"""Two letters in the file names of KDEF (Lundqvist et al., 1998) and JAFFE (Lyons et al., 1998), not spellings."""

NUMBERS = {
    "FER2013, ExpW": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "AffectNet": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    "RAF-DB": ("", "surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
}
"""Emotions by their number, from 0, where datasets number them (RAF-DB from 1), each its own way: a number alone means
nothing. ExpW: Zhang et al., 2018. AffectNet: Mollahosseini et al., 2017. RAF-DB: Li et al., 2017."""


PAIRED = re.compile(r"\\[\\,=]|.", re.DOTALL)
"""A sign of a text of pairs, with the backslash before it that takes its meaning."""


def read_pairs(text: str) -> list[list[str]]:
    """Words and what belongs to each: `"a=b,c=d"` -> `[["a", "b"], ["c", "d"]]`. Those with no or two `=` come as such.

    A comma, an equals sign or a backslash behind a backslash is one of a word. Nothing between two commas is no pair.
    """
    pairs = [[""]]
    for sign in PAIRED.findall(text):
        if sign == ",":
            pairs.append([""])
        elif sign == "=":
            pairs[-1].append("")
        else:
            pairs[-1][-1] += sign[-1]
    return [pair for pair in pairs if len(pair) > 1 or pair[0].strip()]


def write_pairs(pairs: Mapping[str, object]) -> str:
    """The text that `read_pairs` reads as these."""
    return ",".join("=".join(re.sub(r"[\\,=]", r"\\\g<0>", str(word)) for word in pair) for pair in pairs.items())


def canonical(name: str) -> str:
    """The emotion meant by a spelling: `" Anger"` -> `"angry"`. Unknown words come back in lower case, their letters
    with marks as one sign each, which macOS writes as two in the names of folders."""
    word = name.strip().lower()
    if not word.isascii():
        from unicodedata import normalize  # here, since most never need it

        word = normalize("NFC", word)
    return ALIASES.get(word, word)


def nearest(name: str) -> str | None:
    """The emotion whose spelling is nearest to a word that is none: `"hapy"` -> `"happy"`; `None` if none is near.

    Nor is one near to a word that means something else, or what the emotion is not: `"unhappy"`, `"content"`. Numbers
    and words that say nothing stand beside it: `"2 - sad"`, `"sad_faces"`.
    """
    word = canonical(name)
    said = [part for part in re.split(r"[\W\d_]+", word) if part and part not in BESIDE]
    if len(said) == 1 and (known := canonical(said[0])) in FERPLUS8:
        return known
    kept = NEGATION.sub("", word)
    if word in LOOKALIKES or (kept != word and _nearest(kept)):
        return None
    return _nearest(word)


def _nearest(word: str) -> str | None:
    near = difflib.get_close_matches(word, [*FERPLUS8, *ALIASES], n=1, cutoff=NEAR)
    return canonical(near[0]) if near else None


@dataclass(frozen=True)
class LabelSet:
    """An ordered set of emotions; the order is that of a model's outputs.

    Sets of the same emotions in the same order are equal, whatever they are called.

    Args:
        name: short name, such as `"fer7"`.
        emotions: at least two distinct canonical names.

    Raises:
        LabelError: fewer than two emotions, or one named twice (also by an alias), or a text in place of names.
    """

    name: str = field(compare=False)
    emotions: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise LabelError(f"a label set's name is a text, got {self.name!r}")
        several = isinstance(self.emotions, Iterable) and not isinstance(self.emotions, str)  # letters are no names
        given: tuple[object, ...] = tuple(self.emotions) if several else ()
        if not several or not all(isinstance(emotion, str) for emotion in given):
            raise LabelError(f"label set {self.name!r} needs emotions, each a text of its own; got {self.emotions!r}")
        emotions = tuple(canonical(str(emotion)) for emotion in given)
        object.__setattr__(self, "emotions", emotions)
        if len(emotions) < 2:
            raise LabelError(f"label set {self.name!r} needs at least two emotions, got {list(emotions)}")
        if len(set(emotions)) != len(emotions):
            raise LabelError(f"label set {self.name!r} names an emotion twice: {list(emotions)}")

    @property
    def words(self) -> str:
        """The set in a person's words, where it is a known one; else its name."""
        return _WORDS.get(self.name, self.name)

    def __len__(self) -> int:
        return len(self.emotions)

    def __iter__(self) -> Iterator[str]:
        return iter(self.emotions)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and canonical(name) in self.emotions

    def index(self, name: str) -> int:
        """Position of an emotion, by any of its spellings. Raises `LabelError` if it is not in the set."""
        try:
            return self.emotions.index(canonical(name))
        except (ValueError, AttributeError):
            raise LabelError(f"{name!r} is not in label set {self.name!r} ({', '.join(self.emotions)})") from None

    def project(self, probabilities: NDArray[Any], target: LabelSet) -> NDArray[np.float64]:
        """Probabilities over this set expressed in another: shared emotions kept, renormalised.

        Args:
            probabilities: shape (..., len(self)), rows that sum to 1.
            target: the set to express them in.

        Returns:
            Shape (..., len(target)), rows that sum to 1; uniform where the shared emotions had no probability at all.

        Raises:
            LabelError: the target has an emotion that this set lacks.
        """
        if not isinstance(target, LabelSet):
            raise LabelError(f"expected a label set to express it in, got {type(target).__name__}")
        try:
            values = np.asarray(probabilities, np.float64)
        except (TypeError, ValueError) as error:
            raise LabelError(f"expected probabilities as an array, got {type(probabilities).__name__}") from error
        if values.shape[-1:] != (len(self),):
            raise LabelError(f"expected {len(self)} probabilities for {self.name!r}, got shape {values.shape}")
        if missing := [emotion for emotion in target if emotion not in self]:
            raise LabelError(f"{self.name!r} cannot be expressed in {target.name!r}: it has no {', '.join(missing)}")
        kept = values.take([self.index(emotion) for emotion in target], -1)  # by rows, so each row adds up alike
        total = kept.sum(-1, keepdims=True)
        projected: NDArray[np.float64] = np.full_like(kept, 1 / len(target))
        np.divide(kept, total, out=projected, where=total > 0)
        return projected


FER7 = LabelSet("fer7", ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"))
"""FER2013's labels, in FER2013's order (Goodfellow et al., 2013)."""

FERPLUS8 = LabelSet("ferplus8", ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"))
"""FER+'s labels, in FER+'s order (Barsoum et al., ICMI 2016)."""

CKPLUS7 = LabelSet("ckplus7", ("angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"))
"""The seven expressions of CK+ (Lucey et al., 2010): with contempt, without neutral."""

HAPPY_SAD = LabelSet("happy-sad", ("happy", "sad"))

FACE = LabelSet("face", ("face", "not-a-face"))
"""What a crop shows at all: no label set to answer in, but one to learn from FER+'s votes."""

_WORDS = {
    FERPLUS8.name: "eight expressions",
    FER7.name: "seven expressions",
    CKPLUS7.name: "seven, with contempt",
    HAPPY_SAD.name: "happy or sad",
}

LABEL_SETS = {label_set.name: label_set for label_set in (FER7, FERPLUS8, CKPLUS7, HAPPY_SAD)}


def label_set(name: str, able: Collection[str] = LABEL_SETS) -> LabelSet:
    """A label set by its name. Raises `LabelError`, listing those of `able`, the known ones first."""
    try:
        return LABEL_SETS[name]
    except KeyError:
        there = [*(each for each in LABEL_SETS if each in able), *(each for each in able if each not in LABEL_SETS)]
        raise LabelError(f"no label set {name!r}; there are {', '.join(there)}") from None


def named_set(emotions: tuple[str, ...]) -> LabelSet:
    """The label set with exactly these emotions in this order: a known one, or one named after its emotions."""
    emotions = tuple(canonical(emotion) for emotion in emotions)
    for known in LABEL_SETS.values():
        if known.emotions == emotions:
            return known
    return LabelSet("-".join(emotions), emotions)
