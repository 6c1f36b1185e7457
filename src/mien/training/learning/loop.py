"""The training loop. A run that is killed and resumed ends as one that is not: on a processor, with the same weights.

What an epoch does depends only on the seed, the epoch's number, the state before it and the number of processes
(docs/large.md says how); each process holds the same weights, and the first one writes.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mien.crops import Crop
from mien.datasets import Dataset
from mien.errors import MienError
from mien.files import check_writable
from mien.memory import keep_memory
from mien.photos import choose_crop
from mien.training.batches.batches import batches, steps_of
from mien.training.batches.data import Split, buffer_for, describe_data, load_splits, prepare, tell_copies
from mien.training.learning.checkpoint import Run, run_or_model
from mien.training.learning.curve import draw
from mien.training.learning.doubts import doubts, doubts_of_data
from mien.training.learning.judge import WORST, Verdict, judge
from mien.training.learning.optimiser import learning_rate, make_optimiser
from mien.training.learning.start import Start, examples, find_start
from mien.training.learning.teacher import Teacher, check_asked
from mien.training.machines.device import halves
from mien.training.machines.processes import Processes, processes
from mien.training.networks.network import build, deployed
from mien.training.recipes.recipe import Recipe

CURVE_EVERY = 10.0
"""Seconds from one drawing of the curve to the next: with quick epochs it would take a good part of the time."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands, told after every batch; after an epoch's last one when it has been judged.

    Args:
        epoch: counted from 0.
        step: batches done in this epoch; `steps` when `scores` are its own.
        loss: mean over this epoch so far.
        scores: of the last epoch that was judged, accuracy on validation by head, 0..1; empty before the first was.
        nll: likewise, of the labels (see `judge`); the best epoch is the one with the lowest.
        seconds_left: of the whole run, at this run's own speed.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    scores: Mapping[str, float]
    nll: Mapping[str, float]
    seconds_left: float


def check(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    start: str | Path | None = None,
    teachers: Sequence[str | Path] = (),
) -> None:
    """See what can be seen of a run before its data are opened: arguments and errors are those of `train`."""
    Run(out).check(recipe, resume=resume)
    check_writable(out)
    check_asked(teachers, recipe)
    for name in (start, *teachers):
        if name is not None:
            run_or_model(name)


