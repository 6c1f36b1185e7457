"""Train large networks, all at once, within half an hour of one GPU.

    python tools/train_on_gpu.py large teacher-{352-labels,288-labels,288} --data fer2013/ --out runs/gpu --minutes 24

takes recipes by name. One network of their size does not keep a GPU busy; four do. First a trial tells how long an
epoch of each size takes while all are at it, and so how many fit into the minutes; `RUN/recipe.json` says how many
those were. Cut off, it goes on where it was when it is called again, if the trial had ended.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.training.learning.judge import best_of
from mien.training.recipes.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[1] / "recipes"
TRIAL_EPOCHS = 3  # of each size, of which the first, in which the GPU looks for the fastest ways, does not count
RESERVE = 0.96  # of the minutes
FOR_EVER = 1000  # epochs of a trial, which is stopped before
LOADING = 15.0  # seconds until a run begins


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    arguments = parser.parse_args()
    names: list[str] = arguments.recipes
    end, chosen = time.monotonic() + 60 * arguments.minutes, arguments.out / "epochs.json"
    if not chosen.exists():
        recipes = {name: read_recipe(RECIPES / f"{name}.toml") for name in names}
        seconds = trial(recipes, arguments.data, arguments.out / "trial")
        left = RESERVE * (end - time.monotonic()) - LOADING
        chosen.write_text(json.dumps({name: max(int(left / seconds[name]), 2) for name in names}))
    epochs = json.loads(chosen.read_text())
    print(f"epochs: {epochs}", flush=True)
    changes = {name: (f"schedule.epochs={epochs[name]}",) for name in names}
    with all_at_once(arguments.data, arguments.out, changes) as running:
        while running():
            time.sleep(1)
            tell(names, arguments.out)


def trial(recipes: Mapping[str, Recipe], data: Path, out: Path) -> dict[str, float]:
    """Seconds of an epoch, in the mean over a run's sizes, by run, while all are at it."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sizes = {name: list(map(each.train_size, range(each.schedule.epochs))) for name, each in recipes.items()}
    tried = {name: list(dict.fromkeys(each)) for name, each in sizes.items()}
    changes = {name: (f"schedule.epochs={FOR_EVER}", f"schedule.sizes={begins(each)}") for name, each in tried.items()}
    with all_at_once(data, out, changes) as running:
        while running() and any(len(log(out / name)) < TRIAL_EPOCHS * len(tried[name]) for name in recipes):
            time.sleep(0.5)
    means = {}
    for name in recipes:
        entries = log(out / name)
        seconds = {size: [each["seconds"] for each in entries if each["size"] == size][1:] for size in tried[name]}
        print(f"seconds an epoch of {name}, by size: {seconds}", flush=True)
        means[name] = statistics.mean(statistics.median(seconds[size]) for size in sizes[name])
    return means


def begins(sizes: list[int]) -> list[list[float]]:
    """Sizes that take turns of `TRIAL_EPOCHS`, as a schedule of `FOR_EVER` epochs has them."""
    return [[TRIAL_EPOCHS * turn / FOR_EVER, size] for turn, size in enumerate(sizes)]


@contextmanager
def all_at_once(data: Path, out: Path, changes: Mapping[str, tuple[str, ...]]) -> Iterator[Callable[[], bool]]:
    """Every run in a process of its own, until the block ends; gives a function that says whether one is at work.

    It leaves the program with the end of the log of a run that failed.
    """
    started = {name: begin(name, data, out, each) for name, each in changes.items()}

    def running() -> bool:
        if failed := [name for name, process in started.items() if process.poll()]:
            sys.exit("\n".join(f"{name} failed: {(out / f'{name}.log').read_text()[-3000:]}" for name in failed))
        return any(process.returncode is None for process in started.values())

    try:
        yield running
    finally:
        for process in started.values():
            process.kill()
            process.wait()


def begin(name: str, data: Path, out: Path, changes: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """A run; it goes on if it was begun before."""
    command = [sys.executable, "-m", "mien", "train", str(RECIPES / f"{name}.toml"), "--data", str(data)]
    command += ["--out", str(out / name), "--resume"]
    for change in changes:
        command += ["--set", change]
    with (out / f"{name}.log").open("ab") as stream:
        return subprocess.Popen(command, stdout=stream, stderr=stream)


def tell(names: list[str], out: Path) -> None:
    """A line with the newest epoch of every run, and its best scores, every 20 seconds."""
    if round(time.monotonic()) % 20:
        return
    parts = []
    for name in names:
        if entries := log(out / name):
            last, best = entries[-1], best_of(entries)
            scores = "/".join(f"{100 * score:.1f}" for score in best["valid"].values())
            parts.append(f"{name} {last['epoch']} {last['seconds']:.1f}s {last['loss']:.3f} {scores}")
    print(f"{time.strftime('%M:%S')}  " + "  ".join(parts), flush=True)


def log(run: Path) -> list[dict[str, Any]]:
    path = run / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
