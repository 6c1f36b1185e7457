"""The pages that people read first: every file they point to is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEACHERS = ROOT / "teachers"
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), TEACHERS / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_list_of_teachers_is_whole_and_names_their_weights() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` \| `(\w{8})` \|", (TEACHERS / "README.md").read_text("utf-8"), re.M))
    manifests = {path.parent.name: json.loads(path.read_text("utf-8")) for path in TEACHERS.glob("*/model.json")}
    assert listed == {name: manifest["sha256"][:8] for name, manifest in manifests.items()}
