"""The command line around training: recipes by name, where it trains, and what is said of a run that was stopped."""

from __future__ import annotations

import io
import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn import write_folder
from rich.console import Console
from typer.testing import CliRunner

from mien.cli import train as train_verb
from mien.cli.verbs import app
from mien.errors import MienError, RecipeError
from mien.training.learning.checkpoint import Run
from mien.training.learning.loop import Progress, train
from mien.training.machines.device import bfloat16_pays, describe_device, find_device
from mien.training.recipes import names as recipes
from mien.wording import counted

ROOT = Path(__file__).parents[2]
COMMAND = CliRunner()


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """An image folder without splits, with a blank in its name: 12 happy and 12 sad drawn faces."""
    return write_folder(tmp_path / "a few", ("happy", "sad"), 12)


# Recipes by name


def test_every_recipe_has_a_name() -> None:
    assert recipes.names() == tuple(sorted(path.stem for path in (ROOT / "recipes").glob("*.toml")))
    for name in recipes.names():
        assert recipes.find(name).read_bytes() == (ROOT / "recipes" / f"{name}.toml").read_bytes()


def test_a_wheel_has_them_beside_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert table["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {"recipes": "mien/recipes"}
    (tmp_path / "mien" / "recipes").mkdir(parents=True)
    (tmp_path / "mien" / "recipes" / "mine.toml").touch()
    monkeypatch.setattr("mien.training.recipes.names.resources.files", lambda package: tmp_path / package)
    assert recipes.names() == ("mine",)
    assert recipes.find("mine") == tmp_path / "mien" / "recipes" / "mine.toml"


def test_a_path_is_a_path_and_a_name_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("transfer").touch()
    assert recipes.find("transfer") != Path("transfer")
    assert recipes.find("./transfer") == recipes.find(Path("transfer")) == Path("transfer")


@pytest.mark.parametrize("name", ["", "transferred", "transfer.toml", "."])
def test_what_is_no_recipe_is_told_with_those_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match="no recipe") as caught:
        recipes.find(name)
    assert "transfer, transfer-mobile" in caught.value.faults[0]


def test_layers_of_a_recipe_by_name() -> None:
    by_name, by_file = (
        COMMAND.invoke(app, ["models", "--describe", recipe]) for recipe in ("fer7-2conv", "recipes/fer7-2conv.toml")
    )
    assert by_name.exit_code == 0, by_name.output
    assert "9,515,783" in by_name.output
    if (Path.cwd() / "recipes").is_dir():
        assert by_file.output == by_name.output


def test_a_name_of_no_recipe_on_the_command_line(few: Path, tmp_path: Path) -> None:
    done = COMMAND.invoke(app, ["train", "nothing", "--data", str(few), "--out", str(tmp_path / "run")])
    assert isinstance(done.exception, RecipeError)
    assert not (tmp_path / "run").exists()


# Where it trains


def test_devices() -> None:
    assert find_device("cpu") == torch.device("cpu")
    with pytest.raises(MienError, match="no device 'tpu': expected one of auto, cpu, cuda"):
        find_device("tpu")


def test_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device() == torch.device("cpu")
    with pytest.raises(MienError, match="torch finds no GPU to train on: choose cpu"):
        find_device("cuda")


def test_each_process_of_a_machine_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [find_device("auto", number) for number in (0, 1)] == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert find_device("cpu", 2) == torch.device("cpu")
    with pytest.raises(MienError, match="2 GPUs for 3 processes or more: each needs one of its own, or --device cpu"):
        find_device("auto", 2)


def test_several_processes_are_begun_with_the_same_words(
    tiny_file: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[list[str], int]] = []

    def launch(command: list[str], size: int) -> int:
        begun.append((command, size))
        return 7

    monkeypatch.setattr("mien.training.machines.launch.launch", launch)
    words = ["train", str(tiny_file), "--data", str(few), "--out", str(tmp_path / "run"), "--device", "cpu"]
    words += ["--threads", "1", "--memory", "2000", "--devices", "3", "--set", "schedule.epochs=2", "--resume"]
    done = COMMAND.invoke(app, words)
    assert (done.exit_code, begun) == (7, [([sys.executable, "-m", "mien", *words], 3)])
    assert COMMAND.invoke(app, [*words, "--devices", "0"]).exit_code == 2
    assert not (tmp_path / "run").exists()


