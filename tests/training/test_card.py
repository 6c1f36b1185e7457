"""Model cards: what a reader needs comes first, and those that come with mien are as they are written today."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from markdown_it import MarkdownIt

from mien import artifact as artifacts
from mien.datasets.base import Dataset, Example
from mien.datasets.copies import fingerprints
from mien.heads import HeadInfo
from mien.labels import HAPPY_SAD
from mien.training.export.beside import beside, copies_of
from mien.training.export.calibrate import Calibration
from mien.training.export.card import metadata, model_card

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


@pytest.mark.parametrize(("head", "cell"), [("happy-sad", "happy-sad"), ("_e-a|b-c`d", r"\_e-a\|b-c\`d")])
def test_a_head_of_any_labels_is_one_cell_of_the_table(head: str, cell: str) -> None:
    manifest = artifacts.read(artifacts.find("small")).manifest
    one = manifest.heads[-1].model_copy(update={"labels": head})
    scores = manifest.scores | {head: manifest.scores[manifest.heads[-1].labels]}
    card = model_card(manifest.model_copy(update={"heads": (one,), "scores": scores}))
    assert f"\n| {cell} | {scores[head]['n']} | " in card


@pytest.mark.parametrize("emotion", ["c`d", "`c", "d`", "a``b", "``", "_e|*f*"])
def test_a_label_with_backticks_is_read_as_it_is(emotion: str) -> None:
    manifest = artifacts.read(artifacts.find("small")).manifest
    labels, known = f"a-{emotion}", manifest.heads[-1]
    one = known.model_copy(update={"labels": labels, "emotions": ("a", emotion), "threshold": 1.0, "second": None})
    scores = manifest.scores | {labels: manifest.scores[known.labels]}
    runs = tuple(run | {"recipe": run["recipe"] | {"name": emotion}} for run in manifest.runs)
    card = model_card(manifest.model_copy(update={"heads": (one, known), "scores": scores, "runs": runs}))
    paragraphs = [each.children or [] for each in MarkdownIt().parse(card) if each.type == "inline"]
    told = [[(part.type, part.content) for part in parts] for parts in paragraphs]
    answers = next(parts for parts in told if ("code_inline", known.labels) in parts)
    assert ("code_inline", labels) in answers
    assert f" (a, {emotion}) or " in "".join(text for kind, text in answers if kind != "code_inline")
    doubt = next(parts for parts in told if parts[-1][1].startswith(": too many answers were wrong"))
    assert doubt[0] == ("code_inline", labels)
    assert any(parts[:2] == [("text", "Recipe "), ("code_inline", emotion)] for parts in told)


@pytest.mark.parametrize(
    ("name", "score"),
    [("mine", 5e-05), ("mine", 1e-300), ("mine", 1.5e-07), ("mine", 0.0), ("mine", 1.0), ("mine", 0.25)]
    + [(name, 0.5) for name in ("喜", "my \U0001f600", 'a "b": c', "a\\b", "\x7f\x85\u2028\ufeff", "no", "1e3")],
)
def test_what_the_hub_reads_is_what_was_meant(name: str, score: float) -> None:
    """PyYAML reads YAML 1.1, as the Hub's library does."""
    manifest = artifacts.read(artifacts.find("small")).manifest
    scores = {head: each | {"ece": score} for head, each in manifest.scores.items()}
    text = metadata(manifest.model_copy(update={"scores": scores, "name": name}), "mit")
    (model,) = yaml.safe_load(text.strip("-\n"))["model-index"]
    assert model["name"] == name
    values = [each["value"] for result in model["results"] for each in result["metrics"] if each["type"] == "ece"]
    assert values == [score] * len(manifest.heads)


