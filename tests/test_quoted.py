"""Tables of the docs that a benchmark prints: each has a command that is there, and is put in place by it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"<!-- (.*) -->")

PAGE = """# Page

<!-- python benchmarks/one.py -->

| a | b |
|---|---|
| 1 | 2 |

<!-- python benchmarks/two.py 5 -->

| a | b |
|---|---|
| 3 | 4 |
"""


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "tables.py"))


def test_every_command_in_a_comment_runs_a_script_and_stands_above_a_table(tool: dict[str, Any]) -> None:
    pages = [page.read_text(encoding="utf-8") for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]]
    quoted = [command for page in pages for command, _ in tool["QUOTED"].findall(page)]
    assert sorted(quoted) == sorted(command for page in pages for command in COMMAND.findall(page))
    assert quoted
    for command in quoted:
        assert (ROOT / command.split()[1]).is_file(), command


def test_what_a_command_prints_takes_the_place_of_its_table_alone(tool: dict[str, Any]) -> None:
    printed = tool["tables"]("machine\n\n| x |\n|---|\n| 0 |\n\n| a | b |\n|---|---|\n| 5 | 6 |\n| 7 | 8 |")
    page = tool["renewed"](PAGE, "python benchmarks/one.py", printed)
    assert page == PAGE.replace("| 1 | 2 |", "| 5 | 6 |\n| 7 | 8 |")


def test_a_table_that_is_not_printed_any_more_is_told(tool: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match=r"prints no table with this head.*\n\| a \| b \|"):
        tool["renewed"](PAGE, "python benchmarks/one.py", tool["tables"]("| x |\n|---|\n| 0 |\n"))
