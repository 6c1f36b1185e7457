"""Teachers: networks whose answers to the very images that a student sees are part of what it learns.

Distillation (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015), on fresh augmentations (Beyer et
al., "Knowledge distillation: A good teacher is patient and consistent", 2022); at temperature 1, as votes are soft.
Of several teachers each batch has one, drawn anew (Fukuda et al., "Efficient knowledge distillation from an ensemble of
teachers", 2017): on average the gradient is that towards the mean of their probabilities, at the cost of one. Where
the recipe mirrors images, half of the answers are to the mirror image of what the student sees, by the same reasoning.
With `shown = "clear"` they see its crop before noise, patches and other light: a teacher that reads spoilt images badly
teaches nothing by them, and what it says of the clear one is, on average, what can be known from the spoilt.

Where training sees the same views again and again (`augment.views`), what was answered to a batch is kept, and not
asked again; from the first time on in half precision, as a file keeps it for a run that goes on. Of a face that
something hides nobody taught the teachers what to think: there the votes and labels of the whole face count alone, so
that the student learns how little such a face tells.

On a processor, models answer through ONNX Runtime as they do in use: one in 8-bit integers is nearly three times as
fast so as its network in bfloat16. Runs, and all teachers on a GPU, answer as networks beside the student's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from mien.artifact import FEATURES, INPUT, OUTPUT, Artifact
from mien.errors import MienError, RecipeError
from mien.labels import FACE
from mien.runtime import one_thread, ort
from mien.training.batches.batches import Batch
from mien.training.batches.data import Split
from mien.training.batches.targets import Target, loss
from mien.training.learning.checkpoint import run_or_model, write
from mien.training.learning.member import Member, find_member, with_weights
from mien.training.learning.start import find_start
from mien.training.machines.device import halves
from mien.training.recipes.recipe import Recipe

PART = 32
"""Images of a batch that a teacher answers to at once, on one thread."""


class Teacher:
    """One network, or several that take turns.

    Args:
        names: models' names or folders, or runs' folders.
        recipe: of the student.
        training: what the student learns from.

    Raises:
        RecipeError: teachers without `distill` in the recipe, or that without teachers.
        MienError: there is no such model or run, or it has no head that the student has; on a GPU, also a model that
            averages answers.
    """

    def __init__(self, names: Sequence[str | Path], recipe: Recipe, training: Split) -> None:
        check_asked(names, recipe)
        networks = [_find(name, recipe, training) for name in names]
        self.sha256 = [network.sha256 for network in networks]
        mirrors = (False, True) if recipe.augment.flip else (False,)
        self._turns = [(network, mirror) for network in networks for mirror in mirrors]
        self._share = recipe.distill or 0.0
        self._kept: dict[tuple[int, int] | None, dict[str, Tensor]] = {}
        self._written = 0
        self._device = training.crops.device

    def loss(self, logits: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """The loss of a batch; a teacher has its share in that of each head to which it has an answer.

        Args:
            logits: the student's, by head.
            batch: what the student saw. Its draw decides which teacher it is, and whether that sees the mirror image.

        Returns:
            A scalar.
        """
        own = loss(logits, batch.targets)
        if not self._turns:
            return own
        taught = dict(batch.targets)
        for name, answer in self._answers(batch).items():
            if target := taught.get(name):
                distribution, mask = answer.softmax(1), torch.ones_like(answer[:, 0])
                if batch.whole is not None:
                    distribution = torch.where(batch.whole[:, None], distribution, target.distribution)
                    mask = torch.where(batch.whole, mask, target.mask)
                count = batch.answered.get(name)
                taught[name] = Target(target.labels, target.weight, distribution, mask, count)
        return (1 - self._share) * own + self._share * loss(logits, taught)

    def _answers(self, batch: Batch) -> Mapping[str, Tensor]:
        if batch.place not in self._kept:
            network, mirror = self._turns[int(batch.draw * len(self._turns))]
            shown = batch.pixels if batch.clear is None else batch.clear
            answers = network(shown.flip(3) if mirror else shown)
            if batch.place is None:
                return answers
            self._kept[batch.place] = {name: answer.half() for name, answer in answers.items()}
        return {name: answer.float() for name, answer in self._kept[batch.place].items()}  # the first time too

    def keep(self, file: Path) -> None:
        """Write what is kept, where that became more, so that a run that goes on need not ask again."""
        if len(self._kept) == self._written:
            return
        write(file, self._kept)
        self._written = len(self._kept)

    def remember(self, file: Path) -> None:
        """What `keep` wrote; nothing where there is no such file."""
        if file.exists():
            self._kept = torch.load(file, map_location=self._device, weights_only=True)
            self._written = len(self._kept)


def check_asked(names: Sequence[str | Path], recipe: Recipe) -> None:
    """Raises `RecipeError` where there are teachers without `distill` in the recipe, or that without teachers."""
    if bool(names) != bool(recipe.distill):
        fault = "distill: needs teachers" if recipe.distill else "distill: is needed, where there are teachers"
        raise RecipeError(f"recipe {recipe.name} does not fit", [fault])


def _find(name: str | Path, recipe: Recipe, training: Split) -> _Network:
    found = run_or_model(name)
    if isinstance(found, Artifact) and training.crops.device.type == "cpu":
        network = OnnxTeacher(found)
        _check(name, network.colour, network.heads, recipe, training)
        return network
    member = find_member(name)
    _check(name, member.recipe.colour, list(member.heads), recipe, training)
    return TorchTeacher(member, training.crops.device)


def _check(name: str | Path, colour: str, heads: Sequence[str], recipe: Recipe, training: Split) -> None:
    heads = [head for head in heads if head != FACE.name]
    if colour != recipe.colour or not set(heads) & training.targets.keys():
        raise MienError(f"{name} cannot teach this: it has learned from {colour} images for {', '.join(heads)}")


class _Network(ABC):
    """A network for images that have not been made small.

    Args:
        sha256: of its weights.
        colour: of what it sees.
        heads: to which it has an answer.
        size: of the images it was made for; None if it enlarges all it sees.
    """

    def __init__(self, sha256: str, colour: str, heads: Sequence[str], size: int | None) -> None:
        self.sha256, self.colour, self.heads, self._size = sha256, colour, heads, size

    def __call__(self, pixels: Tensor) -> dict[str, Tensor]:
        """Logits by head of (n, channels, h, w) pixels in 0..255."""
        if self._size and pixels.shape[-1] != self._size:
            pixels = F.interpolate(pixels, (self._size, self._size), mode="bilinear", align_corners=False)
        return self._answers(pixels)

    @abstractmethod
    def _answers(self, pixels: Tensor) -> dict[str, Tensor]: ...


class OnnxTeacher(_Network):
    """A model as it is in use, on a processor; also one that averages the answers of several networks.

    It sees whole numbers, as in use, unless it enlarges what it sees.
    """

    def __init__(self, artifact: Artifact) -> None:
        manifest = artifact.manifest
        enlarges = all(run["recipe"].get("resolution") for run in manifest.runs)
        super().__init__(manifest.sha256, manifest.colour, list(manifest.outputs), None if enlarges else manifest.size)
        onnx = _for_any_size(artifact.onnx) if enlarges else artifact.onnx
        self._session = ort.InferenceSession(onnx, one_thread())
        self._pool = ThreadPoolExecutor(torch.get_num_threads())

    def _answers(self, pixels: Tensor) -> dict[str, Tensor]:
        taken = pixels.round().byte() if self._size else pixels.float()
        parts = [{INPUT: part.contiguous().numpy()} for part in taken.split(PART)]
        answers = list(self._pool.map(self._session.run, repeat([OUTPUT + head for head in self.heads]), parts))
        joined = [torch.cat([torch.from_numpy(each) for each in head]) for head in zip(*answers, strict=True)]
        return dict(zip(self.heads, joined, strict=True))


def _for_any_size(onnx: bytes) -> bytes:
    """A network that enlarges what it sees, given pixels of any size that have not been rounded."""
    from onnx import TensorProto, load_from_string

    model = load_from_string(onnx)
    taken = model.graph.input[0].type.tensor_type
    taken.elem_type = TensorProto.FLOAT
    for axis, name in ((2, "height"), (3, "width")):
        taken.shape.dim[axis].dim_param = name
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())


class TorchTeacher(_Network):
    """The best weights of a run, or those of a model of one network, on the student's device.

    Args:
        member: the run or model.
        device: the student's.

    Raises:
        MienError: not all of its weights were found.
    """

    def __init__(self, member: Member, device: torch.device) -> None:
        recipe, sha256 = member.recipe, find_start(member.name).sha256
        super().__init__(sha256, recipe.colour, list(member.heads), None if recipe.resolution else recipe.size)
        network = with_weights(member).network
        self._network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def _answers(self, pixels: Tensor) -> dict[str, Tensor]:
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=halves(pixels.device)):
            answers = self._network(pixels.contiguous(memory_format=torch.channels_last))
        return {name: answer.float() for name, answer in answers.items() if name != FEATURES}
