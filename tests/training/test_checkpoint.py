"""The files of a run: damaged, old and half-written ones are told, never taken for the real ones."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from broken import little_room

from mien.datasets import open_dataset
from mien.errors import DataError, MienError, RecipeError
from mien.training.export.export import export
from mien.training.learning.checkpoint import VERSION, Run
from mien.training.learning.loop import train
from mien.training.recipes.recipe import Recipe

DATA: dict[str, Any] = {"path": "/data", "form": "made up", "train": 3, "valid_sha256": "0", "start": None}
Damage = Callable[[Path], object]


@pytest.fixture
def begun(tiny: Recipe, tmp_path: Path) -> Run:
    """A run that has finished no epoch."""
    begun = Run(tmp_path / "run")
    begun.start(tiny, DATA)
    return begun


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    """The finished run, free to be changed."""
    return Run(shutil.copytree(run.folder, tmp_path / "copy"))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_that_is_no_run(tmp_path: Path, tiny: Recipe) -> None:
    run = Run(tmp_path)
    for ask, told in (
        (run.recipe, r"is not a training run: no readable recipe\.json"),
        (run.data, r"is not a training run: no readable data\.json"),
        (run.best_sha256, r"is not a training run with weights: no best\.pt"),
        (lambda: run.resume(tiny, DATA), r"is not a training run: no readable data\.json"),
        (lambda: run.load(run.last), r"last\.pt is not there: the run has not finished an epoch yet"),
    ):
        with pytest.raises(MienError, match=told):
            ask()
    assert names(tmp_path) == set()


def test_a_run_that_has_just_begun(begun: Run, tiny: Recipe) -> None:
    assert names(begun.folder) == {"recipe.json", "data.json", "log.jsonl"}
    assert begun.recipe() == tiny
    assert begun.data() == DATA
    assert begun.read_log() == []
    assert begun.resume(tiny, DATA) is None
    begun.start(tiny, DATA)


def test_a_run_begins_once_an_epoch_has_ended(begun: Run, tiny: Recipe) -> None:
    begun.save(begun.last, {"epoch": 0})
    before = {path.name: path.read_bytes() for path in begun.folder.iterdir()}
    with pytest.raises(MienError, match="holds a run already"):
        begun.start(tiny, DATA | {"train": 4})
    begun.check(tiny, resume=True)
    assert {path.name: path.read_bytes() for path in begun.folder.iterdir()} == before


def test_what_is_saved_is_what_is_loaded(begun: Run) -> None:
    state = {"epoch": 3, "scores": {"fer7": 0.5}, "network": {"weight": torch.arange(6.0).reshape(2, 3)}}
    begun.save(begun.last, state)
    loaded = begun.load(begun.last)
    assert loaded.pop("version") == VERSION
    assert torch.equal(loaded.pop("network")["weight"], state["network"]["weight"])  # type: ignore[index]
    assert loaded == {"epoch": 3, "scores": {"fer7": 0.5}}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "cannot be read", id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1000]), "cannot be read", id="cut short"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[1000:]), "cannot be read", id="begun late"),
        pytest.param(lambda path: path.write_bytes(b"PK" + bytes(5000)), "cannot be read", id="zeros"),
        pytest.param(lambda path: path.write_text("weights"), "cannot be read", id="text"),
        pytest.param(lambda path: torch.save(Path("/"), path), "cannot be read", id="code"),
        pytest.param(lambda path: torch.save({"version": 0}, path), "has version 0, .* reads 1 to 2", id="older"),
        pytest.param(lambda path: torch.save({"version": 3}, path), "has version 3, .* reads 1 to 2", id="newer"),
        pytest.param(lambda path: torch.save({"epoch": 1}, path), "has version None", id="no version"),
        pytest.param(lambda path: torch.save([1, 2], path), "has version None", id="a list"),
        pytest.param(lambda path: torch.save(torch.zeros(2), path), "has version None", id="a tensor"),
    ],
)
@pytest.mark.parametrize("name", ["last.pt", "best.pt"])
def test_damaged_and_foreign_weights_are_told(
    name: str, damage: Damage, told: str, copy: Run, tiny: Recipe, happy_sad: Path
) -> None:
    path = copy.folder / name
    damage(path)
    with pytest.raises(MienError, match=rf"{name} {told}"):
        copy.load(path)
    if name == "last.pt":
        log = copy.log.read_bytes()
        with pytest.raises(MienError, match=rf"{name} {told}"):
            train(tiny, open_dataset(happy_sad), copy.folder, resume=True)
        assert copy.log.read_bytes() == log


def test_a_run_that_chose_its_best_epoch_by_accuracy_is_exported_and_not_gone_on_with(
    copy: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    for path in (copy.last, copy.best):
        torch.save({**copy.load(path), "version": 1}, path)
    log = copy.log.read_bytes()
    with pytest.raises(MienError, match="chose its best epoch by accuracy: export it as it is, or begin anew"):
        train(tiny, open_dataset(happy_sad), copy.folder, resume=True)
    assert copy.log.read_bytes() == log
    told = export([copy.folder], tmp_path / "model").manifest.runs[0]
    assert (told["epoch"], told["epochs_run"]) == (copy.load(copy.best)["epoch"] + 1, 6)


@pytest.mark.parametrize("name", ["recipe.json", "data.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_damaged_descriptions_are_told(name: str, content: bytes, copy: Run, tiny: Recipe) -> None:
    (copy.folder / name).write_bytes(content)
    with pytest.raises(MienError, match=rf"is not a training run: no readable {name}"):
        copy.resume(tiny, DATA)


def test_a_recipe_of_another_time(copy: Run, tiny: Recipe) -> None:
    values = json.loads(copy.recipe_file.read_text())
    copy.recipe_file.write_text(json.dumps(values | {"mixup": 0.2, "size": 1}))
    with pytest.raises(RecipeError) as caught:
        copy.resume(tiny, DATA)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["size", "mixup"]


@pytest.mark.parametrize("key", ["form", "train", "valid_sha256"])
def test_other_data(key: str, begun: Run, tiny: Recipe) -> None:
    with pytest.raises(DataError, match=r"was begun with other data \(/data\) than /elsewhere"):
        begun.resume(tiny, DATA | {key: "other", "path": "/elsewhere"})


def test_the_data_may_be_elsewhere(begun: Run, tiny: Recipe) -> None:
    assert begun.resume(tiny, DATA | {"path": "/elsewhere"}) is None


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ({"epoch": 0}, 1),
        ({"epoch": 1}, 2),
        ({"epoch": 2}, 3),
    ],
)
def test_the_log_is_cut_back_to_what_the_weights_have_seen(
    state: dict[str, Any], kept: int, begun: Run, tiny: Recipe
) -> None:
    entries = [{"epoch": number, "score": number / 10} for number in (1, 2, 3)]
    for entry in entries:
        begun.append_log(entry)
    with begun.log.open("a") as stream:
        stream.write('{"epoch": 4, "sco')
    begun.save(begun.last, state)
    begun.save(begun.best, state)
    resumed = begun.resume(tiny, DATA)
    assert resumed is not None
    assert resumed["epoch"] == state["epoch"]
    assert begun.read_log() == entries[:kept]
    begun.append_log({"epoch": kept + 1})
    assert begun.read_log() == [*entries[:kept], {"epoch": kept + 1}]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda run: run.log.unlink(), "log.jsonl tells of 0 epochs, and the weights are of epoch"),
        (lambda run: run.log.write_text(""), "log.jsonl tells of 0 epochs, and the weights are of epoch"),
        (lambda run: run.log.write_text('{"epoch": 1, "lo'), "log.jsonl is damaged"),
        (lambda run: run.log.write_bytes(b"\xff\xfe"), "log.jsonl is damaged"),
    ],
)
def test_a_log_that_is_not_as_it_was_is_told(
    damage: Callable[[Run], Any], told: str, copy: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    """A card said "the best of the 0 that were run"; a damaged one left a traceback."""
    damage(copy)
    with pytest.raises(MienError, match=told):
        train(tiny, open_dataset(happy_sad), copy.folder, resume=True)
    for last in (False, True):
        with pytest.raises(MienError, match=told):
            export([copy.folder], tmp_path / "model", last=last)
    assert not (tmp_path / "model").exists()


def test_the_best_weights_are_not_made_again(copy: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path) -> None:
    copy.best.unlink()
    with pytest.raises(MienError, match=r"best\.pt is not there: somebody has taken it away"):
        export([copy.folder], tmp_path / "model")
    with pytest.raises(MienError, match=r"best\.pt is gone, .*: export with --last, or begin anew"):
        train(tiny, open_dataset(happy_sad), copy.folder, resume=True)
    assert export([copy.folder], tmp_path / "model", last=True).manifest.runs[0]["last"]


def test_a_run_that_was_killed_before_its_first_epoch_was_kept_begins_anew(begun: Run, tiny: Recipe) -> None:
    begun.append_log({"epoch": 1})
    begun.save(begun.best, {"epoch": 0})
    assert begun.resume(tiny, DATA) is None
    assert begun.read_log() == []
    begun.append_log({"epoch": 1})
    for left in (begun.curve, begun.left_out, begun.folder / "answers.1-of-2.pt"):
        left.touch()
    begun.start(tiny, DATA)
    assert begun.read_log() == []
    assert names(begun.folder) == {"recipe.json", "data.json", "log.jsonl"}


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    ("best", "told"),
    [
        (True, r"last\.pt is gone, and .*: export its best epoch, or begin anew in another folder"),
        (False, r"last\.pt is gone, and with it where the run stood: begin anew in another folder"),
    ],
)
def test_a_run_without_its_last_weights_is_not_begun_anew(
    best: bool, told: str, resume: bool, copy: Run, tiny: Recipe, happy_sad: Path, tmp_path: Path
) -> None:
    """It began at its first epoch, with an empty log, and wrote over the best weights."""
    copy.last.unlink()
    if not best:
        copy.best.unlink()
    before = {path.name: path.read_bytes() for path in copy.folder.iterdir()}
    with pytest.raises(MienError, match=told):
        train(tiny, open_dataset(happy_sad), copy.folder, resume=resume)
    assert {path.name: path.read_bytes() for path in copy.folder.iterdir()} == before
    with pytest.raises(MienError, match=r"last\.pt is not there: somebody has taken it away"):
        export([copy.folder], tmp_path / "last", last=True)
    if best:
        assert export([copy.folder], tmp_path / "best").manifest.runs[0]["epochs_run"] == 6


def test_a_run_without_its_recipe_cannot_go_on(copy: Run, tiny: Recipe, happy_sad: Path) -> None:
    """It is not "go on with --resume" that helps who does so."""
    copy.recipe_file.unlink()
    with pytest.raises(MienError, match=r"is not a training run: no readable recipe\.json"):
        train(tiny, open_dataset(happy_sad), copy.folder, resume=True)


def test_half_written_files_are_never_taken_for_real(copy: Run, tiny: Recipe, happy_sad: Path, run: Run) -> None:
    left = {f".{name}.k2j_8x1q{suffix}" for name, suffix in (("last", ".pt"), ("best", ".pt"), ("recipe", ".json"))}
    for name in left:
        (copy.folder / name).write_bytes(b"half")
    train(tiny, open_dataset(happy_sad), copy.folder, resume=True)
    assert names(copy.folder) == names(run.folder) | left
    assert copy.last.read_bytes() == run.last.read_bytes()


def test_only_half_written_files_are_no_run(begun: Run, tiny: Recipe) -> None:
    (begun.folder / ".last.k2j_8x1q.pt").write_bytes(b"half")
    (begun.folder / ".best.k2j_8x1q.pt").write_bytes(b"half")
    assert begun.resume(tiny, DATA) is None
    with pytest.raises(MienError, match="no best"):
        begun.best_sha256()


def test_a_save_for_which_there_is_no_room_leaves_what_was_there(copy: Run) -> None:
    before = {path.name: path.read_bytes() for path in copy.folder.iterdir()}
    state = copy.load(copy.last)
    with little_room(4096), pytest.raises(OSError, match="File too large") as told:
        copy.save(copy.last, state)
    assert told.value.filename == str(copy.last)
    assert {path.name: path.read_bytes() for path in copy.folder.iterdir()} == before


def test_an_entry_for_which_there_is_no_room_leaves_the_log_whole(copy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = copy.read_log()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as told:
        copy.append_log({"epoch": 9})
    assert told.value.filename == str(copy.log)
    assert copy.read_log() == before
