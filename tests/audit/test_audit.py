"""Audits: what is wrong with a folder is found and told, and the clean rest is data like any other."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import Gray, draw_face
from PIL import Image
from typer.testing import CliRunner, Result

import mien
from mien import Face
from mien.audit import LEFT_OUT, Audit, Kind, Suspect, audit, looks
from mien.audit.page import html, suspects_csv, write_audit
from mien.cli.verbs import app
from mien.datasets import Dataset, Example, open_dataset
from mien.datasets.index import write_index
from mien.detect import BlazeFace
from mien.errors import DataError, MienError
from mien.face import framing
from mien.intake import ImageSource
from mien.labels import HAPPY_SAD
from mien.picture import Picture, open_picture

EACH = 24  # faces of a label in `train`
BROKEN, BLANK, TWIN, LEAKED, OTHER, TILES = (
    f"train/{name}.png"
    for name in ("happy/broken", "sad/blank", "sad/twin", "happy/leaked", "sad/other", "happy/noise")
)


def photo(emotion: str, rng: np.random.Generator) -> Image.Image:
    """A drawn face before a ground of its own, so that none is a near copy of another."""
    ground = Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).resize((48, 48), Image.Resampling.BICUBIC)
    return Image.blend(ground, Image.fromarray(draw_face(emotion, rng)), 0.6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Happy and sad faces in `train` and `valid`, with one fault of each kind in `train`."""
    out, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for split, n in (("train", EACH), ("valid", 6)):
        for emotion in HAPPY_SAD:
            (out / split / emotion).mkdir(parents=True)
            for number in range(n):
                photo(emotion, rng).save(out / split / emotion / f"{number:02d}.png")
    (out / BROKEN).write_bytes(b"no image")
    Image.new("L", (48, 48), 80).save(out / BLANK)
    Image.open(out / "train/sad/03.png").save(out / TWIN)
    Image.open(out / "valid/happy/02.png").resize((96, 96)).save(out / LEAKED)
    Image.open(out / "train/happy/05.png").save(out / OTHER)
    return out


@pytest.fixture(scope="module")
def found(folder: Path) -> Audit:
    return audit(mien.load(), open_dataset(folder), threads=2)


def told(found: Audit) -> dict[Kind, dict[str, Suspect]]:
    """Suspects by kind and name."""
    kinds: dict[Kind, dict[str, Suspect]] = defaultdict(dict)
    for each in found.suspects:
        kinds[each.kind][each.name] = each
    return kinds


def test_each_fault_is_found_where_it_is(found: Audit) -> None:
    kinds = told(found)
    assert kinds[Kind.UNREADABLE].keys() == {BROKEN}
    assert kinds[Kind.BLANK].keys() == {BLANK}
    assert {name: each.other for name, each in kinds[Kind.EXACT].items()} == {
        TWIN: "train/sad/03.png",
        OTHER: "train/happy/05.png",
    }
    assert {name: each.other for name, each in kinds[Kind.LEAK].items()} == {LEAKED: "valid/happy/02.png"}
    assert kinds[Kind.CONFLICT].keys() == {OTHER, "train/happy/05.png"}
    assert kinds[Kind.NEAR] == {}


def test_suspects_come_by_kind_the_surest_first(found: Audit) -> None:
    order = [(list(Kind).index(each.kind), -(each.score or 0)) for each in found.suspects]
    assert order == sorted(order)
    assert sum(found.counts.values()) == len(found.suspects)


def test_the_balance_is_counted_by_split(found: Audit) -> None:
    assert found.balance == {"split": {"train": {"happy": EACH + 2, "sad": EACH + 3}, "valid": {"happy": 6, "sad": 6}}}
    assert (found.n, found.opinions) == (2 * EACH + 17, ("features", "ferplus8", "fer7"))


def test_the_table_says_what_is_left_out(found: Audit) -> None:
    rows = list(csv.DictReader(StringIO(suspects_csv(found))))
    assert len(rows) == len(found.suspects)
    assert {row["name"] for row in rows if row["left_out"] == "1"} == found.left_out
    assert all((row["left_out"] == "1") == (row["suspect"] in LEFT_OUT) for row in rows)


