"""Reports: what `evaluate` yields, its pictures and page, and several of them side by side."""

from mien.report.answers import EXACT, NEAR, SEEN, Answers, LeftOut
from mien.report.groups import Group
from mien.report.numbers import Bin, Fresh, Report, make_report

__all__ = ["EXACT", "NEAR", "SEEN", "Answers", "Bin", "Fresh", "Group", "LeftOut", "Report", "make_report"]
