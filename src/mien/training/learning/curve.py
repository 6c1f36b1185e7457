"""The learning curve of a run, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.files import replacing
from mien.report.plots import canvas, legible, rendered
from mien.training.learning.judge import best_of

LONGEST = 24  # signs of a head's name: one of a dozen labels would cover the curve


def draw(log: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss, and validation NLL and accuracy by head, by epoch.

    Args:
        log: one entry an epoch, as in `log.jsonl`; at least one.
        path: a PNG to write.
    """
    epochs = [entry["epoch"] for entry in log]
    figure = canvas(12, 3.6)
    loss, *judged = panels = figure.subplots(1, 3)
    marker, best = "o" if len(log) < 3 else None, best_of(log)["epoch"]
    loss.plot(epochs, [entry["loss"] for entry in log], color="tab:gray", marker=marker)
    loss.set(xlabel="epoch", title="Training loss")
    titles = {"nll": ("Validation NLL", 1), "valid": ("Validation accuracy (%)", 100)}
    for axes, (key, (title, unit)) in zip(judged, titles.items(), strict=True):
        for head in log[0][key]:
            axes.plot(epochs, [unit * entry[key][head] for entry in log], label=_named(head), marker=marker)
        axes.axvline(best, color="tab:gray", linewidth=0.8, linestyle="--", label=f"best: epoch {best}")
        axes.set(xlabel="epoch", title=title)
        axes.legend()
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(path) as temporary:
        temporary.write_bytes(rendered(figure))


def _named(head: str) -> str:
    """A head in the legend, which leaves out what begins with `_`."""
    return legible("head " + (head if len(head) <= LONGEST else f"{head[:LONGEST]}..."))
