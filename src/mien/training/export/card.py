"""Model cards: what a model does, how good it is, what it must not be used for, and, folded away, how it was made.

Above each stands what the Hugging Face Hub reads of a card (YAML; huggingface.co/docs/hub/model-cards).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mien.artifact import Manifest
from mien.heads import HeadInfo
from mien.labels import FACE
from mien.prediction import reliable
from mien.training.export.calibrate import uncalibrated
from mien.training.recipes.recipe import Recipe
from mien.wording import CONTROL, percentage

TASK = "image-classification"
METRICS = {
    "accuracy": ("accuracy", "accuracy"),
    "f1": ("macro_f1", "macro-F1"),
    "ece": ("ece", "expected calibration error"),
}
"""Of a head, by the Hub's name: the key of the score, and its own name."""
UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What YAML wants escaped, and JSON does not."""
SIGNS = re.compile(r"[\\|*_`$<&~\[\]]")
"""What means something within a line of Markdown, as GitHub and Streamlit read it."""

CARD = """# {name}

Reads the expression of one face from a {colour} crop of {size} x {size} pixels. It answers in {heads}.

It was exported by mien; the folder that holds this page is all that inference needs:
`mien predict --model FOLDER photo.jpg`.

## How good it is

On the {n_valid} validation images, measured with the ONNX file. They chose {epoch}the calibration and the
thresholds, so expect a little less on new images.

| head | judged | accuracy (95%) | macro-F1 | ECE | NLL | KL to votes | sure | right when sure |
|---|---|---|---|---|---|---|---|---|
{rows}

Each answer is calibrated on nine tenths of validation that it is not in, where that helps (KL: on all). ECE has 15
bins. "Sure" is the share of answers at or above the threshold, below which an answer is marked uncertain.
{doubts}{faces}
## What it must not be used for

Inferring emotions of people at work or in education is prohibited in the European Union (AI Act, Art. 5(1)(f)). Do not
use it for decisions about a person, for surveillance, or to diagnose.

## What it cannot do

- It says which word most people would choose for the look of a face. That is not what the person feels.
- The labels are opinions, and many images are ambiguous: people agree with each other far less than always.
- It knows the faces, cameras, cultures and ages of its training data. On others it may be worse: judge it on yours
  first (`mien evaluate`).
- Rare expressions (see macro-F1) are read worse than common ones; turned, covered, blurred and tiny faces worse than
  clear ones.

## How it was made

Data: {data}.
{mirror}{precision}Recipes, with their seeds, are in `model.json`;
`mien train RECIPE --data DATA --out RUN{train}` and `mien export {command} --out FOLDER` make it again.

<details>
<summary>{history}</summary>

{runs}

</details>
"""


QUANTISED = """Its products are of 8-bit integers (static quantisation; ranges from training images).
"""


MIRRORED = """It averages the logits of a face and of its mirror image; a mirrored network answers once.
"""


def model_card(manifest: Manifest) -> str:
    """The card of a model, as Markdown."""
    data, quantised = manifest.data, manifest.precision == "int8"
    souped = [each for run in manifest.runs for each in run.get("averaged_with", ())]
    lasts = [run.get("last", False) for run in (*manifest.runs, *souped)]
    together = f"The mean of the logits of {len(manifest.runs)} networks.\n\n" if len(manifest.runs) > 1 else ""
    return CARD.format(
        name=_plain(manifest.name),
        size=manifest.size,
        colour={"gray": "gray", "rgb": "coloured"}[manifest.colour],
        runs=together + "\n".join(_run(run) for run in manifest.runs),
        heads=" or ".join(f"{_code(head.labels)} ({_plain(', '.join(head.emotions))})" for head in manifest.heads),
        history="Its run, and what that began with"
        if len(manifest.runs) == 1
        else "Its runs, and what they began with",
        data=f"{_plain(data['form'])}, {data['train']} images to train on, {data['valid']} to validate",
        mirror=MIRRORED if manifest.mirror else "",
        precision=QUANTISED if quantised else "",
        train=_options(manifest.runs),
        command=" ".join(["RUN"] * len(manifest.runs) + ["RUN|MODEL"] * len(souped))
        + (" --soup" if souped else "")
        + (" --last" if any(lasts) else "")
        + (" --mirror" if manifest.mirror else "")
        + (" --int8" if quantised else ""),
        n_valid=data["valid"],
        epoch="" if all(lasts) else "the epoch, ",
        rows="\n".join(_row(head.labels, manifest.scores[head.labels]) for head in manifest.heads),
        doubts="".join(_doubts(head, manifest.scores[head.labels]) for head in manifest.heads),
        faces=_faces(manifest.scores[FACE.name]) if manifest.face else "",
    )


def metadata(manifest: Manifest, licence: str | None = None) -> str:
    """What stands above a card for the Hugging Face Hub: YAML between two lines of dashes, and an empty line.

    Args:
        manifest: of the model.
        licence: by the Hub's name of it, such as `mit`; nothing is said of it if None.
    """
    told: dict[str, Any] = {"license": licence} if licence else {}
    told |= {
        "language": "en",
        "library_name": "mien",
        "pipeline_tag": TASK,
        "tags": ["facial-expression-recognition", "onnx", manifest.precision],
        "metrics": list(METRICS),
    }
    lines = [f"{key}: {_yaml(value)}" for key, value in told.items()]
    lines += ["model-index:", f"- name: {_yaml(manifest.name)}", "  results:"]
    lines += (line for head in manifest.heads for line in _result(manifest, head.labels))
    return "\n".join(("---", *lines, "---", "", ""))


def _result(manifest: Manifest, head: str) -> Iterator[str]:
    """A head's scores, as the Hub lists them; those of one configuration of a dataset it takes for one result."""
    form, scores = manifest.data["form"], manifest.scores[head]
    identifier = re.sub("[^a-z0-9]+", "-", form.lower()).strip("-")
    data = {"name": form, "type": identifier, "config": head, "split": "validation"}
    yield f"  - task: {_yaml({'type': TASK, 'name': f'expression of a face, {head}'})}"
    yield f"    dataset: {_yaml(data)}"
    yield "    metrics:"
    for kind, (key, name) in METRICS.items():
        yield f"    - {_yaml({'type': kind, 'name': name, 'value': scores[key]})}"


