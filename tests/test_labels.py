"""Label sets: spellings, order, and what a projection keeps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import LabelError, MienError
from mien.labels import (
    ALIASES,
    CKPLUS7,
    CODES,
    FER7,
    FERPLUS8,
    HAPPY_SAD,
    LABEL_SETS,
    NUMBERS,
    LabelSet,
    canonical,
    label_set,
    named_set,
    nearest,
    read_pairs,
    write_pairs,
)


@pytest.mark.parametrize(
    ("name", "emotion"),
    [
        ("", ""),
        ("happy", "happy"),
        (" Anger\n", "angry"),
        ("HAPPINESS", "happy"),
        ("Surprised", "surprise"),
        ("sadness", "sad"),
        ("Contempt", "contempt"),
        ("Bored", "bored"),
        ("calm", "calm"),
        ("neutrality", "neutral"),
        ("scared", "fear"),
        ("Suprise", "surprise"),
        ("suprize", "surprise"),
        ("Rage", "angry"),
        ("mad", "angry"),
        ("terrified", "fear"),
        ("unhappy", "unhappy"),
        ("sorrow", "sad"),
        ("JOYFUL", "happy"),
        ("disguist", "disgust"),
        ("AN", "an"),
        ("3", "3"),
    ],
)
def test_canonical(name: str, emotion: str) -> None:
    assert canonical(name) == emotion
    assert canonical(emotion) == emotion


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        (" , ,", []),
        ("a=b,c=", [["a", "b"], ["c", ""]]),
        ("a,b=c=d,=", [["a"], ["b", "c", "d"], ["", ""]]),
        (r"a\,b=c\=d", [["a,b", "c=d"]]),
        (r"\\=\a,b=c" + "\\", [["\\", r"\a"], ["b", "c\\"]]),
    ],
)
def test_pairs(text: str, pairs: list[list[str]]) -> None:
    assert read_pairs(text) == pairs


@given(st.dictionaries(st.text(alphabet="a \\,=\n", min_size=1), st.text(alphabet="b\\,=")))
def test_pairs_are_read_as_they_were_written(pairs: dict[str, str]) -> None:
    assert read_pairs(write_pairs(pairs)) == [list(pair) for pair in pairs.items()]


def test_every_alias_means_an_emotion_of_a_known_set() -> None:
    known = {emotion for labels in LABEL_SETS.values() for emotion in labels}
    assert set(ALIASES.values()) <= known
    assert not set(ALIASES) & known


def test_codes_and_numbers_mean_emotions_of_a_known_set() -> None:
    assert set(CODES.values()) == set(FER7)
    for emotions in NUMBERS.values():
        assert set(filter(None, emotions)) in (set(FER7), set(FERPLUS8))


@pytest.mark.parametrize(
    ("name", "emotion"),
    [
        ("", None),
        ("suprice", "surprise"),
        ("Hapy", "happy"),
        ("0_angry", "angry"),
        ("calm", None),
        ("bored", None),
        ("3", None),
        ("unhappy", None),
        ("unhapy", None),
        ("Unsurprised", None),
        ("nonneutral", None),
        ("not_happy", None),
        ("insad", None),
        ("undisgusted", None),
        ("dishappy", None),
        ("happyless", None),
        ("content", None),
        ("gladness", None),
        ("disgustd", "disgust"),
        ("hapiness", "happy"),
        ("2_sad", "sad"),
        ("2 - Sad", "sad"),
        ("sad_faces", "sad"),
        ("angry people", "angry"),
        ("happily surprised", None),
        ("not 1", None),
    ],
)
def test_nearest(name: str, emotion: str | None) -> None:
    assert nearest(name) == emotion


@pytest.mark.parametrize(
    ("labels", "emotions"),
    [
        (FER7, "angry disgust fear happy sad surprise neutral"),
        (FERPLUS8, "neutral happy surprise sad angry disgust fear contempt"),
        (CKPLUS7, "angry contempt disgust fear happy sad surprise"),
        (HAPPY_SAD, "happy sad"),
    ],
)
def test_order_of_the_known_sets(labels: LabelSet, emotions: str) -> None:
    assert list(labels) == emotions.split()
    assert label_set(labels.name) is labels
    assert named_set(tuple(emotions.title().split())) is labels


@pytest.mark.parametrize("emotions", [(), ("happy",), ("happy", "sad", "happy"), ("angry", "anger")])
def test_set_that_is_none(emotions: tuple[str, ...]) -> None:
    with pytest.raises(LabelError, match=r"needs at least two|names an emotion twice"):
        LabelSet("none", emotions)


@pytest.mark.parametrize("given", ["sad", None, 3, (1, 2), ("happy", None)])
def test_what_is_no_set_of_texts(given: Any) -> None:
    """Nor is a text that of its letters."""
    with pytest.raises(LabelError, match=re.escape(f"'mine' needs emotions, each a text of its own; got {given!r}")):
        LabelSet("mine", given)


@pytest.mark.parametrize("name", [None, 3, ["mine"]])
def test_what_is_no_name_of_a_set(name: Any) -> None:
    with pytest.raises(LabelError, match=re.escape(f"a label set's name is a text, got {name!r}")):
        LabelSet(name, ("happy", "sad"))


def test_emotions_may_come_one_by_one() -> None:
    given: Any = (emotion for emotion in ("Happiness", "sad"))
    assert LabelSet("mine", given).emotions == ("happy", "sad")


def test_what_is_no_label_is_in_no_set() -> None:
    wrong: Any = 3
    with pytest.raises(LabelError, match="3 is not in label set 'fer7'"):
        FER7.index(wrong)
    with pytest.raises(LabelError, match="expected a label set to express it in, got int"):
        HAPPY_SAD.project(np.array([0.5, 0.5]), wrong)


def test_membership_and_position_by_any_spelling() -> None:
    assert "Happiness" in FER7
    assert "contempt" not in FER7
    assert 3 not in FER7
    assert FER7.index("Happiness") == 3
    with pytest.raises(LabelError, match=r"'contempt' is not in label set 'fer7' \(angry, disgust"):
        FER7.index("contempt")


def test_unknown_set_lists_those_there_are() -> None:
    with pytest.raises(LabelError, match="no label set 'fer9'; there are fer7, ferplus8, ckplus7, happy-sad"):
        label_set("fer9")
    assert issubclass(LabelError, MienError)


def test_own_words_make_a_set_named_after_them() -> None:
    assert named_set(("Bored", "keen")) == LabelSet("bored-keen", ("bored", "keen"))
    assert named_set(("sad", "happy")).name == "sad-happy"


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        (np.empty((0, 7)), np.empty((0, 2))),
        ([0, 0, 0, 0.6, 0.2, 0.2, 0], [0.75, 0.25]),
        ([[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0]], [[0.5, 0.5], [0, 1]]),
    ],
)
def test_projection(probabilities: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(FER7.project(np.array(probabilities), HAPPY_SAD), expected)


@pytest.mark.parametrize(
    ("source", "target", "lacking"), [(FER7, CKPLUS7, "contempt"), (HAPPY_SAD, FER7, "angry, disgust")]
)
def test_projection_onto_what_the_source_lacks(source: LabelSet, target: LabelSet, lacking: str) -> None:
    with pytest.raises(LabelError, match=f"it has no {lacking}"):
        source.project(np.full(len(source), 1 / len(source)), target)


def test_projection_of_the_wrong_number() -> None:
    with pytest.raises(LabelError, match=r"expected 7 probabilities for 'fer7', got shape \(2, 8\)"):
        FER7.project(np.zeros((2, 8)), HAPPY_SAD)


@pytest.mark.parametrize(("given", "kind"), [("much", "str"), ({"happy": 1}, "dict"), ([[0.5], "much"], "list")])
def test_projection_of_no_array(given: Any, kind: str) -> None:
    with pytest.raises(LabelError, match=f"expected probabilities as an array, got {kind}$"):
        FER7.project(given, HAPPY_SAD)


weights = st.lists(st.floats(0, 1), min_size=8, max_size=8).filter(lambda values: sum(values) > 1e-6)


@given(weights, st.sampled_from([FER7, FERPLUS8, CKPLUS7, HAPPY_SAD]))
def test_projection_is_a_distribution_with_the_sources_ratios(values: list[float], target: LabelSet) -> None:
    source = np.array(values) / sum(values)
    result = FERPLUS8.project(source, target)
    kept = source[[FERPLUS8.index(emotion) for emotion in target]]
    assert result.min() >= 0
    assert result.sum() == pytest.approx(1)
    if kept.sum() > 0:
        np.testing.assert_allclose(result * kept.sum(), kept, atol=1e-12)
    else:
        np.testing.assert_allclose(result, 1 / len(target))


@given(weights, st.permutations(FERPLUS8.emotions))
def test_projection_onto_the_same_emotions_only_reorders(values: list[float], order: list[str]) -> None:
    source = np.array(values) / sum(values)
    there = LabelSet("reordered", tuple(order))
    np.testing.assert_allclose(there.project(FERPLUS8.project(source, there), FERPLUS8), source, atol=1e-12)


@pytest.mark.parametrize("target", LABEL_SETS.values(), ids=LABEL_SETS)
def test_a_row_alone_and_among_others_gives_the_same_bits(target: LabelSet) -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(8), 50)
    together = FERPLUS8.project(rows, target)
    assert np.array_equal(together, np.concatenate([FERPLUS8.project(row[np.newaxis], target) for row in rows]))
