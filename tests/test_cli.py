"""The command line, as users start it: one row for every source, exit codes that mean something, never a traceback."""

from __future__ import annotations

import csv
import fcntl
import inspect
import io
import json
import math
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from drawn import write_folder
from numpy.typing import NDArray
from PIL import Image
from rich.cells import cell_len
from rich.console import Console
from waiting import WAIT_S, until

import mien
from mien import cli
from mien.artifact import DEFAULT
from mien.batch.workers import GRACE_S
from mien.cli import formats, stop
from mien.cli.batch import batch
from mien.cli.evaluate import heads
from mien.cli.options import columns
from mien.cli.tally import speed
from mien.cli.verbs import check_words
from mien.cli.video import video
from mien.datasets import open_dataset
from mien.datasets.index import write_index
from mien.errors import MienError
from mien.intake import LIMITS
from mien.labels import FERPLUS8
from mien.prediction import Prediction
from mien.recognizer import Recognizer
from mien.spans import LEAST
from mien.video.stills import RATE

Bands = Callable[..., NDArray[np.uint8]]
Export = Callable[[str, int], Path]
Toy = Callable[..., Path]
Result = subprocess.CompletedProcess[str]

MIEN = [sys.executable, "-W", "error", "-m", "mien"]
AGAIN_S = 20.0  # until a signal that was not heard is sent again: one that ends is not to hear it twice
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
FORMS = ("table", "json", "csv")
DRAWING = re.compile(r"[\u2500-\u259f]")


