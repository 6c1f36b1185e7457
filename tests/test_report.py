"""Reports: subgroups, the page that holds its own pictures, the table of answers, and several side by side."""

from __future__ import annotations

import base64
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mien.cli.verbs import app
from mien.errors import DataError
from mien.fonts import own_font
from mien.labels import HAPPY_SAD, LabelSet
from mien.report import Answers, LeftOut, Origin, Report, make_report
from mien.report.compare import compare
from mien.report.notes import notes
from mien.report.page import answers_csv, draw_pictures, html, write_report

PICTURES = {"confusion.png", "confusion-shares.png", "reliability.png", "confidence.png", "mistakes.png"}
FILES = PICTURES | {"report.html", "report.json", "answers.csv"}


def png(gray: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (48, 48), (gray, gray, gray)).save(stream, "PNG")
    return stream.getvalue()


def report_of(
    right: Sequence[bool | None],
    *,
    labels: LabelSet = HAPPY_SAD,
    attributes: Sequence[Mapping[str, str]] = (),
    names: Sequence[str] = (),
    unreadable: Mapping[str, str] | None = None,
    copies: Sequence[str] = (),
    prints: Sequence[str] = (),
) -> Report:
    """A report of images that are in turn of each label; None is an image without a face."""
    n, classes = len(right), len(labels)
    truth = np.arange(n) % classes
    guesses = np.array([(label + (1 - bool(good))) % classes for label, good in zip(truth, right, strict=True)])
    probabilities = np.full((n, classes), 0.1 / (classes - 1))
    probabilities[np.arange(n), guesses] = 0.9
    found = np.array([good is not None for good in right])
    probabilities[~found] = 1 / classes
    said = Answers(
        tuple(names or (f"{row}.png" for row in range(n))),
        tuple(png(row % 256) for row in range(n)),
        tuple(attributes or ({},) * n),
        probabilities,
        truth,
        found,
        tuple(copies or ("",) * n),
        found,
        "toy",
        0.5,
        None,
        None,
        tuple(prints or ("",) * n),
    )
    data = {"path": "here/<faces>", "form": "made up", "split": "test", "crop": "whole", "crop_reason": "<small>"}
    return make_report("toy & co", data, labels, said, LeftOut(5, 3, {"calm": 2}, unreadable or {}))


# A line


def test_shown_in_a_line() -> None:
    report = report_of([True, True, True, False])
    assert repr(report).startswith("Report(toy & co on here/<faces>, test: 75.0% of 4 right, macro-F1 0.")
    assert len(repr(report)) < 120


# Groups (more in test_groups.py)


@pytest.mark.parametrize(
    ("age", "band"),
    [("0", "0-12"), ("12", "0-12"), ("13", "13-17"), ("18", "18-29"), ("59", "45-59"), ("60", "60+"), ("120", "60+")]
    + [("25.0", "18-29"), ("25.", "18-29"), ("12.9", "0-12")]
    + [(odd, odd) for odd in ("young", "20-30")],
)
def test_ages_come_in_bands(age: str, band: str) -> None:
    assert list(report_of([True, False], attributes=[{"age": age}, {}]).subgroups["age"]) == [band]


@pytest.mark.parametrize("age", ["-1", "121", "999", "9" * 400])
def test_a_number_that_is_no_age_makes_no_group(age: str) -> None:
    assert "age" not in report_of([True, False], attributes=[{"age": age}, {}]).subgroups


def test_reliability_is_of_the_bins_that_have_answers() -> None:
    (each,) = report_of([True, True, True, False, None]).reliability
    assert (each.n, each.accuracy) == (4, 0.75)
    assert each.confidence == pytest.approx(0.9)
    assert each.low <= each.confidence <= each.high
    assert report_of([None, None]).reliability == ()


# The page and its parts