@pytest.mark.parametrize(
    "label", ["a|b", "<b>bold</b>", "*x*", "_x_", "~~x~~", "[x](y)", "&lt;", "$x$", "a\\b", "two\nlines"]
)
def test_words_of_the_data_are_no_markdown(label: str) -> None:
    manifest = artifacts.read(artifacts.find("small")).manifest
    notes = [f"Macro-F1 is over 6 of 7 labels: no image has {label}."]
    scores = manifest.scores | {"fer7": manifest.scores["fer7"] | {"notes": notes}}
    data = manifest.data | {"form": f"table {label}.csv"}
    card = model_card(manifest.model_copy(update={"name": label, "scores": scores, "data": data}))
    paragraphs = [each.children or [] for each in MarkdownIt("gfm-like", {"linkify": False}).parse(card)]
    told = {"".join(part.content for part in parts): {part.type for part in parts} for parts in paragraphs}
    line = label.replace("\n", " ")
    heading = next(iter(filter(None, told)))
    assert (heading, told[heading]) == (line, {"text"})
    assert f"fer7: Macro-F1 is over 6 of 7 labels: no image has {line}." in told
    made = next(each for each in told if each.startswith("Data: "))
    assert made.startswith(f"Data: table {line}.csv, ")
    assert told[made] <= {"text", "softbreak", "code_inline"}


def images(n: int, split: str, seed: int, people: bool = False) -> Dataset:
    """Noise, two thirds of it happy, of somebody whose name is nobody's business."""
    rng = np.random.default_rng(seed)
    labels = ["happy", "happy", "sad"] * (n // 3)
    known = {"person": "Ann Ott"} if people else {}
    noise = rng.integers(0, 256, (len(labels), 48, 48), np.uint8)
    examples = (Example(f"{split}/{row}", noise[row], each, split, (), known) for row, each in enumerate(labels))
    return Dataset(Path("faces"), "made up", HAPPY_SAD, tuple(examples))


def test_the_card_says_what_a_report_says_beside_the_numbers() -> None:
    head = HeadInfo(labels="happy-sad", emotions=HAPPY_SAD.emotions, temperature=1, threshold=0.5)
    train, valid = images(12, "train", 0, people=True), images(12, "valid", 1, people=True)
    copies = tuple(replace(each, split="valid") for each in train.examples[:3])
    valid = replace(valid, examples=valid.examples[3:] + copies, left_out={"valid": 4})
    found = Calibration(1.0, 0.0, (0.0, 0.0), None, 0.5, {}, np.tile([0.9, 0.1], (12, 1)))
    told = beside(head, found, train, valid, copies_of(valid, fingerprints(train)))
    text = " ".join(told)
    for sentence in (
        "In the data's own train as well: 3 of 12 images to the pixel, ",
        "On the other ",
        "Left out by the data's index: 4 images more",
        "Always answering happy is right in 66.7%: nothing says that the model is better.",
        "People in more than one split: 1; scores of people who were trained on flatter.",
    ):
        assert sentence in text
    assert "Ann" not in text

    manifest = artifacts.read(artifacts.find("small")).manifest
    scores = manifest.scores | {"fer7": manifest.scores["fer7"] | {"notes": told}}
    card = model_card(manifest.model_copy(update={"scores": scores}))
    assert all(f"\n`fer7`: {sentence}\n" in card for sentence in told)


def test_nothing_is_said_beside_the_numbers_where_nothing_is_to_be_said() -> None:
    head = HeadInfo(labels="happy-sad", emotions=HAPPY_SAD.emotions, temperature=1, threshold=0.5)
    train, valid = images(3, "train", 0), images(120, "valid", 1)
    right = np.eye(2)[valid.targets(HAPPY_SAD)] * 0.8 + 0.1
    found = Calibration(1.0, 0.0, (0.0, 0.0), None, 0.5, {}, right)
    assert beside(head, found, train, valid, copies_of(valid, fingerprints(train))) == []
    again = replace(valid, examples=valid.examples[:-6] + tuple(map(replace, valid.examples[:6])))
    (told,) = beside(head, found, train, again, copies_of(again, fingerprints(train)))
    assert told == "Of 120 images 6 are copies of others among them, or nearly: intervals are too narrow."