def run(*words: str | Path, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> Result:
    """Runs `mien`, which never leaves a traceback behind."""
    command = [*MIEN, *map(str, words)]
    env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")} | environment
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, env=env, timeout=WAIT_S)
    result = Result(command, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.stderr + result.stdout, result.stderr
    return result


Here = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs `mien` in this process and the test's folder: the same to the last word, without half a second of start."""
    monkeypatch.chdir(tmp_path)
    for name in ("COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cli, "listen", lambda: None)  # signals stay the tests' own
    monkeypatch.setattr(cli, "atexit", SimpleNamespace(register=lambda _: None))

    def run_here(*words: str | Path, **environment: str) -> Result:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        command = ["mien", *map(str, words)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Result(command, int(ended.value.code or 0), *capsys.readouterr())

    return run_here


def rows_of_json(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def png(image: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


# A PNG that promises 20,000 x 20,000 pixels.
BOMB = (
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)) + chunk(b"IDAT", b"x")
)

BROKEN = {
    "b-bomb.png": (BOMB, "over the limit of 200 million: raise "),
    "b-clip.jpg": (b"\0\0\0\x18ftypisom" + bytes(30), "a video, not an image"),
    "b-cut.png": (b"", "damaged or cut short"),
    "b-empty.jpg": (b"", "empty"),
    "b-gone.jpg": (b"", "a link to a file that is not there"),
    "b-page.tif": (b"%PDF-1.7\n", "PDF is not supported"),
    "b-phone.heic": (b"\0\0\0\x18ftypheic" + bytes(30), "HEIC"),
    "b-text.jpg": (b"hello", "not an image of a supported kind"),
}


@pytest.fixture(scope="module")
def model(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reads the brightest of eight bands."""
    return toy(tmp_path_factory.mktemp("toys") / "eight", {"ferplus8": FERPLUS8.emotions})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bands: Bands) -> Path:
    """Twenty files: `a-00.png` to `a-11.png` show the emotions of `ferplus8` in turn, the others are BROKEN."""
    place = tmp_path_factory.mktemp("folder")
    for number in range(12):
        (place / f"a-{number:02}.png").write_bytes(png(bands(number % 8, 8)))
    for name, (content, _) in BROKEN.items():
        (place / name).write_bytes(content)
    (place / "b-cut.png").write_bytes(png(bands(0, 8))[:-30])
    (place / "b-gone.jpg").unlink()
    (place / "b-gone.jpg").symlink_to("nowhere.jpg")
    return place


@pytest.fixture(scope="module")
def photo(folder: Path) -> Path:
    return folder / "a-01.png"


SUMMARY = re.compile(r"20 images: 12 faces, (\d+ uncertain, )?8 unreadable; [\d.,]+ images/s\n")
COVERED = re.compile(r"(eyes|mouth|half of the face) covered \(\d+%\)")  # what some bands look like
BRIGHT = math.exp(4) / (math.exp(4) + 7)  # what the toy gives the one bright band of eight
NAMES = [f"a-{number:02}.png" for number in range(12)] + sorted(BROKEN)
LABELS = [FERPLUS8.emotions[number % 8] for number in range(12)]


# A row for every source


def test_a_folder_as_json(folder: Path, model: Path) -> None:
    result = run("predict", folder, "--model", model, "--crop", "whole", "--format", "json")
    assert (result.returncode, result.stderr) == (1, "")
    rows = rows_of_json(result.stdout)
    assert [row["source"] for row in rows] == [str(folder / name) for name in NAMES]
    assert [row["faces"][0]["label"] for row in rows[:12]] == LABELS
    assert [row["error"] for row in rows[:12]] == [None] * 12
    for row in rows[12:]:
        assert BROKEN[Path(row["source"]).name][1] in row["error"]
        assert row["faces"] == []
    recognizer = mien.load(model)
    assert rows == [p.to_dict() for p in recognizer.predict([str(folder / name) for name in NAMES], crop="whole")]


def test_a_folder_as_table(folder: Path, model: Path) -> None:
    result = run("predict", folder, "--model", model, "--crop", "whole")
    assert (result.returncode, result.stderr) == (1, "")
    head, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert head == ["source", "face", "expression", "confidence", "note"]
    assert [row[0] for row in rows] == [str(folder / name) for name in NAMES]
    assert [[row[1], row[2].removesuffix("?"), row[3]] for row in rows[:12]] == [
        ["1", each, "0.886"] for each in LABELS
    ]
    for row in rows[12:]:
        assert row[1:4] == ["", "", ""]
        assert BROKEN[Path(row[0]).name][1] in row[4]


def check_flat(rows: list[dict[str, Any]], folder: Path) -> None:
    """Rows of CSV or parquet, what is missing as None."""
    assert [row["source"] for row in rows] == [str(folder / name) for name in NAMES]
    assert [row["label"] for row in rows] == LABELS + [None] * 8
    for row, label in zip(rows, LABELS, strict=False):
        assert float(row[f"p_{label}"]) == float(row["confidence"]) == pytest.approx(BRIGHT, abs=1e-6)
        assert [float(row[key]) for key in ("x0", "y0", "x1", "y1", "score")] == [0, 0, 48, 48, 1]
        assert row["error"] is None
        assert row["reasons"] is None or COVERED.fullmatch(row["reasons"])
    for row in rows[12:]:
        assert BROKEN[Path(row["source"]).name][1] in row["error"]
        assert {row[key] for key in row if key not in ("source", "error")} == {None}


def test_a_folder_as_csv(folder: Path, model: Path, tmp_path: Path) -> None:
    printed = run("predict", folder, "--model", model, "--crop", "whole", "--format", "csv")
    assert (printed.returncode, printed.stderr) == (1, "")
    rows = list(csv.DictReader(io.StringIO(printed.stdout)))
    assert list(rows[0])[:4] == ["source", "width", "height", "face"]
    check_flat([{key: value or None for key, value in row.items()} for row in rows], folder)
    out = tmp_path / "new" / "out.csv"
    written = run("predict", folder, "--model", model, "--crop", "whole", "--format", "csv", "--out", out)
    assert (written.returncode, written.stdout) == (1, "")
    assert out.read_bytes() == printed.stdout.encode()


def test_a_folder_as_parquet(folder: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    result = run("predict", folder, "--model", model, "--crop", "whole", "--format", "parquet", "--out", out)
    assert (result.returncode, result.stdout) == (1, "")
    assert SUMMARY.fullmatch(result.stderr)
    table = pq.read_table(out)
    check_flat(table.to_pylist(), folder)
    assert str(table.schema.field("uncertain").type) == "bool"
    assert str(table.schema.field("width").type) == "int32"


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_all_read(form: str, photo: Path, model: Path) -> None:
    result = run("predict", photo, photo, "--model", model, "--format", form, "--crop", "whole")
    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == {"table": 3, "json": 2, "csv": 3}[form]


def test_several_faces_and_none(media: Path, tmp_path: Path) -> None:
    sources = (media / "multi_face.jpg", media / "free-mountain-vector-01.jpg")
    result = run("predict", *sources, "--format", "csv")
    assert result.returncode == 0
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["face"] for row in rows] == ["0", "1", "2", "3", "4", ""]
    assert rows[-1]["reasons"] == "no face was found"
    out = tmp_path / "out.parquet"
    written = run("predict", *sources, "--out", out)
    assert written.returncode == 0
    unsure = sum(row["uncertain"] == "True" for row in rows[:5])
    doubt = f"{unsure} uncertain, " if unsure else ""
    assert written.stderr.startswith(f"2 images: 5 faces, {doubt}1 without a face; ")
    read = pq.read_table(out).to_pylist()
    assert [row["face"] for row in read] == [0, 1, 2, 3, 4, None]
    assert [row["confidence"] for row in read[:5]] == [float(row["confidence"]) for row in rows[:5]]
    table = [line.split("\t") for line in run("predict", *sources).stdout.splitlines()[1:]]
    assert [row[1] for row in table] == ["1", "2", "3", "4", "5", ""]


def test_a_pipe_is_told_of_doubt_as_a_terminal_is(model: Path, tmp_path: Path) -> None:
    Image.new("RGB", (48, 48), "gray").save(tmp_path / "gray.png")
    words = ("predict", tmp_path / "gray.png", "--model", model, "--crop", "whole")
    (line,) = run(*words).stdout.splitlines()[1:]
    _, face, label, _, note = line.split("\t")
    assert (face, label[-1], "low confidence" in note) == ("1", "?", True)
    assert f" {label} " in ESCAPE.sub("", in_terminal(120, *words))


# What --out says


@pytest.mark.parametrize(
    ("name", "options", "form"),
    [
        ("a.json", [], "json"),
        ("A.JSON", [], "json"),
        ("a.jsonl", [], "jsonl"),
        ("a.ndjson", [], "jsonl"),
        ("a.csv", [], "csv"),
        ("a.parquet", [], "parquet"),
        ("a.txt", [], "table"),
        ("a.tsv", [], "table"),
        ("a.json", ["--format", "json"], "json"),
        ("a.jsonl", ["--format", "json"], "jsonl"),
        ("a.csv", ["--format", "json"], "json"),
        ("a.json", ["--format", "jsonl"], "jsonl"),
        ("a", ["--format", "json"], "json"),
        ("a.xlsx", ["--format", "csv"], "csv"),
    ],
)
def test_the_name_of_the_file_says_how_it_is_written(
    name: str, options: list[str], form: str, here: Here, photo: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / name
    result = here("predict", photo, photo, "--model", model, "--crop", "whole", "--out", out, *options)
    assert (result.returncode, result.stdout) == (0, "")
    read: dict[str, Callable[[], list[Any]]] = {
        "json": lambda: json.loads(out.read_text()),
        "jsonl": lambda: rows_of_json(out.read_text()),
        "csv": lambda: list(csv.DictReader(io.StringIO(out.read_text()))),
        "parquet": lambda: pq.read_table(out).to_pylist(),
        "table": lambda: [{"source": line.split("\t")[0]} for line in out.read_text().splitlines()[1:]],
    }
    assert [row["source"] for row in read[form]()] == [str(photo)] * 2
    known = Path(name).suffix in (".csv", ".json", ".jsonl")
    differs = known and Path(name).suffix != f".{form}"
    assert (f"written as {form}" in result.stderr) is differs


def test_a_list_of_no_object_is_one_too() -> None:
    stream = io.StringIO()
    with formats._json(stream, FERPLUS8):
        pass
    assert json.loads(stream.getvalue()) == []


def test_a_limit_is_told_of_by_its_option() -> None:
    error = "9000 x 9000 pixels, over the limit of 50 million: raise max_pixels"
    (row,) = formats._plain(Prediction("a.png", 0, 0, error=error))
    assert row.endswith("error: 9000 x 9000 pixels, over the limit of 50 million: raise --max-pixels")


def test_what_is_odd_about_a_file_is_said_beside_its_faces(tmp_path: Path, model: Path) -> None:
    frames = [Image.new("L", (48, 48), gray) for gray in (0, 90, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    note = "one frame of 3 was read"
    told = run("predict", tmp_path / "moving.gif", "--model", model, "--crop", "whole").stdout
    assert note in told.splitlines()[1].split("\t")[-1]
    row = json.loads(run("predict", tmp_path / "moving.gif", "--model", model, "--format", "json").stdout)
    assert row["notes"] == [note]


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ([], True),
        (["--max-pixels", "2303"], False),
        (["--max-pixels", "2.3kp"], False),
        (["--max-pixels", "2_304"], True),
        (["--max-pixels", "200MP"], True),
        (["--max-bytes", "50"], False),
        (["--max-bytes", "0.05 kB"], False),
        (["--max-bytes", "20mb"], True),
    ],
)
def test_limits(options: list[str], read: bool, here: Here, photo: Path, model: Path) -> None:
    result = here("predict", photo, "--model", model, "--crop", "whole", "--format", "json", *options)
    assert result.returncode == (0 if read else 1)
    assert "limit" in str(rows_of_json(result.stdout)[0]["error"]) or read


@pytest.mark.parametrize("option", ["--max-pixels", "--max-bytes"])
@pytest.mark.parametrize(("most", "read"), [("50", False), ("10_000", True)])
def test_limits_of_what_comes_through_a_pipe(option: str, most: str, read: bool, photo: Path, model: Path) -> None:
    words = ("predict", "-", "--model", model, "--crop", "whole", "--format", "json")
    result = run(*words, option, most, stdin=photo.read_bytes())
    assert result.returncode == (0 if read else 1)
    assert "limit" in str(rows_of_json(result.stdout)[0]["error"]) or read


# Folders as people have them


def test_a_folder_with_sidecars(model: Path, tmp_path: Path, bands: Bands) -> None:
    (tmp_path / "photo.png").write_bytes(png(bands(0, 8)))
    for name in ("photo.json", "b.JSON", "clip.MOV"):
        (tmp_path / name).write_bytes(b"x")
    words = ("--model", model, "--crop", "whole", "--format", "json")
    result = run("predict", tmp_path, *words)
    assert (result.returncode, len(result.stdout.splitlines())) == (0, 1)
    assert result.stderr == "passed over 3 files that are no images: 2 .json, 1 .mov\n"
    named = run("predict", tmp_path / "photo.json", *words)
    assert (named.returncode, named.stderr) == (1, "")
    assert "not an image" in rows_of_json(named.stdout)[0]["error"]


def test_a_folder_without_images(model: Path, tmp_path: Path) -> None:
    result = run("predict", tmp_path, "--model", model)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[1] == f"{tmp_path}\t\t\t\terror: a folder without images"


def test_label_sets(photo: Path, model: Path) -> None:
    result = run("predict", photo, "--model", model, "--labels", "happy-sad", "--crop", "whole", "--format", "json")
    (face,) = rows_of_json(result.stdout)[0]["faces"]
    assert list(face["probabilities"]) == ["happy", "sad"]
    assert face["label"] == "happy"


def test_a_prior(photo: Path, model: Path) -> None:
    words = ("predict", photo, "--model", model, "--crop", "whole", "--format", "json")
    plain, same, older = (run(*words, *more) for more in ((), ("--prior", "training"), ("--prior", "balanced")))
    assert plain.stdout == same.stdout
    assert (older.returncode, older.stdout) == (2, "")
    assert "does not say how often its head" in older.stderr
    small = ("predict", photo, "--crop", "whole", "--format", "json", "--prior")
    (face,) = rows_of_json(run(*small, "surprise=1,anger=1").stdout)[0]["faces"]
    assert face["label"] in ("surprise", "angry")
    assert {name for name, share in face["probabilities"].items() if share} == {"surprise", "angry"}


def test_standard_input(photo: Path, model: Path) -> None:
    result = run("predict", "-", "--model", model, "--crop", "whole", "--format", "json", stdin=photo.read_bytes())
    (row,) = rows_of_json(result.stdout)
    assert (result.returncode, row["source"], row["faces"][0]["label"]) == (0, "<stdin>", "happy")
    empty = run("predict", "-", photo, "--model", model, "--crop", "whole", "--format", "json")
    first, second = rows_of_json(empty.stdout)
    assert (empty.returncode, "empty" in first["error"], second["error"]) == (1, True, None)


def test_without_a_standard_input(photo: Path, model: Path) -> None:
    words = ["predict", str(photo), "--model", str(model), "--format", "json", "--crop", "whole"]
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *MIEN, *words]
    result = subprocess.run(closed, capture_output=True, check=False, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert rows_of_json(result.stdout)[0]["error"] is None


ODD = ["two words.png", "größe.png", "line\nbreak.png", "tab\t.png", "\x1b[31mred.png", "[bold].png", "-x.png"]


def test_odd_names(model: Path, tmp_path: Path, bands: Bands) -> None:
    for name in ODD:
        (tmp_path / name).write_bytes(png(bands(0, 8)))
    options = ("--model", model, "--crop", "whole", "--format")
    result = run("predict", ".", *options, "json", cwd=tmp_path)
    assert sorted(row["source"] for row in rows_of_json(result.stdout)) == sorted(f"./{name}" for name in ODD)
    rows = list(csv.DictReader(io.StringIO(run("predict", ".", *options, "csv", cwd=tmp_path).stdout, newline="")))
    assert sorted(row["source"] for row in rows) == sorted(f"./{name}" for name in ODD)
    table = run("predict", ".", *options, "table", cwd=tmp_path)
    assert (table.returncode, len(table.stdout.splitlines())) == (0, 1 + len(ODD))
    assert "\x1b" not in table.stdout
    assert {line.count("\t") for line in table.stdout.splitlines()} == {4}
    plain = run("predict", "größe.png", *options, "table", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert "gr\\xf6\\xdfe.png\t1\tneutral" in plain.stdout
    assert run("predict", "--model", model, "--crop", "whole", "--", "-x.png", cwd=tmp_path).returncode == 0


# Wrong usage


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "Usage: mien"),
        ("nonsense", "No such command"),
        ("predict", "Missing argument"),
        ("predict PHOTO --labels moods", "no label set 'moods'; there are fer7, ferplus8, ckplus7, happy-sad"),
        ("predict PHOTO --prior even", "or shares such as happy=.5,neutral=.5; got 'even'"),
        ("predict PHOTO --prior happy=1", "fewer than two expressions"),
        ("predict PHOTO --labels happy-sad --prior happy=1,fear=1", "the prior names 'fear', and 'happy-sad' has"),
        ("predict PHOTO --model nonsense", "no model 'nonsense'"),
        ("predict PHOTO --model FOLDER", "no model.onnx"),
        ("predict PHOTO --format xml", "xml"),
        ("predict PHOTO --crop face", "face"),
        ("predict PHOTO --threads 0", "threads"),
        ("predict PHOTO --nonsense", "No such option"),
        ("predict PHOTO --format parquet", "name a file with --out"),
        ("predict PHOTO --out OUT", "end it with one of .json, .jsonl, .csv, .parquet, .ndjson, .tsv, .txt"),
        ("predict PHOTO --out OUT.xlsx", "or say with --format what to write"),
        ("predict PHOTO --format csv --out FOLDER", "error: FOLDER: a folder is in the way of a file"),
        ("predict PHOTO --format csv --out PIPE", "error: PIPE: a device or a pipe is in the way of a file"),
        ("predict PHOTO --format csv --out PHOTO", "error: PHOTO: that is what is read: choose another name"),
        ("predict FOLDER --format csv --out PHOTO", "error: PHOTO: that is what is read: choose another name"),
        ("predict PHOTO --max-pixels 0", "a size such as 200MP"),
        ("predict PHOTO --max-pixels 20MB", "a size such as 200MP"),
        ("predict PHOTO --max-bytes 1,5MB", "a size such as 20MB"),
        ("predict PHOTO --out PHOTO/out.csv", "error: PHOTO: a file is in the way of a folder: choose another"),
        ("predict PHOTO --annotate PHOTO --crop whole", "error: PHOTO: a file is in the way of a folder"),
        ("crop PHOTO --out PHOTO", "error: PHOTO: a file is in the way of a folder"),
        ("crop PHOTO --out PHOTO/crops", "error: PHOTO: a file is in the way of a folder"),
        ("data info FOLDER --map Trauer", "error: Trauer: expected what labels mean, as anger=angry,joie=happy"),
        ("evaluate FOLDER --map FOLDER", "got FOLDER: Is a directory"),
        ("evaluate", "Missing argument"),
        ("evaluate missing", "no such file or folder"),
        ("evaluate PHOTO", "not a dataset"),
        ("evaluate FOLDER", "not a dataset"),
        ("evaluate FOLDER --report FOLDER/report", "error: FOLDER/report lies among the sources"),
        ("models nonsense", "no model 'nonsense'"),
        ("models small --describe transfer", "error: a model or a recipe, not both: small, --describe transfer"),
        ("compare FOLDER FOLDER --map a=b", "--map and --group are for data to judge models on"),
        ("compare FOLDER FOLDER --group folder:1", "--map and --group are for data to judge models on"),
        ("data", "Usage: mien data"),
        ("data info FOLDER", "Looked for:"),
        ("data audit FOLDER --report FOLDER", "error: FOLDER lies among the sources"),
        ("predict FOLDER --annotate FOLDER/marked", "error: FOLDER/marked lies among the sources"),
        ("predict FOLDER/* --explain FOLDER/why", "error: FOLDER/why lies among the sources"),
        ("train missing.toml --data OUT --from FOLDER --out FOLDER/.", "that is what is read: choose another folder"),
        ("train missing.toml --data FOLDER --out OUT", "missing.toml"),
        ("train missing.toml --data FOLDER --out FOLDER/run", "error: FOLDER/run lies among the sources"),
        ("export missing --out OUT", "missing"),
        # what is missing is told of last: nothing is looked at that takes long
        ("crop missing --out PHOTO", "error: PHOTO: a file is in the way of a folder"),
        ("batch missing --out PHOTO", "error: PHOTO: a file is in the way of a folder"),
        ("evaluate missing --report PHOTO", "error: PHOTO: a file is in the way of a folder"),
        ("data audit missing --report PHOTO", "error: PHOTO: a file is in the way of a folder"),
        ("data audit missing --write-clean FOLDER", "error: FOLDER: a folder is in the way of a file"),
        ("data audit missing --write-clean OUT.txt", "OUT.txt: an index ends with .json"),
        ("compare small nonsense --data missing", "no model 'nonsense'"),
        ("train transfer --data missing --out PHOTO", "error: PHOTO: a file is in the way of a folder"),
        ("train transfer --data missing --out PHOTO/run", "error: PHOTO: a file is in the way of a folder"),
        ("train transfer --data missing --out PHOTO --resume", "error: PHOTO: a file is in the way of a folder"),
        ("train transfer --data missing --out OUT --from nonsense", "no model 'nonsense'"),
        ("train transfer --data missing --out OUT --teacher small", "distill: is needed, where there are teachers"),
        ("train transfer --data missing --out OUT --set distill=.5", "distill: needs teachers"),
        ("train transfer --data missing --out OUT --threads 5000000000", "Input should be less than or equal to 1024"),
        ("train transfer --data missing --out OUT --devices 1025", "Input should be less than or equal to 1024"),
        (
            "train transfer --data missing --out OUT --set distill=.5 --teacher small --teacher nonsense",
            "no model 'nonsense'",
        ),
        ("train transfer --data missing --out OUT", "missing: no such file or folder"),
    ],
)
def test_wrong_usage(words: str, said: str, here: Here, folder: Path, photo: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = photo.read_bytes()
    places = {"PHOTO": str(photo), "FOLDER": str(folder), "PIPE": str(tmp_path / "pipe"), "OUT": str(tmp_path / "out")}

    def placed(text: str) -> str:
        return re.sub("|".join(places), lambda found: places[found[0]], text)

    result = here(*map(placed, words.split()), NO_COLOR="1", TERM="dumb")
    assert result.returncode == 2
    assert placed(said) in " ".join((result.stdout + result.stderr).split())
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()
    assert photo.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([""], "an empty word on the command line: is a variable not set?"),
        (["evaluate", ""], "an empty word on the command line, behind evaluate: is a variable not set?"),
        (["evaluate", "faces", "--report", ""], "an empty word on the command line, behind --report: is"),
        (["train", "transfer", "--data=", "--out", "run"], "--data= has nothing behind the =: is a variable not set?"),
        (["evaluate", "faces", "--split", "", "--columns", ""], "behind --split: is a variable not set?"),
        (["batch", "faces", "--columns", "", "--out", "run"], None),
        (["batch", "faces", "--columns=", "--out", "run"], None),
        (["train", "transfer", "--set", "heads=", "--map=a=", "--map", "a="], None),
    ],
)
def test_an_empty_word_is_no_path(words: list[str], told: str | None) -> None:
    with nullcontext() if told is None else pytest.raises(MienError, match=re.escape(told)):
        check_words(words)


def test_nothing_is_written_where_a_variable_is_not_set(photo: Path, tmp_path: Path) -> None:
    result = run("predict", photo, "--annotate", "", cwd=tmp_path)
    assert (result.returncode, list(tmp_path.iterdir())) == (2, [])
    assert result.stderr == "error: an empty word on the command line, behind --annotate: is a variable not set?\n"


def test_a_report_that_cannot_be_written_is_told_before_the_work(photo: Path, tmp_path: Path) -> None:
    for label in ("happy", "sad"):
        (tmp_path / "faces" / label).mkdir(parents=True)
        (tmp_path / "faces" / label / "broken.png").write_bytes(b"judged, this would be told of")
    result = run("evaluate", tmp_path / "faces", "--report", photo)
    assert result.returncode == 2
    assert str(photo) in result.stderr
    assert "could be read" not in result.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("evaluate answers.csv --report .", "answers.csv: that is what is read"),
        ("evaluate answers.csv --report happy", "happy/confusion.png: that is what is read"),
        ("data audit audit.json --report .", "audit.json: that is what is read"),
        ("data audit audit.json --write-clean answers.csv", "answers.csv: that is what is read"),
        ("data audit answers.csv --report new --write-clean new/audit.json", "new/audit.json: two files"),
        ("predict happy --model model --out model/model.json", "model/model.json: that is what is read"),
        ("page model/README.md --model model", "model/README.md: that is what is read"),
    ],
)
def test_what_a_verb_reads_stays(words: str, told: str, here: Here, model: Path, tmp_path: Path) -> None:
    write_folder(tmp_path, ("happy", "sad"), 1)
    (tmp_path / "happy" / "0000.png").rename(tmp_path / "happy" / "confusion.png")
    (tmp_path / "answers.csv").write_text("path,label\nhappy/confusion.png,happy\nsad/0000.png,sad\n")
    write_index(tmp_path / "audit.json", open_dataset(tmp_path / "answers.csv"), ())
    shutil.copytree(model, tmp_path / "model")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = here(*words.split())
    assert result.returncode == 2
    assert f"error: {told}" in " ".join(result.stderr.split())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_completion_knows_names_and_loads_no_network(tmp_path: Path) -> None:
    """As bash asks; the home folder stays empty until it is asked to install."""
    probe = (
        "import sys; from mien.cli import main\ntry: main()\n"
        "finally: assert not {'onnxruntime', 'torch'} & set(sys.modules)"
    )
    home = {"HOME": str(tmp_path), "PYTHONWARNINGS": "error"}

    def asked(words: str) -> list[str]:
        env = os.environ | home | {"_MIEN_COMPLETE": "complete_bash", "COMP_WORDS": words}
        env["COMP_CWORD"] = str(len(words.split(" ")) - 1)
        done = subprocess.run([sys.executable, "-c", probe], env=env, capture_output=True, check=False, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    assert asked("mien predict --labels ") == ["fer7", "ferplus8", "ckplus7", "happy-sad"]
    assert asked("mien predict --prior ") == ["training", "balanced"]
    assert asked("mien predict --labels fer") == ["fer7", "ferplus8"]
    for words in ("evaluate --model", "models", "export", "train --from", "train --teacher", "serve --model"):
        assert asked(f"mien {words} ") == ["small", "large"]
    for words in ("train", "models --describe"):
        assert asked(f"mien {words} trans") == ["transfer", "transfer-mobile"]
    assert "predict" in asked("mien p")
    assert list(tmp_path.iterdir()) == []
    shown = run("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_MIEN_COMPLETE=complete_bash" in shown.stdout


def test_version() -> None:
    assert run("--version").stdout == f"mien {mien.__version__}\n"


# Files


def test_out_replaces_a_file_when_all_is_done(photo: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    result = run("predict", photo, "--model", model, "--crop", "whole", "--format", "json", "--out", out)
    assert (result.returncode, result.stdout) == (0, "")
    assert json.loads(out.read_text())[0]["faces"][0]["label"] == "happy"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def stopped(process: subprocess.Popen[bytes], number: int) -> tuple[int, str]:
    """Ends `mien` by a signal: its exit code, and what it said. A signal just before a read is first heard after it."""
    assert process.stderr is not None
    for _ in range(int(WAIT_S / AGAIN_S)):
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(AGAIN_S)
            break
    process.kill()  # or one that has heard nothing would never end
    said = process.stderr.read().decode()
    assert "Traceback" not in said
    return process.wait(), said


def started(*words: str | Path, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    command = [*MIEN, *map(str, words)]
    return subprocess.Popen(command, preexec_fn=listens, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd)


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def listens() -> None:
    """Hear all signals, whatever the tests were started by: background jobs are deaf to Ctrl-C, `nohup` to SIGHUP."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), SIGNALS.items())
def test_stopped_before_the_first_answer_it_leaves_no_file(
    number: int, code: int, photo: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    with started("predict", photo, "-", "--model", model, "--out", out) as process:
        assert process.stdin is not None
        process.stdin.write(bytes(500_000))  # more than a pipe holds: when this returns, standard input is being read
        process.stdin.flush()
        assert stopped(process, number) == (code, "interrupted\n" if number == signal.SIGINT else "")
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def wait_for_a_reader(pipe: Path) -> int:
    """A named pipe, opened to be written; somebody reads from it, and waits for more."""
    handles: list[int] = []

    def read() -> bool:
        with suppress(OSError):  # nobody has opened it yet
            if not handles:
                handles.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
                os.write(handles[0], b"first bytes")
            return not struct.unpack("i", fcntl.ioctl(handles[0], termios.FIONREAD, bytes(4)))[0]
        return False

    until(read)
    return handles[0]


@pytest.mark.parametrize(
    ("name", "number"),
    [(name, signal.SIGINT) for name in ("", "out.json", "out.csv", "out.parquet")]
    + [("out.json", number) for number in (signal.SIGTERM, signal.SIGHUP)],
)
def test_stopped_later_it_keeps_what_was_read(
    name: str, number: signal.Signals, photo: Path, model: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    words: list[str | Path] = ["predict", photo, tmp_path / "pipe.png", "--model", model, "--crop", "whole"]
    words += ["--threads", "1"]
    out = tmp_path / "new" / name
    if name:
        words += ["--out", out]
    with started(*words) as process:
        assert process.stdout is not None
        handle = wait_for_a_reader(tmp_path / "pipe.png")
        returned, said = stopped(process, number)
        printed = process.stdout.read().decode()
        os.close(handle)
    assert returned == SIGNALS[number]
    if not name:
        assert said == "interrupted after 1 image\n"
        assert printed.splitlines()[1].startswith(f"{photo}\t1\thappy")
        return
    assert (printed, said) == ("", f"interrupted after 1 of 2 images; {out} has what was read\n")
    assert [path.name for path in out.parent.iterdir()] == [name]
    rows: dict[str, Callable[[], list[Any]]] = {
        "out.json": lambda: json.loads(out.read_text()),
        "out.csv": lambda: list(csv.DictReader(io.StringIO(out.read_text()))),
        "out.parquet": lambda: pq.read_table(out).to_pylist(),
    }
    assert [row["source"] for row in rows[name]()] == [str(photo)]


@pytest.mark.parametrize(
    ("words", "pipe", "number"),
    [("compare report report", "report/report.json", number) for number in SIGNALS]
    + [
        ("train recipe.toml --data faces --out run", "recipe.toml", signal.SIGINT),
        ("data info faces.csv", "faces.csv", signal.SIGINT),
        ("evaluate faces.csv --report new/report", "faces.csv", signal.SIGINT),
    ],
)
def test_any_verb_can_be_stopped(words: str, pipe: str, number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    os.mkfifo(tmp_path / pipe)
    with started(*words.split(), cwd=tmp_path) as process:
        handle = wait_for_a_reader(tmp_path / pipe)
        assert stopped(process, number) == (SIGNALS[number], "interrupted\n" if number == signal.SIGINT else "")
        os.close(handle)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("program", "needed"), [("mien", "typer"), ("mien", "rich"), ("mien.service", "fastapi"), ("mien.app", "streamlit")]
)
def test_a_program_can_be_stopped_while_it_is_loaded(program: str, needed: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / needed).mkdir()
    (tmp_path / needed / "__init__.py").write_text(f"open({str(tmp_path / 'pipe')!r}).read()")  # takes long
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-P", "-m", program]
    with subprocess.Popen(command, preexec_fn=listens, stderr=subprocess.PIPE, env=environment) as process:
        handle = wait_for_a_reader(tmp_path / "pipe")
        assert stopped(process, signal.SIGINT) == (SIGNALS[signal.SIGINT], "interrupted\n")
        os.close(handle)


@pytest.mark.parametrize(("number", "told"), [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "")])
def test_a_library_that_is_stopped_while_it_is_loaded_is_not_broken(
    number: signal.Signals, told: str, tmp_path: Path
) -> None:
    """As modules made with pybind11 are: `ImportError`, "initialization failed"."""
    os.mkfifo(tmp_path / "pipe")
    reading = f"try:\n    open({str(tmp_path / 'pipe')!r}).read()\nexcept BaseException as error:\n"
    (tmp_path / "onnxruntime.py").write_text(f"{reading}    raise ImportError('initialization failed') from error\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-P", "-m", "mien", "predict", "none.png"]
    with subprocess.Popen(command, preexec_fn=listens, stderr=subprocess.PIPE, env=environment) as process:
        handle = wait_for_a_reader(tmp_path / "pipe")
        assert stopped(process, number) == (SIGNALS[number], told)
        os.close(handle)


def test_no_report_is_begun_of_what_cannot_be_judged(tmp_path: Path) -> None:
    for label in ("happy", "sad"):
        (tmp_path / "faces" / label).mkdir(parents=True)
        (tmp_path / "faces" / label / "broken.png").write_bytes(b"broken")
    assert run("evaluate", tmp_path / "faces", "--report", tmp_path / "report").returncode == 2
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_row_is_not_broken_by_a_signal(number: signal.Signals, raised: type[BaseException]) -> None:
    written: list[str] = []

    @stop.unbroken()
    def write() -> None:
        signal.raise_signal(number)
        written.append("whole")

    before = {each: signal.getsignal(each) for each in stop.SIGNALS}
    try:
        signal.signal(number, signal.SIG_DFL)  # where the tests run in the background, Ctrl-C may be switched off
        stop.listen()
        with pytest.raises(raised):
            write()
        with pytest.raises(raised):
            signal.raise_signal(number)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert written == ["whole"]


@pytest.mark.parametrize(
    "words",
    ["--version", "train --help", "models", *(f"predict PHOTO --crop whole --format {form}" for form in FORMS)],
)
def test_answers_that_cannot_be_written(words: str, photo: Path) -> None:
    command = [*MIEN, *words.replace("PHOTO", str(photo)).split()]
    ours, theirs = os.pipe()
    os.close(ours)
    result = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (result.returncode, result.stderr) == (1, b"")
    with open("/dev/full", "wb") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (result.returncode, result.stderr) == (2, b"error: standard output: No space left on device\n")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("closed", ["1", "2"])
def test_answers_that_nobody_asks_for(form: str, closed: str, photo: Path) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}>&-', "sh"]
    words = ["predict", str(photo), "--crop", "whole", "--format", form]
    result = subprocess.run([*shell, *MIEN, *words], capture_output=True, check=False)
    assert (result.returncode, result.stderr, bool(result.stdout)) == (0, b"", closed == "2")


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_a_reader_that_leaves_early(form: str, photo: Path, model: Path) -> None:
    words = ["predict", *[str(photo)] * 1500, "--model", str(model), "--crop", "whole", "--format", form]
    with subprocess.Popen([*MIEN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait(WAIT_S)
    assert first
    assert process.returncode == 1
    assert said == b""


def test_annotate(media: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "single_face.png").write_bytes((media / "single_face.jpg").read_bytes())
    single, mountain = media / "single_face.jpg", media / "free-mountain-vector-01.jpg"
    sources = (single, tmp_path / "other" / "single_face.png", mountain, folder / "b-text.jpg", "-")
    result = run("predict", *sources, "--annotate", tmp_path / "drawn", stdin=single.read_bytes())
    assert result.returncode == 1
    names = ["free-mountain-vector-01-mien.jpg", "single_face-2-mien.jpg", "single_face-mien.jpg", "stdin-mien.jpg"]
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == names
    with Image.open(single) as original, Image.open(tmp_path / "drawn" / "single_face-mien.jpg") as drawn:
        assert drawn.size == original.size
        assert np.abs(np.asarray(drawn, np.int16) - np.asarray(original)).max() > 100
    drawn_once = (tmp_path / "drawn" / "single_face-mien.jpg").read_bytes()
    for copy in ("single_face-2-mien.jpg", "stdin-mien.jpg"):
        assert (tmp_path / "drawn" / copy).read_bytes() == drawn_once


def test_explain(media: Path, folder: Path, tmp_path: Path) -> None:
    single = media / "single_face.jpg"
    drawn, out = tmp_path / "drawn", tmp_path / "answers.jsonl"
    words = ("--explain", drawn, "--annotate", drawn, "--out", out)
    result = run("predict", single, folder / "b-text.jpg", *words)
    assert result.returncode == 1
    assert sorted(path.name for path in drawn.iterdir()) == ["single_face-mien.jpg", "single_face-why.jpg"]
    with Image.open(drawn / "single_face-mien.jpg") as marked, Image.open(drawn / "single_face-why.jpg") as why:
        assert marked.size == why.size
        orange = np.asarray(why, np.int16) - np.asarray(marked)
    read, unread = rows_of_json(out.read_text())
    assert unread["error"]
    (face,) = read["faces"]
    assert face["explanation"]["method"] == "cam"
    changed = (orange[..., 0] - orange[..., 2]) > 100
    x0, y0, x1, y1 = map(round, face["box"])
    assert changed[y0:y1, x0:x1].any()
    assert changed.mean() < 0.1


def test_a_model_that_does_not_tell_is_explained_by_hiding_parts(model: Path, tmp_path: Path, bands: Bands) -> None:
    (tmp_path / "a.png").write_bytes(png(bands(0, 8)))
    words = ("--model", model, "--crop", "whole", "--explain", tmp_path / "drawn", "--format", "jsonl")
    result = run("predict", tmp_path / "a.png", *words)
    assert "is explained by hiding parts of each face, fifty times as slowly" in result.stderr
    (row,) = rows_of_json(result.stdout)
    assert row["faces"][0]["explanation"]["method"] == "occlusion"
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["a-why.jpg"]


def test_annotated_copies_keep_sub_folders(model: Path, tmp_path: Path, bands: Bands) -> None:
    for name in ("a.png", "x/a.png", "x/y/a.png", "other/a.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(png(bands(0, 8)))
    words = ("--model", model, "--crop", "whole", "--annotate", tmp_path / "out")
    named = tmp_path / "in" / "x" / "y" / "a.png"
    assert run("predict", tmp_path / "in", named, *words).returncode == 0
    drawn = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.jpg"))
    assert drawn == ["a-mien.jpg", "other/a-mien.jpg", "x/a-mien.jpg", "x/y/a-2-mien.jpg", "x/y/a-mien.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_comes_through_a_pipe_is_drawn_too(model: Path, tmp_path: Path, bands: Bands) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    sender = threading.Thread(target=(tmp_path / "pipe.png").write_bytes, args=[png(bands(0, 8))])
    sender.start()
    drawn = tmp_path / "drawn"
    result = run("predict", tmp_path / "pipe.png", "--model", model, "--crop", "whole", "--annotate", drawn)
    sender.join()
    assert (result.returncode, result.stderr) == (0, "")
    assert [path.name for path in drawn.iterdir()] == ["pipe-mien.jpg"]


def test_annotate_never_writes_over_a_source(model: Path, tmp_path: Path, bands: Bands) -> None:
    sources = {"a.png": 0, "a-mien.jpg": 1, "a-2-mien.jpg": 2}
    for name, band in sources.items():
        (tmp_path / name).write_bytes(png(bands(band, 8)))
    before = {name: (tmp_path / name).read_bytes() for name in sources}
    result = run("predict", *sources, "--model", model, "--crop", "whole", "--annotate", tmp_path, cwd=tmp_path)
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 4
    assert {name: (tmp_path / name).read_bytes() for name in sources} == before
    drawn = {"a-3-mien.jpg", "a-mien-mien.jpg", "a-2-mien-mien.jpg"}
    assert {path.name for path in tmp_path.iterdir()} == {*sources, *drawn}


def test_annotate_never_writes_through_a_link(model: Path, tmp_path: Path, bands: Bands) -> None:
    photo, drawn = tmp_path / "a.png", tmp_path / "drawn"
    photo.write_bytes(png(bands(0, 8)))
    drawn.mkdir()
    (drawn / "a-mien.jpg").symlink_to(photo)
    before = photo.read_bytes()
    assert run("predict", photo, "--model", model, "--crop", "whole", "--annotate", drawn).returncode == 0
    assert photo.read_bytes() == before
    assert {path.name for path in drawn.iterdir()} == {"a-mien.jpg", "a-2-mien.jpg"}


def test_a_picture_that_cannot_be_drawn_spoils_no_other(model: Path, tmp_path: Path, bands: Bands) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / f"{'漢' * 70}.png").write_bytes(png(bands(0, 8)))
    (photos / "tall.png").write_bytes(png(np.zeros((65_600, 8, 3), np.uint8)))  # more than a JPEG takes
    out = tmp_path / "answers.jsonl"
    drawn = ("--annotate", tmp_path / "drawn", "--format", "json", "--out", out)
    result = run("predict", photos, "--model", model, "--crop", "whole", *drawn)
    assert result.returncode == 1
    assert "tall.png: not drawn: " in result.stderr
    assert len(rows_of_json(out.read_text())) == 2
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == [f"{'漢' * 60}-mien.jpg"]


def test_annotated_pictures_do_not_become_sources(model: Path, tmp_path: Path, bands: Bands) -> None:
    (tmp_path / "00.png").write_bytes(png(bands(0, 8)))
    (tmp_path / "zz").mkdir()
    for inside in (tmp_path / "zz", tmp_path / "new"):
        result = run("predict", tmp_path, "--model", model, "--crop", "whole", "--annotate", inside)
        assert result.returncode == 2
        assert "lies among the sources: choose a folder outside" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00.png", "zz"]
    assert not list((tmp_path / "zz").iterdir())


# Terminals


def in_terminal(columns: int, *words: str | Path) -> str:
    """What `mien` shows in a terminal of that width."""
    pid, handle = pty.fork()
    if pid == 0:
        kept = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        os.execve(MIEN[0], [*MIEN, *map(str, words)], kept | {"TERM": "xterm-256color", "COLUMNS": str(columns)})
    shown = b""
    while True:
        try:
            part = os.read(handle, 65536)
        except OSError:  # how a pseudo-terminal says on Linux that it was left
            break
        if not part:
            break
        shown += part
    os.close(handle)
    os.waitpid(pid, 0)
    return shown.decode()


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal_gets_colours_and_rows_that_fit(columns: int, folder: Path, model: Path) -> None:
    shown = in_terminal(columns, "predict", folder, "--model", model, "--crop", "whole")
    assert "Traceback" not in shown
    assert "\x1b[" in shown
    *lines, last = ESCAPE.sub("", shown).splitlines()
    assert max(map(cell_len, lines)) <= columns
    assert SUMMARY.fullmatch(last + "\n")
    starts = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert len(starts) == len(NAMES)
    for start, name in zip(starts, NAMES, strict=True):
        assert str(folder / name).endswith(start.removeprefix("…"))
        assert len(start) > 8
    assert sum(label in line for label in FERPLUS8 for line in lines) == 12


def test_a_terminal_is_not_fooled_by_names(model: Path, tmp_path: Path, bands: Bands) -> None:
    for name in ODD:
        (tmp_path / name).write_bytes(png(bands(0, 8)))
    shown = in_terminal(120, "predict", tmp_path, "--model", model, "--crop", "whole")
    assert "\x1b[31mred" not in shown
    assert "\\x1b[31mred.png" in ESCAPE.sub("", shown)
    assert "[bold].png" in shown
    assert len(shown.splitlines()) == 1 + len(ODD) + 1


def test_a_terminal_sees_rows_or_how_far_it_is(folder: Path, model: Path, tmp_path: Path) -> None:
    words = ("predict", folder, "--model", model, "--crop", "whole")
    assert "reading" not in in_terminal(80, *words)
    shown = ESCAPE.sub("", in_terminal(80, *words, "--out", tmp_path / "out.csv"))
    assert re.match(r"\s*reading .* 0/20 ", shown)
    assert SUMMARY.fullmatch(shown.splitlines()[-1] + "\n")
    assert "expression" not in shown


def test_an_evaluation_in_a_terminal(exported: Export) -> None:
    shown = in_terminal(80, "evaluate", exported("csv", 50), "--labels", "ferplus8")
    text = ESCAPE.sub("", shown).splitlines()
    assert max(map(cell_len, text)) <= 81  # the progress bar ends with a carriage return
    assert not any("…" in line for line in text)
    assert any(line.startswith("contempt") for line in text)


@pytest.mark.parametrize("wide", [20, 40])
def test_a_table_that_does_not_fit_loses_no_digit(wide: int) -> None:
    table = columns(("report", "model"), ("accuracy", "ECE", "n"))
    table.add_row("mine", "small", "100.0%", "0.014", "28,709")
    stream = io.StringIO()
    Console(file=stream, width=wide).print(table)
    assert Counter("minesmall100.0%0.01428,709") <= Counter(stream.getvalue())


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (FERPLUS8.emotions, list(FERPLUS8)),
        (("kein lächeln", "lächeln"), ["kein lächeln", "lächeln"]),
        (
            ("angrily disgusted", "happily", "happily disgusted", "happily surprised", "sadly angry", "appalled"),
            ["angrily", "happily", "happily disgusted", "happily surprised", "sadly an", "appalled"],
        ),
    ],
)
def test_labels_above_a_confusion_are_apart(labels: tuple[str, ...], told: list[str]) -> None:
    assert heads(labels) == told


@pytest.mark.parametrize("words", ["predict PHOTO", "models", "models small", "evaluate DATA", "data info DATA"])
def test_a_pipe_gets_no_colours_and_no_drawing(words: str, photo: Path, exported: Export) -> None:
    places = {"PHOTO": str(photo), "DATA": str(exported("csv", 50))}
    result = run(*(places.get(word, word) for word in words.split()), TERM="xterm-256color")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout
    assert not ESCAPE.search(result.stdout)
    assert not DRAWING.search(result.stdout)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"FORCE_COLOR": "1"}, True),
        ({"TTY_COMPATIBLE": "1"}, True),
        ({"FORCE_COLOR": "1", "TTY_COMPATIBLE": "0"}, False),
    ],
)
def test_what_is_no_terminal_may_be_taken_for_one(environment: dict[str, Any], coloured: bool, photo: Path) -> None:
    shown = run("predict", photo, photo, TERM="xterm-256color", **environment)
    assert bool(ESCAPE.search(shown.stdout)) is coloured
    assert ("2 images" in shown.stderr) is coloured


# Other verbs


def test_models() -> None:
    listed = run("models").stdout
    assert listed.splitlines()[1].startswith(f"{DEFAULT} ")
    for head in mien.load().artifact.manifest.heads:
        assert head.labels in listed
    assert run("models", DEFAULT).stdout.strip() == mien.load().artifact.card.strip()


def test_a_terminal_gets_a_card_without_its_history() -> None:
    text = ESCAPE.sub("", in_terminal(80, "models", DEFAULT))
    told = ["Reads the expression", "How good it is", "must not be used", "cannot do", "How it was made", "README.md"]
    places = [text.index(each) for each in told]
    assert places == sorted(places)
    assert "sha256" not in text
    assert "details" not in text
    assert "…" not in text


def test_data_info_of_a_folder_with_a_broken_image(tmp_path: Path, bands: Bands) -> None:
    for name in ("[b]", "calm"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.png").write_bytes(png(bands(number, 8)))
    (tmp_path / "calm" / "e\x1b[31m.png").write_bytes(b"\x89PNG")
    result = run("data", "info", tmp_path)
    assert result.returncode == 1
    assert "[b]" in result.stdout
    assert "calm/e\\x1b[31m.png: a PNG that is damaged or cut short" in result.stdout
    assert "\x1b" not in result.stdout
    small = "of 5 images looked at, 4 are small (96 px at most), 1 cannot be read"
    assert f"crop unless told otherwise: whole, as these are face crops: {small}" in result.stdout


def test_data_info_of_photos(tmp_path: Path, astronaut: bytes) -> None:
    for name in ("calm", "happy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(astronaut)
    told = json.loads(run("data", "info", tmp_path, "--format", "json").stdout)
    assert told["crop"] == "auto"
    assert told["crop_reason"].startswith("photos: of 2 images looked at, in 2 a face takes part of the frame")


def test_data_info(exported: Export, fer2013: Path) -> None:
    forms = {
        exported("csv", 50): ("fer2013.csv with FER+ votes", 100),
        exported("folders", 50): ("image folder", 100),
        exported("people", 2000): ("people", None),
        fer2013 / "valid.parquet": ("FER2013 parquet with FER+ votes", 3589),
    }
    for path, (form, n) in forms.items():
        result = run("data", "info", path, "--format", "json")
        assert (result.returncode, result.stderr) == (0, "")
        told = json.loads(result.stdout)
        assert told["form"].startswith(form)
        assert told["n"] == (n or told["people"] * 7)
        assert sum(sum(counts.values()) for counts in told["counts"].values()) == told["n"]
        assert told["unreadable"] == {}
        assert told["crop"] == "whole"


def test_data_info_by_a_users_own_words(tmp_path: Path) -> None:
    for place in ("suprice/ann_1.png", "calm/ann_2.png", "happy/bob_1.png", "happy/x.png"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        noise = np.random.default_rng(len(place)).integers(0, 256, (16, 16, 3), np.uint8)
        (tmp_path / place).write_bytes(png(noise))
    result = run("data", "info", tmp_path)
    assert "labels of no known set, which are words of their own: calm (1), suprice (1)" in result.stdout
    assert "--map suprice=surprise" in result.stdout
    assert " across splits" not in result.stdout
    alone = run("data", "info", tmp_path, "--group", r"(ann)_\d").stdout
    assert alone.startswith("image folder, 4 images of 1 person\n")
    assert "labels with one image alone: calm, suprice" in result.stdout
    cropped = run("crop", tmp_path, "--out", tmp_path.with_name(f"{tmp_path.name}-crops"))
    assert "words of their own: calm (1), suprice (1); if some mean a known one, say so with --map" in cropped.stdout
    words = ("--map", "suprice=surprise,calm=", "--group", r"(\w+)_\d")
    told = json.loads(run("data", "info", tmp_path, *words, "--format", "json").stdout)
    assert told["counts"] == {"all": {"happy": 2, "surprise": 1}}
    assert (told["people"], told["unknown"], told["suggested"]) == (2, {}, {})
    assert r"people: by (\w+)_\d" in told["notes"]
    assert "images of nobody known: 1 of 3" in told["warnings"]
    assert run("evaluate", tmp_path, *words).stdout.startswith("small on image folder, split all: 3 images")
    wrong = run("data", "info", tmp_path, "--map", "suprize=surprise")
    assert (wrong.returncode, "did you mean" in wrong.stderr) == (2, True)


# The base install


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PYTHONPATH with which nothing of what the extras bring can be imported."""
    place = tmp_path_factory.mktemp("bare")
    extras = "torch onnx onnxscript matplotlib pyarrow skimage scipy hypothesis pytest pandas streamlit pillow_heif av"
    (place / "sitecustomize.py").write_text(f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {extras.split()!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
""")
    return str(place)


def test_the_bare_environment_is_bare(bare: str) -> None:
    env = os.environ | {"PYTHONPATH": bare}
    result = subprocess.run([sys.executable, "-c", "import torch"], env=env, check=False, capture_output=True)
    assert b"ModuleNotFoundError: No module named 'torch'" in result.stderr


@pytest.mark.parametrize(
    "verb", ["", "predict", "evaluate", "compare", "crop", "train", "export", "models", "app", "data", "data info"]
)
def test_help_needs_the_base_install_alone(verb: str, bare: str) -> None:
    result = run(*verb.split(), "--help", PYTHONPATH=bare)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"Usage: {' '.join(['mien', *verb.split()])}" in result.stdout


def test_help_tells_the_limits() -> None:
    told = " ".join(run("predict", "--help", COLUMNS="200", TERM="dumb").stdout.split())
    for option, most in (
        ("--max-pixels", f"{LIMITS.max_pixels // 10**6}MP"),
        ("--max-bytes", f"{LIMITS.max_bytes // 10**6}MB"),
    ):
        assert f"[default: ({most})]" in told.partition(option)[2].partition("--")[0]


@pytest.mark.parametrize(
    ("verb", "option", "default"),
    [(video, "rate", RATE), (Recognizer.watch, "rate", RATE), (video, "least", LEAST), (batch, "grace", GRACE_S)],
)
def test_defaults_are_those_of_the_library(verb: Callable[..., Any], option: str, default: float) -> None:
    assert inspect.signature(verb).parameters[option].default == default


@pytest.mark.parametrize(("rate", "told"), [(0.42, "0.4"), (9.96, "10.0"), (10.4, "10"), (1234.4, "1,234")])
def test_a_slow_run_is_told_with_a_decimal(rate: float, told: str) -> None:
    assert speed(rate, "frames") == f"{told} frames/s"


def test_the_base_install_reads_and_judges(bare: str, media: Path, tmp_path: Path, model: Path, bands: Bands) -> None:
    result = run(
        "predict", media / "0-f15-hao-ph.jpg", "--format", "json", "--annotate", tmp_path / "drawn", PYTHONPATH=bare
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert rows_of_json(result.stdout)[0]["faces"][0]["label"] == "happy"
    for position in (1, 3):
        (tmp_path / "data" / FERPLUS8.emotions[position]).mkdir(parents=True)
        (tmp_path / "data" / FERPLUS8.emotions[position] / "a.png").write_bytes(png(bands(position, 8)))
    judged = run("evaluate", tmp_path / "data", "--model", model, "--format", "json", PYTHONPATH=bare)
    assert (judged.returncode, json.loads(judged.stdout)["accuracy"]) == (0, 1)
    assert run("data", "info", tmp_path / "data", PYTHONPATH=bare).returncode == 0
    assert run("crop", tmp_path / "data", "--out", tmp_path / "crops", PYTHONPATH=bare).returncode == 0
    assert run("models", PYTHONPATH=bare).returncode == 0


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("evaluate data --model MODEL --report OUT", "mien[report]"),
        ("train recipe.toml --data data --out OUT", "mien[train]"),
        ("models --describe recipe.toml", "mien[train]"),
        ("app --headless", "mien[app]"),
        ("export run --out OUT", "mien[train]"),
        ("predict PHOTO --format parquet --out OUT", "mien[parquet]"),
        ("data info PARQUET", "mien[parquet]"),
        ("evaluate PARQUET", "mien[parquet]"),
    ],
)
def test_what_is_missing_is_named(
    words: str, extra: str, bare: str, photo: Path, fer2013: Path, tmp_path: Path
) -> None:
    places = {"PHOTO": str(photo), "PARQUET": str(fer2013 / "valid.parquet"), "OUT": str(tmp_path / "out")}
    result = run(*(places.get(word, word) for word in words.split()), PYTHONPATH=bare)
    assert result.returncode == 2
    assert f"pip install '{extra}'" in result.stderr
    assert list(tmp_path.iterdir()) == []
