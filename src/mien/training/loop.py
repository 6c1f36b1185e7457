"""The training loop. A run that is killed and resumed ends with the same weights as one that is not.

What an epoch does depends only on the seed, the epoch's number and the state before it: the order of the images and
every augmentation come from a generator made anew for each epoch.
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mien.datasets import Dataset, with_validation
from mien.datasets.base import NO_LABEL, load_pixels
from mien.preprocess import Preprocess
from mien.training.augment import augment
from mien.training.checkpoint import Run
from mien.training.loss import Target, loss, targets
from mien.training.networks import ResidualNet
from mien.training.recipe import Recipe

VALIDATION_BATCH = 256


@dataclass(frozen=True)
class Progress:
    """Where a run stands, told after every batch; `scores` is that of the last finished epoch.

    Args:
        epoch: counted from 0.
        step: batches done in this epoch.
        loss: mean over this epoch so far.
        scores: accuracy on the validation split by head, 0..1; empty before the first epoch ends.
        seconds_left: of the whole run, at this run's own speed.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    scores: Mapping[str, float]
    seconds_left: float


@dataclass(frozen=True)
class Split:
    """One split on the device: pixels (n, 1, size, size) uint8, and what each head learns from them."""

    pixels: Tensor
    targets: Mapping[str, Target]
    truth: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.pixels)


def describe_device() -> tuple[torch.device, bool, str]:
    """The device to train on, whether bfloat16 pays there, and a sentence that says so.

    Without AMX, bfloat16 convolutions are slower than float32 ones on a CPU (125 against 186 images/s measured).
    """
    if torch.cuda.is_available():
        return torch.device("cuda"), True, f"one GPU ({torch.cuda.get_device_name(0)}), bfloat16"
    amx = platform.machine() == "x86_64" and torch.cpu._is_amx_tile_supported()
    kind = "bfloat16" if amx else "float32"
    return torch.device("cpu"), amx, f"CPU, {torch.get_num_threads()} threads, {kind}"


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    resume: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Train a network and keep its best weights.

    Args:
        recipe: what to train and how.
        dataset: with a `train` split; without a `valid` split, a share of `train` is held out.
        out: folder of the run (see `checkpoint`).
        resume: go on from the last finished epoch of the run in `out`.
        progress: called after every batch.
        say: called with a sentence where there is something to tell (device, data left out).

    Returns:
        The finished run.

    Raises:
        DataError: no image could be read, or the data differ from those the run began with.
        RecipeError: the recipe differs from the one the run began with.
        MienError: `out` holds a run and `resume` is not set.
    """
    device, half, sentence = describe_device()
    say(f"training {recipe.name} on {sentence}")
    dataset = with_validation(dataset, recipe.validation_share, recipe.seed)
    training, valid = (_load(dataset.split(name), recipe, device, say) for name in ("train", "valid"))
    heads = {name: target.labels for name, target in training.targets.items()}
    say(f"{len(training)} images to train on, {len(valid)} to validate; heads: {', '.join(heads)}")
    data = describe_data(dataset, training, valid)
    run = Run(out)
    state = None
    if resume and run.recipe_file.exists():
        state = run.resume(recipe, data)
    else:
        run.start(recipe, data)

    torch.manual_seed(recipe.seed)
    network = ResidualNet(recipe.network, {name: len(labels) for name, labels in heads.items()})
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.schedule.ema), use_buffers=True)
    optimiser = make_optimiser(network, recipe)
    first, best, scores = 0, -1.0, dict[str, float]()
    if state:
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first, best, scores = state["epoch"] + 1, state["best"], state["scores"]
        say(f"going on after epoch {first} of {recipe.schedule.epochs}")
    _keep_memory()

    steps = max(len(training) // recipe.schedule.batch, 1)
    began, total = time.monotonic(), recipe.schedule.epochs * steps
    for epoch in range(first, recipe.schedule.epochs):
        epoch_began = time.monotonic()
        generator = torch.Generator(device).manual_seed(recipe.seed * 1_000_003 + epoch)
        torch.manual_seed(recipe.seed * 1_000_003 + epoch)  # dropout draws from the global generator
        order = torch.randperm(len(training), device=device, generator=generator)
        network.train()
        losses = 0.0
        for step in range(steps):
            rows = order[step * recipe.schedule.batch : (step + 1) * recipe.schedule.batch]
            rate = learning_rate(recipe, epoch + step / steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            pixels = augment(training.pixels[rows], recipe.augment, recipe.train_size(epoch), generator)
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logits = network(pixels.contiguous(memory_format=torch.channels_last))
            value = loss(logits, {name: _rows(target, rows) for name, target in training.targets.items()})
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            optimiser.step()
            average.update_parameters(network)
            losses += value.item()
            done = (epoch - first) * steps + step + 1
            left = (time.monotonic() - began) / done * (total - first * steps - done)
            progress(Progress(epoch, recipe.schedule.epochs, step + 1, steps, losses / (step + 1), scores, left))
        scores = validate(average.module, valid, half)
        score = sum(scores.values()) / len(scores)
        weights = {"epoch": epoch, "scores": scores, "heads": {name: list(labels) for name, labels in heads.items()}}
        if score > best:
            best = score
            run.save(run.best, {**weights, "network": average.module.state_dict()})
        run.append_log(
            {"epoch": epoch + 1, "loss": losses / steps, "lr": rate, "valid": scores, "score": score}
            | {"size": recipe.train_size(epoch), "seconds": round(time.monotonic() - epoch_began, 1)}
        )
        state = {"network": network.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
        run.save(run.last, {**weights, **state, "best": best})
    draw_curve(run)
    return run


def learning_rate(recipe: Recipe, epoch: float) -> float:
    """The rate at a (fractional) epoch: linear warm-up, then a cosine to 0."""
    schedule, peak = recipe.schedule, recipe.optimiser.lr
    if epoch < schedule.warmup:
        return peak * (epoch + 0.01) / schedule.warmup
    done = (epoch - schedule.warmup) / max(schedule.epochs - schedule.warmup, 1e-9)
    return peak * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def make_optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD that decays matrices and kernels only."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.optimiser.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    momentum = recipe.optimiser.momentum
    return torch.optim.SGD(groups, lr=recipe.optimiser.lr, momentum=momentum, nesterov=momentum > 0)


@torch.no_grad()
def validate(network: nn.Module, valid: Split, half: bool) -> dict[str, float]:
    """Accuracy by head, 0..1, on the images that the head's label set judges."""
    network.eval()
    guesses: dict[str, list[Tensor]] = {name: [] for name in valid.truth}
    for pixels in valid.pixels.split(VALIDATION_BATCH):
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=half):
            logits = network(pixels.float().contiguous(memory_format=torch.channels_last))
        for name in guesses:
            guesses[name].append(logits[name].argmax(1))
    scores = {}
    for name, truth in valid.truth.items():
        judged = truth != NO_LABEL
        right = torch.cat(guesses[name])[judged] == truth[judged]
        scores[name] = right.float().mean().item() if len(right) else 0.0
    return scores