def _yaml(value: Any) -> str:
    """A value as readers of YAML 1.1 understand it, too: JSON, but that one takes `5e-05` for a text, and of characters
    that JSON escapes as two halves, emoji say, makes two."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and "." not in text:
        return text.replace("e", ".0e")
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _options(runs: Sequence[dict[str, Any]]) -> str:
    """What training took beside recipe and data; runs of one model may differ in it."""
    start = any(run["start"] for run in runs)
    teachers = max(len(run.get("teachers", ())) for run in runs)
    return " --from START" * start + " --teacher MODEL" * teachers


def _run(told: dict[str, Any], indent: str = "") -> str:
    recipe = Recipe.model_validate(told["recipe"])
    chosen = "last" if told.get("last") else "best on validation"
    enlarged = f", sees its input enlarged to {recipe.resolution} px" if recipe.resolution else ""
    sentences = [
        f"Recipe {_code(recipe.name)}: {recipe.network}{enlarged}.",
        f"Weights of epoch {told['epoch']}, the {chosen} of the {told['epochs_run']} that were run; "
        f"the recipe asks for {recipe.schedule.epochs}.",
    ]
    if told["epochs_run"] < recipe.schedule.epochs:
        sentences.append("So the run was not finished.")
    if told["start"]:
        sentences.append(f"It began with the weights of another run or model (sha256 {told['start']}).")
    if taught := told.get("teachers"):
        sentences.append(f"It learned from the answers of other networks as well (sha256 {', '.join(taught)}).")
    souped = told.get("averaged_with", ())
    if souped:
        sentences.append("Its weights were averaged with those of these (a model soup: Wortsman et al., 2022):")
    return "\n".join([f"{indent}- " + " ".join(sentences), *(_run(each, indent + "  ") for each in souped)])


def _doubts(head: HeadInfo, scores: dict[str, Any]) -> str:
    """What the numbers of a head are not: what a report says beside them (`beside`); of images enough, of that head
    alone, or ever sure."""
    told = [_plain(note.removesuffix(".")) for note in scores.get("notes", ())]  # models exported before have none
    if reason := uncalibrated(scores):
        told.append(f"{reason}: confidence is as the network gives it, and may be far from the share that is right")
    if head.stacking:
        told.append(
            f"it listens to {_code(head.stacking.labels)}: its logits are weighted sums of both heads', fitted on "
            "validation; those of each image here on nine tenths that it is not in"
        )
    if head.second:
        told.append(
            f"sure is what {_code(head.second.labels)} does not doubt either ({reliable(head.second.threshold)}), so "
            "that four in five sure answers are right by its labels too, on faces that show each of these equally often"
        )
    if head.threshold >= 1:
        told.append("too many answers were wrong at every confidence, so all are marked uncertain")
    return "".join(f"\n{_code(head.labels)}: {each}.\n" for each in told)


def _faces(scores: dict[str, Any]) -> str:
    told = f"{scores['auc']:.3f}" if scores["auc"] is not None else "unknown"
    return f"""
It also says how many people would see no face at all. The chance that an image in which most saw none
({scores["without"]} of them) gets a higher score than one in which all saw a face ({scores["faces"]}): {told}.
"""


def _row(name: str, scores: dict[str, Any]) -> str:
    low, high = map(percentage, scores["accuracy_interval"])
    kl = f"{scores['kl_to_votes']:.3f}" if "kl_to_votes" in scores else "-"
    present = " over the labels present" if scores.get("absent") else ""
    right = percentage(scores["accuracy_covered"]) if scores["accuracy_covered"] is not None else "-"
    return (
        f"| {_plain(name)} | {scores['n']} | {percentage(scores['accuracy'])} ({low} to {high}) "
        f"| {scores['macro_f1']:.3f}{present} | {scores['ece']:.3f} | {scores['nll']:.3f} | {kl} "
        f"| {percentage(scores['coverage'], 0)} | {right} |"
    )


def _plain(text: str) -> str:
    """A text that Markdown shows as it stands, on one line, and in one cell of a table too."""
    return SIGNS.sub(r"\\\g<0>", CONTROL.sub(" ", text))


def _code(text: str) -> str:
    """A text as Markdown's code on one line, between more backticks than it has in a row."""
    text = CONTROL.sub(" ", text)
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    edge = " " * ("`" in text[:1] + text[-1:])
    return f"{fence}{edge}{text}{edge}{fence}"