def test_the_folder_holds_the_page_the_table_and_the_numbers(found: Audit, tmp_path: Path) -> None:
    write_audit(found, tmp_path / "report")
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"audit.html", "audit.json", "suspects.csv"}
    numbers = json.loads((tmp_path / "report" / "audit.json").read_text())
    assert (numbers["n"], numbers["counts"]["blank"], len(numbers["suspects"])) == (found.n, 1, len(found.suspects))
    page = html(found)
    assert page.count("<figure>") >= len(found.counts)
    assert "http" not in page


def test_the_clean_rest_is_data_like_any_other(found: Audit, folder: Path, tmp_path: Path) -> None:
    write_index(tmp_path / "clean.json", found.dataset, found.left_out)
    rest = open_dataset(tmp_path / "clean.json")
    names = {each.name for each in found.dataset.examples}
    assert {each.name for each in rest.examples} == names - found.left_out
    again = told(audit(mien.load(), rest))
    assert not {Kind.UNREADABLE, Kind.BLANK, Kind.CONFLICT, Kind.LEAK, Kind.EXACT, Kind.NEAR} & {
        kind for kind, suspects in again.items() if suspects
    }


def made(
    images: list[Gray], labels: list[str], people: list[str] | None = None, splits: list[str] | None = None
) -> Dataset:
    return Dataset(
        Path("made"),
        "made up",
        HAPPY_SAD,
        tuple(
            Example(
                f"{row:03d}",
                image,
                labels[row],
                splits[row] if splits else "all",
                attributes={"person": people[row], "age": str(20 + row)} if people else {},
            )
            for row, image in enumerate(images)
        ),
    )


def test_labels_with_few_faces_are_not_judged_and_that_is_told() -> None:
    rng = np.random.default_rng(1)
    images = [np.asarray(photo(HAPPY_SAD.emotions[row % 2], rng)) for row in range(12)]
    found = audit(mien.load(), made(images, ["happy", "sad"] * 6))
    assert (found.opinions, told(found)[Kind.LABEL]) == ((), {})
    assert any("not judged: happy, sad" in note for note in found.notes)


def test_a_dataset_of_which_nothing_can_be_read_is_audited_too() -> None:
    examples = (Example("0", b"", "happy"), Example("1", b"no", "sad"))
    broken = Dataset(Path("made"), "made up", HAPPY_SAD, examples)
    found = audit(mien.load(), broken)
    assert found.counts == {Kind.UNREADABLE: 2}
    assert found.opinions == ()
    assert found.left_out == {"0", "1"}


def test_a_column_that_is_called_split_is_not_taken_for_the_splits() -> None:
    data = made(
        [np.full((48, 48), 9 * row, np.uint8) for row in range(4)], ["happy", "sad"] * 2, [""] * 4, ["train"] * 4
    )
    known = (replace(each, attributes={"split": "left"}) for each in data.examples)
    assert audit(mien.load(), replace(data, examples=tuple(known))).balance == {
        "split": {"train": {"happy": 2, "sad": 2}},
        "input_split": {"left": {"happy": 2, "sad": 2}},
    }


def test_people_in_several_splits_are_told_and_kept() -> None:
    rng = np.random.default_rng(1)
    images = [np.asarray(photo(HAPPY_SAD.emotions[row % 2], rng)) for row in range(4)]
    data = made(images, ["happy", "sad"] * 2, ["ann", "ann", "bob", ""], ["train", "valid", "train", "train"])
    found = audit(mien.load(), data)
    assert {name: each.words for name, each in told(found)[Kind.PERSON].items()} == {
        "000": "ann is in train and valid",
        "001": "ann is in train and valid",
    }
    assert not found.left_out & {"000", "001"}
    assert found.balance["age"] == {"18-29": {"happy": 2, "sad": 2}}


