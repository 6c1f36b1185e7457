"""Model cards: what a reader needs comes first, and those that come with mien are as they are written today."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien import artifact as artifacts
from mien.training.export.card import model_card

TEACHERS = sorted(path.parent for path in (Path(__file__).parents[2] / "teachers").glob("*/model.json"))


@pytest.mark.parametrize("model", [*artifacts.names(), *TEACHERS], ids=lambda model: Path(model).name)
def test_cards_are_made_of_their_manifests(model: str | Path) -> None:
    """Where the card has changed: write `model_card(artifact.manifest)` into each README.md."""
    artifact = artifacts.read(artifacts.find(model))
    assert artifact.card == model_card(artifact.manifest)


@pytest.mark.parametrize("model", artifacts.names())
def test_what_it_does_comes_first_and_its_history_last(model: str) -> None:
    card = artifacts.read(artifacts.find(model)).card
    order = [
        f"# {model}\n\nReads the expression of one face",
        "`ferplus8` (neutral, happy",
        "## How good it is",
        "| ferplus8 |",
        "## What it must not be used for",
        "## What it cannot do",
        "## How it was made",
        "<details>",
        "- Recipe `",
        "</details>\n",
    ]
    places = [card.index(told) for told in order]
    assert places == sorted(places)
    assert card.endswith(order[-1])


@pytest.mark.parametrize(("threshold", "told"), [(0.6, False), (1.0, True)])
def test_a_head_that_is_never_sure_says_so(threshold: float, told: bool) -> None:
    manifest = artifacts.read(artifacts.find("small")).manifest
    heads = tuple(head.model_copy(update={"threshold": threshold}) for head in manifest.heads)
    card = model_card(manifest.model_copy(update={"heads": heads}))
    sentence = "`fer7`: too many answers were wrong at every confidence, so all are marked uncertain.\n"
    assert (sentence in card) == told


def test_a_head_that_calibration_did_not_help_says_so() -> None:
    manifest = artifacts.read(artifacts.find("small")).manifest
    scores = {name: each | {"calibrated": False} for name, each in manifest.scores.items()}
    card = model_card(manifest.model_copy(update={"scores": scores}))
    assert "not fitted on less likely, so none is applied: confidence is as the network gives it" in card
