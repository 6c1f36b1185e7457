"""A comparison as one table for papers and for programs: LaTeX, and CSV with a row a report and a row a group."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mien.cells import Rows
from mien.report.compare import Compared, Difference, Part
from mien.wording import decimals, percentage

COLUMNS = (
    *("data", "report", "model", "group", "n", "accuracy", "accuracy_low", "accuracy_high"),
    *("difference", "difference_low", "difference_high", "p", "macro_f1"),
    *("macro_f1_difference", "macro_f1_difference_low", "macro_f1_difference_high", "macro_f1_p", "ece"),
)
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{each: f"\\{each}" for each in "&%$#_{}"},
}


def as_csv(compared: Sequence[Compared]) -> str:
    """Shares 0..1 with six decimals; `group` is empty for all images of a report."""
    stream = io.StringIO()
    table = Rows(stream, COLUMNS)
    for each in compared:
        named = each.data, each.report, each.model
        of_f1 = (_number(each.macro_f1), *_numbers(each.macro_f1_difference), _number(each.ece))
        table.write([(*named, "", *_part(each), *of_f1)])
        for by, groups in each.groups.items():
            table.write((*named, f"{by} {value}", *_part(part), *[""] * len(of_f1)) for value, part in groups.items())
    return stream.getvalue()


def as_latex(compared: Sequence[Compared]) -> str:
    """A `tabular` in the manner of the package booktabs; a star is at what is hardly luck, and
    `too few` before what nothing can be concluded of."""
    lines = [
        r"\begin{tabular}{llrrrrr}",
        r"\toprule",
        r"data & model & $n$ & accuracy (95\%) & difference (95\%) & macro-F1 & ECE \\",
    ]
    data = None
    for each in compared:
        if each.data != data:
            lines.append(r"\midrule")
        accuracy, low, high = (latex(percentage(end)[:-1]) for end in (each.accuracy, *each.accuracy_interval))
        cells = (
            latex(each.data) if each.data != data else "",
            latex(each.model),
            f"{each.n}",
            f"{accuracy} ({low} to {high})",
            _differing(each.accuracy_difference, 100, 1),
            f"{each.macro_f1:.3f}" + ("*" if each.macro_f1_difference and each.macro_f1_difference.shown else ""),
            decimals(each.ece),
        )
        lines.append(f"{' & '.join(cells)} \\\\")
        data = each.data
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def latex(text: str) -> str:
    """Text as LaTeX prints it."""
    return re.sub("|".join(map(re.escape, SPECIAL)), lambda found: SPECIAL[found[0]], text)


def _differing(difference: Difference | None, scale: int, digits: int) -> str:
    if difference is None:
        return ""
    value, low, high = (f"{scale * each:+z.{digits}f}" for each in (difference.value, *difference.interval))
    few = "too few: " * (difference.chance is None)
    return f"{few}{value}{'*' * difference.shown} ({low} to {high})".replace("-", "$-$").replace("+", "$+$")


def _part(part: Part) -> Iterator[Any]:
    yield part.n
    yield from map(_number, (part.accuracy, *part.accuracy_interval))
    yield from _numbers(part.accuracy_difference)


def _numbers(difference: Difference | None) -> tuple[str, ...]:
    if difference is None:
        return ("",) * 4
    return (*map(_number, (difference.value, *difference.interval)), _number(difference.chance))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
