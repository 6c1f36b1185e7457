"""Groups in reports: which there are, what is told of each, and what is concluded, of many and of a few."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
from judged import Known, answered, stored
from PIL import Image

from mien.errors import DataError
from mien.labels import HAPPY_SAD
from mien.report import Changed, Report, columns, plots
from mien.report.compare import compare
from mien.report.notes import notes
from mien.report.page import answers_csv, html


def page(report: Report) -> str:
    """Without its pictures."""
    return html(report, defaultdict(bytes))


def drawn(picture: bytes | None) -> bool:
    if picture is not None:
        Image.open(BytesIO(picture)).verify()
    return picture is not None


def of(column: str, *counts: tuple[str, int]) -> list[dict[str, str]]:
    """So many images of each value, in turn."""
    return [{column: value} if value else {} for value, count in counts for _ in range(count)]


# Which groups there are


@pytest.mark.parametrize(
    ("known", "by", "expected"),
    [
        ([{}, {}], None, {}),
        ([{"person": "1"}, {"person": "2"}], None, {}),
        ([{"b": "x"}, {"a": "y"}, {}], None, {"a": ["y"], "b": ["x"]}),
        ([{"b": "x"}, {"a": "y"}, {}], ["b"], {"b": ["x"]}),
        ([{"b": "x"}, {"a": "y"}, {}], "b", {"b": ["x"]}),
        ([{"person": "1"}, {"person": "2"}], ["person"], {"person": ["1", "2"]}),
        ([{"a": "x", "b": "1"}, {"a": "y", "b": "1"}, {"a": "y"}], ["a+b"], {"a+b": ["x, 1", "y, 1"]}),
        ([{"a": "x", "b": "1"}], ["a + b", "a"], {"a+b": ["x, 1"], "a": ["x"]}),
        ([{"age": "7", "Light": "dim"}], ["AGE", "light+Age"], {"age": ["0-12"], "Light+age": ["dim, 0-12"]}),
        ([{"a": "x", "A": "y"}], ["A", "a"], {"A": ["y"], "a": ["x"]}),
        ([{"a+b": "x", "a": "y", "b": "z"}], ["a+b"], {"a+b": ["x"]}),
        ([{"a": "x, y", "b": "z"}, {"a": "x", "b": "y, z"}], ["a+b"], {"a+b": ["x / y, z", "x, y / z"]}),
        ([{"age": "7"}, {"age": "70"}, {"age": "20"}], ["age"], {"age": ["0-12", "18-29", "60+"]}),
        ([{"age": "12.9"}, {"age": "29.50"}, {"age": "120"}], ["age"], {"age": ["0-12", "18-29", "60+"]}),
        ([{"age": each} for each in ("7", "999", "-1", "-0.5", "nan", "inf", "1e3", "")], ["age"], {"age": ["0-12"]}),
        ([{"age": each} for each in ("7", "?", "adult", "20-29")], None, {"age": ["0-12", "20-29", "?", "adult"]}),
        ([{"age": "999"}, {"age": "999"}], None, {}),
    ],
)
def test_which_groups_there_are(known: Known, by: Sequence[str] | None, expected: dict[str, list[str]]) -> None:
    found = columns(known, by)
    assert {name: list(column.groups) for name, column in found.items()} == expected
    for column in found.values():
        assert set(column.values.tolist()) - {""} == set(column.groups)


@pytest.mark.parametrize("values", [30, 31])
def test_an_attribute_of_very_many_values_makes_no_groups(values: int) -> None:
    known = [{"gender": "MALE", "name": f"name {row % values}"} for row in range(62)]
    assert list(columns(known)) == (["gender", "name"] if values == 30 else ["gender"])


def test_many_numbers_come_in_four_parts() -> None:
    known = [*({"light": str(row)} for row in range(100)), {}, {"light": ""}]
    assert columns(known) == {}  # unasked, what has very many values is left out
    few = columns([{"light": str(row)} for row in (*range(12), 11.5)])["light"]
    assert few.groups == ("0 to 2", "3 to 5", "6 to 8", "9 to 11.5")
    assert columns([{"light": str(row)} for row in range(10)])["light"].groups == tuple("0123456789")
    light = columns(known, ["light"])["light"]
    assert light.groups == ("0 to 24", "25 to 49", "50 to 74", "75 to 99")
    assert [light.values.tolist().count(each) for each in (*light.groups, "")] == [25, 25, 25, 25, 2]


@pytest.mark.parametrize(
    ("values", "groups", "counts"),
    [
        (
            [str(20240101 + day) for day in range(40)],  # six digits of them are all the same
            ("20240101 to 20240110", "20240111 to 20240120", "20240121 to 20240130", "20240131 to 20240140"),
            [10, 10, 10, 10],
        ),
        ([*["0"] * 70, *map(str, range(71, 91))], ("0", "71 to 90"), [70, 20]),
        ([*map(str, range(71, 91)), *["99.5"] * 70], ("71 to 90", "99.5"), [20, 70]),
        ([f"{'0' * zeros}{number}" for number in (7, 30) for zeros in range(6)], ("7", "30"), [6, 6]),
        ([f"1{'0' * zeros}e-{zeros}" for zeros in range(12)], ("1e-0",), [12]),
        ([*["inf"] * 9, *["nan"] * 9, *map(str, range(12))], ("0 to 2", "3 to 5", "6 to 8", "9 to 11"), [3, 3, 3, 3]),
    ],
)
def test_parts_of_numbers_keep_their_names_and_apart(
    values: list[str], groups: tuple[str, ...], counts: list[int]
) -> None:
    found = columns([{"number": value} for value in values], ["number"])["number"]
    assert found.groups == groups
    assert [found.values.tolist().count(each) for each in groups] == counts


def test_what_is_no_number_in_many_spellings_makes_no_groups() -> None:
    known = [{"gender": "MALE", "number": f"{sign}{word}"} for word in ("nan", "NaN", "inf", "Inf") for sign in " +-"]
    assert list(columns(known)) == ["gender"]
    with pytest.raises(DataError, match="the 'number' of no image is a number"):
        columns(known, ["gender+number"])
    with pytest.raises(DataError, match="the 'age' of no image is an age"):
        columns([{"age": "999"}], ["age"])


@pytest.mark.parametrize(
    ("by", "told"),
    [
        (["sex"], "no image tells its 'sex'; there are gender, name"),
        (["gender+sex"], "no image tells its 'sex'"),
        (["name"], "name has 40 values: 30 at most make groups"),
        (["gender+name"], "name has 40 values"),
    ],
)
def test_what_makes_no_groups_is_told(by: list[str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        columns([{"gender": "MALE", "name": f"name {row}"} for row in range(40)], by)
    with pytest.raises(DataError, match="there are no columns at all"):
        columns([{}], by)


def test_a_picture_of_very_many_groups_has_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of thousands would be higher than any may be, and the report lost after all its work."""
    report = answered([True] * 6, [{"hat": f"hat {row}"} for row in range(6)])
    heights = []
    for most in (200, 3):
        monkeypatch.setattr(plots, "MOST_ROWS", most)
        picture = plots.groups(report)
        assert picture is not None
        heights.append(Image.open(BytesIO(picture)).height)
    assert heights[0] > heights[1]


