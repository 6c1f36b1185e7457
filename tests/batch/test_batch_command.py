"""`mien batch`, as users start it, killed and stopped at moments that the test chooses."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from running import COUNT, SIZE, Runs, gone, rows, state
from waiting import WAIT_S

from mien.batch.claim import claimed


@pytest.fixture(scope="module")
def whole(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing broke: it says what it did."""
    out = tmp_path_factory.mktemp("whole") / "out"
    code, told = runs.end(runs.start(out))
    assert code == 1, told
    assert told.startswith("60 files, 60 images, 6 parts: images\npassed over 1 file that is no image: 1 .txt\n")
    assert re.search(r"\n60 images: 48 faces, (\d+ uncertain, )?12 unreadable; ", told)
    assert "unreadable: not an image of a supported kind\n" in told
    assert len(rows(out)) == 6
    workers = {process for process, name in runs.opened() if name.endswith(".png")}
    loads = Counter(process for process, name in runs.opened() if name == "model.onnx")
    assert {loads[worker] for worker in workers} == {1}
    assert {name for _, name in runs.opened() if name.endswith(".png")} == {f"{n:02}.png" for n in range(COUNT)}
    assert len([name for _, name in runs.opened() if name.endswith(".png")]) == COUNT
    return out


def test_killed_at_any_moment_it_goes_on_and_ends_alike(runs: Runs, whole: Path, tmp_path: Path) -> None:
    out, done = tmp_path / "out", set[str]()
    for gated in ("05.png 15.png", "35.png 45.png", "55.png"):  # of parts 0 and 1, 3 and 4, and the last
        process = runs.start(out, *["--resume"] * out.exists(), GATED=gated)
        workers = runs.wait_for(*gated.split())
        process.kill()
        runs.end(process)  # all that were begun have ended, too: one may still have been at another part
        gone(*workers)
        assert not done & {name for _, name in runs.opened()}
        finished = list(rows(out))
        done |= {f"{int(name.split('-')[1]) * SIZE + number:02}.png" for name in finished for number in range(SIZE)}
    code, told = runs.end(runs.start(out, "--resume"))
    assert code == 1
    assert f"60 images ({len(done)} of them before)" in told
    assert not done & {name for _, name in runs.opened()}
    assert len(done) >= 30
    assert rows(out) == rows(whole)


@pytest.mark.parametrize(("grace", "finished"), [(f"{WAIT_S:g}", 2), ("0", 0)])
def test_told_to_end_it_finishes_the_parts_in_work_within_its_grace(
    grace: str, finished: int, runs: Runs, whole: Path, tmp_path: Path
) -> None:
    process = runs.start(tmp_path, "--grace", grace, GATED="05.png 15.png")
    runs.wait_for("05.png", "15.png")
    process.send_signal(signal.SIGTERM)
    if finished:
        time.sleep(0.1)  # it is no matter which comes first
        runs.go()
    code, told = runs.end(process)
    assert code == 128 + signal.SIGTERM
    assert "--resume goes on" in told
    assert state(tmp_path)["state"] == "stopped"
    assert rows(tmp_path).items() <= rows(whole).items()
    assert len(rows(tmp_path)) == finished


def test_a_worker_that_is_killed_costs_nothing(runs: Runs, whole: Path, tmp_path: Path) -> None:
    process = runs.start(tmp_path, GATED="05.png 15.png")
    workers = runs.wait_for("05.png", "15.png")
    os.kill(workers[0], signal.SIGKILL)
    runs.go()
    assert runs.end(process)[0] == 1
    assert rows(tmp_path) == rows(whole)


def test_a_part_that_kills_its_workers_is_told_and_the_others_are_done(runs: Runs, whole: Path, tmp_path: Path) -> None:
    code, told = runs.end(runs.start(tmp_path, DEADLY="25.png"))
    assert code == 2
    assert "1 part failed; 5 of 6 parts are done, and --resume goes on" in told
    assert "part-000002-" in told
    assert "its worker died, with exit code 9" in told
    assert rows(tmp_path).items() <= rows(whole).items()
    assert [name for _, name in runs.opened()].count("25.png") == 3


def test_a_disk_that_fills_ends_it_with_a_sentence_and_nothing_half_written(
    runs: Runs, whole: Path, tmp_path: Path
) -> None:
    code, told = runs.end(runs.start(tmp_path, limit=6000))  # a part has more bytes, all else less
    assert code == 2
    assert "File too large; 0 of 6 parts are done, and --resume goes on" in told
    assert rows(tmp_path) == {}
    assert state(tmp_path)["state"] == "failed"
    assert not (tmp_path / "unfinished").exists()
    assert runs.end(runs.start(tmp_path, "--resume"))[0] == 1
    assert rows(tmp_path) == rows(whole)


def test_two_at_once_are_one_too_many(runs: Runs, tmp_path: Path) -> None:
    with claimed(str(tmp_path)):
        code, told = runs.end(runs.start(tmp_path))
    assert (code, told.splitlines()[-1]) == (
        2,
        f"error: {tmp_path}: another run works in it; wait for it, or choose another OUT",
    )


def test_a_run_does_not_read_what_it_writes(runs: Runs) -> None:
    code, told = runs.end(runs.start(runs.images / "out"))
    assert (code, told) == (2, f"error: {runs.images / 'out'} lies among the sources: choose a folder outside\n")
