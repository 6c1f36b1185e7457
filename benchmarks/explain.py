"""Whether explanations tell what answers hang on: FER2013's public split, read with parts of the faces hidden.

    python benchmarks/explain.py [MODEL ...] [--images 500]

MODEL is a name or a folder that tells what its heads make of its features; `small` if none is given. What is hidden is
replaced by the crop's mean. Beside each explanation stands a random one: its own parts, shuffled, as smooth and as
uneven as it is. Curves: Petsiuk et al., "RISE", 2018; shuffled weights: Adebayo et al., "Sanity checks for saliency
maps", 2018.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import process_time

import numpy as np
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.datasets import load_pixels, open_dataset
from mien.explain import explain, explained
from mien.image import Pixels
from mien.prediction import METHODS, Explanation, Method
from mien.preprocess import Preprocess
from mien.recognizer import Recognizer
from mien.shading import values

STEPS = 10  # of a curve: so many tenths of a crop are hidden, or shown
PLACE = 1 / 3  # of the crop's side: a place that is hidden
RANDOM_PLACES = 8
TIMED = 200  # faces

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """A crop, its answer, and how the answer changes with the crop."""

    crop: Pixels
    label: str
    confidence: float
    told: Callable[[list[Pixels]], Floats]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["small"], metavar="MODEL")
    parser.add_argument("--images", type=int, default=500)
    given = parser.parse_args()
    print(machine())
    dataset = open_dataset(data_folder("fer2013/valid.parquet") / "fer2013" / "valid.parquet")
    _, crops, _ = load_pixels(dataset, Preprocess().whole)
    chosen = np.sort(np.random.default_rng(0).permutation(len(crops))[: given.images])
    columns = [column for name in given.models for column in judged(mien.load(name), crops[chosen])]
    head("", *(name for name, _ in columns))
    for what in columns[0][1]:
        row(what, *(told[what] for _, told in columns))


def judged(model: Recognizer, crops: Pixels) -> Iterator[tuple[str, dict[str, str]]]:
    """All that is asked of one model's explanations: by method, the cells of a column."""
    faces = [face(model, crop) for crop in crops]
    made = {method: explanations(model, faces, method) for method in METHODS}
    shuffled = recognizer_with(model, shuffled_weights(model.artifact.onnx))
    others = {
        "rank correlation with the other method": made["occlusion"],
        "with the map of the network, weights shuffled": explanations(shuffled, faces, "cam"),
    }
    alike = {
        what: summary(
            [rank_correlation(map_of(one), map_of(other)) for one, other in zip(made["cam"], them, strict=True)]
        )
        for what, them in others.items()
    }
    for method in METHODS:
        cells = {**curves(faces, made[method]), **peaks(faces, made[method])}
        cells |= alike if method == "cam" else dict.fromkeys(alike, "")
        cells["ms of a core a face, beside the answer"] = cost(model, faces, method)
        yield f"`{model.artifact.name}`, `{method}`", cells


def face(model: Recognizer, crop: Pixels) -> Face:
    shares = model.probabilities([crop])[0]
    at = int(shares.argmax())

    def told(changed: list[Pixels]) -> Floats:
        return model.probabilities(changed)[:, at]

    return Face(crop, model.labels.emotions[at], float(shares[at]), told)


def explanations(model: Recognizer, faces: list[Face], method: Method) -> list[Explanation]:
    """One a face."""
    return [explain(model, each.crop, model.labels, method=method, emotion=each.label) for each in faces]


def cost(model: Recognizer, faces: list[Face], method: Method) -> str:
    """What an explanation takes beside the answer."""
    ways = partial(model.predict, crop="whole"), partial(explained, model, crop="whole", method=method)
    spent = [0.0, 0.0]
    for each in faces[:TIMED]:
        for way, ask in enumerate(ways):  # in turns
            began = process_time()
            ask(Image.fromarray(each.crop))
            spent[way] += process_time() - began
    alone, both = (1000 * each / min(len(faces), TIMED) for each in spent)
    return f"{both - alone:.1f}"