def train(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    resume: bool = False,
    start: str | Path | None = None,
    teachers: Sequence[str | Path] = (),
    crop: Crop | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Train a network and keep the weights of its best epoch (see `judge`).

    Args:
        recipe: what to train and how.
        dataset: with a `train` split; without a `valid` split, a share of `train` is held out.
        out: folder of the run (see `checkpoint`).
        resume: go on from the last finished epoch of the run in `out`; where there is none, begin.
        start: a run's folder, or a model's name or folder, with whose weights this run begins, as far as they fit; None
            begins anew. A run that goes on needs it until it has finished an epoch, but its teachers always.
        crop: see `Recognizer.predict`; of each image the largest face counts, and one without is left out. If None, as
            the run that goes on began, otherwise the dataset's usual one (see `photos.usual_crop`).
        teachers: models' names or folders, or runs' folders, whose answers the recipe's `distill` follows.
        device: `cpu`, `cuda`, or `auto`, a GPU if there is one.
        threads: of the CPU; None leaves their number to torch. With another number sums come in another order, and
            weights differ in their last digits.
        memory: bytes of face crops that are held at once; a quarter of what there is if None. Where they are more, they
            are read anew in each epoch and shuffled within so many (see `store`), in a run that goes on as it began.
        progress: called after every batch.
        say: called with a sentence where there is something to tell (device, data left out).

    Returns:
        The finished run.

    Raises:
        DataError: no image could be read, no head can learn from the data, or they are not those the run began with.
        RecipeError: the recipe differs from the one the run began with, or goes with teachers and there are none, or
            the other way round.
        MienError: `out` holds a run and `resume` is not set, or bears the name of a model that comes with mien; or
            there is no such device, start or teacher, or these do not fit.
        OSError: nothing can be written there.
    """
    with processes(device) as ours:
        run = Run(out, writes=ours.first)
        if not ours.first:
            progress, say = _nothing, _nothing
        if ours.first:  # several at once would take the folder away from each other while they try it
            check(recipe, out, resume=resume, start=start, teachers=teachers)
        else:
            run.check(recipe, resume=resume)
        ours.check(recipe.schedule.batch)
        given = find_start(start) if start else None
        if threads:
            torch.set_num_threads(threads)
        torch.backends.cudnn.benchmark = True  # a GPU looks for the fastest way to convolve, once a size
        say(f"training {recipe.name} on {ours}")
        choice = (run.crop(crop) if resume else None) or choose_crop(crop, dataset)
        whole, dataset = dataset, prepare(dataset, recipe)
        tell_copies(whole, dataset, say)
        began = run.data() if resume and run.recipe_file.exists() else None
        buffer = began.get("buffer") if began else ours.agreed(buffer_for(dataset, recipe, memory, ours.device))
        training, valid = load_splits(recipe, dataset, ours.device, say, choice, buffer)
        ours.check(len(training))
        for sentence in [*doubts_of_data(whole, dataset, recipe), *doubts(training, valid)]:
            say(f"warning: {sentence}")
        teacher = Teacher(teachers, recipe, training)
        data = describe_data(dataset, training, valid, choice.crop, buffer) | {"start": given.sha256 if given else None}
        data |= {"teachers": teacher.sha256} if teachers else {}
        state = run.resume(recipe, data) if began else None
        learner = Learner(recipe, {name: len(target.labels) for name, target in training.targets.items()}, ours)
        if state:
            learner.restore(state)
            teacher.remember(run.answers(ours))
            say(f"going on after epoch {state['epoch'] + 1} of {recipe.schedule.epochs}")
        elif given:
            say(learner.begin_with(given, training))
        ours.meet()  # all have read what was there before
        if not state:
            run.start(recipe, data)
        run.keep_left_out({"train": training.left_out, "valid": valid.left_out})
        keep_memory(2**31 - 1)
        _go_on(run, learner, recipe, training, valid, teacher, state, progress)
        ours.meet()  # the first one has written all
    return run


def _nothing(_: object) -> None: ...


def _go_on(
    run: Run,
    learner: Learner,
    recipe: Recipe,
    training: Split,
    valid: Split,
    teacher: Teacher,
    state: Mapping[str, Any] | None,
    progress: Callable[[Progress], None],
) -> None:
    """The epochs that are still to come; `state` is what the last one left, None before the first."""
    first, best = (state["epoch"] + 1, tuple(state["best"])) if state else (0, WORST)
    verdict = Verdict(state["scores"], state["nll"]) if state and "nll" in state else Verdict({}, {})
    heads = {name: list(target.labels) for name, target in training.targets.items()}
    began, epochs, steps = time.monotonic(), recipe.schedule.epochs, steps_of(training, recipe)
    drawn = -math.inf

    def where(epoch: int, step: int, total: float, last: Verdict) -> Progress:
        done = (epoch - first) * steps + step
        left = (time.monotonic() - began) / done * ((epochs - first) * steps - done)
        return Progress(epoch, epochs, step, steps, total / step, last.accuracy, last.nll, left)

    for epoch in range(first, epochs):
        epoch_began, total = time.monotonic(), 0.0
        for step, value in enumerate(learner.epoch(training, epoch, teacher), 1):
            total += value
            if step < steps:
                progress(where(epoch, step, total, verdict))
        teacher.keep(run.answers(learner.ours))
        verdict = judge(deployed(learner.average, recipe), valid, learner.ours)
        told = {"epoch": epoch, "scores": verdict.accuracy, "nll": verdict.nll, "heads": heads}
        if verdict.rank < best:
            best = verdict.rank
            run.save(run.best, {**told, "network": learner.average.state_dict()})
        run.append_log(
            {"epoch": epoch + 1, "loss": total / steps, "lr": learner.rate(epoch + 1 - 1 / steps)}
            | {"valid": verdict.accuracy, "nll": verdict.nll, "size": recipe.train_size(epoch)}
            | {"seconds": round(time.monotonic() - epoch_began, 1)}
        )
        if run.writes and (epoch + 1 == epochs or time.monotonic() - drawn >= CURVE_EVERY):
            draw(run.read_log(), run.curve)
            drawn = time.monotonic()
        run.save(run.last, {**told, **learner.state(), "best": best})
        progress(where(epoch, steps, total, verdict))


class Learner:
    """All that changes while training: the network, its running average, and the optimiser.

    Args:
        recipe: decides everything; its seed the first weights.
        heads: number of emotions by the head's name.
        ours: the processes that train, and where this one does.
    """

    def __init__(self, recipe: Recipe, heads: Mapping[str, int], ours: Processes) -> None:
        torch.manual_seed(recipe.seed)
        network = build(recipe, heads)
        self.network = network.to(ours.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average, self._averaged = copy.deepcopy(self.network).requires_grad_(False), 0
        self.ours = ours
        self._recipe = recipe
        self._half = halves(ours.device)
        self._share = 1.0
        self.optimiser = make_optimiser(self.network, recipe, self._half)
        self._parallel = ours.parallel(self.network)

    def rate(self, epoch: float) -> float:
        """The learning rate at a (fractional) epoch."""
        return learning_rate(self._recipe, epoch, self._share)

    def epoch(self, training: Split, epoch: int, teacher: Teacher) -> Iterator[float]:
        """Go through the images once, and yield each batch's loss.

        Raises:
            MienError: the loss is no longer a number.
        """
        recipe, ours, steps = self._recipe, self.ours, steps_of(training, self._recipe)
        torch.manual_seed(recipe.seed * 1_000_003 + epoch + ours.rank)  # dropout's, in each process its own
        self.network.train()
        for step, batch in enumerate(batches(training, recipe, epoch, ours)):
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate(epoch + step / steps)
            with torch.autocast(ours.device.type, torch.bfloat16, enabled=self._half):
                logits = self._parallel(batch.pixels.contiguous(memory_format=torch.channels_last))
                value = teacher.loss(logits, batch)
            self.optimiser.zero_grad(set_to_none=True)
            value.backward()
            self.optimiser.step()
            value = value.detach()
            ours.average(value, *(each for each in self.network.buffers() if each.is_floating_point()))
            self._averaged += 1
            follow(self.average, self.network, self._averaged, recipe.schedule.ema)
            if not math.isfinite(number := value.item()):
                raise MienError(f"the loss is {number} in epoch {epoch + 1}: try a lower optimiser.lr")
            yield number

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on as if nothing had happened."""
        parts = {"network": self.network, "average": self.average, "optimiser": self.optimiser}
        return {name: part.state_dict() for name, part in parts.items()} | {
            "averaged": self._averaged,
            "share": self._share,
        }

    def begin_with(self, start: Start, training: Split) -> str:
        """Take over weights, as far as they fit (see `Start.give`), and say how many."""
        wanted = {name: target.labels for name, target in training.targets.items()}
        taken, learned = start.give(self.network, examples(training.crops, self._recipe.train_size(0)), wanted)
        self.average.load_state_dict(self.network.state_dict())
        if taken == learned and start.knows(wanted):
            self._share = self._recipe.schedule.known
        return f"beginning with {taken} of {learned} of the weights of {start.name}"

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self._averaged = state["averaged"]
        self._share = state.get("share", 1.0)  # older runs have none


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, steps: int, keep: float) -> None:
    """A step of an exponential average of a network's weights that does not remember the first ones for long.

    The `steps`th, counted from 1, keeps `steps / (9 + steps)` of the average, and never more than `keep`.
    """
    kept = min(keep, steps / (9 + steps))
    means, values = average.state_dict(), network.state_dict()
    floating = [name for name, mean in means.items() if mean.is_floating_point()]
    torch._foreach_lerp_([means[name] for name in floating], [values[name] for name in floating], 1 - kept)
    for name in means.keys() - set(floating):  # the batches that batch normalisation has seen
        means[name].copy_(values[name])
