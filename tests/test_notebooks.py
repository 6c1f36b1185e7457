"""The notebooks run from top to bottom on a small dataset, one after the other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest
from drawn import TINY, write_folder
from nbclient import NotebookClient
from traitlets.config import Config
from waiting import WAIT_S

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["1_data", "2_training", "3_testing"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_their_code_is_the_script(path: Path) -> None:
    """A comment that begins with copy or rm would be a command (findings/jupytext_comment_becomes_code.sh)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    code = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert code
    assert not [line for source in code for line in source.splitlines() if line not in lines]


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Where a kernel listens, by a short path: a port that is free now may be another's when it begins to."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore:Proactor event loop")
def test_they_run_one_after_the_other(sockets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_folder(tmp_path / "data", ("happy", "sad"), 24, splits=("train", "valid", "test"))
    (data / "test" / "sad" / "torn.png").write_bytes(b"torn")
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.setenv("MIEN_NOTEBOOK_DATA", str(data))
    monkeypatch.setenv("MIEN_NOTEBOOK_RECIPE", str(tmp_path / "tiny.toml"))
    monkeypatch.setenv("MIEN_NOTEBOOK_RUN", str(tmp_path / "run"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    shown = 0
    for path in NOTEBOOKS:
        notebook = jupytext.read(path)
        place = {"metadata": {"path": str(path.parent)}}
        spoken = Config(KernelManager={"transport": "ipc", "ip": str(sockets / path.stem)} if os.name != "nt" else {})
        client = NotebookClient(
            notebook, timeout=int(WAIT_S), startup_timeout=int(WAIT_S), resources=place, config=spoken
        )
        client.execute(env=dict(os.environ))
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        assert not [output for output in outputs if output.output_type == "error"]
        shown += sum("image/png" in output.get("data", {}) for output in outputs)
    assert shown >= 5
    assert (tmp_path / "run" / "report" / "report.html").exists()
