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


def groups_of(report: Report, pictures: Mapping[str, bytes]) -> Iterator[str]:
    """HTML; nothing where nothing is known of the images and nothing was changed."""
    if report.subgroups:
        yield "<h2>For whom is it worse?</h2>"
        yield from map(_paragraph, HOW_TO_READ)
        yield figures(pictures, {"groups.png": "Groups: right, uncertain, and how confidence is spread"})
    for attribute, groups in report.subgroups.items():
        yield f"<h2>By {escape(attribute)}</h2>"
        yield table(("", "images", "right", "95%", "above the others by", "95%", "p"), map(_right, *_both(groups)))
        yield table(
            ("", "uncertain", "no face", "more confident than right", "ECE", "surer than one of the others"),
            map(_other, *_both(groups)),
        )
        yield table(
            ("right of", *report.labels),
            (
                (value, *(_cell(group, f"{RECALL}{label}") for label in report.labels))
                for value, group in groups.items()
            ),
        )
    if report.changed:
        yield "<h2>The same faces, changed</h2>"
        yield _paragraph(CHANGED)
        yield table(
            ("", "faces", "another answer", "95%", "no face any more", "probability moved", "right before", "after"),
            (
                (
                    *(name, str(each.n), f"{each.moved:.1%}", interval(each.moved_interval), f"{each.lost:.1%}"),
                    *(f"{each.drift:.1%}", f"{each.before:.1%}", f"{each.after:.1%}"),
                )
                for name, each in report.changed.items()
            ),
        )
        yield figures(pictures, {"changes.png": "Share of answers that move, by change and group"})
    if report.changed and report.subgroups:
        yield table(
            ("another answer", *report.changed),
            (
                (f"{attribute} {value}", *(_cell(group, f"{MOVED}{change}") for change in report.changed))
                for attribute, groups in report.subgroups.items()
                for value, group in groups.items()
            ),
        )


HOW_TO_READ = (
    "Intervals are Wilson's and Newcombe's; images of one person count as fewer, by how alike they are. "
    "p is how likely a gap as wide is by luck, among all comparisons of this page together (Holm); a star marks those "
    "below .05.",
    f"Below {ENOUGH} faces or {ENOUGH_PEOPLE} people, in a group or among the others, nothing can be concluded. "
    "A gap may be the labels' or the photos' as well as the model's.",
)
CHANGED = (
    "Each face is read again with one thing changed. An answer that moves with the light or with glasses has followed "
    "them, and not the expression."
)


def _paragraph(text: str) -> str:
    return f"<p class=dim>{escape(text)}</p>"


def _both(groups: Mapping[str, Group]) -> tuple[list[str], list[Group]]:
    return list(groups), list(groups.values())


def _right(value: str, group: Group) -> tuple[str, ...]:
    each = group.measures[RIGHT]
    told = (value, f"{group.n:,}", f"{each.value:.1%}", interval(each.interval))
    if each.gap is None or each.gap_interval is None:
        return (*told, "", "", "")
    low, high = (f"{100 * end:+.1f}" for end in each.gap_interval)
    told_p = "too few to tell" if each.chance is None else f"{luck(each.chance)}{_star(each)}"
    return (*told, f"{100 * each.gap:+.1f} points", f"{low} to {high}", told_p)


def _other(value: str, group: Group) -> tuple[str, ...]:
    surer = (
        ""
        if group.surer is None or group.surer_interval is None
        else (f"{group.surer:.2f} ({group.surer_interval[0]:.2f} to {group.surer_interval[1]:.2f})")
    )
    cells = (_cell(group, name) for name in (UNCERTAIN, NO_FACE, OVERCONFIDENCE))
    return (value, *cells, f"{group.ece:.3f}", surer)


def _cell(group: Group, name: str) -> str:
    """`71% (64% to 77%) of 203 *`; empty where the group has no such faces."""
    each = group.measures.get(name)
    return f"{each.value:.0%} ({interval(each.interval, 0)}) of {each.n:,}{_star(each)}" if each else ""


def _star(measure: Measure) -> str:
    return " *" if measure.shown else ""
