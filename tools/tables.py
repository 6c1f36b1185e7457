"""Tables of the README and the docs that a benchmark prints: above each stands its command, in a comment.

python tools/tables.py                    which commands there are, and the pages that quote them
python tools/tables.py quality covered    run those of these scripts, and put their tables, known by their heads, there
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = re.compile(r"^\|.*\n\|[-|: ]+\|\n(?:\|.*\n)*", re.MULTILINE)
QUOTED = re.compile(rf"<!-- (python benchmarks/\S.*) -->\n\n({TABLE.pattern})", re.MULTILINE)


def main() -> None:
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    pages = {page: page.read_text(encoding="utf-8") for page in files}
    commands = dict.fromkeys(command for text in pages.values() for command, _ in QUOTED.findall(text))
    if not sys.argv[1:]:
        for command in commands:
            print(command, *(page.name for page, text in pages.items() if f"<!-- {command} -->" in text))
    for command in commands:
        if Path(shlex.split(command)[1]).stem in sys.argv[1:]:
            print(command, flush=True)
            printed = tables(ran(command))
            for page, text in pages.items():
                pages[page] = renewed(text, command, printed)
                page.write_text(pages[page], encoding="utf-8")


def ran(command: str) -> str:
    """What a command prints; run by this Python, in the repository's folder.

    One that ends with an error, as where a bound is passed, is told of: what it has printed counts.
    """
    words = [sys.executable, *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"it ended with {done.returncode}", file=sys.stderr)
    return done.stdout


def tables(printed: str) -> dict[str, str]:
    """The tables in a text, by their heads."""
    return {_head(table): table for table in TABLE.findall(printed + "\n")}


def renewed(text: str, command: str, printed: dict[str, str]) -> str:
    """A page in which the tables of a command are those that it printed now."""

    def anew(quoted: re.Match[str]) -> str:
        if quoted[1] != command:
            return quoted[0]
        if _head(quoted[2]) not in printed:
            sys.exit(f"{command} prints no table with this head, but {list(printed)}:\n{_head(quoted[2])}")
        return quoted[0].replace(quoted[2], printed[_head(quoted[2])])

    return QUOTED.sub(anew, text)


def _head(table: str) -> str:
    return table.partition("\n")[0]


if __name__ == "__main__":
    main()
