"""What must be said beside a report's numbers, in sentences: the terminal, the page and the app say the same."""

from __future__ import annotations

from collections.abc import Iterator

from mien.report.numbers import EXACT, NEAR, SEEN, Report

KINDS = {EXACT: "the very pixels", NEAR: "nearly the same", SEEN: "known to the model alone"}


def notes(report: Report) -> Iterator[str]:
    """Sentences, the most important first."""
    if report.copies:
        yield _copies(report)
    if people := report.data.get("people"):
        yield f"{people[0].upper()}{people[1:]}."
    if report.absent:
        judged = len(report.labels) - len(report.absent)
        yield f"Macro-F1 is over {judged} of {len(report.labels)} labels: no image has {', '.join(report.absent)}."
    if report.outside:
        named = ", ".join(f"{label} ({count:,})" for label, count in report.outside.items())
        yield f"Not judged, since their labels are not in this set: {named}."
    if rest := report.not_judged - sum(report.outside.values()):
        yield f"Not judged, for want of a label in this set: {rest:,}."
    if report.no_face:
        yield f"Without a face found, which counts as wrong: {report.no_face:,}."


def _copies(report: Report) -> str:
    counts = ", ".join(f"{count:,} {KINDS[kind]}" for kind, count in report.copies.items())
    copied = sum(report.copies.values())
    said = f"Trained on, or copies of what was trained on: {copied:,} of these {report.n:,} images ({counts})."
    fresh = report.fresh
    if fresh is None:
        return f"{said} These scores say nothing of new faces."
    low, high = fresh.accuracy_interval
    return (
        f"{said} On the other {fresh.n:,}: accuracy {fresh.accuracy:.1%} (95%: {low:.1%} to {high:.1%}), "
        f"macro-F1 {fresh.macro_f1:.3f}, ECE {fresh.ece:.3f}."
    )
