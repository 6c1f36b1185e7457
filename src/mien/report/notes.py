"""What must be said beside a report's numbers, in sentences: the terminal, the page and the app say the same."""

from __future__ import annotations

from collections.abc import Iterator

from mien.report.answers import EXACT, NEAR, SEEN
from mien.report.groups import ENOUGH, ENOUGH_PEOPLE, Measure, worded
from mien.report.numbers import Report
from mien.shares import luck
from mien.wording import counted

MOST = 3  # groups that are named


def notes(report: Report) -> Iterator[str]:
    """Sentences, the most important first."""
    if report.held_back:
        why = "since the model was trained on them, on copies of them, or on these people"
        yield f"Not judged, {why}: {report.held_back:,} images more; split all judges them too."
    yield from _copies(report)
    if report.by_index:
        flattered = "where a model doubted their labels, its mistakes went with them, and scores flatter"
        yield f"Left out by the data's index: {report.by_index:,} images more; {flattered}: judge all images, too."
    if report.prior is not None:
        shares = ", ".join(f"{label} {share:.0%}" for label, share in report.prior.items() if share)
        yield f"Answers expect another mix than that of training: {shares}."
    if report.people:
        doubt = "; of so few they are too narrow" if report.people < ENOUGH_PEOPLE else ""
        yield f"Intervals are of {report.people:,} people, each with all images{doubt}."
    yield from _groups(report)
    if people := report.data.get("people"):
        yield f"{people[0].upper()}{people[1:]}."
    yield from _commonest(report)
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


def _copies(report: Report) -> Iterator[str]:
    exact, near, seen = (report.copies.get(kind, 0) for kind in (EXACT, NEAR, SEEN))
    if exact or near:
        yield f"In the data's own train as well: {exact:,} of these {report.n:,} images to the pixel, {near:,} nearly."
    if seen:
        yield f"The model was trained on {seen:,} of these {report.n:,} images, or on copies of them."
    if report.copies and report.fresh is None:
        yield "These scores say nothing of new faces."
    if fresh := report.fresh:
        low, high = fresh.accuracy_interval
        yield (
            f"On the other {fresh.n:,}: accuracy {fresh.accuracy:.1%} (95%: {low:.1%} to {high:.1%}), "
            f"macro-F1 {fresh.macro_f1:.3f}, ECE {fresh.ece:.3f}."
        )


def _commonest(report: Report) -> Iterator[str]:
    """Whether one answer for all images may do as well."""
    label, most = max(((name, scores.support) for name, scores in report.per_class.items()), key=lambda each: each[1])
    if most < report.n and most / report.n >= report.accuracy_interval[0]:
        yield f"Always answering {label} is right in {most / report.n:.1%}: nothing says that the model is better."


def _groups(report: Report) -> Iterator[str]:
    groups = [(f"{by} {value}", each) for by, found in report.subgroups.items() for value, each in found.items()]
    measures = [
        (f"{by} {value}", what, each)
        for by, found in report.subgroups.items()
        for value, group in (list(found.items())[:1] if len(found) == 2 else found.items())  # the other is its mirror
        for what, each in group.measures.items()
    ]
    tested = [each for *_, each in measures if each.chance is not None]
    shown = sorted((each for each in measures if each[2].shown), key=lambda each: each[2].chance or 0)
    if shown:
        more = f"; and {len(shown) - MOST:,} more" if len(shown) > MOST else ""
        yield f"Groups differ by more than luck: {'; '.join(_gap(*each) for each in shown[:MOST])}{more}."
    elif tested:
        yield f"No group differs from the others by more than luck may, in {len(tested):,} comparisons together."
    if few := [f"{name} ({group.n:,})" for name, group in groups if not group.enough]:
        named = ", ".join(few[:MOST]) + (f" and {len(few) - MOST:,} more" if len(few) > MOST else "")
        yield f"Nothing can be concluded of groups below {ENOUGH} faces or {ENOUGH_PEOPLE} people: {named}."
    for by, found in report.subgroups.items():
        if unknown := report.n - sum(group.n for group in found.values()):
            yield f"In no group by {by}, as that is not known: {counted(unknown, 'image')} of {report.n:,}."


def _gap(name: str, what: str, measure: Measure) -> str:
    gap = 100 * (measure.gap or 0)
    return f"{name} {gap:+.1f} points {worded(what)} (p {luck(measure.chance or 0.0)})"