# What is told of each


def test_what_is_told_of_a_group() -> None:
    known = of("gender", ("FEMALE", 60), ("MALE", 40), ("", 9))
    right: list[bool | None] = [True] * 45 + [False] * 15 + [True] * 10 + [False] * 20 + [None] * 10 + [False] * 9
    groups = answered(right, known, confidence=[0.9] * 60 + [0.6] * 49).subgroups["gender"]
    female, male = groups["FEMALE"], groups["MALE"]
    assert (female.n, female.people, female.enough, male.n, male.enough) == (60, 60, True, 40, True)
    values = {
        "accuracy": (0.75, 0.25),
        "uncertain": (0.0, 1.0),
        "no_face": (0.0, 0.25),
        "overconfidence": (0.15, 0.6 - 10 / 30),
    }
    for name, expected in values.items():
        told = female.measures[name].value, male.measures[name].value
        assert told == pytest.approx(expected), name
        assert female.measures[name].gap == pytest.approx(expected[0] - expected[1]), name
        assert male.measures[name].gap == pytest.approx(expected[1] - expected[0]), name
        for group in (female, male):
            low, high = group.measures[name].interval
            assert low <= group.measures[name].value <= high
            below, beyond = group.measures[name].gap_interval or (0, 0)
            assert below <= (group.measures[name].gap or 0) <= beyond
        assert female.measures[name].chance == male.measures[name].chance
    assert male.measures["overconfidence"].n == 30
    assert [female.measures[f"recall {label}"].n for label in HAPPY_SAD] == [30, 30]
    assert female.confidence == pytest.approx((0.9,) * 5)
    assert male.confidence == pytest.approx((0.6,) * 5)
    assert (female.surer, male.surer) == (1, 0)
    assert female.ece == pytest.approx(0.15)
    assert female.measures["accuracy"].shown
    assert not female.measures["overconfidence"].shown


