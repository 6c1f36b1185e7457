"""The page of a video: below each other, for each face, how likely each expression was over time, and how it looked.

Expressions are stacked in their own colours; what is uncertain is hatched, and where a face is out of sight is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from PIL import Image

from mien.report.plots import canvas, legible, rendered

WIDE, HIGH, FOOT = 11.0, 1.9, 0.9  # inches: a page, a face's strip, and what is below all
INK, GRAY = "#20242a", "#8a8f98"
THUMB_PX = 44


@dataclass(frozen=True)
class Look:
    """What a face looked like at the height of an expression.

    Args:
        time_s: when.
        label: the expression.
        image: of the face, square.
    """

    time_s: float
    label: str
    image: Image.Image


@dataclass(frozen=True)
class Strip:
    """One face over time.

    Args:
        title: what it is called.
        edges_s: where each part of the time begins, and where the last one ends: (n + 1,).
        shares: of each expression in each part, 0..1: (n, expressions); NaN where the face is out of sight.
        uncertain: whether the answers of a part are not to be relied on: (n,).
        looks: at the heights of its expressions, in order.
    """

    title: str
    edges_s: NDArray[np.float64]
    shares: NDArray[np.float64]
    uncertain: NDArray[np.bool_]
    looks: Sequence[Look] = field(default=())


def page(title: str, strips: Sequence[Strip], colours: Mapping[str, str], form: str = "png") -> bytes:
    """All faces of a video on one page.

    Args:
        title: above all.
        strips: of the faces, from the top; one without any is said to be.
        colours: of the expressions, by name and in order, as Matplotlib takes them.
        form: `png`, `pdf` or `svg`.
    """
    figure = canvas(WIDE, HIGH * max(1, len(strips)) + FOOT)
    places = list(figure.subplots(max(1, len(strips)), 1, squeeze=False, sharex=True).flat)
    figure.suptitle(legible(title), x=0.01, ha="left", fontsize=11)
    for axes, strip in zip(places, strips, strict=False):
        _draw(axes, strip, colours)
    if not strips:
        places[0].text(0.5, 0.5, "no face was seen", ha="center", va="center", color=GRAY)
        places[0].axis("off")
    places[-1].set_xlabel("time (min:s)")
    shades = [Patch(facecolor=colour, label=legible(name)) for name, colour in colours.items()]
    hatched = Patch(facecolor="white", edgecolor=INK, hatch="////", linewidth=0, label="uncertain")
    figure.legend(handles=[*shades, hatched], loc="outside lower center", ncols=9, frameon=False, fontsize=8)
    return rendered(figure, form)


def _draw(axes: Axes, strip: Strip, colours: Mapping[str, str]) -> None:
    ends = np.repeat(strip.edges_s, 2)[1:-1]  # of each part: with `step`, the last of several would be left out
    seen = ~np.isnan(strip.shares[:, 0])
    tops = np.vstack([np.zeros(len(seen)), np.cumsum(np.nan_to_num(strip.shares), axis=1).T]).repeat(2, axis=1)
    for low, high, colour in zip(tops[:-1], tops[1:], colours.values(), strict=True):
        axes.fill_between(ends, low, high, where=seen.repeat(2), color=colour, linewidth=0)
    unsure = (strip.uncertain & seen).repeat(2)
    axes.fill_between(ends, 0, 1, where=unsure, facecolor="none", edgecolor=INK, hatch="////", linewidth=0)
    for look in strip.looks:
        mark = AnnotationBbox(
            OffsetImage(np.asarray(look.image), zoom=THUMB_PX / look.image.width),
            (look.time_s, 1.0),
            (0, THUMB_PX / 2 + 8),
            xycoords="data",
            boxcoords="offset points",
            frameon=True,
            pad=0.1,
            bboxprops={"edgecolor": colours[look.label], "linewidth": 2},
            arrowprops={"arrowstyle": "-", "color": GRAY, "linewidth": 0.8},
            annotation_clip=False,
        )
        axes.add_artist(mark)
    axes.set(xlim=(strip.edges_s[0], strip.edges_s[-1]), ylim=(0, 1), ylabel=legible(strip.title))
    if strip.looks:
        axes.set_title(" ", fontsize=THUMB_PX)  # keeps room for the pictures
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"], fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(_clock))


def _clock(seconds: float, _: int) -> str:
    minutes, rest = divmod(round(seconds, 4), 60)  # a video's only frame stands for a millisecond
    return f"{minutes:.0f}:{rest:07.4f}".rstrip("0").removesuffix(".")
