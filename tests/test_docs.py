"""The pages that people read first: every file they point to is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.datasets import inspect, open_dataset

ROOT = Path(__file__).parents[1]
TEACHERS = ROOT / "teachers"
LAYOUTS = re.findall(r"^```text\n(.*?)^```", (ROOT / "docs" / "data.md").read_text(encoding="utf-8"), re.M | re.S)
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), TEACHERS / "README.md", ROOT / "deploy" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_list_of_teachers_is_whole_and_names_their_weights() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` \| `(\w{8})` \|", (TEACHERS / "README.md").read_text("utf-8"), re.M))
    manifests = {path.parent.name: json.loads(path.read_text("utf-8")) for path in TEACHERS.glob("*/model.json")}
    assert listed == {name: manifest["sha256"][:8] for name, manifest in manifests.items()}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.partition("\n")[0])
def test_every_layout_of_the_page_on_data_is_read_as_it_says(layout: str, tmp_path: Path) -> None:
    form, *lines = layout.splitlines()
    text: list[str] = []
    for line in lines:
        name, _, content = line.partition(" ")
        file = tmp_path / name
        if not name:  # a further line of the file above
            text.append(content.strip())
        elif content:
            file.parent.mkdir(parents=True, exist_ok=True)
            text, table = [content.strip()], file
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros((8, 8), np.uint8)).save(file)
        if content:
            table.write_text("\n".join(text), encoding="utf-8")
    info = inspect(open_dataset(tmp_path))
    assert (info.form, info.unreadable) == (form, {})
    assert info.n == sum(not line.startswith(" ") and " " not in line for line in lines)