def test_nothing_is_concluded_of_a_few_faces_and_their_interval_is_wide() -> None:
    known = of("hat", ("yes", 1), ("no", 100))
    hat = answered([True] + [False] * 100, known).subgroups["hat"]["yes"]
    accuracy = hat.measures["accuracy"]
    assert (hat.enough, accuracy.value, accuracy.gap, accuracy.chance) == (False, 1, 1, None)
    assert accuracy.interval == pytest.approx((0.2065, 1), abs=1e-3)
    assert accuracy.gap_interval is not None
    assert accuracy.gap_interval[0] < 0.25
    assert not accuracy.shown


@pytest.mark.parametrize(
    ("faces", "people", "enough"), [(29, 29, False), (30, 30, True), (30, 9, False), (30, 10, True)]
)
def test_how_many_are_enough(faces: int, people: int, enough: bool) -> None:
    known = [{"person": str(row % people), "hat": "yes"} for row in range(faces)]
    known += [{"person": f"other {row}", "hat": "no"} for row in range(50)]
    groups = answered([True, False] * 14 + [True] * (faces - 28) + [False] * 50, known).subgroups["hat"]
    assert groups["yes"].enough is enough
    for group in groups.values():
        assert (group.measures["accuracy"].chance is not None) is enough


def test_images_of_one_person_count_as_fewer() -> None:
    right = [True] * 100 + [False] * 50 + [True] * 50
    hats = of("hat", ("yes", 100), ("no", 100))
    apart = answered(right, hats).subgroups["hat"]["yes"].measures["accuracy"]
    together = answered(right, [each | {"person": str(row // 10)} for row, each in enumerate(hats)])
    alike = together.subgroups["hat"]["yes"].measures["accuracy"]
    assert alike.value == apart.value
    assert alike.interval[0] < apart.interval[0]
    assert apart.chance is not None
    assert alike.chance is not None
    assert alike.chance > 100 * apart.chance


def test_of_many_groups_that_are_alike_none_is_called_different() -> None:
    """Some differ by themselves; together with all the others they do not."""
    rng = np.random.default_rng(0)
    known = [{f"column {place}": str(rng.integers(4)) for place in range(8)} for _ in range(600)]
    report = answered([bool(each) for each in rng.random(600) < 0.7], known)
    measures = [
        each for groups in report.subgroups.values() for group in groups.values() for each in group.measures.values()
    ]
    tested = [each for each in measures if each.chance is not None]
    assert any(each.gap_interval and not each.gap_interval[0] <= 0 <= each.gap_interval[1] for each in tested)
    assert not any(each.shown for each in tested)
    assert any(note.startswith("No group differs from the others") for note in notes(report))


def test_what_nobody_has_is_no_comparison() -> None:
    """All faces are found and all answers sure, so that two of the four shares are alike without a test."""
    right = [row % 3 > 0 for row in range(120)]
    report = answered(right, of("hat", ("yes", 60), ("no", 60)))
    measures = report.subgroups["hat"]["yes"].measures
    assert [name for name, each in measures.items() if not each.tested] == ["uncertain", "no_face"]
    (said,) = (note for note in notes(report) if note.startswith("No group differs"))
    assert said.endswith(f"in {len(measures) - 2} comparisons together.")


def test_notes_tell_what_is_shown_and_what_cannot_be() -> None:
    known = of("gender", ("FEMALE", 60), ("MALE", 60), ("OTHER", 3))
    said = list(notes(answered([True] * 60 + [False] * 63, known)))
    (shown,) = (note for note in said if note.startswith("Groups differ by more than luck"))
    assert "gender FEMALE +100.0 points right (p < .001)" in shown
    assert "Nothing can be concluded of groups below 30 faces or 10 people: gender OTHER (3)." in said
    assert not any("roups" in note for note in notes(answered([True] * 60, [{}] * 60)))


def test_notes_tell_of_how_many_a_group_is_not_known() -> None:
    known = [
        {**gender, **age}
        for gender, age in zip(
            of("gender", ("F", 60), ("M", 59), ("", 1)), of("age", ("40", 40), ("", 80)), strict=True
        )
    ]
    said = [note for note in notes(answered([True] * 120, known)) if "not known" in note]
    assert said == [
        "In no group by age, as that is not known: 80 images of 120.",
        "In no group by gender, as that is not known: 1 image of 120.",
    ]
    assert not any("not known" in note for note in notes(answered([True] * 60, of("gender", ("F", 60)))))


# Changed faces


def moved(n: int, places: Sequence[int], asked: int) -> Changed:
    """Of the first so many images some answers moved."""
    which = np.isin(np.arange(n), places)
    of_all = np.arange(n) < asked
    return Changed(of_all, of_all, which, of_all & ~which, np.where(which, 0.5, 0.0))


def test_how_far_answers_move_by_group() -> None:
    known = of("hat", ("yes", 40), ("no", 60))
    changed = {"blur": moved(100, range(30), 80), "glasses": moved(100, [], 80)}
    report = answered([True] * 100, known, changed=changed)
    blur, glasses = report.changed["blur"], report.changed["glasses"]
    assert (blur.n, blur.moved, blur.lost, blur.drift, blur.before, blur.after) == (80, 30 / 80, 0, 15 / 80, 1, 50 / 80)
    assert blur.moved_interval[0] < blur.moved < blur.moved_interval[1]
    assert (glasses.moved, glasses.moved_interval[0]) == (0, 0)
    by_group = {value: group.measures["moved by blur"] for value, group in report.subgroups["hat"].items()}
    assert {value: (each.n, each.value) for value, each in by_group.items()} == {"yes": (40, 0.75), "no": (40, 0.0)}
    assert by_group["yes"].shown
    assert "75% (60 to 86) *" in page(report)
    assert json.loads(json.dumps(report.to_dict()))["changed"]["blur"]["n"] == 80
    assert drawn(plots.changes(report))


def test_changed_faces_without_groups_are_told_too() -> None:
    report = answered([True] * 4, [{}] * 4, changed={"blur": moved(4, [1], 4)})
    assert drawn(plots.changes(report))
    assert not drawn(plots.groups(report))
    assert "The same faces, changed" in page(report)
    assert "For whom is it worse?" not in page(report)


# On the page, in files, side by side


def test_groups_are_on_the_page() -> None:
    known = of("<gender>", ("a & b", 40), ("喜び", 40), ("few", 2))
    report = answered([True] * 40 + [False] * 40 + [None] * 2, known)
    for told in ("By &lt;gender&gt;", "a &amp; b", "喜び", "too few to tell", "+100.0 points", "For whom is it worse?"):
        assert told in page(report), told
    assert drawn(plots.groups(report))
    assert not drawn(plots.changes(report))


def test_answers_tell_the_group_of_each() -> None:
    known = [{"age": "20", "b": "=x"}, {"age": "70"}, {}]
    report = answered([True] * 3, known, ["age", "age+b"])
    rows = list(csv.DictReader(StringIO(answers_csv(report))))
    assert [row["group: age"] for row in rows] == ["18-29", "60+", ""]
    assert [row["group: age+b"] for row in rows] == ["18-29, =x", "", ""]


def test_groups_are_compared_in_the_order_of_the_report(tmp_path: Path) -> None:
    report = answered([True] * 6, of("age", ("70", 2), ("9", 2), ("20", 2)))
    compared = compare([stored(report, tmp_path / "one"), stored(report, tmp_path / "two")])
    assert [list(each.groups["age"]) for each in compared] == [["0-12", "18-29", "60+"]] * 2


def test_models_are_compared_by_group(tmp_path: Path) -> None:
    known = of("gender", ("=F", 60), ("M", 60), ("few", 5), ("", 5))
    before = [True] * 30 + [False] * 30 + [True] * 70
    after = [True] * 60 + [True] * 50 + [False] * 20
    first, second = compare([stored(answered(each, known), tmp_path / f"{sum(each)}") for each in (before, after)])
    assert all(part.accuracy_difference is None for part in first.groups["gender"].values())
    parts = second.groups["gender"]
    assert {value: (part.n, part.accuracy) for value, part in parts.items()} == {
        "=F": (60, 1.0),
        "M": (60, 50 / 60),
        "few": (5, 0.0),
    }
    told = {value: part.accuracy_difference for value, part in parts.items()}
    assert {value: each and (round(each.value, 3), each.shown) for value, each in told.items()} == {
        "=F": (0.5, True),
        "M": (-0.167, True),
        "few": (-1.0, False),
    }
    few = told["few"]
    assert few is not None
    assert few.chance is None


def test_a_column_that_two_are_called_but_for_the_case_is_asked_for_as_it_is() -> None:
    with pytest.raises(DataError, match="no image tells its 'age'; there are AGE, Age"):
        columns([{"AGE": "7", "Age": "70"}], ["age"])
