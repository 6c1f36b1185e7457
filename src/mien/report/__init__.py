"""Reports: what `evaluate` yields, its pictures and page, and several of them side by side."""

from mien.report.numbers import Answers, Bin, Group, Report, make_report

__all__ = ["Answers", "Bin", "Group", "Report", "make_report"]
