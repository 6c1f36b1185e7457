"""Parts of the camera page, each asked in a real browser: where tags go, what is shown of faces, the last minute."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from browsing import needs_browser, new_page
from playwright.sync_api import Browser, Page
from served import Served

pytestmark = needs_browser
PICTURE = (390, 520)
GAP = 5  # px, of layout.js
FULL, SHORT = (120, 26), (28, 26)
Rect = Sequence[float]


def opened(browser: Browser, service: Served, locale: str) -> Iterator[Page]:
    page = new_page(browser, locale=locale)
    page.goto(f"{service.url}/live")
    yield page
    page.close()


@pytest.fixture(scope="module")
def page(browser: Browser, service: Served) -> Iterator[Page]:
    yield from opened(browser, service, "en")


@pytest.fixture(scope="module")
def german(browser: Browser, service: Served) -> Iterator[Page]:
    yield from opened(browser, service, "de")


def laid_out(page: Page, *frames: Sequence[Rect], full: Rect = FULL, picture: Rect = PICTURE) -> list[dict[str, Any]]:
    """Each face's place in the last of some frames, which follow one another."""
    placed: list[dict[str, Any]] = page.evaluate(
        """async ([frames, full, short, picture]) => {
        const { layOut } = await import("./static/layout.js");
        let places = new Map();
        for (const boxes of frames)
          places = layOut(boxes.map((box, key) => ({ key, box, full, short })), picture, places);
        return frames.at(-1).map((_, key) => places.get(key)); }""",
        [frames, full, SHORT, picture],
    )
    return placed


def overlap(a: Rect, b: Rect, gap: float = 0) -> bool:
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] + gap and b[1] < a[3] + gap


def within(rect: Rect, picture: Rect = PICTURE) -> bool:
    return min(rect) >= 0 and rect[2] <= picture[0] + 1e-6 and rect[3] <= picture[1] + 1e-6


def place_left(face: Rect, boxes: Sequence[Rect], tags: Sequence[Rect], picture: Rect = PICTURE, step: int = 3) -> bool:
    """Whether a tag with words would still have had room near its face, by trying."""
    for x in range(0, int(picture[0] - FULL[0]) + 1, step):
        for y in range(0, int(picture[1] - FULL[1]) + 1, step):
            rect = (x, y, x + FULL[0], y + FULL[1])
            near = overlap(rect, face, 2 * GAP)
            if near and not any(overlap(rect, other, GAP) for other in [*boxes, *tags]):
                return True
    return False


def crowd(count: int, seed: int) -> list[tuple[float, float, float, float]]:
    """Faces anywhere, over each other and at the edges too."""
    drawn = random.Random(seed)
    faces = []
    for _ in range(count):
        side = drawn.uniform(30, 340 / count**0.5)
        x, y = drawn.uniform(-side / 4, PICTURE[0] - side * 3 / 4), drawn.uniform(-side / 4, PICTURE[1] - side * 3 / 4)
        faces.append((max(x, 0), max(y, 0), min(x + side, PICTURE[0]), min(y + side * 1.2, PICTURE[1])))
    return faces


