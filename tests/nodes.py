"""A Ray cluster of processes, in a network of their own in which there is nothing but loopback.

Ray's nodes listen on every interface of a machine, and whoever reaches them may run what he likes; here nobody does. A
node is a core; the head has none.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from waiting import WAIT_S

UNSHARE = ("unshare", "--map-root-user", "--net")
TRIES = 5  # Ray gives a node half a minute to start, which on a busy machine may be too short
UP_AND_RUNNING, SET_FLAGS = 0x41, 0x8914


class Nodes:
    """A cluster of two nodes.

    Args:
        folder: for what Ray writes; a short path, for it holds sockets.
        environment: of the processes that run there.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [*UNSHARE, sys.executable, __file__],
            env={**environment, "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self._gather()
        except ValueError:  # it has ended, and has said why
            self.end()
            raise

    @property
    def within(self) -> list[str]:
        """What starts a command in their network."""
        return ["nsenter", f"--target={self._process.pid}", "--user", "--net", "--preserve-credentials"]

    def lose(self, worker: int | None = None) -> None:
        """A node is gone at once: that with the worker of that process id, or the last."""
        node = next(node for node in reversed(self._nodes) if worker is None or worker in _below(node))
        self._nodes.remove(node)
        _kill(node, *_below(node))

    def lose_head(self) -> None:
        """The head is gone at once; its nodes do not know yet."""
        _kill(*self._head)

    def restart(self) -> None:
        """All is gone, and another cluster is there."""
        _kill(*self._head, *(each for node in self._nodes for each in (node, *_below(node))))
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        self._gather()

    def end(self) -> None:
        with suppress(OSError):  # it has ended, and what it started with it
            network = os.readlink(f"/proc/{self._process.pid}/ns/net")
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    if os.readlink(process / "ns" / "net") == network:
                        _kill(int(process.name))
        self._process.communicate()

    def _gather(self) -> None:
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.address: str = told["address"]
        self._head: list[int] = told["head"]
        self._nodes: list[int] = told["nodes"]


def _below(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _kill(*processes: int) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _serve() -> None:
    """Start a cluster, tell of it, and for each line that comes another one."""
    while True:
        cluster, nodes = _cluster()
        head_node, *others = [_processes(node) for node in (cluster.head_node, *nodes)]
        told = {"address": cluster.address, "head": head_node, "nodes": [raylet for (raylet,) in others]}
        print(json.dumps(told), flush=True)
        if not sys.stdin.readline():
            return


def _cluster() -> tuple[Any, list[Any]]:
    """A cluster and its nodes."""
    from ray.cluster_utils import Cluster

    small = {"object_store_memory": 80_000_000}
    head = {**small, "num_cpus": 0, "include_dashboard": False, "include_log_monitor": False}
    for left in reversed(range(TRIES)):
        try:
            cluster = Cluster(initialize_head=True, head_node_args=head)
            nodes = [cluster.add_node(wait=False, num_cpus=1, include_log_monitor=False, **small) for _ in range(2)]
            cluster.wait_for_nodes(WAIT_S)
            return cluster, nodes
        except Exception:
            if not left:
                raise
    raise AssertionError


def _processes(node: Any) -> list[int]:
    return [each.process.pid for kind in node.all_processes.values() for each in kind]


def _loopback() -> None:
    """A new network's loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))


if __name__ == "__main__":
    _loopback()
    _serve()
