"""What others' tools read of mien: model cards and the data card on the Hugging Face Hub, and how it is cited.

The rules are those of huggingface.co/docs/hub (model-cards, datasets-cards) and of the Citation File Format 1.2.0.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import mien
from mien.artifact import find, names, read

ROOT = Path(__file__).parents[1]
CARDS = [*(find(name) for name in names()), *sorted(path.parent for path in (ROOT / "teachers").glob("*/model.json"))]

MODEL_KEYS = {"license", "language", "library_name", "pipeline_tag", "tags", "metrics", "model-index"}
DATA_KEYS = {
    "annotations_creators": {"crowdsourced", "found", "expert-generated", "machine-generated"},
    "task_categories": {"image-classification"},
    "size_categories": {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M"},
    "source_datasets": {"original"},
    "language": {"en"},
}
"""Lists, and what may be in them."""


def front(text: str) -> tuple[dict[str, Any], str]:
    """The metadata of a card, and the card."""
    found = re.fullmatch(r"---\n(.*?)\n---\n\n(# .*)", text, re.DOTALL)
    assert found, text[:80]
    return yaml.safe_load(found[1]), found[2]


@pytest.mark.parametrize("folder", CARDS, ids=lambda folder: folder.name)
def test_model_cards_are_read_by_the_hub(folder: Path) -> None:
    told, card = front((folder / "README.md").read_text("utf-8"))
    artifact = read(folder)
    assert artifact.card == card
    assert set(told) == MODEL_KEYS
    assert (told["license"], told["library_name"], told["pipeline_tag"]) == ("mit", "mien", "image-classification")
    assert {type(each) for each in told["tags"]} == {str}
    (model,) = told["model-index"]
    assert model["name"] == artifact.name
    heads = [head.labels for head in artifact.manifest.heads]
    assert [result["task"]["name"].split(", ")[1] for result in model["results"]] == heads
    for result, head in zip(model["results"], heads, strict=True):
        assert result["task"]["type"] == told["pipeline_tag"]
        assert result["dataset"]["name"]
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", result["dataset"]["type"])
        values = {metric["type"]: metric["value"] for metric in result["metrics"]}
        assert list(values) == told["metrics"]
        assert values["accuracy"] == artifact.manifest.scores[head]["accuracy"]
        assert all(isinstance(value, float) for value in values.values())


def test_the_data_card_is_read_by_the_hub() -> None:
    told, card = front((ROOT / "docs" / "fer2013.md").read_text("utf-8"))
    for key, allowed in DATA_KEYS.items():
        assert set(told.pop(key)) <= allowed, key
    assert set(told) == {"license", "pretty_name", "tags"}
    assert told["license"] == "unknown"
    for words in ("28,709", "3,589", "must not", "votes"):
        assert words in card


def test_how_to_cite() -> None:
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(told)
    assert (told["cff-version"], told["type"], told["license"]) == ("1.2.0", "software", "MIT")
    assert told["version"] == mien.__version__
    for work in (told, *told["references"]):
        assert work["title"]
        assert work["authors"]
        assert all({"name"} == set(each) or {"family-names", "given-names"} == set(each) for each in work["authors"])
    for work in told["references"]:
        assert work["type"] in ("article", "conference-paper")
        assert re.fullmatch(r"10\.\d{4,}/\S+", work["doi"])