EDGES = {
    "nobody": [],
    "one in the middle": [(150, 200, 250, 300)],
    "one at the top": [(150, 0, 250, 100)],
    "one in a corner": [(290, 420, 390, 520)],
    "one over the whole width": [(0, 40, 390, 480)],
    "one over the whole height": [(100, 0, 290, 520)],
    "two side by side": [(60, 200, 190, 330), (195, 200, 325, 330)],
    "two, one over the other": [(100, 100, 240, 240), (110, 110, 250, 250)],
    "a row that fills the width": [(78 * n, 200, 78 * n + 78, 290) for n in range(5)],
    "twelve in three rows": [
        (97 * (n % 4) + 5, 170 * (n // 4) + 40, 97 * (n % 4) + 85, 170 * (n // 4) + 120) for n in range(12)
    ],
}

WALLED = [
    (150, 200, 250, 300),
    (100, 160, 300, 195),
    (100, 305, 300, 340),
    (100, 160, 145, 340),
    (255, 160, 300, 340),
]
"""The first face has others on all sides."""


@pytest.mark.parametrize(
    "boxes",
    [*EDGES.values(), *(crowd(count, seed) for count in (1, 2, 5, 12) for seed in range(6))],
    ids=[*EDGES, *(f"{count} faces {seed}" for count in (1, 2, 5, 12) for seed in range(6))],
)
def test_no_tag_covers_a_face_or_another_tag(page: Page, boxes: list[Rect]) -> None:
    placed = laid_out(page, boxes)
    tags = [place["rect"] for place in placed]
    assert len(placed) == len(boxes)
    for n, place in enumerate(placed):
        others = [*boxes, *tags[:n], *tags[n + 1 :]]
        assert within(place["rect"])
        assert (place["rect"][2] - place["rect"][0]) == pytest.approx((SHORT if place["short"] else FULL)[0])
        if not place["inside"]:
            assert not [other for other in others if overlap(place["rect"], other)]
        if place["short"]:
            assert not place_left(boxes[n], boxes, tags[:n] + tags[n + 1 :])


@pytest.mark.parametrize("seed", range(6))
def test_words_stay_near_their_face(page: Page, seed: int) -> None:
    """Further away, or across others, they would seem to be another face's: a number at the face is better."""
    boxes: list[Rect] = [*crowd(12, seed)]
    away = [[*boxes[:n], moved(box, by), *boxes[n + 1 :]] for n, box in enumerate(boxes) for by in (-60, 60)]
    for last in (boxes, *away):
        for box, place in zip(last, laid_out(page, boxes, last), strict=True):
            if place["leader"] and not place["short"]:
                (x, y), (to_x, to_y) = place["leader"]
                assert math.hypot(to_x - x, to_y - y) <= max(box[2] - box[0], box[3] - box[1])
                assert not [other for other in last if other != box and enters(place["leader"], other)]


def moved(box: Rect, by: float) -> Rect:
    """A face that is aside, in the picture."""
    by = min(max(by, -box[0]), PICTURE[0] - box[2])
    return (box[0] + by, box[1], box[2] + by, box[3])


def enters(line: Sequence[Rect], rect: Rect) -> bool:
    """Whether a line is inside of a rectangle anywhere, by trying."""
    (x, y), (to_x, to_y) = line
    points = [(x + (to_x - x) * n / 100, y + (to_y - y) * n / 100) for n in range(101)]
    return any(rect[0] < px < rect[2] and rect[1] < py < rect[3] for px, py in points)


def test_all_words_of_a_few_faces_have_room(page: Page) -> None:
    for boxes in [*list(EDGES.values())[1:4], EDGES["two side by side"], EDGES["twelve in three rows"]]:
        assert not [place for place in laid_out(page, boxes) if place["short"]]


def test_a_face_that_fills_the_picture_leaves_room_for_a_number_alone(page: Page) -> None:
    (place,) = laid_out(page, [(0, 0, *PICTURE)])
    assert (place["short"], place["inside"]) == (True, True)
    (place,) = laid_out(page, [(0, 40, *PICTURE)])
    assert (place["short"], place["inside"]) == (False, False)


def test_a_tag_away_from_its_face_has_a_line_to_it(page: Page) -> None:
    boxes = EDGES["one over the whole width"]
    assert laid_out(page, boxes)[0]["leader"] is None  # above it
    (x, y), (to_x, to_y) = laid_out(page, WALLED)[0]["leader"]
    tag = laid_out(page, WALLED)[0]["rect"]
    assert tag[0] <= x <= tag[2]
    assert tag[1] <= y <= tag[3]
    assert 150 <= to_x <= 250
    assert 200 <= to_y <= 300


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(
            [(150, 24, 250, 124)], [(150, 32, 250, 132)], "below left", id="it stays below, though above is free"
        ),
        pytest.param([(150, 200, 250, 300)], [(160, 210, 260, 310)], "above left", id="it moves with its face"),
        pytest.param([(150, 200, 250, 300)], [(150, 10, 250, 110)], "below left", id="it has to move"),
    ],
)
def test_tags_do_not_jump(page: Page, first: list[Rect], second: list[Rect], expected: str) -> None:
    assert laid_out(page, first, second)[0]["beside"] == expected


