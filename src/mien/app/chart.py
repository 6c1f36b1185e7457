"""The chart of one face: its expressions over time on top of each other, as Vega-Lite draws it.

What is uncertain is hatched, where the face is out of sight it is empty, and a line stands at the moment that is looked
at. A click gives the part of the time that was clicked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.app.words import said
from mien.draw import colour_of, css
from mien.prediction import percent

POINT = "point"
"""The name of what is clicked; of it `PLACE` is kept."""
PLACE = "middle"

HIGH = 120  # px, with the axis
HATCHES = 4  # lines across a part that is uncertain
LEAST = 0.005  # of an expression's share that is drawn
MINUTE = 60.0

INK, PAPER, EDGE = "#20242a", "#ffffff", "#7d8592"
CLOCK = "floor(datum.value / 60) + ':' + format(datum.value % 60, '02.0f')"
SECONDS = "format(datum.value, '~g') + ' s'"


def chart(
    edges_s: NDArray[np.float64],
    shares: NDArray[np.float64],
    uncertain: NDArray[np.bool_],
    labels: Sequence[str],
    moment_s: float,
) -> dict[str, Any]:
    """The chart.

    Args:
        edges_s, shares, uncertain: as in `overview.OverTime`, of one face.
        labels: the expressions.
        moment_s: that is looked at.
    """
    start_s, end_s = float(edges_s[0]), float(edges_s[-1])
    axis = {
        "title": None,
        "grid": False,
        "labelExpr": CLOCK if end_s - start_s > MINUTE else SECONDS,
        "tickCount": 6,
        "labelOverlap": True,
    }
    across = {"field": "start", "type": "quantitative", "axis": axis, "scale": {"domain": [start_s, end_s]}}
    up = {"field": "low", "type": "quantitative", "axis": None, "scale": {"domain": [0, 1]}}
    encoding = {"x": across, "x2": {"field": "end"}, "y": up, "y2": {"field": "high"}}
    colour = {"field": "colour", "type": "nominal", "scale": None, "legend": None}
    tooltip = [{"field": "told", "type": "nominal", "title": " "}]
    return {
        "params": [{"name": POINT, "select": {"type": "point", "fields": [PLACE]}, "views": ["areas"]}],
        "layer": [
            {
                "data": {"values": [{"start": start_s, "end": end_s, "low": 0, "high": 1}]},
                "mark": {"type": "rect", "filled": False, "stroke": EDGE, "strokeWidth": 1},
                "encoding": encoding,
            },
            {
                "name": "areas",
                "data": {"values": _areas(edges_s, shares, labels)},
                "mark": {"type": "rect", "cursor": "pointer", "clip": True, "strokeWidth": 0.7},
                "encoding": encoding | {"fill": colour, "stroke": colour, "tooltip": tooltip},
            },
            {
                "data": {"values": _hatches(edges_s, uncertain)},
                "mark": {"type": "rule", "color": INK, "strokeWidth": 1, "opacity": 0.7, "clip": True},
                "encoding": encoding,
            },
            *(
                {
                    "data": {"values": [{"start": moment_s, "low": 0, "high": 1}]},
                    "mark": {"type": "rule", "color": ink, "strokeWidth": width},
                    "encoding": {"x": across, "y": up, "y2": {"field": "high"}},
                }
                for ink, width in ((PAPER, 5), (INK, 2))
            ),
        ],
        "usermeta": {"embedOptions": {"renderer": "canvas"}},
    }


def _areas(
    edges_s: NDArray[np.float64], shares: NDArray[np.float64], labels: Sequence[str]
) -> list[dict[str, float | str]]:
    """A box for each expression in each part, on top of each other; parts that follow each other leave no gap."""
    tops = np.cumsum(shares, 1)
    words = [said(label) for label in labels]
    colours = [css(colour_of(label)) for label in labels]
    return [
        {
            "start": round(float(edges_s[part]), 3),
            "end": round(float(edges_s[part + 1]), 3),
            "low": round(float(tops[part, at] - shares[part, at]), 4),
            "high": round(float(tops[part, at]), 4),
            PLACE: round(float(edges_s[part] + edges_s[part + 1]) / 2, 3),
            "colour": colours[at],
            "told": f"{words[at]} {percent(float(shares[part, at]))}",
        }
        for part, at in np.argwhere(shares >= LEAST).tolist()
    ]


def _hatches(edges_s: NDArray[np.float64], uncertain: NDArray[np.bool_]) -> list[dict[str, float]]:
    return [
        {
            "start": round(float(edges_s[part]), 3),
            "end": round(float(edges_s[part + 1]), 3),
            "low": line / HATCHES,
            "high": (line + 1) / HATCHES,
        }
        for part in np.flatnonzero(uncertain).tolist()
        for line in range(HATCHES)
    ]
