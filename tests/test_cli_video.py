"""`mien video`, as users start it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filmed import Film, plain
from PIL import Image
from test_cli import run
from walking import filmed

from mien.labels import FERPLUS8
from mien.watching import moment_columns


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: bytes) -> Path:
    """The astronaut, as the camera moves by."""
    photo = Image.open(io.BytesIO(astronaut))
    frames = [np.asarray(photo.crop((4 * at, 0, 320 + 4 * at, 240))) for at in range(12)]
    return filmed(tmp_path_factory.mktemp("clips") / "clip.mp4", frames)


def test_everything_that_it_writes(clip: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks.csv"
    marks.write_text("name,start,end\nfirst,0,0.2\nrest,0:00.2,1:00\n")
    out, summary, events = tmp_path / "out.parquet", tmp_path / "sum.csv", tmp_path / "events.eaf"
    done = run(
        *("video", clip, "--out", out, "--summary", summary, "--events", events, "--marks", marks, "--merge-people")
    )
    assert done.returncode == 0, done.stderr
    assert "1 video, 12 frames, 12 faces" in done.stderr
    frame = pd.read_parquet(out)
    assert list(frame) == [*moment_columns(FERPLUS8), "person"]
    assert frame["time_s"].tolist() == pytest.approx([number / 25 for number in range(12)])
    assert set(frame["track"]) == set(frame["person"]) == {0}
    assert set(frame["smoothed_label"]) == {"happy"}
    told = list(csv.DictReader(summary.read_text().splitlines()))
    assert [(each["mark"], each["track"], float(each["seen_s"])) for each in told] == [
        ("first", "0", 0.2),
        ("rest", "0", 0.28),
    ]
    assert '<TIER LINGUISTIC_TYPE_REF="expression" TIER_ID="track 0 happy">' in events.read_text()
    assert [line.split()[:5] for line in done.stdout.splitlines()[1:]] == [
        [clip.name, "first", "0", "happy", "0.2"],
        [clip.name, "rest", "0", "happy", "0.3"],
    ]
    assert {each.name for each in tmp_path.iterdir()} == {"marks.csv", "out.parquet", "sum.csv", "events.eaf"}


def test_a_reader_that_leaves_early_costs_no_file(clip: Path, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    words = ("--out", "out.csv", "--summary", "sums.csv", "--annotate", "marked.webm")
    command = [sys.executable, "-m", "mien", "video", str(clip), *words]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(theirs)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert {each.name for each in tmp_path.iterdir()} == {"out.csv", "sums.csv", "marked.webm"}


def test_what_a_copy_lacks_of_the_sound_is_told(tmp_path: Path) -> None:
    made = Film([plain(number) for number in range(10)], form="matroska", sound_s=0.4).made()
    bad, good, copies = tmp_path / "bad.mkv", tmp_path / "good.mkv", tmp_path / "copies"
    bad.write_bytes(made.replace(b"A_OPUS", b"A_OPUX"))
    good.write_bytes(made)
    done = run("video", bad, good, "--out", tmp_path / "rows.csv", "--annotate", copies)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("of its copy: ") == 1
    assert f"{bad}: of its copy: its sound is left out: coded in a way that this FFmpeg does not decode" in done.stderr
    assert {each.name for each in copies.iterdir()} == {"bad-mien.webm", "good-mien.webm"}
    assert not list(tmp_path.glob("*.part.*"))


def test_some_frames_in_another_label_set(clip: Path, tmp_path: Path) -> None:
    out, sums = tmp_path / "out.json", tmp_path / "sums.ndjson"
    words = ("--every", "0.1", "--from", "0:00.1", "--to", ".4", "--labels", "happy-sad", "--out", out)
    done = run("video", clip, clip, *words, "--summary", sums)  # named twice, it is read once
    assert done.returncode == 0, done.stderr
    assert "1 video, 3 frames" in done.stderr
    rows = json.loads(out.read_text())
    assert [row["frame"] for row in rows] == [3, 5, 8]
    assert {row["smoothed_label"] for row in rows} == {"happy"}
    assert "p_fear" not in rows[0]
    assert [json.loads(line)["seen_s"] for line in sums.read_text().splitlines()] == pytest.approx([0.32], abs=0.1)


def test_what_cannot_be_read_has_its_row(clip: Path, tmp_path: Path) -> None:
    broken, out = tmp_path / os.fsdecode(b"broken\xff.mp4"), tmp_path / "out.csv"
    broken.write_bytes(b"no video")
    done = run("video", broken, tmp_path / "none.mp4", clip, "--every", "1", "--out", out)
    assert done.returncode == 1
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(Path(row["source"]).name, row["frame"]) for row in rows] == [
        ("broken\\xff.mp4", ""),
        ("none.mp4", ""),
        ("clip.mp4", "0"),
    ]
    assert rows[1]["error"] == "no such file"
    assert "none.mp4: from 0.00 s on: no such file" in done.stderr
    assert "none.mp4: no face" not in done.stderr


def test_a_video_that_ends_before_the_first_moment_asked_for_is_told(clip: Path) -> None:
    done = run("video", clip, "--from", "1:30")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{clip}: no frame is shown from 90 s on\n1 video, 0 frames" in done.stderr


def test_a_video_that_is_not_in_the_sums_is_told(clip: Path, tmp_path: Path) -> None:
    stills, marks = tmp_path / "stills", tmp_path / "marks.csv"
    stills.mkdir()
    Image.new("RGB", (96, 64), "gray").save(stills / "1.png")
    done = run("video", stills, clip, "--every", "1")
    assert (done.returncode, done.stdout.count("clip.mp4")) == (0, 1)
    assert done.stderr.endswith(f"{stills}: no face was found\n")
    marks.write_text("name,start,end,file\na,0,9,other.mp4\n")
    told = run("video", clip, "--every", "1", "--marks", marks).stderr
    assert told.startswith(f"{marks}: other.mp4 is none of the videos: its marks count nowhere\n")
    assert told.endswith(f"{clip}: no face was found within the marks\n")


def test_a_video_that_is_named_twice_is_read_once(clip: Path) -> None:
    done = run("video", clip, clip.parent / "." / clip.name, f"{clip.parent}/../{clip.parent.name}/{clip.name}")
    assert done.stderr.startswith("1 video, ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "out.txt"), "out.txt: end it with one of .json, .jsonl, .csv, .parquet, .ndjson"),
        (("--out", "out.mp4"), "out.mp4: end it with one of .json, .jsonl, .csv, .parquet, .ndjson"),
        (("--events", "out.doc"), ".json, .jsonl, .csv, .parquet, .ndjson, .srt, .vtt, .eaf, .txt"),
        (
            ("other.mp4", "--events", "out.srt"),
            "out.srt: captions are of one video, and there are 2: write .csv, or one",
        ),
        (("--summary", "out.srt"), "out.srt: end it with one of .json, .jsonl, .csv, .parquet, .ndjson"),
        (("--resume",), "--resume goes on with a file: name it with --out"),
        (("--from", "1:77"), "a time is seconds, such as 90.5, or minutes and seconds as 1:30"),
        (("--every", "0", "--out", "out.csv"), "--every is a time above 0: leave it out for all frames"),
        (("--from", "1:30", "--to", "0:30"), "--to lies after --from, got 30 s and 90 s"),
        (("--labels", "smiles"), "no label set 'smiles'"),
        (("--out", "a.csv", "--summary", "./a.csv"), "a.csv: two files would be written there"),
        (("--summary", "a.csv", "--events", "a.csv"), "a.csv: two files would be written there"),
        (("--marks", "a.csv", "--summary", "a.csv"), "a.csv: that is what is read"),
        (("--summary", "CLIP/a.csv"), "a file is in the way of a folder"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], said: str, clip: Path, tmp_path: Path) -> None:
    done = run("video", clip, *(word.replace("CLIP", str(clip)) for word in words), cwd=tmp_path)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []
