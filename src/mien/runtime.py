"""ONNX Runtime, told to report nothing, and how networks run in it.

Its official builds tell their maker of every process, session and error, and keep an identifier of the machine on disk,
unless they are told not to before they are loaded: the names of the switch are those of its versions.
"""

from __future__ import annotations

import os

for _switch in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"):
    os.environ[_switch] = "1"

import onnxruntime as ort  # noqa: E402 - after the switches

ort.disable_telemetry_events()  # where somebody else had loaded it before

__all__ = ["one_thread", "ort"]


def one_thread() -> ort.SessionOptions:
    """A network on one thread a run: several runs at once use more cores better than several threads in one."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options
