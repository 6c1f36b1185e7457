"""The part of a report's page that tells for whom a model is worse, and how far answers move once faces are changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from mien.report.groups import (
    ENOUGH,
    ENOUGH_PEOPLE,
    MOVED,
    NO_FACE,
    OVERCONFIDENCE,
    RECALL,
    RIGHT,
    UNCERTAIN,
    Group,
    Measure,
)
from mien.report.numbers import Report
from mien.report.parts import figures, interval, table
from mien.shares import luck
from mien.wording import decimals, percentage

HOW_TO_READ = (
    "Intervals are Wilson's and Newcombe's; images of one person count as fewer, by how alike they are. p is how "
    "likely a gap as wide is by luck, among all comparisons of this page together (Holm); a star: below .05.",
    f"Below {ENOUGH} faces or {ENOUGH_PEOPLE} people, in a group or among the others, nothing can be concluded. "
    "A gap may be the labels' or the photos' as well as the model's.",
)
RIGHT_HEADS = ("", "images", "right", "95%", "above the others by", "95%", "p")
OTHER_HEADS = ("", "uncertain", "no face", "overconfident by", "ECE", "surer than one of the others")
CHANGED = (
    "Each face is read again with one thing changed. An answer that moves with the light or with glasses has followed "
    "them, and not the expression."
)
CHANGED_HEADS = (
    *("", "faces", "another answer", "95%", "no face any more", "probability moved"),
    *("right before", "after"),
)


def groups_of(report: Report, pictures: Mapping[str, bytes]) -> Iterator[str]:
    """HTML; nothing where nothing is known of the images and nothing was changed."""
    if report.subgroups:
        yield "<h2>For whom is it worse?</h2>"
        yield from map(_paragraph, HOW_TO_READ)
        yield figures(pictures, {"groups.png": "Groups: right, uncertain, and how confidence is spread"})
    labels = [label for label in report.labels if label not in report.absent]
    for attribute, groups in report.subgroups.items():
        yield f"<h2>By {escape(attribute)}</h2>"
        yield table(RIGHT_HEADS, (_right(*each) for each in groups.items()))
        yield table(OTHER_HEADS, (_other(*each) for each in groups.items()))
        yield table(("right of", *labels), (_recalled(*each, labels) for each in groups.items()))
    if report.changed:
        yield "<h2>The same faces, changed</h2>"
        yield _paragraph(CHANGED)
        yield table(CHANGED_HEADS, _changed(report))
        yield figures(pictures, {"changes.png": "Share of answers that move, by change and group"})
    if report.changed and report.subgroups:
        yield table(("another answer", "faces", *report.changed), _moved(report))


def _paragraph(text: str) -> str:
    return f"<p class=dim>{escape(text)}</p>"


def _right(value: str, group: Group) -> tuple[str, ...]:
    each = group.measures[RIGHT]
    told = value, f"{group.n:,}", percentage(each.value), interval(each.interval)
    if each.gap is None or each.gap_interval is None:
        return (*told, "", "", "")
    low, high = (f"{100 * end:+z.1f}" for end in each.gap_interval)
    chance = "too few to tell" if each.chance is None else f"{luck(each.chance)}{_star(each)}"
    return (*told, f"{100 * each.gap:+z.1f} points", f"{low} to {high}", chance)


def _other(value: str, group: Group) -> tuple[str, ...]:
    surer = ""
    if group.surer is not None and group.surer_interval is not None:
        surer = f"{group.surer:.2f} ({group.surer_interval[0]:.2f} to {group.surer_interval[1]:.2f})"
    return (value, *(_cell(group, name) for name in (UNCERTAIN, NO_FACE, OVERCONFIDENCE)), decimals(group.ece), surer)


def _recalled(value: str, group: Group, labels: list[str]) -> tuple[str, ...]:
    return (value, *(_cell(group, f"{RECALL}{label}", of=True) for label in labels))


def _changed(report: Report) -> Iterator[tuple[str, ...]]:
    for name, each in report.changed.items():
        moved = f"{each.n:,}", percentage(each.moved), interval(each.moved_interval)
        yield (name, *moved, *map(percentage, (each.lost, each.drift, each.before, each.after)))


def _moved(report: Report) -> Iterator[tuple[str, ...]]:
    """Of each group with faces that were changed, how many get another answer; the same faces in each change."""
    names = [f"{MOVED}{change}" for change in report.changed]
    for attribute, groups in report.subgroups.items():
        for value, group in groups.items():
            if each := group.measures.get(names[0]):
                yield (f"{attribute} {value}", f"{each.n:,}", *(_cell(group, name) for name in names))


def _cell(group: Group, name: str, *, of: bool = False) -> str:
    """`71% (64 to 77) *`, or `71% (64 to 77) of 203 *`; empty where the group has no such faces."""
    each = group.measures.get(name)
    if each is None:
        return ""
    value, low, high = (percentage(share, 0) for share in (each.value, *each.interval))
    return f"{value} ({low[:-1]} to {high[:-1]}){f' of {each.n:,}' if of else ''}{_star(each)}"


def _star(measure: Measure) -> str:
    return " *" if measure.shown else ""
