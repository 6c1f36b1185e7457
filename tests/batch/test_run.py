"""Runs: every row once, whoever dies when; what is finished is not read again, and no other run is gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from broken import broken

import mien
from mien.batch.claim import STALE_S, claimed
from mien.batch.inputs import find
from mien.batch.part import Counts, kind_of, write_part
from mien.batch.plan import Job, Part, Plan
from mien.batch.progress import Done, Progress, Tell
from mien.batch.run import MOST_FAILED, run
from mien.batch.stores import DiskError, StoreError
from mien.errors import MienError
from mien.recognizer import Recognizer

COUNT, SIZE = 120, 10  # images, and those of a part
PARTS = COUNT // SIZE


def here(parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
    """The smallest engine."""
    for part in parts:
        tell(Done(part, write_part(part, job, out)))


def of_parts(*wanted: int) -> Callable[..., None]:
    """An engine that does some of all parts, and ends as if it had been told to."""

    def some(parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        here([part for part in parts if int(part.name.split("-")[1]) in wanted], job, out, tell)
        raise KeyboardInterrupt

    return some


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "rows").iterdir())}


def state(out: Path) -> Any:
    return json.loads((out / "progress.json").read_text())


@pytest.fixture(scope="module")
def folder(faces: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 images, a tenth of them broken, in twelve ways."""
    place = tmp_path_factory.mktemp("images")
    spoilt = list(broken(faces[0]).values())
    for number in range(COUNT):
        content = spoilt[number // 10] if number % 10 == 7 else faces[number % 8]
        (place / f"{number:03}.png").write_bytes(content)
    return place


@pytest.fixture(scope="module")
def plan(folder: Path, recognizer: Recognizer) -> Plan:
    return Plan(Job(recognizer, crop="whole"), find([str(folder)], size=SIZE))


@pytest.fixture(scope="module")
def whole(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing broke."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    run(plan, str(out), here)
    return out


def test_a_run_is_one_table_with_the_rows_of_predict(whole: Path, folder: Path, plan: Plan, model: Path) -> None:
    read = ds.dataset(whole / "rows").to_table()
    paths = sorted(map(str, folder.iterdir()))
    expected = mien.to_table(mien.load(model).predict(paths, crop="whole"), plan.job.recognizer.labels).to_arrow()
    assert read.equals(expected)
    assert read.schema.metadata[b"mien.rows"] == b"1"
    assert sorted(path.name for path in whole.iterdir()) == ["claim", "manifest.json", "progress.json", "rows"]
    told = state(whole)
    assert (told["state"], told["images"]["done"], told["faces"]) == ("done", COUNT, COUNT - 12)
    assert sum(told["unread"].values()) == 12
    assert len(told["unread"]) >= 7
    manifest = json.loads((whole / "manifest.json").read_text())
    assert list(manifest["parts"]) == sorted(contents(whole)) == [part.name for part in plan.parts]
    part = json.loads(pq.read_schema(next((whole / "rows").iterdir())).metadata[b"mien.part"])["mien"]
    assert part["model"]["name"] == "eight"


def test_what_is_finished_is_not_done_again_and_the_rest_is_the_same(plan: Plan, whole: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    seen: list[Part] = []
    with pytest.raises(KeyboardInterrupt):
        run(plan, out, of_parts(0, 3, 11))
    assert state(tmp_path / "out")["state"] == "stopped"

    def rest(parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        seen.extend(parts)
        here(parts, job, out, tell)

    progress = run(plan, out, rest, resume=True)
    assert [part.name for part in seen] == [part.name for n, part in enumerate(plan.parts) if n not in (0, 3, 11)]
    assert (progress.earlier, progress.counts.images, progress.counts.faces) == (30, COUNT, COUNT - 12)
    assert contents(tmp_path / "out") == contents(whole)


def test_a_folder_with_a_run_or_anything_else_is_refused(plan: Plan, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="holds a run already: go on with it by --resume"):
        run(plan, str(whole), here)
    (tmp_path / "a.txt").touch()
    with pytest.raises(MienError, match=r"is not empty, and holds no run: it has a\.txt"):
        run(plan, str(tmp_path), here)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"crop": "auto"}, "crop: it has whole, and this is auto"),
        ({"labels": "happy-sad"}, "labels: it has ferplus8, and this is happy-sad"),
        ({"limits": mien.Limits(max_bytes=5)}, "max_bytes: it has 200000000, and this is 5"),
        ({"model": "small"}, "model: it has eight .*, and this is small"),
        ({"size": 9}, "what is read: of its parts, 12 are other ones now"),
        ({"words": ["[1-9]*.png"]}, "what is read: of its parts, 12 are other ones now"),
    ],
)
def test_another_run_is_not_gone_on_with(
    change: dict[str, Any], said: str, whole: Path, folder: Path, model: Path
) -> None:
    recognizer = mien.load(change.pop("model", model), limits=change.pop("limits", mien.Limits()))
    words = [str(folder / word) for word in change.pop("words", [""])]
    inputs = find(words, size=change.pop("size", SIZE))
    with pytest.raises(MienError, match=said):
        run(Plan(Job(recognizer, **{"crop": "whole"} | change), inputs), str(whole), here, resume=True)


