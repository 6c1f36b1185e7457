"""The pages that people read first: every file they point to is there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from drawn import write_folder
from PIL import Image
from typer.testing import CliRunner

import mien
from mien.artifact import find
from mien.cli.verbs import app
from mien.datasets import inspect, open_dataset
from mien.training.recipes.recipe import recipe_from

ROOT = Path(__file__).parents[1]
TEACHERS = ROOT / "teachers"
LAYOUTS = re.findall(r"^```text\n(.*?)^```", (ROOT / "docs" / "data.md").read_text(encoding="utf-8"), re.M | re.S)
EXAMPLES = ("index", "confidence", "audit", "judge", "fairness", "train", "scale", "coming-from", "explain", "yours")
"""Pages whose examples are run: Python that imports mien, and commands that are quick."""
QUICK = ("predict", "batch", "data", "evaluate", "compare", "doctor")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), TEACHERS / "README.md", ROOT / "deploy" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_list_of_teachers_is_whole_and_names_their_weights() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` \| `(\w{8})` \|", (TEACHERS / "README.md").read_text("utf-8"), re.M))
    manifests = {path.parent.name: json.loads(path.read_text("utf-8")) for path in TEACHERS.glob("*/model.json")}
    if not manifests:
        pytest.skip("this is an sdist, which has none of them")
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


@pytest.fixture
def place(tmp_path: Path, astronaut: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the examples speak of: a photo, a folder of photos, a dataset, a model of one's own."""
    (tmp_path / "photo.jpg").write_bytes(astronaut)
    (tmp_path / "holiday").mkdir()
    for name, content in {"beach.jpg": astronaut, "torn.jpg": astronaut[:9000]}.items():
        (tmp_path / "holiday" / name).write_bytes(content)
    write_folder(tmp_path / "faces", ("happy", "sad"), 12)
    shutil.copytree(find("small"), tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_examples_of_a_page_run(page: str, place: Path) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    run = 0
    for language, block in re.findall(r"^ *```(python|sh)\n(.*?)^ *```", text, re.M | re.S):
        if language == "python" and (names or "import mien" in block):
            indent = len(block) - len(block.lstrip())
            exec("\n".join(line[indent:] for line in block.splitlines()), names)
            run += 1
        for line in block.splitlines() if language == "sh" else ():
            words = shlex.split(line, comments=True)
            if words[:1] == ["mien"] and words[1] in QUICK:
                done = CliRunner().invoke(app, words[1:])
                unread = "holiday/" in words  # one photo of these is broken
                assert done.exit_code == unread, (line, done.output, done.exception)
                run += 1
    assert run >= 2


def test_the_recipes_of_the_page_on_training_are_some() -> None:
    text = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
    whole, part = (tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```", text, re.M | re.S))
    assert recipe_from(whole, "mine.toml").network.kind == "residual"
    assert recipe_from(whole | part, "mine.toml").network.kind == "layers"


def test_the_page_of_commands_is_what_they_say() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "commands.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_site_leads_to_every_page() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    listed = set(re.findall(r"[\w-]+\.md", json.dumps(site["project"]["nav"])))
    assert listed == {page.name for page in (ROOT / "docs").glob("*.md")}


def test_python_page_names_the_whole_interface() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    told = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)$", text, re.M)}
    assert told == set(mien.__all__) - {"__version__"}