class Page(HTMLParser):
    """Collects what a page refers to and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[tuple[str, bytes]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        source = found.get("src") or ""
        if tag == "img" and source.startswith("data:image/png;base64,"):
            self.images.append((found.get("alt") or "", base64.b64decode(source.split(",")[1])))
        self.links += [value for value in (found.get("href"), source) if value and not value.startswith("data:")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_its_own_pictures(tmp_path: Path) -> None:
    report = report_of([True, False, None, True], unreadable={"a<b>.png": "empty & gone"})
    origin = Origin("mien evaluate '<b>'", {"mien": "7.8"}, "net", "model", "faces", 5, "an old one")
    report = replace(report, origin=origin)
    write_report(report, tmp_path / "new" / "report")
    folder = tmp_path / "new" / "report"
    assert {path.name for path in folder.iterdir()} == FILES
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert page.links == []
    assert not re.search(r"https?:|@import|url\(", text)
    assert {content for _, content in page.images} == {(folder / name).read_bytes() for name in PICTURES}
    assert all(words for words, _ in page.images)
    for _, content in page.images:
        Image.open(BytesIO(content)).verify()
    said = "not in this set: calm (2)", "for want of a label in this set: 1.", *dict(origin.rows()).values()
    for told in ("toy & co", "here/<faces>", "50.0%", "a<b>.png", "empty & gone", "Crop whole: <small>.", *said):
        assert told in page.text, told
    assert json.loads((folder / "report.json").read_text()) == json.loads(json.dumps(report.to_dict()))


LABELS = (
    "радость",
    "χαρά",
    "喜び",
    "سعيد",
    "😀 ok",
    "$a_b$ $\\bad$",
    "a\x07b",
    "\udcff",
    "x\u3000y",
    "♥\ufe0f",
    "100%",
)


def test_labels_of_any_script_are_drawn() -> None:
    """Warnings are errors: matplotlib warns of characters that it has no font for."""
    pictures = draw_pictures(report_of([True, False, None] * 11, labels=LabelSet("scripts", LABELS)))
    assert set(pictures) == PICTURES


def test_a_font_of_the_system_is_used_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: matplotlib's own font is one without Greek, and DejaVu one that the system has."""
    from matplotlib.font_manager import FontProperties, findfont

    from mien.report import plots

    monkeypatch.setattr(plots, "_own_font", lambda: own_font(20))
    monkeypatch.setattr(plots, "font_file", lambda text: findfont(FontProperties()) if "χ" in text else None)
    assert plots.legible("χαρά") == "χαρά"
    assert plots.legible("喜") == r"\u559c"
    assert plots._families("χαρά") == ["sans-serif", "DejaVu Sans"]
    assert plots._families("joy") == ["sans-serif"]