def test_a_tag_comes_back_to_its_face_once_there_is_room(page: Page) -> None:
    free = WALLED[:1]
    assert laid_out(page, WALLED, free)[0]["beside"] == "above left"
    assert laid_out(page, [(0, 0, *PICTURE)], free)[0]["beside"] == "above left"


def test_tags_in_a_crowd_stay_where_they_are(page: Page) -> None:
    boxes = crowd(12, 1)
    once, again = laid_out(page, boxes), laid_out(page, boxes, boxes, boxes)
    assert [place["rect"] for place in again if place["beside"]] == [p["rect"] for p in once if p["beside"]]


def shown(page: Page, *answers: tuple[float, dict[str, float], bool]) -> list[Any]:
    """What is shown of one face after each answer: time in ms, shares, and whether it is uncertain."""
    frames = [
        (time, [{"box": [10, 10, 50, 50], "label": max(shares, key=lambda name: shares[name]), "probabilities": shares,
                 "uncertain": doubt, "reasons": ["blurred"] if doubt else []}])
        for time, shares, doubt in answers
    ]  # fmt: skip
    told: list[Any] = page.evaluate(
        """async (frames) => {
        const { Faces } = await import("./static/live/faces.js");
        const faces = new Faces();
        return frames.map(([now, each]) => faces.update(each, now).map(
          ({ number, label, share, uncertain, reasons }) => [number, label, share, uncertain, reasons])[0]); }""",
        frames,
    )
    return told


HAPPY, SAD = {"happy": 0.9, "sad": 0.1}, {"happy": 0.2, "sad": 0.8}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([(0, HAPPY, False)], [1, "happy", 0.9, False, []], id="at first sight"),
        pytest.param(
            [(0, HAPPY, False), (300, SAD, False)], [1, "happy", 0.2, False, []], id="the old word, its new share"
        ),
        pytest.param(
            [(0, HAPPY, False), (300, SAD, False), (700, SAD, False)], [1, "sad", 0.8, False, []], id="a new word"
        ),
        pytest.param(
            [(0, HAPPY, False), (300, SAD, False), (500, HAPPY, False), (800, SAD, False)],
            [1, "happy", 0.2, False, []],
            id="words that come and go",
        ),
        pytest.param([(0, HAPPY, False), (50, HAPPY, True)], [1, "happy", 0.9, True, ["blurred"]], id="doubt at once"),
        pytest.param(
            [(0, HAPPY, True), (50, HAPPY, False)], [1, "happy", 0.9, True, ["blurred"]], id="doubt for a while"
        ),
        pytest.param(
            [(0, HAPPY, True), (50, HAPPY, False), (450, HAPPY, False)], [1, "happy", 0.9, False, []], id="no doubt"
        ),
        pytest.param(
            [(0, HAPPY, False), (100, {"happy": 0.7, "sad": 0.3}, False)],
            [1, "happy", 0.9, False, []],
            id="numbers at ease",
        ),
        pytest.param(
            [(0, HAPPY, False), (100, {"angry": 0.7, "fear": 0.3}, False)],
            [1, "angry", 0.7, False, []],
            id="other labels",
        ),
    ],
)
def test_what_is_shown_does_not_flicker(page: Page, answers: Any, expected: list[Any]) -> None:
    assert shown(page, *answers)[-1] == expected


def test_faces_keep_their_numbers(page: Page) -> None:
    numbers = page.evaluate(
        """async () => {
        const { Faces } = await import("./static/live/faces.js");
        const face = (x) => ({ box: [x, 0, x + 40, 40], label: "happy", probabilities: { happy: 1 }, uncertain: false,
          reasons: [] });
        const faces = new Faces();
        const frames = [
          [0, [0, 100]], [100, [102, 2]], [200, [104]], [300, [4, 106]], [5000, [106]], [9000, [200, 106]]];
        const told = ({ number, box }) => [number, box[0]];
        return frames.map(([now, xs]) => faces.update(xs.map(face), now).map(told)); }"""
    )
    assert numbers == [
        [[1, 0], [2, 100]],
        [[1, 2], [2, 102]],
        [[2, 104]],
        [[1, 4], [2, 106]],  # away for one frame
        [[1, 106]],  # who comes after a while is somebody new
        [[1, 200], [2, 106]],
    ]