def curves(faces: list[Face], made: list[Explanation]) -> dict[str, str]:
    """The label's probability, mean over all steps, while the crop is hidden or shown, what counts most first."""
    rng = np.random.default_rng(1)
    areas = []
    for each, explanation in zip(faces, made, strict=True):
        orders = [order(explanation, each.crop), order(shuffled(explanation, rng), each.crop)]
        changed = [hidden(each.crop, mask) for ranks in orders for mask in steps(ranks)]
        areas.append(each.told(changed).reshape(2, 2, STEPS - 1).mean(2))  # own or random, deletion or insertion
    (deleted, inserted), (deleted_random, inserted_random) = np.moveaxis(np.array(areas), 0, -1)
    return {
        "deletion, at random": f"{deleted.mean():.3f}, {deleted_random.mean():.3f}",
        "deletion, difference": summary(deleted - deleted_random),
        "insertion, at random": f"{inserted.mean():.3f}, {inserted_random.mean():.3f}",
        "insertion, difference": summary(inserted - inserted_random),
    }


def steps(ranks: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """What is hidden at each step: of a deletion, then of an insertion."""
    shares = [round(ranks.size * step / STEPS) for step in range(1, STEPS)]
    return [ranks < share for share in shares] + [ranks >= share for share in shares]


def peaks(faces: list[Face], made: list[Explanation]) -> dict[str, str]:
    """What hiding the place that counts most does, and what hiding a random one of the same size does."""
    rng = np.random.default_rng(2)
    fallen = []
    for each, explanation in zip(faces, made, strict=True):
        size = len(each.crop)
        window = round(PLACE * size)
        lost = values(explanation, size)
        peak = np.unravel_index(lost.argmax(), lost.shape)
        corners = [[min(max(int(at) - window // 2, 0), size - window) for at in peak]]
        corners += rng.integers(0, size - window + 1, (RANDOM_PLACES, 2)).tolist()
        masks = [np.zeros((size, size), bool) for _ in corners]
        for mask, (top, left) in zip(masks, corners, strict=True):
            mask[top : top + window, left : left + window] = True
        fallen.append(each.confidence - each.told([hidden(each.crop, mask) for mask in masks]))
    own, random = np.array(fallen)[:, 0], np.array(fallen)[:, 1:]
    return {
        "hiding the peak costs the label's probability": summary(own),
        "hiding a random place of that size": summary(random.mean(1)),
        "the peak costs more than a random place, of cases": summary((own[:, np.newaxis] > random).mean(1)),
    }


def order(explanation: Explanation, crop: Pixels) -> NDArray[np.int64]:
    """The rank of each pixel, (side, side): 0 counts most."""
    lost = values(explanation, len(crop))
    return np.argsort(np.argsort(-lost, axis=None, kind="stable"), kind="stable").reshape(lost.shape)


def shuffled(explanation: Explanation, rng: np.random.Generator) -> Explanation:
    lost = np.array(explanation.lost)
    return replace(explanation, lost=tuple(map(tuple, rng.permutation(lost.ravel()).reshape(lost.shape).tolist())))


def hidden(crop: Pixels, mask: NDArray[np.bool_]) -> Pixels:
    changed = crop.copy()
    changed[mask] = round(crop.mean())
    return changed


def map_of(explanation: Explanation) -> Floats:
    """What is lost at sixteen places that `occlusion` hides, and that do not overlap."""
    return values(explanation, 4).ravel()


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's; 0 where one is the same everywhere."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    first, second = np.argsort(np.argsort([one, other], 1), 1) - (len(one) - 1) / 2
    return float((first * second).sum() / (first**2).sum())


def shuffled_weights(onnx: bytes) -> bytes:
    """The network with the weights of each convolution in another order."""
    import onnx as package
    from onnx.numpy_helper import from_array, to_array

    model, rng = package.load_from_string(onnx), np.random.default_rng(3)
    for tensor in model.graph.initializer:
        kernels = to_array(tensor)
        if kernels.ndim == 4:
            tensor.CopyFrom(from_array(rng.permutation(kernels.ravel()).reshape(kernels.shape), tensor.name))
    return bytes(model.SerializeToString())


def recognizer_with(model: Recognizer, onnx: bytes) -> Recognizer:
    return Recognizer(replace(model.artifact, onnx=onnx))


def summary(values: Floats | Sequence[float]) -> str:
    """The mean, and how far the true one may lie from it (95%)."""
    each = np.asarray(values)
    return f"{each.mean():.3f} +- {1.96 * each.std(ddof=1) / len(each) ** 0.5:.3f}"


if __name__ == "__main__":
    main()
