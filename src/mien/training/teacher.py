"""Teachers: models whose answers to the very images that a student sees are part of what it learns.

Distillation (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015), on fresh augmentations (Beyer et
al., "Knowledge distillation: A good teacher is patient and consistent", 2022); at temperature 1, as votes are soft.
Of several teachers each batch has one, drawn anew (Fukuda et al., "Efficient knowledge distillation from an ensemble of
teachers", 2017): on average the gradient is that towards the mean of their probabilities, at the cost of one. Where
the recipe mirrors images, half of the answers are to the mirror image of what the student sees, by the same reasoning.

Teachers answer through ONNX Runtime as they do in use: on a processor, one in 8-bit integers is nearly three times as
fast so as its network in bfloat16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.artifact import INPUT, OUTPUT, Artifact, find, read
from mien.errors import MienError, RecipeError
from mien.labels import FACE
from mien.runtime import one_thread, ort
from mien.training.data import Split
from mien.training.loss import Target, loss
from mien.training.recipe import Recipe

PART = 32
"""Images of a batch that a teacher answers to at once, on one thread."""


class Teacher:
    """One model, or several that take turns.

    Args:
        names: models' names or folders.
        recipe: of the student.
        training: what the student learns from.

    Raises:
        RecipeError: teachers without `distill` in the recipe, or that without teachers.
        MienError: there is no such model, or it has no head that the student has.
    """

    def __init__(self, names: Sequence[str | Path], recipe: Recipe, training: Split) -> None:
        if bool(names) != bool(recipe.distill):
            fault = "distill: needs teachers" if recipe.distill else "distill: is needed, where there are teachers"
            raise RecipeError(f"recipe {recipe.name} does not fit", [fault])
        artifacts = [read(find(name)) for name in names]
        for name, artifact in zip(names, artifacts, strict=True):
            heads = [head.labels for head in artifact.manifest.heads]
            if artifact.manifest.colour != recipe.colour or not set(heads) & training.targets.keys():
                told = f"{artifact.manifest.colour} images for {', '.join(heads)}"
                raise MienError(f"{name} cannot teach this: it has learned from {told}")
        self.sha256 = [artifact.manifest.sha256 for artifact in artifacts]
        mirrors = (False, True) if recipe.augment.flip else (False,)
        self._turns = [(network, mirror) for network in map(_Network, artifacts) for mirror in mirrors]
        self._share = recipe.distill or 0.0
        self._pool = ThreadPoolExecutor(torch.get_num_threads())

    def loss(self, logits: Mapping[str, Tensor], batch: Mapping[str, Target], pixels: Tensor) -> Tensor:
        """The loss of a batch; a teacher has its share in that of each head to which it has an answer.

        Which one it is, and whether it sees the mirror image, torch's global generator decides where there is a choice.

        Args:
            logits: the student's, by head.
            batch: what labels and votes say.
            pixels: (n, channels, h, w) that the student saw.

        Returns:
            A scalar.
        """
        own = loss(logits, batch)
        if not self._turns:
            return own
        network, mirror = self._turns[int(torch.randint(len(self._turns), ())) if len(self._turns) > 1 else 0]
        taught = dict(batch)
        for name, answer in network(pixels.flip(3) if mirror else pixels, self._pool).items():
            if name in batch:
                target, distribution = batch[name], answer.softmax(1).to(pixels.device)
                taught[name] = Target(target.labels, target.weight, distribution, torch.ones_like(distribution[:, 0]))
        return (1 - self._share) * own + self._share * loss(logits, taught)


class _Network:
    """An artifact's network, for images that have not been rounded or made small."""

    def __init__(self, artifact: Artifact) -> None:
        from onnx import TensorProto, load_from_string

        model = load_from_string(artifact.onnx)
        taken = model.graph.input[0].type.tensor_type
        taken.elem_type = TensorProto.FLOAT
        for axis, name in ((2, "height"), (3, "width")):
            taken.shape.dim[axis].dim_param = name
        del model.graph.value_info[:]
        manifest = artifact.manifest
        self._enlarges = all(run["recipe"].get("resolution") for run in manifest.runs)
        self._size = manifest.size
        self._heads = [head.labels for head in manifest.heads] + ([FACE.name] if manifest.face else [])
        self._session = ort.InferenceSession(model.SerializeToString(), one_thread())

    def __call__(self, pixels: Tensor, pool: ThreadPoolExecutor) -> dict[str, Tensor]:
        if not self._enlarges:
            pixels = F.interpolate(pixels, (self._size, self._size), mode="bilinear", align_corners=False)
        parts = [{INPUT: part.contiguous().numpy()} for part in pixels.float().cpu().split(PART)]
        answers = list(pool.map(self._session.run, repeat([OUTPUT + head for head in self._heads]), parts))
        joined = [torch.cat([torch.from_numpy(each) for each in head]) for head in zip(*answers, strict=True)]
        return dict(zip(self._heads, joined, strict=True))
