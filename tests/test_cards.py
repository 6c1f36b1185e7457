"""What others' tools read of mien: model cards and the data card on the Hugging Face Hub, and how it is cited.

Cards are read by the Hub's own library, from their text and without a network: its `validate` would send them to the
Hub, and is not asked. What it leaves open are rules of huggingface.co/docs/hub (datasets-cards); citations follow the
Citation File Format 1.2.0.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard, DatasetCardData, ModelCard, ModelCardData
from huggingface_hub.repocard import RepoCard

import mien
from mien.artifact import find, names, read

ROOT = Path(__file__).parents[1]
CARDS = [*(find(name) for name in names()), *sorted(path.parent for path in (ROOT / "teachers").glob("*/model.json"))]

METRICS = ["accuracy", "f1", "ece"]
DATA_KEYS = {
    "annotations_creators": {"crowdsourced", "found", "expert-generated", "machine-generated"},
    "task_categories": {"image-classification"},
    "size_categories": {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M"},
    "source_datasets": {"original"},
    "language": {"en"},
}
"""Lists, and what may be in them."""


def understood(card: RepoCard) -> dict[str, Any]:
    """The metadata of a card as the Hub's library would write them."""
    data: Any = card.data
    return dict(data.to_dict())


def written(card: RepoCard) -> dict[str, Any]:
    """The same as they stand in its file."""
    found = re.match(r"---\n(.*?)\n---\n\n# ", card._content, re.DOTALL)
    assert found, card._content[:80]
    return dict(yaml.safe_load(found[1]))


@pytest.mark.parametrize("folder", CARDS, ids=lambda folder: folder.name)
def test_model_cards_are_read_by_the_hub(folder: Path) -> None:
    """Every key is one that the Hub's library knows, and what it writes again is what it has read: results too."""
    card, artifact = ModelCard((folder / "README.md").read_text("utf-8")), read(folder)
    told: Any = card.data
    assert vars(told).keys() == vars(ModelCardData()).keys()
    assert understood(card) == understood(ModelCard(str(card))) == written(card)
    assert card.text == f"\n{artifact.card}"
    assert (told.license, told.library_name, told.pipeline_tag) == ("mit", "mien", "image-classification")
    assert (told.model_name, told.metrics) == (artifact.name, METRICS)
    assert {type(each) for each in told.tags} == {str}
    heads = [head.labels for head in artifact.manifest.heads]
    found = [(each.dataset_config, each.metric_type) for each in told.eval_results]
    assert found == [(head, metric) for head in heads for metric in METRICS]
    for each in told.eval_results:
        assert (each.task_type, each.dataset_split) == (told.pipeline_tag, "validation")
        assert each.task_name.endswith(f", {each.dataset_config}")
        assert each.dataset_name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.dataset_type)
        assert isinstance(each.metric_value, float)
        if each.metric_type == "accuracy":
            assert each.metric_value == artifact.manifest.scores[each.dataset_config]["accuracy"]


def test_the_data_card_is_read_by_the_hub() -> None:
    card = DatasetCard((ROOT / "docs" / "fer2013.md").read_text("utf-8"))
    told = understood(card)
    assert vars(card.data).keys() - vars(DatasetCardData()).keys() == {"tags"}  # the Hub has these of datasets too
    assert told == understood(DatasetCard(str(card))) == written(card)
    for key, allowed in DATA_KEYS.items():
        assert set(told.pop(key)) <= allowed, key
    assert told.keys() == {"license", "pretty_name", "tags"}
    assert told["license"] == "unknown"
    for words in ("28,709", "3,589", "must not", "votes"):
        assert words in card.text


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
