"""Datasets whose files' names say who is on an image, and for some which expression: KDEF, JAFFE, RaFD, CK+.

KDEF: Lundqvist, Flykt & Ohman (1998). JAFFE: Lyons et al. (1998). RaFD: Langner et al. (2010). CK+: Lucey et al.
(2010).
"""

from __future__ import annotations

import re
from dataclasses import replace

from mien.datasets.base import Dataset, Example, own_labels, split_named
from mien.datasets.tree import Tree
from mien.datasets.walk import few
from mien.intake import describe
from mien.labels import CODES, canonical

SHARE = 0.9  # of the names that follow a scheme where a dataset does: some of KDEF's are misspelled

SCHEMES = {
    "KDEF": re.compile(r"[AB](?P<person>[FM]\d\d)(?P<label>AF|AN|DI|HA|NE|SA|SU)(?P<angle>S|[HF][LR])", re.I),
    "JAFFE": re.compile(r"(?P<person>[A-Z]{2})\.(?P<label>AN|DI|FE|HA|NE|SA|SU)\d+\.\d+", re.I),
    "RaFD": re.compile(
        r"Rafd(?P<camera>\d{3})_(?P<person>\d+)_(?P<group>[a-z]+)_(?P<gender>female|male)_(?P<label>[a-z]+)_(?P<gaze>[a-z]+)",
        re.I,
    ),
    "CK+": re.compile(r"(?P<person>S\d{3})_\d{3}_\d{8}", re.I),
}
"""What the names of each dataset say, without their suffix. In KDEF both sessions show the same people."""

SAID = {"s": "straight", "hl": "half left", "hr": "half right", "fl": "full left", "fr": "full right"}
GENDERS = {"f": "female", "m": "male"}


def is_named(tree: Tree) -> bool:
    return not tree.within() and (_labelled_by(tree) is not None or _by_person(tree))


def read_named(tree: Tree) -> Dataset:
    """Files named by KDEF's, JAFFE's or RaFD's scheme in any folders, or by expression in a folder a person.

    Images whose names do not follow it are left out, and told.
    """
    scheme = _labelled_by(tree)
    examples, left_out = [], []
    for place in tree.images:
        name, stem = describe(place.as_posix()), describe(place.stem)
        if scheme is None:
            attributes, label = {"person": describe(place.parts[-2])}, canonical(stem)
        elif known := SCHEMES[scheme].fullmatch(stem):
            attributes, label = _attributes(known), CODES.get(known["label"].lower()) or canonical(known["label"])
        else:
            left_out.append(name)
            continue
        examples.append(Example(name=name, source=tree.source(place), label=label, attributes=attributes))
    labels = own_labels(tree.path, (example.label for example in examples))
    who = "the folders' names" if scheme is None else "in the files' names"
    notes = ["labels: the files' names", f"people: {who}, such as {examples[0].attributes['person']}", "splits: none"]
    if left_out:
        notes.append(f"left out, as their names do not follow {scheme}'s: {few(left_out)}")
    passed_over = tuple(describe(place.as_posix()) for place in tree.others)
    form = f"{scheme}, by its files' names" if scheme else "a folder a person, files named by expression"
    return Dataset(tree.path, form, labels, tuple(examples), passed_over, tuple(notes))


def people_named(dataset: Dataset) -> Dataset:
    """The dataset with people, where nothing is known of them and its files' names follow a scheme that names them."""
    if any("person" in example.attributes for example in dataset.examples):
        return dataset
    for name, scheme in SCHEMES.items():
        found = [scheme.fullmatch(_stem(example)) for example in dataset.examples]
        if sum(map(bool, found)) >= SHARE * len(found):
            examples = tuple(
                replace(example, attributes={**example.attributes, **_attributes(known)}) if known else example
                for example, known in zip(dataset.examples, found, strict=True)
            )
            note = f"people: in the files' names, which are {name}'s"
            return replace(dataset, examples=examples, notes=(*dataset.notes, note))
    return dataset


def _stem(example: Example) -> str:
    return example.name.rpartition("/")[2].rpartition(".")[0]


def _attributes(known: re.Match[str]) -> dict[str, str]:
    said = known.groupdict()
    attributes = {"person": said["person"].upper()}
    if "angle" in said:
        attributes["gender"] = GENDERS[said["person"][0].lower()]
        attributes["angle"] = SAID[said["angle"].lower()]
    return attributes | {name: said[name].lower() for name in ("gender", "group", "camera", "gaze") if name in said}


def _labelled_by(tree: Tree) -> str | None:
    """The scheme with labels that the names follow, where no folder is a label."""
    if not tree.images or any(canonical(part) in tree.known for place in tree.images for part in place.parts[:-1]):
        return None
    for name, scheme in SCHEMES.items():
        follow = sum(bool(scheme.fullmatch(place.stem)) for place in tree.images)
        if "label" in scheme.groupindex and follow >= SHARE * len(tree.images):
            return name
    return None


def _by_person(tree: Tree) -> bool:
    """Whether every image is named by a known label, two at least, and lies in a folder that is none."""
    if not all(len(place.parts) == 2 and canonical(place.stem) in tree.known for place in tree.images):
        return False
    folders = {place.parts[0] for place in tree.images}
    expressions = {canonical(place.stem) for place in tree.images}
    return len(expressions) > 1 and not any(split_named(each) or canonical(each) in tree.known for each in folders)
