"""The pictures of a report, as PNG files in memory: confusion, reliability, confidence, groups, and the worst mistakes.

Words that are not mien's own, as labels are, go through `legible`: matplotlib takes a dollar for mathematics and
warns of characters that its font lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.text import Text
from PIL import ImageFont

from mien.fonts import drawable, font_file, lacked
from mien.intake import ImageSource
from mien.prediction import percent
from mien.report.answers import BINS
from mien.report.groups import ENOUGH, MOVED, RIGHT, UNCERTAIN, Group, Measure
from mien.report.moved import Moved
from mien.report.numbers import Report
from mien.report.parts import thumbnail
from mien.wording import decimals, percentage

BLUE, GRAY, RED = "#2f6fab", "#8a8f98", "#b5402f"
MISTAKES = 24  # on the contact sheet
COLUMNS = 8
FIRST = "the first {} rows; all are in the tables"
MOST_ROWS = 200  # of groups in a picture, which can be 65,535 pixels high; the page's tables have all


def confusion(report: Report, *, shares: bool) -> bytes:
    """The confusion matrix as a heat map: counts, or shares of each true class."""
    counts = np.array(report.confusion)
    support = np.array([scores.support for scores in report.per_class.values()])
    part = counts / np.maximum(support, 1)[:, None]
    side = 1.6 + 0.62 * len(report.labels)
    figure, axes = _figure(side + 0.4, side)
    axes.imshow(part, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        text = percentage(part[row, column], 0)[:-1] * bool(support[row]) if shares else str(counts[row, column])
        ink = "white" if part[row, column] > 0.55 else "#20242a"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=9)
    places = range(len(report.labels))
    labels = [legible(label) for label in report.labels]
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, labels)
    axes.set(xlabel="answer", ylabel="label", title="% of each label" if shares else "images")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return rendered(figure)


def reliability(report: Report) -> bytes:
    """How often answers of a confidence are right; a calibrated model lies on the diagonal."""
    figure, axes = _figure(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=GRAY, linewidth=1, linestyle="--", label="calibrated")
    for each in report.reliability:
        middle = (each.low + each.high) / 2
        axes.bar(middle, each.accuracy, 1 / BINS, color=BLUE, alpha=0.25, edgecolor="white")
    widest = max((each.n for each in report.reliability), default=1)
    axes.scatter(
        [each.confidence for each in report.reliability],
        [each.accuracy for each in report.reliability],
        [12 + 110 * each.n / widest for each in report.reliability],
        color=BLUE,
        zorder=3,
        label="answers (area: how many)",
    )
    axes.set(
        xlim=(0, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="share right", title=f"ECE {decimals(report.ece)}"
    )
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    return rendered(figure)


def confidences(report: Report) -> bytes:
    """How many answers have which confidence, right and wrong, and below which none is sure."""
    answers = report.answers
    figure, axes = _figure(4.6, 4.2)
    kept = answers.found
    right, wrong = answers.confidence[kept & answers.right], answers.confidence[kept & ~answers.right]
    edges = list(np.linspace(0, 1, 2 * BINS + 1))
    axes.hist([right, wrong], edges, stacked=True, color=[BLUE, RED], label=["right", "wrong"])
    axes.axvline(answers.threshold, color="#20242a", linewidth=1, linestyle="--", label="none below is sure")
    axes.set(xlim=(0, 1), xlabel="confidence", ylabel="answers", title="Confidence")
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    return rendered(figure)


def groups(report: Report) -> bytes | None:
    """Each group's share of right and of uncertain answers with their intervals, and how its confidence is spread; None
    if there are none. Red is what is hardly luck, and hollow what is of too few to conclude anything."""
    every = _rows(report)
    rows = every[:MOST_ROWS]
    if not any(group for _, group in rows):
        return None
    figure = Figure(figsize=(11, 0.9 + 0.27 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, 3, sharey=True))
    for axes, what, all_of_them in (
        (panels[0], RIGHT, report.accuracy),
        (panels[1], UNCERTAIN, 1 - report.coverage),
    ):
        axes.axvline(all_of_them, color=GRAY, linewidth=1, linestyle="--")
        for place, (_, group) in enumerate(rows):
            if group:
                each = group.measures[what]
                ink = RED if each.shown else BLUE if group.enough else GRAY
                axes.plot(each.interval, (place, place), color=ink, linewidth=1.5)
                axes.plot(each.value, place, "o", color=ink, markersize=5, mfc=ink if group.enough else "white")
    for place, (_, group) in enumerate(rows):
        if group and group.confidence:
            low, quarter, middle, most, high = group.confidence
            ink = BLUE if group.enough else GRAY
            panels[2].plot((low, high), (place, place), color=ink, linewidth=1)
            panels[2].plot((quarter, most), (place, place), color=ink, linewidth=5, alpha=0.4, solid_capstyle="butt")
            panels[2].plot(middle, place, "|", color=ink, markersize=9, markeredgewidth=2)
    for axes, title in zip(panels, ("right", "uncertain", "confidence: 90%, half and middle"), strict=True):
        axes.set(xlim=(-0.01, 1.01), ylim=(len(rows) - 0.5, -0.5), title=title)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(rows)), [legible(name) for name, _ in rows])
    for tick, (_, group) in zip(panels[0].get_yticklabels(), rows, strict=True):
        tick.set_fontweight("normal" if group else "bold")
    if len(rows) < len(every):
        figure.suptitle(FIRST.format(MOST_ROWS))
    return rendered(figure)


def _rows(report: Report) -> list[tuple[str, Group | None]]:
    """Names of attributes, each with its groups below it."""
    rows: list[tuple[str, Group | None]] = []
    for attribute, found in report.subgroups.items():
        rows.append((attribute, None))
        rows += [(f"{value} ({group.n:,})", group) for value, group in found.items()]
    return rows


def changes(report: Report) -> bytes | None:
    """What share of answers each change moves, of all faces and of each group; None where nothing was changed."""
    if not report.changed:
        return None
    table: list[tuple[str, list[Moved | Measure | None]]] = [("all", list(report.changed.values()))]
    for name, group in _rows(report):
        table.append((name, [group.measures.get(f"{MOVED}{change}") if group else None for change in report.changed]))
    first = f"\n{FIRST.format(MOST_ROWS)}" if len(table) > MOST_ROWS else ""
    table = table[:MOST_ROWS]
    figure, axes = _figure(2.6 + 0.95 * len(report.changed), 1.4 + 0.27 * len(table))
    shares = np.array([[np.nan if each is None else _moved(each) for each in row] for _, row in table])
    axes.imshow(shares, cmap="Oranges", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if each := table[row][1][column]:
            ink = "#20242a" if each.n >= ENOUGH else GRAY
            axes.text(column, row, percentage(share, 0), ha="center", va="center", color=ink, fontsize=9)
    axes.set_xticks(range(len(report.changed)), list(report.changed), rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(table)), [legible(name) for name, _ in table])
    for tick, (_, measures) in zip(axes.get_yticklabels(), table, strict=True):
        tick.set_fontweight("normal" if any(measures) else "bold")
    axes.set(title=f"share of answers that move; gray: of fewer than {ENOUGH}{first}")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return rendered(figure)


def _moved(told: Moved | Measure) -> float:
    return told.moved if isinstance(told, Moved) else told.value


def mistakes(report: Report) -> bytes | None:
    """The most confident wrong answers, with what was labelled and what was answered; None if there are none."""
    answers = report.answers
    wrong = np.flatnonzero(~answers.right & answers.found)
    worst = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:MISTAKES]
    if not len(worst):
        return None
    titles = [
        f"{report.labels[answers.guesses[row]]} {percent(answers.confidence[row])}\n"
        f"label: {report.labels[answers.truth[row]]}"
        for row in worst
    ]
    return contact_sheet([answers.sources[row] for row in worst], titles)


def contact_sheet(sources: Sequence[ImageSource], titles: Sequence[str]) -> bytes:
    """Images in rows of eight, each below its title; gray where one cannot be read.

    Args:
        sources: at least one.
        titles: one each.
    """
    rows = -(-len(sources) // COLUMNS)
    figure = canvas(1.45 * COLUMNS, 1.95 * rows)
    places = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for axes in places:
        axes.axis("off")
    for axes, source, title in zip(places, sources, titles, strict=False):
        axes.imshow(thumbnail(source))
        axes.set_title(legible(title), fontsize=8)
    return rendered(figure)


def canvas(width: float, height: float) -> Figure:
    """An empty figure, of inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = canvas(width, height)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def legible(text: str) -> str:
    """A text of characters that `_families` have."""
    lacks = lacked(text, _own_font())
    other = font_file(lacks) if lacks else None
    return drawable(text, lacked(lacks, ImageFont.truetype(other)) if other else lacks)


def _families(text: str) -> list[str]:
    """Families of fonts that have a text's characters together: matplotlib's own, and one of the system if need be."""
    lacks = lacked(text, _own_font())
    other = font_file(lacks) if lacks else None
    return ["sans-serif", *([_family(other)] if other else [])]


@cache
def _own_font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont(FontProperties()))


@cache
def _family(path: str) -> str:
    """The family of a font's file, which matplotlib knows from now on."""
    fontManager.addfont(path)
    return FontProperties(fname=path).get_name()


def rendered(figure: Figure, form: str = "png") -> bytes:
    """A figure as a file: `png`, `pdf` or `svg`."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        text.set_fontfamily(_families(text.get_text()))
    stream = BytesIO()
    figure.savefig(stream, format=form, dpi=130)
    return stream.getvalue()
