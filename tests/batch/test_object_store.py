"""Runs that read from and write to an object store, a real server, which answers late, wrongly or not at all."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from running import COUNT, SIZE, Runs
from stores import Bucket
from waiting import WAIT_S

from mien.batch.claim import claimed
from mien.batch.inputs import find
from mien.batch.part import write_part
from mien.batch.plan import Job, Part, Plan
from mien.batch.progress import Done, Tell
from mien.batch.run import run
from mien.errors import MienError
from mien.recognizer import Recognizer

BUCKET = "photos"
FINISHED = f"s3://{BUCKET}/whole"


@pytest.fixture(scope="module")
def bucket(runs: Runs) -> Iterator[Bucket]:
    """With the images of runs in `in/`; this process finds it, too."""
    made = Bucket(BUCKET)
    for path in sorted(runs.images.glob("*.png")):
        made.put(f"in/{path.name}", path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made
    made.end()


@pytest.fixture(autouse=True)
def well(bucket: Bucket) -> None:
    """The store is, and has been asked for nothing."""
    bucket.fault = lambda method, path: None
    bucket.seen.clear()


@pytest.fixture(scope="module")
def plan(bucket: Bucket, recognizer: Recognizer) -> Plan:
    return Plan(Job(recognizer, crop="whole"), find([f"s3://{BUCKET}/in"], size=SIZE))


@pytest.fixture(scope="module")
def whole(plan: Plan, bucket: Bucket) -> dict[str, bytes]:
    """The parts of a run that nothing went wrong with."""
    run(plan, FINISHED, here)
    return rows(bucket, "whole")


def here(parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
    for part in parts:
        tell(Done(part, write_part(part, job, out)))


def rows(bucket: Bucket, out: str) -> dict[str, bytes]:
    return {Path(key).name: bucket.get(key) for key in bucket.keys(f"{out}/rows/")}


def test_a_run_in_a_store_is_that_of_a_disk(
    plan: Plan, whole: dict[str, bytes], bucket: Bucket, tmp_path: Path
) -> None:
    run(plan, str(tmp_path), here)
    assert {path.name: path.read_bytes() for path in (tmp_path / "rows").iterdir()} == whole
    empty = "03.png"  # of which to know the size is enough
    assert sorted([empty, *bucket.read("in/")]) == [f"{number:02}.png" for number in range(COUNT)]


def test_what_is_finished_is_not_read_again(plan: Plan, whole: dict[str, bytes], bucket: Bucket) -> None:
    with pytest.raises(MienError, match="holds a run already"):
        run(plan, FINISHED, here)
    assert run(plan, FINISHED, here, resume=True).earlier == COUNT
    assert bucket.read("in/") == []


def test_two_runs_at_once_are_one_too_many(plan: Plan, whole: dict[str, bytes], bucket: Bucket) -> None:
    with claimed(FINISHED), pytest.raises(MienError, match="another run works in it"):
        run(plan, FINISHED, here, resume=True)
    assert rows(bucket, "whole") == whole


@pytest.mark.parametrize("fault", [500, 503, "slow"])
def test_a_store_that_fails_at_times_is_asked_again(
    fault: object, plan: Plan, whole: dict[str, bytes], bucket: Bucket
) -> None:
    numbers = itertools.count()
    bucket.fault = lambda method, path: fault if next(numbers) % 11 == 2 else None
    run(plan, f"s3://{BUCKET}/{fault}", here)
    bucket.fault = lambda method, path: None
    assert rows(bucket, str(fault)) == whole


def test_one_object_that_cannot_be_had_fails_its_part_alone(
    runs: Runs, whole: dict[str, bytes], bucket: Bucket
) -> None:
    """As users start it: with processes of its own, which are tried again."""
    bucket.fault = lambda method, path: 503 if path.endswith("/in/25.png") else None
    code, told = runs.end(runs.start(f"s3://{BUCKET}/torn", images=f"s3://{BUCKET}/in"))
    assert code == 2
    assert "1 part failed; 5 of 6 parts are done, and --resume goes on" in told
    assert re.search(r"part-000002-\w+\.parquet: s3://photos/in/25\.png: .*503", told)
    assert rows(bucket, "torn").items() < whole.items()


def test_killed_while_it_waits_for_the_store_it_goes_on(runs: Runs, whole: dict[str, bytes], bucket: Bucket) -> None:
    asked, go = threading.Event(), threading.Event()

    def waits(method: str, path: str) -> None:
        if path.endswith("/in/25.png"):
            asked.set()
            go.wait(WAIT_S)

    bucket.fault = waits
    process = runs.start(f"s3://{BUCKET}/killed", images=f"s3://{BUCKET}/in")
    assert asked.wait(WAIT_S)
    process.kill()
    runs.end(process)
    go.set()
    done = set(rows(bucket, "killed"))
    bucket.seen.clear()
    assert runs.end(runs.start(f"s3://{BUCKET}/killed", "--resume", images=f"s3://{BUCKET}/in"))[0] == 1
    assert rows(bucket, "killed") == whole
    finished = {int(name.split("-")[1]) for name in done}
    assert not {int(name[:2]) // SIZE for name in bucket.read("in/")} & finished
