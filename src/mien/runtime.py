"""ONNX Runtime, told to report nothing, and how networks run in it, in whichever process they are used.

Its official builds tell their maker of every process, session and error, and keep an identifier of the machine on disk,
unless they are told not to before they are loaded: the names of the switch are those of its versions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

for _switch in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"):
    os.environ[_switch] = "1"

import onnxruntime as ort  # noqa: E402 - after the switches

ort.disable_telemetry_events()  # where somebody else had loaded it before

__all__ = ["Session", "one_thread", "ort"]


def one_thread() -> ort.SessionOptions:
    """A network on one thread a run: several runs at once use more cores better than several threads in one."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


class Session:
    """A network that may be forked, pickled and copied: each process that uses it opens a session of its own.

    What ONNX Runtime holds at a fork, locks and threads, the child cannot use.

    Args:
        weights: gives the content of the ONNX file, and is pickled in its stead.
        seldom: whether it is opened no sooner than it is used; its content is asked for at once in any case.
    """

    def __init__(self, weights: Callable[[], bytes], seldom: bool = False) -> None:
        content = weights()
        self._weights, self._seldom = weights, seldom
        self._process = 0 if seldom else os.getpid()
        self._session: Any = None if seldom else _opened(content)

    @property
    def here(self) -> ort.InferenceSession:
        """The session of this process."""
        if self._process != os.getpid():
            self._session = _opened(self._weights())
            self._process = os.getpid()  # only now, for other threads that ask
        return self._session

    def __reduce__(self) -> tuple[type[Session], tuple[Callable[[], bytes], bool]]:
        return Session, (self._weights, self._seldom)


def _opened(weights: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(weights, one_thread(), providers=["CPUExecutionProvider"])
