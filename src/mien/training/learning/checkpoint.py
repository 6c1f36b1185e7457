"""The files of a run, each whole or not there at all.

RUN/recipe.json   the recipe, as it was read
RUN/data.json     where the data were, how many images, and hashes of the crops
RUN/last.pt       everything that `--resume` needs to go on as if nothing had happened; written after every epoch
RUN/best.pt       the averaged weights of the epoch that was best on validation (see `judge`), with its scores
RUN/answers.*.pt  what teachers said of the views that come again, of each process, where the recipe has some
RUN/log.jsonl     one line an epoch
RUN/curve.png     the learning curve
RUN/left_out.csv  the images that were left out, and why, where there were any
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mien import artifact as artifacts
from mien.artifact import Artifact
from mien.cells import Rows
from mien.crops import Crop
from mien.errors import DataError, MienError, RecipeError
from mien.files import replacing, write_text
from mien.photos import CropChoice, trained_crop
from mien.training.learning.judge import best_of
from mien.training.machines.processes import Processes
from mien.training.recipes.recipe import Recipe, recipe_from
from mien.wording import counted, reason

VERSION = 2
READABLE = (1, VERSION)
"""Runs of version 1 chose their best epoch by accuracy: they can be exported and begun with, but not gone on with."""


class Run:
    """The folder of a training run.

    Args:
        folder: need not be there.
        writes: whether anything is written; of several processes that train together, one does.
    """

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self.folder, self.writes = folder, writes
        self.last = folder / "last.pt"
        self.best = folder / "best.pt"
        self.log = folder / "log.jsonl"
        self.curve = folder / "curve.png"
        self.left_out = folder / "left_out.csv"
        self.recipe_file = folder / "recipe.json"
        self.data_file = folder / "data.json"

    def answers(self, ours: Processes) -> Path:
        """Where a process keeps what its teachers said."""
        return self.folder / f"answers.{ours.rank}-of-{ours.size}.pt"

    def check(self, recipe: Recipe, *, resume: bool) -> None:
        """Whether a run of a recipe can begin here, or go on: before anything is read.

        Raises:
            MienError: there is a run already, or one that cannot go on for lack of a recipe or of `last.pt`; or the
                folder bears the name of a model that comes with mien.
            RecipeError: the recipe is not the one the run began with; lists the differences.
        """
        artifacts.refuse_name(self.folder)
        if self.lost_last:
            best = "export its best epoch, or " if self.best.exists() else ""
            raise MienError(f"{self.last} is gone, and with it where the run stood: {best}begin anew in another folder")
        if not resume and self.last.exists():
            raise MienError(f"{self.folder} holds a run already: go on with --resume, or choose another folder")
        if resume and (self.recipe_file.exists() or self.last.exists()):
            before, now = _flat(self.recipe().model_dump()), _flat(recipe.model_dump())
            changed = [key for key in before | now if before.get(key) != now.get(key)]
            faults = [f"{key}: was {before.get(key)}, is {now.get(key)}" for key in changed]
            if faults:
                raise RecipeError(f"{self.folder} was begun with another recipe", faults)

    def crop(self, asked: Crop | None) -> CropChoice | None:
        """The crop that the run began with; None where there is no run.

        Raises:
            DataError: another was asked for.
        """
        if not self.recipe_file.exists():
            return None
        began = trained_crop(self.data())
        if asked not in (None, began):
            raise DataError(f"{self.folder} was begun with --crop {began}: it cannot go on with --crop {asked}")
        return CropChoice(began, "as the run began")

    def start(self, recipe: Recipe, data: dict[str, Any]) -> None:
        """A new run. Raises as `check`."""
        self.check(recipe, resume=False)
        if self.writes:
            for left in (*self.folder.glob("answers.*.pt"), self.best, self.curve, self.left_out):
                left.unlink(missing_ok=True)  # by one that was killed in its first epoch
        self._write(self.data_file, json.dumps(data, indent=2) + "\n")
        self._write(self.recipe_file, recipe.model_dump_json(indent=2) + "\n")
        self._write(self.log, "")

    def keep_left_out(self, reasons: Mapping[str, Mapping[str, str]]) -> None:
        """The images left out, why by name, of each split; nothing is written where there are none."""
        rows = [(split, name, why) for split, named in reasons.items() for name, why in named.items()]
        if rows:
            stream = io.StringIO()
            Rows(stream, ("split", "image", "reason")).write(rows)
            self._write(self.left_out, stream.getvalue())

    def recipe(self) -> Recipe:
        """The recipe of the run. Raises `MienError` where there is no run."""
        try:
            values = json.loads(self.recipe_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise MienError(
                f"{self.folder} is not a training run: no readable recipe.json ({reason(error)})"
            ) from error
        return recipe_from(values, str(self.recipe_file))

    def data(self) -> dict[str, Any]:
        """What the run was told of its data. Raises `MienError` where there is no run."""
        try:
            return dict(json.loads(self.data_file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise MienError(f"{self.folder} is not a training run: no readable data.json ({reason(error)})") from error

    def best_sha256(self) -> str:
        """Hash of the best weights, in the order of the network. Raises `MienError` where there are none."""
        if not self.best.exists():
            raise MienError(f"{self.folder} is not a training run with weights: no {self.best.name}")
        digest = hashlib.sha256()
        for name, value in self.load(self.best)["network"].items():
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def save(self, path: Path, state: dict[str, Any]) -> None:
        if self.writes:
            write(path, {"version": VERSION, **state})

    def load(self, path: Path) -> dict[str, Any]:
        """A saved state, on the CPU. Raises `MienError` where it is missing or damaged."""
        if not path.exists():
            begun = self.last.exists() or self.lost_last
            gone = "somebody has taken it away" if begun else "the run has not finished an epoch yet"
            raise MienError(f"{path} is not there: {gone}")
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise MienError(f"{path} cannot be read: {error}") from error
        version = state.get("version") if isinstance(state, dict) else None
        if version not in READABLE:
            raise MienError(f"{path} has version {version}, this mien reads {READABLE[0]} to {VERSION}")
        return dict(state)

    def resume(self, recipe: Recipe, data: dict[str, Any]) -> dict[str, Any] | None:
        """The state to go on from, or None if no epoch was finished; of its crop `crop` has told.

        The log is cut back to the epochs that the state has seen.

        Raises:
            RecipeError: as `check`.
            DataError: the data, or the weights before the first epoch, are not those the run began with.
            MienError: as `check`; or an earlier mien began it, which chose the best epoch otherwise.
        """
        self.check(recipe, resume=True)
        known = self.data()
        if any(known.get(key) != data[key] for key in data if key not in ("path", "crop", "start")):
            raise DataError(f"{self.folder} was begun with other data ({known['path']}) than {data['path']}")
        if not self.last.exists():
            if known.get("start") != data.get("start"):
                raise DataError(f"{self.folder} has finished no epoch: go on with the --from that it was begun with")
            self._write(self.log, "")
            return None
        state = self.load(self.last)
        if state["version"] != VERSION:
            told = "an earlier mien began it and chose its best epoch by accuracy: export it as it is, or begin anew"
            raise MienError(f"{self.folder} cannot go on: {told}")
        if not self.best.exists():
            raise MienError(
                f"{self.best} is gone, and with it the best epoch so far: export with --last, or begin anew"
            )
        self.read_log(state["epoch"] + 1)
        lines = self.log.read_text(encoding="utf-8").splitlines()[: state["epoch"] + 1]
        self._write(self.log, "".join(line + "\n" for line in lines))
        return state

    @property
    def lost_last(self) -> bool:
        """Whether `last.pt` was there and is gone: the log tells of an epoch before it is written, and of no second one
        until then."""
        return not self.last.exists() and self.log.exists() and self.log.read_bytes().count(b"\n") > 1

    @property
    def epochs(self) -> int:
        """How many are finished, after which a run goes on; the log may tell of one more. Raises as `load`."""
        return int(self.load(self.last)["epoch"]) + 1 if self.last.exists() else 0

    def append_log(self, entry: dict[str, Any]) -> None:
        before = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        self._write(self.log, before + json.dumps(entry) + "\n")

    def read_log(self, finished: int = 0) -> list[dict[str, Any]]:
        """An entry an epoch; none where there is no log.

        Args:
            finished: how many epochs the weights have seen, of which it is to tell.

        Raises:
            MienError: it is damaged, or tells of fewer.
        """
        try:
            lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
            entries = [json.loads(line) for line in lines[: finished or None]]
        except ValueError as error:
            raise MienError(f"{self.log} is damaged: {reason(error)}") from error
        if len(entries) < finished:
            told = f"tells of {counted(len(entries), 'epoch')}, and the weights are of epoch {finished}"
            raise MienError(f"{self.log} {told}: it is not as the run wrote it")
        return [*entries, *_whole(lines[len(entries) :])]

    def _write(self, path: Path, text: str) -> None:
        if self.writes:
            write_text(path, text)

    def best_entry(self) -> Mapping[str, Any]:
        """The log's entry of the best epoch, whose weights `best.pt` has; there must be one."""
        return best_of(self.read_log())


def _whole(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The entries behind those that are needed, up to the first that is none."""
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def _flat(values: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """The values of nested tables, by keys as `--set` takes them: `schedule.epochs`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{within}{key}.") if isinstance(value, Mapping) else {f"{within}{key}": value}
    return flat


def write(path: Path, state: object) -> None:
    """Write a state whole or not at all. Raises `OSError`, which PyTorch itself does not where a disk is full."""
    stream = io.BytesIO()
    torch.save(state, stream)
    with replacing(path) as temporary:
        temporary.write_bytes(stream.getbuffer())


def run_or_model(name: str | Path) -> Run | Artifact:
    """A model, by its folder or by its name if it comes with mien, or a training run, by its folder.

    Raises:
        MienError: there is neither.
        ArtifactError: the model is incomplete, altered or too new.
    """
    run, folder = Run(Path(name)), artifacts.find(name)
    if (folder / "model.json").exists():
        return artifacts.read(folder)
    if not run.recipe_file.exists():
        raise MienError(f"{name} is neither a training run (no recipe.json) nor a model (no model.json)")
    return run