def test_threads_and_arithmetic_are_told(
    arithmetic: str, tiny_file: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", chosen.append)
    options = ["--data", str(few), "--out", str(tmp_path / "run"), "--set", "schedule.epochs=1"]
    done = COMMAND.invoke(app, ["train", str(tiny_file), *options, "--threads", "3", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert chosen == [3]
    assert f"training tiny on CPU, {counted(torch.get_num_threads(), 'thread')}, {arithmetic}" in done.output
    assert describe_device(torch.device("cpu")).endswith(arithmetic)
    assert re.search(r"epoch 1/1  loss \d\.\d{3}  happy-sad \d+\.\d%, NLL \d\.\d{3}  0:00 left", done.output)
    assert "best on validation: epoch 1, by its likelihood; happy-sad " in done.output
    assert COMMAND.invoke(app, ["train", str(tiny_file), *options, "--threads", "0"]).exit_code == 2


def test_where_torch_uses_no_avx512_bfloat16_never_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    for capability, pays in (("AVX512", True), ("AVX2", False), ("DEFAULT", False)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda told=capability: told)
        assert bfloat16_pays() == pays
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert not bfloat16_pays()


# What is shown


def test_a_label_in_brackets_is_shown_as_it_stands() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with train_verb._told(console) as show:
        show(Progress(0, 2, 3, 3, 0.5, {"[/sad]-happy": 0.25}, {"[/sad]-happy": 1.5}, 9))
    assert isinstance(console.file, io.StringIO)
    assert "[/sad]-happy 25.0%, NLL 1.500" in console.file.getvalue()


# Stopped


@pytest.mark.parametrize("logged", [False, True])
def test_a_run_that_is_stopped_says_how_to_go_on(
    logged: bool, tiny_file: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its second epoch, or when that has been logged and not kept yet."""
    append = Run.append_log

    def log(run: Run, entry: dict[str, Any]) -> None:
        append(run, entry)
        if entry["epoch"] == 2:
            raise KeyboardInterrupt

    def interrupted(*given: Any, progress: Any, **options: Any) -> Run:
        def stop(where: Any) -> None:
            progress(where)
            if where.epoch == 1 and not logged:
                raise KeyboardInterrupt

        return train(*given, progress=stop, **options)

    out = tmp_path / "my run"
    words = ["train", str(tiny_file), "--data", str(few), "--out", str(out), "--set", "schedule.epochs=2"]
    words += ["--set", "schedule.batch=9", "--device", "cpu"]
    with monkeypatch.context() as patch:
        patch.setattr("mien.training.learning.loop.train", interrupted)
        patch.setattr(Run, "append_log", log)
        done = COMMAND.invoke(app, words)
    assert done.exit_code == 130, done.output
    assert f"interrupted: 1 of 2 epochs are kept in {out}" in done.output
    (told,) = (line.removeprefix("to go on: ") for line in done.output.splitlines() if line.startswith("to go on: "))
    program, *again = shlex.split(told)
    assert (program, sorted(again)) == ("mien", sorted([*words, "--resume"]))
    done = COMMAND.invoke(app, again)
    assert done.exit_code == 0, done.output
    assert "going on after epoch 1 of 2" in done.output
    assert [entry["epoch"] for entry in Run(out).read_log()] == [1, 2]


def test_stopped_before_anything_was_begun(
    tiny_file: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.training.learning.loop.train", interrupted)
    done = COMMAND.invoke(app, ["train", str(tiny_file), "--data", str(few), "--out", str(tmp_path / "run")])
    assert done.exit_code == 130
    assert "interrupted: 0 of 6 epochs are kept" in done.output
    assert "--resume" in done.output


def test_what_is_exported_of_an_unfinished_run_says_so(tiny_file: Path, few: Path, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    assert COMMAND.invoke(app, ["train", str(tiny_file), "--data", str(few), "--out", run]).exit_code == 0
    begun = Run(Path(run))
    begun.log.write_text("".join(begun.log.read_text().splitlines(keepends=True)[:4]))
    begun.save(begun.best, begun.load(begun.best) | {"epoch": min(3, begun.load(begun.best)["epoch"])})
    out = tmp_path / "a model"
    done = COMMAND.invoke(app, ["export", run, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert f"next: mien predict --model '{out}' PHOTO" in done.output
    assert f"warning: {run} is not finished: 4 of 6 epochs; `mien train` with --resume goes on with it" in done.output
    card = (out / "README.md").read_text()
    assert "the 4 that were run; the recipe asks for 6. So the run was not finished." in card
    assert "warning: head happy-sad: 6 validation images are too few to calibrate confidence" in done.output
    assert "`happy-sad`: 6 validation images are too few to calibrate confidence; it takes 10: confidence is" in card
