"""Reports: what `evaluate` yields, its pictures and page, and several of them side by side."""

import logging

from mien.report.answers import EXACT, NEAR, SEEN, Answers, Changed, LeftOut
from mien.report.columns import columns
from mien.report.groups import Group, Measure
from mien.report.moved import Moved
from mien.report.numbers import Bin, Fresh, Report, make_report
from mien.report.origin import Origin

logging.getLogger("matplotlib").addHandler(logging.NullHandler())
"""Else it tells, where nobody listens, of homes that take no cache of fonts, or that it makes one: once a process."""

__all__ = [
    "EXACT",
    "NEAR",
    "SEEN",
    "Answers",
    "Bin",
    "Changed",
    "Fresh",
    "Group",
    "LeftOut",
    "Measure",
    "Moved",
    "Origin",
    "Report",
    "columns",
    "make_report",
]