def draw_curve(run: Run) -> None:
    """Loss and validation accuracy by epoch, as RUN/curve.png."""
    from mien.training.curve import draw

    draw(run.read_log(), run.curve)


def describe_data(dataset: Dataset, training: Split, valid: Split) -> dict[str, Any]:
    """Where the data are, how many images they hold, and hashes of their crops."""
    hashes = [hashlib.sha256(split.pixels.cpu().numpy().tobytes()).hexdigest() for split in (training, valid)]
    return {
        "path": str(dataset.path.resolve()),
        "form": dataset.form,
        "train": len(training),
        "valid": len(valid),
        "train_sha256": hashes[0],
        "valid_sha256": hashes[1],
    }


def _load(split: Dataset, recipe: Recipe, device: torch.device, say: Callable[[str], None]) -> Split:
    preprocess = Preprocess(recipe.size)
    readable, crops, unreadable = load_pixels(split, preprocess.whole)
    for name, reason in unreadable.items():
        say(f"left out {name}: {reason}")
    found = targets(readable, recipe.heads)
    truth = {name: torch.from_numpy(readable.targets(target.labels)).to(device) for name, target in found.items()}
    tensor = torch.from_numpy(preprocess.tensor(crops)).to(device)
    return Split(tensor, {name: target.to(device) for name, target in found.items()}, truth)


def _rows(target: Target, rows: Tensor) -> Target:
    return Target(target.labels, target.weight, target.distribution[rows], target.mask[rows])


def _keep_memory() -> None:
    """Ask glibc to keep freed pages: a training step frees and asks for the same hundreds of megabytes again."""
    trim_threshold, mmap_threshold = -1, -3
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        mallopt(mmap_threshold, 2**25)  # the most that glibc takes
        mallopt(trim_threshold, 2**31 - 1)