@pytest.mark.parametrize(("gone", "expected"), [("", [2, 1]), ("3000", [1, 2])])
def test_how_long_faces_keep_their_numbers_where_pictures_are_rare(page: Page, gone: str, expected: list[int]) -> None:
    numbers = page.evaluate(
        f"""async () => {{
        const {{ Faces }} = await import("./static/live/faces.js");
        const face = (x) => ({{ box: [x, 0, x + 40, 40], label: "happy", probabilities: {{ happy: 1 }},
          uncertain: false, reasons: [] }});
        const faces = new Faces({gone});
        faces.update([0, 100].map(face), 0);
        const told = faces.update([100, 0].map(face), 1500);
        return [0, 100].map((x) => told.find(({{ box }}) => box[0] === x).number); }}"""
    )
    assert numbers == expected


@pytest.mark.parametrize(
    ("seen", "now", "expected"),
    [
        pytest.param([], 0, "", id="nothing"),
        pytest.param([(t, "happy", False) for t in range(0, 5001, 100)], 5000, "happy 5 s", id="one"),
        pytest.param(
            [*((t, "happy", False) for t in range(0, 3000, 100)), *((t, "sad", True) for t in range(3000, 7001, 100))],
            7000,
            "not sure 4 s, happy 3 s",
            id="uncertain",
        ),
        pytest.param(
            [*((t, None, False) for t in range(0, 3000, 100)), *((t, "sad", False) for t in range(3000, 4001, 100))],
            4000,
            "no face 3 s, sad 1 s",
            id="nobody",
        ),
        pytest.param(
            [(0, "happy", False), (1000, "happy", False), (9000, "happy", False)], 9000, "happy 1 s", id="a gap"
        ),
        pytest.param([(t, "happy", False) for t in range(0, 90_001, 500)], 90_000, "happy 60 s", id="a minute"),
        pytest.param([(t, "happy", False) for t in range(0, 5001, 500)], 90_000, "", id="long ago"),
    ],
)
def test_the_last_minute_in_words(page: Page, seen: list[Any], now: float, expected: str) -> None:
    told = page.evaluate(
        """async ([seen, now]) => {
        const { Strip } = await import("./static/live/strip.js");
        const strip = new Strip();
        for (const [time, label, uncertain] of seen) strip.add(label && { label, uncertain }, time);
        return strip.told(now); }""",
        [seen, now],
    )
    assert told == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("blurred", "unscharf"),
        ("low confidence (41%, reliable from 62%)", "geringe Sicherheit (41%, verlässlich ab 62%)"),
        ("nobody translated this: 3", "nobody translated this: 3"),
    ],
)
def test_reasons_in_the_pages_language(german: Page, sentence: str, expected: str) -> None:
    told = german.evaluate("async (sentence) => (await import('./static/live/texts.js')).reason(sentence)", sentence)
    assert told == expected


def test_every_colour_stands_out_from_the_strip(page: Page) -> None:
    """Contrast of at least 3 with the black around it (WCAG 2, 1.4.11), and of the ink on it."""
    poor = page.evaluate(
        """async () => {
        const { ink } = await import("./static/tags.js");
        const light = (hex) => [1, 3, 5].map((n) => parseInt(hex.slice(n, n + 2), 16) / 255)
          .map((v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4))
          .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
        const ratio = (a, b) => (Math.max(light(a), light(b)) + .05) / (Math.min(light(a), light(b)) + .05);
        const { labels } = JSON.parse(document.getElementById("texts").textContent);
        return Object.entries(labels).filter(([, { colour }]) =>
          ratio(colour, "#0b0d0f") < 3 || ratio(colour, ink(colour)) < 4.5); }"""
    )
    assert poor == []
