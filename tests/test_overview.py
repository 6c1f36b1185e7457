"""`overview`: one page of a video shows who looked how, in numbers that are a timeline's."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filmed import Film
from numpy.typing import NDArray
from PIL import Image

from mien.draw import PALETTE, css
from mien.errors import MienError
from mien.overview import check_form, over_time, overview
from mien.report.strips import FOOT, HIGH, Strip, _clock, page

LABELS = ("happy", "sad")
Row = dict[str, Any]
RED, GREEN = (200, 30, 30), (30, 160, 60)


def row(number: int, happy: float, track: int | None = 0, **others: Any) -> Row:
    shares = {"s_happy": happy, "s_sad": 1 - happy} if track is not None else {"s_happy": None, "s_sad": None}
    told = {"source": "clip.mp4", "frame": number, "time_s": number * 0.04, "track": track}
    box = {"x0": 20.0, "y0": 10.0, "x1": 44.0, "y1": 34.0}
    return told | box | shares | {"smoothed_uncertain": False} | others


@pytest.fixture(scope="module")
def clip() -> bytes:
    """Fifty frames: red, then green."""
    parts = [np.full((48, 64, 3), colour, np.uint8) for colour in [RED] * 25 + [GREEN] * 25]
    return Film(parts, options={"preset": "ultrafast", "g": "10"}).made()


def drawn(clip: bytes, rows: Sequence[Row]) -> NDArray[np.int16]:
    page = overview(io.BytesIO(clip), rows, LABELS, title="clip.mp4")
    return np.asarray(Image.open(io.BytesIO(page)).convert("RGB")).astype(np.int16)


def near(page: NDArray[np.int16], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(page - colour).max(2) < 12)


def test_without_rows_or_faces_it_says_so(clip: bytes) -> None:
    for rows in ([], [row(number, 0.0, None) for number in range(50)]):
        assert near(drawn(clip, rows), (0x8A, 0x8F, 0x98)).any()


def test_areas_are_as_wide_and_high_as_the_expressions(clip: bytes) -> None:
    page = drawn(clip, [row(number, 0.75 if number < 25 else 0.1) for number in range(50)])
    page = page[: int(page.shape[0] * 0.8)]  # without the legend
    yellow, blue = near(page, PALETTE["happy"]), near(page, PALETTE["sad"])
    columns = np.flatnonzero(yellow.sum(0) + blue.sum(0) > 50)
    left, right = columns[len(columns) // 4], columns[3 * len(columns) // 4]
    for column, share in ((left, 0.75), (right, 0.1)):
        happy, sad = yellow[:, column].sum(), blue[:, column].sum()
        assert happy / (happy + sad) == pytest.approx(share, abs=0.03)


def test_what_is_uncertain_is_hatched_and_what_is_out_of_sight_is_empty(clip: bytes) -> None:
    rows = [
        row(number, 1.0, smoothed_uncertain=number < 15) if number < 30 else row(number, 0.0, None)
        for number in range(50)
    ]
    page = drawn(clip, rows)[:-150]
    yellow = near(page, PALETTE["happy"])
    wide = np.flatnonzero(yellow.sum(0) > 20)
    part = slice(*(np.flatnonzero(yellow.sum(1) > 200)[[0, -1]]))
    ink = near(page, (0x20, 0x24, 0x2A))[part].sum(0)
    hatched = np.flatnonzero(ink > 2)
    assert hatched.min() <= wide.min() + 12
    assert hatched[hatched < wide.max() - 5].max() == pytest.approx(
        (wide.min() + wide.max()) / 2, abs=30
    )  # a line reaches beyond its part
    whole = (wide.max() - wide.min()) / 0.6
    assert wide.max() + 0.35 * whole < page.shape[1]


def test_what_is_there_for_a_moment_is_shown(clip: bytes) -> None:
    """Also where it is the last part of the time, or one between others."""
    parts = np.array([[1.0, 0.0], [np.nan] * 2, [np.nan] * 2, [0.0, 1.0]])
    strip = Strip("face 0", np.arange(5.0), parts, np.array([True, False, False, False]))
    drawing = page("clip.mp4", [strip], {label: css(PALETTE[label]) for label in ("happy", "sad")})
    pixels = np.asarray(Image.open(io.BytesIO(drawing)).convert("RGB")).astype(np.int16)[:-150]
    ink = near(pixels, (0x20, 0x24, 0x2A)).sum(0)
    wide = {label: np.flatnonzero(near(pixels, PALETTE[label]).sum(0) > 20) for label in ("happy", "sad")}
    assert len(wide["happy"]) == pytest.approx(len(wide["sad"]), abs=3)
    assert wide["sad"].min() - wide["happy"].max() == pytest.approx(2 * len(wide["sad"]), abs=5)
    assert (ink[wide["happy"][5:-5]] > 2).all()


def test_faces_are_shown_at_the_heights_of_their_expressions(clip: bytes) -> None:
    heights = {10: 0.99, 40: 0.02}
    page = drawn(clip, [row(number, heights.get(number, 0.8 if number < 25 else 0.2)) for number in range(50)])
    red, green = near(page, RED), near(page, GREEN)
    assert red.sum() > 2000
    assert green.sum() > 2000
    assert np.flatnonzero(red.any(0)).mean() < page.shape[1] / 2 < np.flatnonzero(green.any(0)).mean()


def test_each_face_has_its_strip_up_to_a_dozen(clip: bytes) -> None:
    heights = [drawn(clip, [row(9, 0.4, face) for face in range(faces)]).shape[0] / 130 for faces in (1, 3, 14)]
    assert heights == pytest.approx([HIGH + FOOT, 3 * HIGH + FOOT, 12 * HIGH + FOOT], abs=0.02)


def test_a_timeline_in_parts() -> None:
    assert over_time([], LABELS, 4).faces == {}
    rows = [row(number, 1.0 if number < 20 else 0.0, smoothed_uncertain=number >= 20) for number in range(30)]
    rows += [row(number, 0.0, None) for number in range(30, 40)]
    seen = over_time(rows, LABELS, 4)
    assert seen.edges_s.tolist() == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6])
    shares, uncertain = seen.faces[0]
    assert shares[:3].tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert np.isnan(shares[3]).all()
    assert uncertain.tolist() == [False, False, True, False]
    assert (len(over_time([row(9, 0.4, face) for face in range(14)], LABELS).faces), seen.left) == (12, 0)


@pytest.mark.parametrize(("form", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_it_may_be_a_vector_graphic(form: str, start: bytes, clip: bytes) -> None:
    rows = [row(number, 0.9) for number in range(50)]
    assert overview(io.BytesIO(clip), rows, LABELS, title="$clip$.mp4", form=form).startswith(start)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0:00"),
        (0.0002, "0:00.0002"),
        (0.5, "0:00.5"),
        (0.1 + 0.2, "0:00.3"),
        (10, "0:10"),
        (59.95, "0:59.95"),
        (59.99999, "1:00"),
        (1259.95, "20:59.95"),
        (3600, "60:00"),
    ],
)
def test_times(seconds: float, words: str) -> None:
    assert _clock(seconds, 0) == words


def test_a_video_that_is_gone_leaves_out_its_pictures(tmp_path: Path) -> None:
    rows = [row(number, 0.9) for number in range(50)]
    assert overview(tmp_path / "gone.mp4", rows, LABELS, title="gone").startswith(b"\x89PNG")


def test_another_ending_is_refused() -> None:
    with pytest.raises(MienError, match=r"page\.gif: a page is written as \.png, \.pdf, \.svg"):
        check_form(Path("page.gif"))