def test_no_run_is_written_where_half_a_file_might_be_seen(plan: Plan) -> None:
    with pytest.raises(StoreError, match=r"may show half a file while it is written: name a folder, or .*s3://"):
        run(plan, "sftp://host/out", here)


def test_what_is_no_part_of_the_run_is_told(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(plan, str(tmp_path), of_parts(1))
    (tmp_path / "rows" / "part-of-mine.parquet").touch()
    with pytest.raises(MienError, match=r"holds what is no part of the run: part-of-mine\.parquet"):
        run(plan, str(tmp_path), here, resume=True)


def test_a_part_that_fails_is_told_and_the_others_are_done(plan: Plan, whole: Path, tmp_path: Path) -> None:
    def failing(parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        tell(Done(parts[2], None, "no answer"))
        here([*parts[:2], *parts[3:]], job, out, tell)

    with pytest.raises(MienError, match=f"1 part failed; {PARTS - 1} of {PARTS} parts are done, and --resume goes on"):
        run(plan, str(tmp_path), failing)
    assert state(tmp_path)["state"] == "failed"
    assert list(state(tmp_path)["failures"].values()) == ["no answer"]
    run(plan, str(tmp_path), here, resume=True)
    assert contents(tmp_path) == contents(whole)


def test_a_file_in_the_way_of_a_run_is_told(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="a file is in the way") as told:
        run(plan, str(tmp_path / "file" / "out"), here)
    assert told.value.filename == str(tmp_path / "file")


@pytest.mark.parametrize(("hopeless", "tried", "error"), [(True, 1, DiskError), (False, MOST_FAILED, MienError)])
def test_where_all_fail_a_run_ends(
    hopeless: bool, tried: int, error: type[MienError], plan: Plan, tmp_path: Path
) -> None:
    told = 0

    def failing(parts: Sequence[Part], job: Job, out: str, tell: Tell) -> None:
        nonlocal told
        for part in parts:
            told += 1
            tell(Done(part, None, "full", hopeless))

    with pytest.raises(error, match="full"):
        run(plan, str(tmp_path), failing)
    assert (told, state(tmp_path)["state"]) == (tried, "failed")


@pytest.mark.parametrize("place", ["disk", "store"])
def test_two_runs_at_once_are_one_too_many(place: str, plan: Plan, tmp_path: Path) -> None:
    out = str(tmp_path) if place == "disk" else f"memory://{tmp_path.name}"
    with claimed(out), pytest.raises(MienError, match="another run works in it"):
        run(plan, out, here)
    with claimed(out):
        pass


@pytest.mark.parametrize(
    ("changed", "stays"), [({}, True), ({"time": -STALE_S}, False), ({"process": 2**22 + 1}, False)]
)
def test_a_store_is_free_again_when_its_run_has_died(changed: dict[str, float], stays: bool, tmp_path: Path) -> None:
    out = f"memory://{tmp_path.name}"
    system = fsspec.filesystem("memory")
    with claimed(out):
        (place,) = system.ls(f"/{tmp_path.name}/claims", detail=False)
        told = json.loads(system.cat(place))
    for name, value in changed.items():
        told[name] = told[name] + value if name == "time" else value
    system.pipe_file(place, json.dumps(told).encode())
    if stays:
        with pytest.raises(MienError, match=f"process {os.getpid()} on"), claimed(out):
            pass
    else:
        with claimed(out):
            pass


def test_a_store_is_free_again_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder, beside = f"/{tmp_path.name}[1]", f"/{tmp_path.name}1/claims/a.json"
    system = fsspec.filesystem("memory")
    system.pipe_file(beside, b"{}")
    system.pipe_file(f"{folder}/claims/a.json", json.dumps({"host": "another", "process": 1, "time": 0}).encode())
    with claimed(f"memory:/{folder}"):
        pass
    assert not system.find(folder)
    assert system.exists(beside)


def test_a_store_that_takes_no_claim_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, out = f"/{tmp_path.name}/claims/a.json", f"memory://{tmp_path.name}"
    claim = {"host": "another", "process": 1, "time": 0}
    fsspec.filesystem("memory").pipe_file(place, json.dumps(claim).encode())

    def refused(*args: object, **options: object) -> None:
        raise PermissionError("403 Forbidden")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.rm_file", refused)
    with pytest.raises(StoreError, match=rf"{out}/claims/a\.json: 403 Forbidden"), claimed(out):
        pass


def test_a_store_holds_the_same_parts(plan: Plan, whole: Path, tmp_path: Path) -> None:
    out, system = f"memory://{tmp_path.name}", fsspec.filesystem("memory")
    with pytest.raises(KeyboardInterrupt):
        run(plan, out, of_parts(5))
    run(plan, out, here, resume=True)
    parts = system.ls(f"/{tmp_path.name}/rows", detail=False)
    assert {Path(part).name: system.cat(part) for part in parts} == contents(whole)
    assert sorted(Path(each).name for each in system.ls(f"/{tmp_path.name}", detail=False) if system.isfile(each)) == [
        "manifest.json",
        "progress.json",
    ]


def test_a_store_that_does_not_answer_fails_a_part_and_makes_no_rows(
    recognizer: Recognizer, faces: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"url": ["memory://one/0.png", "memory://one/gone.png"]})
    fsspec.filesystem("memory").pipe_file("/one/0.png", faces[2])
    pq.write_table(table, tmp_path / "a.parquet")
    plan = Plan(Job(recognizer, crop="whole"), find([str(tmp_path / "a.parquet")]))
    run(plan, str(tmp_path / "out"), here)
    rows = ds.dataset(tmp_path / "out" / "rows").to_table().to_pylist()
    assert [(row["source"], row["label"], row["error"]) for row in rows] == [
        ("memory://one/0.png", "surprise", None),
        ("memory://one/gone.png", None, "no such file"),
    ]

    def down(*args: object, **options: object) -> None:
        raise OSError("503 Slow Down")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem._open", down)
    with pytest.raises(StoreError, match=r"memory://one/0\.png: .*503"):
        run(plan, str(tmp_path / "again"), here)
    assert not list((tmp_path / "again").glob("rows/*"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("empty: no bytes to read", "empty"),
        ("damaged or cut short: image file is truncated (150 bytes not processed)", "damaged or cut short"),
        ("1048576 x 1048576 pixels, over the limit of 200 million: raise max_pixels", "N x N pixels"),
        ("a folder, not an image", "a folder"),
    ],
)
def test_kinds_of_errors(error: str, kind: str) -> None:
    assert kind_of(error) == kind


def test_progress_tells_what_is_left(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("mien.batch.progress.monotonic", lambda: now)
    progress = Progress(plan, str(tmp_path))
    assert (progress.left_s, progress.told()["images"]) == (None, {"done": 0, "earlier": 0, "of": COUNT})
    progress.found(Counts(images=60))
    assert progress.left_s is None
    progress.add(Done(plan.parts[0], Counts(images=30, faces=30)))
    now += 2
    assert progress.rate == 15
    assert progress.left_s == 2
