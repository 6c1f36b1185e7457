"""Targets and loss: what each head is taught, and against a computation by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from mien.datasets import Dataset, Example
from mien.labels import FACE, FER7, FERPLUS8, HAPPY_SAD, LabelSet
from mien.training.batches.targets import Target, loss, targets
from mien.training.recipes.recipe import Head, Heads

BOTH = Heads(labels=Head(), votes=Head())
NOBODY = ()


def dataset(*rows: tuple[str, tuple[int, ...]], labels: LabelSet = FER7) -> Dataset:
    """Examples of labels and votes; their images are never read."""
    examples = tuple(Example(str(n), b"", label, votes=votes) for n, (label, votes) in enumerate(rows))
    return Dataset(Path("data"), "made up", labels, examples)


def voted(unknown: int = 0, not_a_face: int = 0, **emotions: int) -> tuple[int, ...]:
    return (*(emotions.get(emotion, 0) for emotion in FERPLUS8), unknown, not_a_face)


def target(distribution: list[list[float]], mask: list[float] | None = None, weight: float = 1.0) -> Target:
    rows = torch.tensor(distribution)
    return Target(HAPPY_SAD, weight, rows, torch.tensor(mask) if mask else torch.ones(len(rows)))


@pytest.mark.parametrize(
    ("heads", "votes", "names"),
    [
        (BOTH, NOBODY, ["fer7"]),
        (BOTH, voted(happy=10), ["ferplus8", "fer7"]),
        (Heads(), voted(happy=10), ["fer7"]),
        (Heads(labels=None, votes=Head()), voted(happy=10), ["ferplus8"]),
        (Heads(labels=None, votes=Head()), NOBODY, []),
    ],
)
def test_which_heads_a_dataset_can_teach(heads: Heads, votes: tuple[int, ...], names: list[str]) -> None:
    assert list(targets(dataset(("happy", votes)), heads)) == names


def test_a_head_of_ones_own_labels() -> None:
    mine = LabelSet("tired-wide awake", ("tired", "wide awake"))
    found = targets(dataset(("wide awake", NOBODY), ("tired", NOBODY), labels=mine), Heads())["tired-wide awake"]
    assert found.labels == mine
    assert found.distribution.tolist() == [[0, 1], [1, 0]]
    assert found.mask.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("smoothing", "wrong", "right"), [(0.0, 0.0, 1.0), (0.1, 0.05, 0.95), (0.5, 0.25, 0.75), (1.0, 0.5, 0.5)]
)
def test_smoothing_spreads_its_share_evenly(smoothing: float, wrong: float, right: float) -> None:
    found = targets(dataset(("sad", NOBODY), labels=HAPPY_SAD), Heads(labels=Head(smoothing=smoothing)))["happy-sad"]
    assert found.distribution.tolist() == [pytest.approx([wrong, right])]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_what_is_taught_is_a_distribution(smoothing: float) -> None:
    head = Head(smoothing=smoothing)
    rows = [("happy", voted(happy=6, neutral=3, unknown=1)), ("sad", voted(sad=1)), ("fear", voted(fear=5, surprise=5))]
    found = targets(dataset(*rows), Heads(labels=head, votes=head))
    for each in found.values():
        assert each.mask.tolist() == [1, 1, 1]
        assert each.distribution.dtype == torch.float32
        assert each.distribution.min() >= 0
        assert each.distribution.sum(1).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    ("votes", "taught", "shares"),
    [
        (NOBODY, False, {}),
        (voted(), False, {}),
        (voted(happy=10), True, {"happy": 1.0}),
        (voted(happy=6, sad=2, contempt=2), True, {"happy": 0.6, "sad": 0.2, "contempt": 0.2}),
        (voted(happy=5, neutral=5), True, {"happy": 0.5, "neutral": 0.5}),
        (voted(happy=6, unknown=2, not_a_face=2), True, {"happy": 1.0}),
        (voted(happy=3, sad=3, unknown=2, not_a_face=2), True, {"happy": 0.5, "sad": 0.5}),
        (voted(happy=4, unknown=6), False, {}),
        (voted(happy=4, not_a_face=6), False, {}),
        (voted(not_a_face=10), False, {}),
        (voted(happy=5, unknown=5), False, {}),
        (voted(happy=3, sad=3, unknown=4), False, {}),
    ],
)
def test_votes_are_shares_and_those_won_by_no_emotion_are_out(
    votes: tuple[int, ...], taught: bool, shares: dict[str, float]
) -> None:
    data = dataset(("happy", voted(happy=10)), ("happy", votes))
    found = targets(data, BOTH)["ferplus8"]
    assert found.mask.tolist() == [1, float(taught)]
    if taught:
        expected = [shares.get(emotion, 0.0) for emotion in FERPLUS8]
        assert found.distribution[1].tolist() == pytest.approx(expected)


def test_labels_are_taught_whatever_the_votes() -> None:
    found = targets(dataset(("happy", voted(not_a_face=10)), ("sad", NOBODY)), BOTH)
    assert found["fer7"].mask.tolist() == [1, 1]
    assert found["ferplus8"].mask.tolist() == [0, 0]


def test_rows() -> None:
    whole = target([[1, 0], [0, 1], [0.5, 0.5]], [1, 0, 1], weight=2)
    some = whole.rows(torch.tensor([2, 0]))
    assert some.distribution.tolist() == [[0.5, 0.5], [1, 0]]
    assert some.mask.tolist() == [1, 1]
    assert (some.labels, some.weight) == (whole.labels, whole.weight)
    assert whole.rows(torch.tensor([], dtype=torch.long)).distribution.shape == (0, 2)


LN2, LN3, LN4 = math.log(2), math.log(3), math.log(4)
THREE_TO_ONE = [LN3, 0.0]  # softmax: 3/4 and 1/4


@pytest.mark.parametrize(
    ("logits", "given", "expected"),
    [
        ([[0.0, 0.0]], target([[1, 0]]), LN2),
        ([THREE_TO_ONE], target([[1, 0]]), LN4 - LN3),
        ([THREE_TO_ONE], target([[0, 1]]), LN4),
        ([THREE_TO_ONE], target([[0.5, 0.5]]), LN4 - LN3 / 2),
        ([THREE_TO_ONE], target([[0, 1]], weight=3), 3 * LN4),
        ([THREE_TO_ONE, [0.0, 0.0]], target([[0, 1], [1, 0]]), (LN4 + LN2) / 2),
        ([THREE_TO_ONE, [0.0, 0.0]], target([[0, 1], [1, 0]], [1, 0]), LN4),
        ([THREE_TO_ONE, [0.0, 0.0]], target([[0, 1], [1, 0]], [0, 0]), 0),
        ([[1e4, -1e4]], target([[0, 1]]), 2e4),
    ],
)
def test_loss_by_hand(logits: list[list[float]], given: Target, expected: float) -> None:
    assert loss({"head": torch.tensor(logits)}, {"head": given}).item() == pytest.approx(expected, abs=1e-6)


def test_heads_add_up_by_weight() -> None:
    logits = {"one": torch.tensor([THREE_TO_ONE]), "two": torch.tensor([[0.0, 0.0]])}
    batch = {"one": target([[0, 1]], weight=0.5), "two": target([[1, 0]], weight=2)}
    assert loss(logits, batch).item() == pytest.approx(0.5 * LN4 + 2 * LN2)


def test_nothing_is_learned_from_what_is_masked() -> None:
    logits = torch.zeros((3, 2), requires_grad=True)
    loss({"head": logits}, {"head": target([[1, 0], [0, 1], [1, 0]], [1, 0, 1])}).backward()
    assert logits.grad is not None
    assert logits.grad.tolist() == [pytest.approx([-0.25, 0.25]), [0, 0], pytest.approx([-0.25, 0.25])]


@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.6, 0.4], [0.5, 0.5]])
def test_no_answer_beats_the_entropy_of_the_votes(shares: list[float]) -> None:
    given = target([shares])
    floor = -sum(share * math.log(share) for share in shares)
    assert loss({"head": torch.tensor([shares]).log()}, {"head": given}).item() == pytest.approx(floor)
    for logit in torch.linspace(-6, 6, 49):
        assert loss({"head": torch.stack([logit, torch.zeros(())])[None]}, {"head": given}).item() >= floor - 1e-6


def test_half_precision_logits_are_compared_in_full() -> None:
    half = torch.tensor([[LN3, 0.1], [5.3, -2.7]]).bfloat16()
    given = target([[0.3, 0.7], [0.9, 0.1]])
    value = loss({"head": half}, {"head": given})
    assert value.dtype == torch.float32
    assert value.item() == loss({"head": half.float()}, {"head": given}).item()


def test_the_face_head_learns_how_many_saw_none() -> None:
    rows = [("happy", voted(happy=10)), ("happy", voted(happy=4, unknown=1, not_a_face=5)), ("happy", NOBODY)]
    found = targets(dataset(*rows), Heads(face=Head()))[FACE.name]
    assert found.distribution[:2].tolist() == [[1, 0], [0.5, 0.5]]
    assert found.mask.tolist() == [1, 1, 0]
    assert FACE.name not in targets(dataset(("happy", NOBODY)), Heads(face=Head()))


def test_mixed_targets_lie_between_both_and_need_both() -> None:
    mixed = target([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [1, 1, 0]).mixed(0.25, torch.tensor([1, 0, 1]))
    assert mixed.distribution.tolist() == [[0.75, 0.25], [0.25, 0.75], [0, 1]]
    assert mixed.mask.tolist() == [1, 1, 0]