def test_a_photo_of_two_and_one_of_nobody(astronaut: bytes) -> None:
    one = Image.open(BytesIO(astronaut)).crop((100, 0, 350, 250))
    two = Image.new("RGB", (500, 250))
    two.paste(one, (0, 0))
    two.paste(one, (250, 0))
    nobody = Image.effect_noise((250, 250), 60).convert("RGB")
    data = made([np.asarray(each) for each in (one, two, nobody)], ["happy", "sad", "sad"])
    kinds = told(audit(mien.load(), data, crop="auto"))
    assert kinds[Kind.SEVERAL].keys() == {"001"}
    assert kinds[Kind.FACELESS].keys() == {"002"}


def test_face_crops_are_read_once_and_looked_at_closely_where_there_is_doubt(
    astronaut: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, searched, search = list[ImageSource](), list[Picture](), BlazeFace.search
    photo = Image.open(BytesIO(astronaut)).convert("RGB")
    square = framing(BlazeFace().detect(np.asarray(photo))[0])

    def part(right: float) -> Image.Image:
        x, y, half = square.centre_xy[0] + right * square.side, square.centre_xy[1], square.side / 2
        return photo.resize((150, 150), box=(x - half, y - half, x + half, y + half))

    def opening(source: ImageSource, *given: Any) -> Picture:
        opened.append(source)
        return open_picture(source, *given)

    def searching(detector: BlazeFace, picture: Picture) -> list[Face]:
        searched.append(picture)
        return search(detector, picture)

    monkeypatch.setattr(looks, "open_picture", opening)
    monkeypatch.setattr(BlazeFace, "search", searching)
    two = Image.new("RGB", (300, 150))
    two.paste(part(0), (0, 0))
    two.paste(part(0), (150, 0))
    data = made([np.asarray(each) for each in (part(0), part(0.25), two)], ["happy", "sad", "sad"])
    kinds = told(audit(mien.load(), data, crop="whole"))
    assert kinds[Kind.SEVERAL].keys() == {"002"}
    assert {name: each.words for name, each in kinds[Kind.FRAMING].items() if name < "002"} == {
        "001": "its face lies aside"
    }
    assert "002" in kinds[Kind.FRAMING]
    assert (len(opened), [each.size for each in searched]) == (3, [(150, 150), (300, 150)])


def test_a_model_without_features_cannot_audit(toy, tmp_path: Path, folder: Path) -> None:  # type: ignore[no-untyped-def]
    model = mien.load(toy(tmp_path / "toy", {"happy-sad": ("happy", "sad")}))
    with pytest.raises(MienError, match="gives no feature map"):
        audit(model, open_dataset(folder))


# On the command line


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["data", "audit", *map(str, words)])


def test_the_command_writes_the_report_and_the_clean_rest(found: Audit, folder: Path, tmp_path: Path) -> None:
    clean = tmp_path / "rest" / "clean.json"
    result = run(folder, "--report", tmp_path / "report", "--write-clean", clean)
    assert result.exit_code == 1  # one image cannot be read
    assert f"unreadable: {BROKEN}: " in result.stdout
    assert f"clean: {found.n - len(found.left_out)}" in result.stdout
    assert (tmp_path / "report" / "suspects.csv").read_text() == suspects_csv(found)
    assert len(open_dataset(clean)) == found.n - len(found.left_out)
    whole = run(clean, "--format", "json")
    assert (whole.exit_code, json.loads(whole.stdout)["n"]) == (0, found.n - len(found.left_out))


def test_what_was_found_is_told_where_nothing_is_clean(tmp_path: Path) -> None:
    for label in ("happy", "sad"):
        (tmp_path / "data" / label).mkdir(parents=True)
        (tmp_path / "data" / label / "a.png").write_bytes(b"")
    result = run(tmp_path / "data", "--write-clean", tmp_path / "clean.json")
    assert "nothing is left when 2 images are left out" in str(result.exception)
    assert "unreadable: happy/a.png: empty: no bytes to read" in result.stdout
    assert not (tmp_path / "clean.json").exists()


def test_what_cannot_be_written_is_told_before_the_work(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--write-clean", tmp_path / "clean.csv")
    assert isinstance(result.exception, DataError)
    assert "ends with .json" in str(result.exception)
