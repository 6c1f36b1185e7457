"""Where a report's numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """What has to be the same for the same numbers.

    Args:
        command: what asks for them in a shell.
        versions: of mien, of Python, and of the packages that pixels and numbers pass through.
        network_sha256: of the model's `model.onnx`.
        model_sha256: of its manifest: of the network, the calibration, the thresholds and how it was trained.
        data_sha256: of the judged images: their names, labels and pixels.
        seed: of the draws that the intervals are made of; nothing else is drawn.
        machine: processor, cores and system; from one processor to another the last digits differ.
    """

    command: str
    versions: Mapping[str, str]
    network_sha256: str
    model_sha256: str
    data_sha256: str
    seed: int
    machine: str

    def rows(self) -> Iterable[tuple[str, str]]:
        """Each by what it is, in words."""
        yield "command", self.command
        yield "versions", ", ".join(f"{name} {version}" for name, version in self.versions.items())
        yield "sha256 of model.onnx", self.network_sha256
        yield "sha256 of the model with its calibration", self.model_sha256
        yield "sha256 of the judged images", self.data_sha256
        yield "seed of the intervals", str(self.seed)
        yield "machine", self.machine
