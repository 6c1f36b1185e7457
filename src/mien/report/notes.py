"""What must be said beside a report's numbers, in sentences: the terminal, the page and the app say the same."""

from __future__ import annotations

from collections.abc import Iterator

from mien.report.answers import EXACT, NEAR, SEEN
from mien.report.groups import ENOUGH, ENOUGH_PEOPLE, Measure, worded
from mien.report.numbers import Report
from mien.shares import luck
from mien.wording import counted, decimals, percentage

MOST = 3  # groups that are named
MANY = 20  # of one in so many images that are copies is told
FEW = 10  # images of a label, below which its own F1 is mostly luck


def notes(report: Report) -> Iterator[str]:
    """Sentences, the most important first."""
    if report.held_back:
        why = "since the model was trained on them, on copies of them, or on these people"
        yield f"Not judged, {why}: {counted(report.held_back, 'image')} more; split all judges them too."
    yield from _copies(report)
    if report.by_index:
        flattered = "where a model doubted their labels, its mistakes went with them, and scores flatter"
        more = counted(report.by_index, "image")
        yield f"Left out by the data's index: {more} more; {flattered}: judge all images, too."
    if report.prior is not None:
        shares = ", ".join(f"{label} {percentage(share, 0)}" for label, share in report.prior.items() if share)
        yield f"Answers expect another mix than that of training: {shares}."
    if report.people:
        alone = sum(not each.get("person") for each in report.answers.attributes)
        others = f", and of {counted(alone, 'image')} of nobody known" if alone else ""
        doubt = "; of so few they are too narrow" if report.people + alone < ENOUGH_PEOPLE else ""
        known = counted(report.people, "person", "people")
        yield f"Intervals are of {known}, each with all images{others}{doubt}."
    elif report.repeated * MANY >= report.n:
        copies = "1 is a copy" if report.repeated == 1 else f"{report.repeated:,} are copies"
        same = f"{copies} of others among them, or nearly"
        yield f"Of {counted(report.n, 'image')} {same}: intervals are too narrow."
    yield from _groups(report)
    if people := report.data.get("people"):
        yield f"{people[0].upper()}{people[1:]}."
    yield from _commonest(report)
    if report.absent:
        judged = len(report.labels) - len(report.absent)
        yield f"Macro-F1 is over {judged} of {len(report.labels)} labels: no image has {', '.join(report.absent)}."
    if few := [f"{label} ({each.support})" for label, each in report.per_class.items() if 0 < each.support < FEW]:
        more = ", more than its interval tells" if report.macro_f1_interval else ""
        yield f"Macro-F1 hangs on labels of fewer than {FEW} images{more}: {', '.join(few)}."
    if report.outside:
        named = ", ".join(f"{label} ({count:,})" for label, count in report.outside.items())
        yield f"Not judged, since their labels are not in this set: {named}."
    if rest := report.not_judged - sum(report.outside.values()):
        yield f"Not judged, for want of a label in this set: {rest:,}."
    if report.no_face:
        yield f"Without a face found, which counts as wrong: {report.no_face:,}."


def macro_f1_interval(report: Report) -> str:
    """Of macro-F1: `95%: 0.609 to 0.850`, or that there is none."""
    if report.macro_f1_interval is None:
        return "too few or too alike for an interval"
    return "95%: {:.3f} to {:.3f}".format(*report.macro_f1_interval)


def _copies(report: Report) -> Iterator[str]:
    judged = counted(report.n, "image")
    exact, near, seen = (report.copies.get(kind, 0) for kind in (EXACT, NEAR, SEEN))
    if exact or near:
        yield f"In the data's own train as well: {exact:,} of {judged} to the pixel, {near:,} nearly."
    if seen:
        yield f"The model was trained on {seen:,} of {judged}, or on copies of them."
    if report.copies and report.fresh is None:
        yield "These scores say nothing of new faces."
    if fresh := report.fresh:
        low, high = map(percentage, fresh.accuracy_interval)
        yield (
            f"On the other {fresh.n:,}: accuracy {percentage(fresh.accuracy)} (95%: {low} to {high}), "
            f"macro-F1 {fresh.macro_f1:.3f}, ECE {decimals(fresh.ece)}."
        )


def _commonest(report: Report) -> Iterator[str]:
    """Whether one answer for all images may do as well."""
    label, most = max(((name, scores.support) for name, scores in report.per_class.items()), key=lambda each: each[1])
    if most < report.n and most / report.n >= report.accuracy_interval[0]:
        always = percentage(most / report.n)
        yield f"Always answering {label} is right in {always}: nothing says that the model is better."


def _groups(report: Report) -> Iterator[str]:
    groups = [(f"{by} {value}", each) for by, found in report.subgroups.items() for value, each in found.items()]
    measures = [
        (f"{by} {value}", what, each)
        for by, found in report.subgroups.items()
        for value, group in (list(found.items())[:1] if len(found) == 2 else found.items())  # the other is its mirror
        for what, each in group.measures.items()
    ]
    tested = [each for *_, each in measures if each.tested]
    shown = sorted((each for each in measures if each[2].shown), key=lambda each: each[2].chance or 0)
    if shown:
        more = f"; and {len(shown) - MOST:,} more" if len(shown) > MOST else ""
        yield f"Groups differ by more than luck: {'; '.join(_gap(*each) for each in shown[:MOST])}{more}."
    elif tested:
        together = "one comparison" if len(tested) == 1 else f"{len(tested):,} comparisons together"
        yield f"No group differs from the others by more than luck may, in {together}."
    if few := [f"{name} ({group.n:,})" for name, group in groups if not group.enough]:
        named = ", ".join(few[:MOST]) + (f" and {len(few) - MOST:,} more" if len(few) > MOST else "")
        yield f"Nothing can be concluded of groups below {ENOUGH} faces or {ENOUGH_PEOPLE} people: {named}."
    for by, found in report.subgroups.items():
        if unknown := report.n - sum(group.n for group in found.values()):
            yield f"In no group by {by}, as that is not known: {counted(unknown, 'image')} of {report.n:,}."


def _gap(name: str, what: str, measure: Measure) -> str:
    gap = 100 * (measure.gap or 0)
    return f"{name} {gap:+z.1f} points {worded(what)} (p {luck(measure.chance or 0.0)})"
