"""The learning curve of a run, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mien.files import replacing


def draw(log: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss, and validation accuracy by head, by epoch.

    Args:
        log: one entry an epoch, as in `log.jsonl`; at least one.
        path: a PNG to write.
    """
    epochs = [entry["epoch"] for entry in log]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    marker = "o" if len(log) < 3 else None
    left.plot(epochs, [entry["loss"] for entry in log], color="tab:gray", marker=marker)
    left.set(xlabel="epoch", title="Training loss")
    for head in log[0]["valid"]:
        right.plot(epochs, [100 * entry["valid"][head] for entry in log], label=head, marker=marker)
    best = max(log, key=lambda entry: entry["score"])
    right.axvline(best["epoch"], color="tab:gray", linewidth=0.8, linestyle="--", label=f"best: epoch {best['epoch']}")
    right.set(xlabel="epoch", title="Validation accuracy (%)")
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
