"""What the service counts, for Prometheus; numbers alone, nothing of an image or a face.

What is counted by kind or cause is there from the start, at 0: of a series that begins with its first count, Prometheus
sees no growth to it, and an alert on a first fault would stay silent.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from time import perf_counter
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

import mien
from mien.service.problems import KINDS
from mien.service.worker import Cause

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
CONTENT_TYPE = CONTENT_TYPE_LATEST

End = Literal["flood", "full", "idle", "large", "late", "malformed", "memory", "silent", "unread"]
"""Why a connection is refused or ended."""


class Metrics:
    """The counts of one service."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("mien_requests", "Requests answered", ["route", "status"], registry=registry)
        self.seconds = Histogram(
            "mien_request_seconds", "Time by route, uploads included", ["route"], buckets=SECONDS, registry=registry
        )
        self.errors = Counter("mien_errors", "Requests answered with a problem", ["kind"], registry=registry)
        self.stages = Histogram("mien_stage_seconds", "Time by stage", ["stage"], buckets=SECONDS, registry=registry)
        self.batches = Histogram(
            "mien_batch_images", "Images read by the network at once", buckets=SIZES, registry=registry
        )
        self.faces = Counter("mien_faces", "Faces read", registry=registry)
        self.images = Counter("mien_images", "Images answered", registry=registry)
        self.frames = Counter("mien_live_frames", "Live frames answered", registry=registry)
        self.viewers = Gauge("mien_live_connections", "Live cameras connected", registry=registry)
        self.connections = Gauge("mien_connections", "Connections open", registry=registry)
        self.ended = Counter(
            "mien_connections_ended", "Connections refused or ended by the service", ["cause"], registry=registry
        )
        self.waiting = Gauge("mien_queue_images", "Images accepted and not yet answered", registry=registry)
        self.held = Gauge("mien_upload_bytes", "Bytes of uploads held", registry=registry)
        self.videos = Gauge("mien_videos", "Videos known, by state", ["state"], registry=registry)
        self.video_seconds = Counter("mien_video_seconds", "Seconds of video read", registry=registry)
        self.video_bytes = Gauge("mien_video_bytes", "Bytes of videos held", registry=registry)
        self.video_rows = Gauge("mien_video_rows", "Rows of videos held", registry=registry)
        self.workers = Gauge("mien_workers", "Processes that decode images and find faces", registry=registry)
        self.restarts = Counter(
            "mien_worker_restarts", "Workers that ended and were replaced", ["cause"], registry=registry
        )
        for kind in KINDS:
            self.errors.labels(kind.name)
        for end in get_args(End):
            self.ended.labels(end)
        for cause in get_args(Cause):
            self.restarts.labels(cause)
        ProcessCollector(registry=registry)  # on Linux: memory, processor time, open files, start
        build = {
            "version": mien.__version__,
            "python": platform.python_version(),
            "onnxruntime": version("onnxruntime"),
        }
        Info("mien_build", "What is running", registry=registry).info(build)

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Measure a stage: upload, queue, find, wait, express, explain."""
        began = perf_counter()
        try:
            yield
        finally:
            self.stages.labels(stage).observe(perf_counter() - began)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)
