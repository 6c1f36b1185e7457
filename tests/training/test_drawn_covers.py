"""Covers: a share of the faces is hidden in part, and what is told is what is hidden."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mien.covers import PARTS
from mien.training.batches.covers import CLEAR, EYES, HALF, MOUTH, PATCH, cover

N, SIDE = 600, 48
EYE_PLACES, MOUTH_PLACE = ((18, 14), (18, 33)), (38, 24)  # row and column, in FER2013's crops


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def covered() -> tuple[Tensor, Tensor]:
    """Where each of some images has changed, and what is told of it."""
    images = torch.randint(0, 256, (N, 1, SIDE, SIDE), dtype=torch.uint8, generator=seeded(7))
    changed, hidden = cover(images, 0.8, seeded())
    return (changed != images)[:, 0], hidden


def test_what_is_told_is_hidden_and_nothing_else(covered: tuple[Tensor, Tensor]) -> None:
    changed, hidden = covered
    assert set(hidden.tolist()) == {PATCH, CLEAR, EYES, MOUTH, HALF}
    assert 0.75 * N < (hidden != CLEAR).sum() < 0.85 * N
    assert not changed[hidden == CLEAR].any()
    eyes = torch.stack([changed[:, row - 2 : row + 3, column - 2 : column + 3] for row, column in EYE_PLACES], 1)
    both = eyes.float().mean((2, 3)).amin(1) > 0.5
    row, column = MOUTH_PLACE
    mouth = changed[:, row - 2 : row + 3, column - 2 : column + 3].float().mean((1, 2)) > 0.5
    for kind, hit, missed in ((EYES, both, mouth), (MOUTH, mouth, both)):
        chosen = hidden == kind
        assert hit[chosen].float().mean() > 0.9
        assert missed[chosen].float().mean() < 0.1
    shares = changed.float().mean((1, 2))
    assert (shares[hidden == HALF] > 0.25).all()
    assert (shares[hidden == HALF] < 0.75).all()
    assert shares[hidden == PATCH].max() < 0.25


def test_parts_of_a_batch_are_covered_alike() -> None:
    images = torch.randint(0, 256, (7, 3, 24, 30), dtype=torch.uint8, generator=seeded(7))
    whole, hidden = cover(images, 0.9, seeded(1))
    for part in (slice(3), slice(3, 7)):
        changed, told = cover(images[part], 0.9, seeded(1), batch=7, part=part)
        assert torch.equal(told, hidden)
        assert torch.equal((changed != images[part]).any(1), (whole != images)[part].any(1))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all(share: float) -> None:
    images = torch.full((50, 1, SIDE, SIDE), 128, dtype=torch.uint8)
    before = images.clone()
    changed, hidden = cover(images, share, seeded())
    assert torch.equal(images, before)
    assert changed.dtype == torch.uint8
    assert ((hidden != CLEAR) == bool(share)).all()
    assert bool((changed != images).any()) == bool(share)


def test_the_parts_have_names() -> None:
    assert [PARTS[at] for at in (CLEAR, EYES, MOUTH, HALF)] == ["clear", "eyes", "mouth", "half"]
