"""Runs on a real Ray cluster, of which nodes are lost, and the head, and which ends with the rows of one machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from nodes import UNSHARE, Nodes
from running import COUNT, SIZE, Runs, gone, rows, state
from waiting import until

from mien.batch.cluster import Cluster
from mien.errors import MienError

GATED = "25.png 35.png"  # of parts 2 and 3
PATIENCE = "RAY_gcs_rpc_server_reconnect_timeout_s"  # of the command, with a head that is gone
BEFORE = {f"{number:02}.png" for number in range(2 * SIZE)}


@pytest.fixture(scope="module")
def whole(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of this machine's."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert runs.end(runs.start(out))[0] == 1
    return out


@pytest.fixture(scope="module")
def nodes(runs: Runs) -> Iterator[Nodes]:
    if subprocess.run([*UNSHARE, "true"], capture_output=True).returncode:
        pytest.skip("no network of one's own: Ray would listen on every interface")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Nodes(Path(folder), runs.environment | {"GATED": GATED})
        yield made
        made.end()


def start(runs: Runs, nodes: Nodes, out: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    within = [*nodes.within, "env", *(f"{name}={value}" for name, value in environment.items())]
    return runs.start(out, "--ray", nodes.address, *words, within=within)


def images(runs: Runs) -> Counter[str]:
    return Counter(name for _, name in runs.opened() if name.endswith(".png"))


def test_killed_and_gone_on_with_and_a_node_lost(runs: Runs, whole: Path, nodes: Nodes, tmp_path: Path) -> None:
    process = start(runs, nodes, tmp_path)
    workers = runs.wait_for(*GATED.split())
    process.kill()
    runs.end(process)
    gone(*workers)
    assert len(rows(tmp_path)) == 2

    process = start(runs, nodes, tmp_path, "--resume")
    nodes.lose(runs.wait_for(*GATED.split())[1])
    runs.go()
    code, told = runs.end(process)
    assert code == 1, told
    summary = rf"{COUNT} images \({2 * SIZE} of them before\): 48 faces, (\d+ uncertain, )?12 unreadable"
    assert re.search(summary, told)
    assert rows(tmp_path) == rows(whole)
    assert not images(runs).keys() & BEFORE
    assert images(runs)["25.png"] == 1
    assert images(runs)["35.png"] == 2
    loads = Counter(process for process, name in runs.opened() if name == "model.onnx")
    readers = {process for process, name in runs.opened() if name.endswith(".png")}
    assert {loads[reader] for reader in readers} == {1}


def test_the_head_is_lost_and_another_takes_over(runs: Runs, whole: Path, nodes: Nodes, tmp_path: Path) -> None:
    process = start(runs, nodes, tmp_path, **{PATIENCE: "5"})
    runs.wait_for("25.png")
    until(lambda: len(rows(tmp_path)) == 2)
    nodes.lose_head()
    assert runs.end(process)[0] != 0
    assert len(rows(tmp_path)) == 2
    nodes.restart()
    process = start(runs, nodes, tmp_path, "--resume")
    runs.go()
    assert runs.end(process)[0] == 1
    assert rows(tmp_path) == rows(whole)
    assert not images(runs).keys() & BEFORE
    assert state(tmp_path)["state"] == "done"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "expected HOST:PORT of the cluster's head, on a machine of the cluster, or auto; got ''"),
        ("ray://head:10001", "expected HOST:PORT of the cluster's head"),
        ("head", "expected HOST:PORT of the cluster's head"),
        ("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1: [Errno 111] Connection refused; `ray start --head` begins one"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_at_once(address: str, said: str) -> None:
    with pytest.raises(MienError) as error:
        Cluster(address)([], None, "", lambda done: None)  # type: ignore[arg-type]
    assert said in str(error.value)


def test_nothing_is_told_to_rays_makers() -> None:
    code = "import mien.batch.cluster; from ray._common.usage import usage_lib; print(usage_lib.usage_stats_enabled())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "False\n"
