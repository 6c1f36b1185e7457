"""How many cores a container leaves its processes, and work that is spread over them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mien.cores import ahead, beforehand, cores, machine

ALLOWED = 64  # by the affinity, in these tests

V1_CPU = "30 25 0:26 {root} {top}/cpu rw,nosuid - cgroup cgroup rw,cpu,cpuacct"
V1_CPUSET = "31 25 0:27 {root} {top}/cpuset rw shared:9 - cgroup cgroup rw,cpuset"
V2 = "29 23 0:26 {root} {top} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
OTHER = "22 27 0:21 / /proc rw,nosuid - proc proc rw"


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.cores._allowed", lambda: ALLOWED)


def made(folder: Path, group: str, mounts: str, root: str, files: Mapping[str, str]) -> Path:
    """A process that a container holds, told as Linux tells it."""
    for name, content in files.items():
        (folder / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "sys" / name).write_text(content + "\n")
    process = folder / "process"
    process.mkdir()
    (process / "cgroup").write_text(group + "\n")
    top = str(folder / "sys").replace(" ", "\\040")
    (process / "mountinfo").write_text(mounts.format(root=root, top=top) + "\n")
    return process


def test_systems_that_have_no_control_groups(tmp_path: Path) -> None:
    assert cores(tmp_path / "nothing") == ALLOWED


@pytest.mark.parametrize(("cgroup", "mountinfo"), [("", ""), ("0::/", "29 23"), ("nonsense", ""), ("0::/\n", "\n")])
def test_systems_that_tell_of_them_in_another_way(cgroup: str, mountinfo: str, tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text(cgroup)
    (tmp_path / "mountinfo").write_text(mountinfo)
    assert cores(tmp_path) == ALLOWED


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ALLOWED),
        ({"cpu.max": "max 100000"}, ALLOWED),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "1000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, ALLOWED),
        ({"cpuset.cpus.effective": "0-3,7"}, 5),
        ({"cpuset.cpus.effective": "5"}, 1),
        ({"cpuset.cpus": "", "cpuset.cpus.effective": ""}, ALLOWED),
        ({"cpu.max": "300000 100000", "cpuset.cpus.effective": "0-1"}, 2),
        ({"cpu.max": "300000 100000", "cpuset.cpus.effective": "0-7"}, 3),
        ({"cpu.max": "nonsense here"}, ALLOWED),
    ],
)
def test_version_2(files: dict[str, str], expected: int, tmp_path: Path) -> None:
    process = made(tmp_path, "0::/", f"{OTHER}\n{V2}", "/", files)
    assert cores(process) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ALLOWED),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, ALLOWED),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "25000", "cpu/cpu.cfs_period_us": "10000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "400000"}, ALLOWED),
        ({"cpuset/cpuset.cpus": "0-2"}, 3),
        ({"cpuset/cpuset.cpus": "0-2", "cpuset/cpuset.effective_cpus": "0,2"}, 2),
    ],
)
def test_version_1(files: dict[str, str], expected: int, tmp_path: Path) -> None:
    groups = "5:cpuset:/\n4:cpu,cpuacct:/\n1:name=systemd:/\n0::/"
    process = made(tmp_path, groups, f"{OTHER}\n{V1_CPU}\n{V1_CPUSET}", "/", files)
    assert cores(process) == expected


@pytest.mark.parametrize(
    ("path", "root", "files", "expected"),
    [
        ("/pod/app", "/", {"pod/app/cpu.max": "200000 100000"}, 2),
        ("/pod/app", "/", {"pod/app/cpu.max": "max 100000", "pod/cpu.max": "300000 100000"}, 3),
        ("/pod/app", "/", {"pod/app/cpu.max": "500000 100000", "pod/cpu.max": "300000 100000"}, 3),
        ("/pod/app", "/", {"pod/other/cpu.max": "100000 100000"}, ALLOWED),
        ("/docker/a1", "/docker/a1", {"cpu.max": "200000 100000"}, 2),
        ("/docker/a1/in", "/docker/a1", {"in/cpu.max": "200000 100000"}, 2),
        ("/", "/docker/a1", {"cpu.max": "200000 100000"}, 2),
        ("/../b2", "/", {"cpu.max": "200000 100000"}, 2),
    ],
    ids=["below", "above", "the least", "another's", "the container's", "within it", "its own top", "beside it"],
)
def test_where_the_group_is(path: str, root: str, files: dict[str, str], expected: int, tmp_path: Path) -> None:
    folder = tmp_path / "with a space"
    folder.mkdir()
    assert cores(made(folder, f"0::{path}", V2, root, files)) == expected


def test_this_machine() -> None:
    assert 1 <= cores() <= ALLOWED


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_work_ahead(threads: int) -> None:
    assert list(ahead(str, [], threads)) == []
    assert list(ahead(lambda number: number**2, range(50), threads)) == [number**2 for number in range(50)]


def test_work_that_fails_ends_the_rest() -> None:
    done = []

    def step(number: int) -> int:
        done.append(number)
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        list(ahead(step, [1, 2, 0, *range(1, 1000)], 2))
    assert len(done) < 50


def test_work_that_is_left() -> None:
    before = threading.active_count()
    work = ahead(abs, range(1000), 3)
    assert next(work) == 0
    work.close()  # type: ignore[attr-defined]
    assert next(iter(ahead(abs, [7], 3))) == 7
    assert threading.active_count() <= before + 4


@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_items_that_come_beforehand_come_in_order(count: int, most: int) -> None:
    assert list(beforehand(iter(range(count)), most)) == list(range(count))


def test_what_is_raised_beforehand_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError

    got = beforehand(items(), 5)
    assert next(got) == 1
    with pytest.raises(ZeroDivisionError):
        next(got)


def test_who_stops_asking_ends_what_came_beforehand() -> None:
    closed = []

    def items() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.append(True)

    got = beforehand(items(), 2)
    assert next(got) == 0
    got.close()  # type: ignore[attr-defined]
    assert closed == [True]


@pytest.mark.parametrize(
    ("told", "name"), [("", ".+"), ("flags : a b\nmodel name\t: Fast One 3000\n", "Fast One 3000")]
)
def test_the_machine_in_a_line(told: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.cores.CPUS", tmp_path / "cpuinfo")
    if told:
        (tmp_path / "cpuinfo").write_text(told)
    assert re.fullmatch(rf"{name}, \d+ cores?, \S+ \S+", machine())
