"""What Prometheus sees of a service before anything has happened."""

from __future__ import annotations

from typing import get_args

from mien.service.metrics import End, Metrics
from mien.service.problems import KINDS
from mien.service.worker import Cause


def test_what_is_counted_by_kind_is_there_before_the_first_of_it() -> None:
    """Else the first one is no growth to Prometheus, and nobody hears of it."""
    counted = {
        "mien_errors_total": ("kind", [kind.name for kind in KINDS]),
        "mien_connections_ended_total": ("cause", get_args(End)),
        "mien_worker_restarts_total": ("cause", get_args(Cause)),
    }
    lines = Metrics().text().decode().splitlines()
    for name, (label, values) in counted.items():
        assert sorted(line for line in lines if line.startswith(name)) == sorted(
            f'{name}{{{label}="{value}"}} 0.0' for value in values
        )