def test_without_mistakes_there_is_no_sheet_of_them(tmp_path: Path) -> None:
    write_report(report_of([True, False]), tmp_path)
    (tmp_path / "groups.png").write_bytes(b"of an earlier report")
    write_report(report_of([True, True]), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES - {"mistakes.png"}
    assert "mistakes" not in (tmp_path / "report.html").read_text()


def test_no_face_at_all_is_a_report_too(tmp_path: Path) -> None:
    write_report(report_of([None, None]), tmp_path)
    assert "Without a face found, which counts as wrong: 2." in Page((tmp_path / "report.html").read_text()).text


def test_a_mistake_that_is_gone_is_a_gap(tmp_path: Path) -> None:
    report = report_of([False, True])
    object.__setattr__(report.answers, "sources", (tmp_path / "gone.png", b""))
    write_report(report, tmp_path / "report")
    assert (tmp_path / "report" / "mistakes.png").exists()


def test_the_answers_as_a_table() -> None:
    rows = list(csv.DictReader(StringIO(answers_csv(report_of([True, False, None], names=["a", 'b "c", d', "é"])))))
    assert [row["name"] for row in rows] == ["a", 'b "c", d', "é"]
    assert [(row["label"], row["answer"], row["right"]) for row in rows] == [
        ("happy", "happy", "1"),
        ("sad", "happy", "0"),
        ("happy", "", "0"),
    ]
    assert [float(rows[0][name]) for name in ("confidence", "p_happy", "p_sad")] == [0.9, 0.9, 0.1]


def test_labels_that_are_called_as_columns_are_have_columns_of_their_own(tmp_path: Path) -> None:
    labels = LabelSet("odd", ("right", "copy", "print", "p_copy"))
    report = report_of([True, False, None, True], labels=labels, attributes=[{"p_copy": "a"}, {"right": "b"}, {}, {}])
    table = answers_csv(report)
    names = next(csv.reader(StringIO(table)))
    assert len(set(names)) == len(names)
    rows = list(csv.DictReader(StringIO(table)))
    assert [(row["right"], row["copy"], row["p_right"]) for row in rows[:2]] == [
        ("1", "", "0.900000"),
        ("0", "", "0.033333"),
    ]
    first, second = compare([written(tmp_path, name, report) for name in ("one", "two")])
    assert first.accuracy == second.accuracy == 0.5


def test_calibration_is_of_the_images_that_are_compared(tmp_path: Path) -> None:
    """Answers are given with 90%: right at b and c, wrong at a, and no face is found at d."""
    one = written(tmp_path, "one", report_of([False, True, True, None], names=["a", "b", "c", "d"]))
    two = written(tmp_path, "two", report_of([True, True, True, False], names=["x", "b", "c", "d"]))
    assert [each.ece for each in compare([one, two])] == pytest.approx([0.1, 0.9 - 2 / 3])


# Side by side


def written(tmp_path: Path, name: str, report: Report) -> Path:
    write_report(report, tmp_path / name)
    return tmp_path / name


def test_a_small_steady_gain_is_shown_and_luck_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.random(600) < 0.7
    better, other = base.copy(), base.copy()
    better[np.flatnonzero(~base)[:12]] = True  # 12 mistakes fewer, no new one
    swapped = np.concatenate([np.flatnonzero(~base)[:60], np.flatnonzero(base)[:48]])
    other[swapped] = ~other[swapped]  # the same gain, with 48 new mistakes
    folders = [
        written(tmp_path, name, report_of(list(right))) for name, right in (("a", base), ("b", better), ("c", other))
    ]
    first, second, third = compare(folders)
    assert first.accuracy_difference is first.macro_f1_difference is None
    assert first.n == 600
    assert first.accuracy == pytest.approx(base.mean())
    for each, shown in ((second, True), (third, False)):
        assert each.accuracy_difference is not None
        assert each.macro_f1_difference is not None
        assert each.accuracy_difference.value == pytest.approx(12 / 600)
        assert each.accuracy_difference.shown is shown
        low, high = each.accuracy_difference.interval
        assert low < 12 / 600 < high
        assert each.macro_f1_difference.value == pytest.approx(each.macro_f1 - first.macro_f1)


def test_a_gain_in_two_people_is_no_steady_one(tmp_path: Path) -> None:
    base = [True] * 90 + [False] * 10
    better = [True] * 100
    people = [{"person": str(row // 10)} for row in range(100)]  # the ten mistakes are all of one person's images
    apart = [written(tmp_path, name, report_of(right)) for name, right in (("a", base), ("b", better))]
    together = [
        written(tmp_path, name, report_of(right, attributes=people)) for name, right in (("c", base), ("d", better))
    ]
    gains = [compare(folders)[1].accuracy_difference for folders in (apart, together)]
    assert [gain and gain.shown for gain in gains] == [True, False]


def test_only_images_that_all_reports_judged_count(tmp_path: Path) -> None:
    one = written(tmp_path, "one", report_of([True, True, False, None], names=["a", "b", "c", "d"]))
    two = written(tmp_path, "two", report_of([True, True, True, False], names=["x", "b", "c", "d"]))
    first, second = compare([one, two])
    assert first.n == second.n == 3
    assert [first.accuracy, second.accuracy] == pytest.approx([1 / 3, 2 / 3])
    assert first.judged == second.judged == 4
    told = CliRunner().invoke(app, ["compare", str(one), str(two)]).output
    assert "3 images, those that all reports judged, of up to 4." in told


def test_names_and_labels_that_begin_like_formulas_are_no_formulas_and_are_still_compared(tmp_path: Path) -> None:
    labels = LabelSet("signs", ("+joy", "-joy"))
    report = report_of([True, False, True], labels=labels, names=["=1+1", "@b", "'=c"])
    rows = list(csv.reader(StringIO(answers_csv(report))))
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))] == []
    folders = [written(tmp_path, name, report) for name in ("one", "two")]
    first, second = compare(folders)
    assert first.n == second.n == 3
    assert [first.accuracy, second.accuracy] == pytest.approx([2 / 3, 2 / 3])


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    one = written(tmp_path, "one", report_of([True, True]))
    three = LabelSet("three", ("angry", "happy", "sad"))
    cases = {
        "needs two reports": [one],
        "is not a report": [one, tmp_path / "nothing"],
        "with the same --labels": [one, written(tmp_path, "three", report_of([True] * 3, labels=three))],
        "no image is in all": [one, written(tmp_path, "far", report_of([True, True], names=["x", "y"]))],
        "has another label": [one, written(tmp_path, "turned", report_of([True, True], names=["1.png", "0.png"]))],
        "1.png is another image in": [
            written(tmp_path, name, report_of([True, True], prints=prints))
            for name, prints in (("here", ["0" * 32, "f" * 32]), ("there", ["3" + "0" * 31, "0" * 32]))
        ],
    }
    for told, folders in cases.items():
        with pytest.raises(DataError, match=told):
            compare(folders)
    (one / "answers.csv").write_text("name,label\n0.png,joy\n")
    with pytest.raises(DataError, match="is not a report"):
        compare([one, one])


def test_the_command(tmp_path: Path) -> None:
    folders = [written(tmp_path, name, report_of(right)) for name, right in (("a", [True] * 30), ("b", [False] * 30))]

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mien", "compare", *map(str, arguments)]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})

    table = run(*folders)
    assert (table.returncode, table.stderr) == (0, "")
    assert "* -100.0 (-100.0 to -" in table.stdout
    assert "30 images" in table.stdout
    assert "too few" not in table.stdout
    told = json.loads(run(*folders, "--format", "json").stdout)
    assert told == [json.loads(json.dumps(each.to_dict())) for each in compare(folders)]
    assert run(folders[0]).returncode == 2


def test_nothing_is_concluded_of_a_few(tmp_path: Path) -> None:
    folders = [written(tmp_path, name, report_of(right)) for name, right in (("a", [True] * 29), ("b", [False] * 29))]
    gains = compare(folders)[1]
    for gain in (gains.accuracy_difference, gains.macro_f1_difference):
        assert gain is not None
        assert (gain.value, gain.chance, gain.shown) == (-1, None, False)
    told = CliRunner().invoke(app, ["compare", *map(str, folders)]).output
    assert "too few: -100.0" in told
    assert "nothing can be concluded: 30 images are needed, of 10 people" in told
    assert (
        "& too few: $-$100.0 (" in CliRunner().invoke(app, ["compare", *map(str, folders), "--format", "latex"]).output
    )


def test_what_was_trained_on_is_told_with_the_scores_of_the_rest() -> None:
    report = report_of([True, True, False, True], copies=["exact seen", "near", "", "seen"])
    assert report.copies == {"exact": 1, "near": 1, "seen": 2}
    assert report.fresh is not None
    assert (report.accuracy, report.fresh.n, report.fresh.accuracy) == (0.75, 1, 0.0)
    said = list(notes(report))
    assert said[0].startswith("Not judged, since the model was trained on them")
    assert said[1:3] == [
        "In the data's own train as well: 1 of 4 images to the pixel, 1 nearly.",
        "The model was trained on 2 of 4 images, or on copies of them.",
    ]
    assert said[3].startswith("On the other 1: accuracy 0.0%")
    rows = list(csv.DictReader(StringIO(answers_csv(report))))
    assert [row["copy"] for row in rows] == ["exact seen", "near", "", "seen"]


@pytest.mark.parametrize(("people", "few"), [(0, False), (2, True), (12, False)])
def test_who_counts_in_the_intervals_is_told(people: int, few: bool) -> None:
    report = report_of([True] * 24, attributes=[{"person": str(row % people)} if people else {} for row in range(24)])
    assert report.people == people
    said = [note for note in notes(report) if note.startswith("Intervals are of ")]
    assert len(said) == bool(people)
    assert any("too narrow" in note for note in said) == few


@pytest.mark.parametrize(
    ("copies", "told"), [(["", ""], {}), (["exact", "exact"], {"exact": 2})], ids=["nothing", "everything"]
)
def test_where_there_is_nothing_to_compare_there_are_no_other_scores(copies: list[str], told: dict[str, int]) -> None:
    report = report_of([True, False], copies=copies)
    assert (report.copies, report.fresh) == (told, None)
    assert any("say nothing of new faces" in note for note in notes(report)) == bool(told)


@pytest.mark.parametrize(("right", "told"), [(30, False), (16, True), (12, True)])
def test_what_is_no_better_than_one_answer_for_all_is_told(right: int, told: bool) -> None:
    report = report_of([True] * right + [False] * (32 - right), labels=LabelSet("three", ("angry", "happy", "sad")))
    said = [note for note in notes(report) if note.startswith("Always answering")]
    assert said == ["Always answering angry is right in 34.4%: nothing says that the model is better."] * told


@pytest.mark.parametrize(("images", "people", "told"), [(29, 0, False), (30, 0, True), (90, 9, False), (90, 10, True)])
def test_macro_f1_of_a_few_has_no_interval(images: int, people: int, told: bool) -> None:
    known = [{"person": str(row % people)} if people else {} for row in range(images)]
    report = report_of([row % 3 > 0 for row in range(images)], attributes=known)
    assert (report.macro_f1_interval is not None) == told
    assert report_of([True] * images, attributes=known).macro_f1_interval is None  # nor has it where all are right
    assert ("too few or too alike for an interval" in html(report, dict.fromkeys(PICTURES, b""))) != told


def test_labels_of_a_few_images_are_told_beside_the_mean_over_labels() -> None:
    many = report_of([True] * 40)
    assert not [note for note in notes(many) if note.startswith("Macro-F1")]
    few = report_of([*[True] * 38, False], labels=LabelSet("four", ("happy", "sad", "calm", "bored")))
    said = "Macro-F1 hangs on labels of fewer than 10 images, more than its interval tells: bored (9)."
    assert said in notes(few)


def test_images_of_nobody_known_are_no_people() -> None:
    report = report_of([True] * 30, attributes=[{"person": "ann"}] * 3 + [{}] * 27)
    assert report.people == 1
    assert "Intervals are of 1 person, each with all images, and of 27 images of nobody known." in notes(report)


def test_nothing_is_scored_where_there_is_nothing_to_score() -> None:
    """Without a face calibration is not perfect, and of a label without images, or never answered, no share is 0%."""
    report = report_of([None], attributes=[{"hat": "yes"}])
    assert (report.ece, report.subgroups["hat"]["yes"].ece) == (None, None)
    shown = html(report, dict.fromkeys({*PICTURES, "groups.png"}, b""))
    assert "<b>-</b><span>calibration error" in shown
    assert "<td>sad</td><td>0</td><td>-</td><td>-</td><td>-</td>" in shown
    assert "1 image judged" in shown
    json.dumps(report.to_dict(), allow_nan=False)


def test_nearly_all_are_not_all() -> None:
    report = report_of([True] * 2999 + [False])
    assert repr(report).startswith("Report(toy & co on here/<faces>, test: >99.9% of 3000 right")
    assert "<b>&gt;99.9%</b><span>right (95%: 99.8% to &gt;99.9%)" in html(report, dict.fromkeys(PICTURES, b""))


def test_labels_that_nothing_shows_are_told_beside_the_mean_over_labels() -> None:
    report = report_of([True, True, True], labels=LabelSet("four", ("happy", "sad", "calm", "bored")))
    assert (report.absent, report.macro_f1) == (("bored",), 1.0)
    assert "Macro-F1 is over 3 of 4 labels: no image has bored." in notes(report)
    assert report_of([True] * 2).absent == ()
