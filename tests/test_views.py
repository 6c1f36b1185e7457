import math

import numpy as np
import pytest
from PIL import Image

from mien.picture import Picture
from mien.views import View, Window, around, squares_of, view_of


@pytest.mark.parametrize("step", [32, 192])
@pytest.mark.parametrize(("width", "height"), [(400, 300), (300, 400), (600, 600), (900, 100), (1, 700), (2, 2)])
@pytest.mark.parametrize("border", [0, 0.5, -0.25])
def test_a_view_holds_what_the_window_has_and_tells_where(width: int, height: int, border: float, step: int) -> None:
    y, x = np.mgrid[:height, :width]
    ramps = np.stack([1 + 250 * x / width, 1 + 250 * y / height, np.full(x.shape, 255)], axis=2).astype(np.uint8)
    side = max(width, height)
    window = Window((width - side) / 2, (height - side) / 2, side).grown(border)
    pixels, scale, offset = view_of(Picture.of(Image.fromarray(ramps)), window, View(192, step))
    rows, columns = np.nonzero(pixels[0, :, :, 2])
    shown = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert pixels.shape[2:0:-1] == tuple(step * math.ceil(length / step) for length in shown)
    seen = pixels[0, rows, columns].astype(float)
    at = (np.stack([columns, rows], axis=1) + 0.5 - offset) / scale  # in the image
    assert seen[:, 0] == pytest.approx(1 + 250 * (at[:, 0] - 0.5).clip(0, width - 1) / width, abs=2 + 250 / width)
    assert seen[:, 1] == pytest.approx(1 + 250 * (at[:, 1] - 0.5).clip(0, height - 1) / height, abs=2 + 250 / height)


def test_quarters_cover_a_window_and_overlap() -> None:
    window = Window(-100, 50, 800)
    quarters = window.quarters()
    seen = np.zeros((800, 800), int)
    for x, y, side in quarters:
        assert side == 450
        seen[round(y) - 50 : round(y) + 400, round(x) + 100 : round(x) + 550] += 1
    assert seen.min() == 1
    assert (seen[350:450, 350:450] == 4).all()


@pytest.mark.parametrize(
    ("box", "held"),
    [((0, 0, 10, 10), True), ((-20, 0, 10, 10), False), ((90, 90, 108, 108), True), ((95, 95, 105, 106), False)],
)
def test_a_window_holds_a_face_whose_middle_it_shows(box: tuple[int, ...], held: bool) -> None:
    assert Window(0, 0, 100).holds(np.array(box, np.float32)) is held


def test_a_window_around_a_face_has_it_in_the_middle() -> None:
    assert around(np.array([10, 20, 30, 60], np.float32), 2.5) == Window(-30, -10, 100)


@pytest.mark.parametrize(("size", "count"), [((1, 1), 1), ((400, 100), 1), ((401, 100), 5), ((100, 10_000), 64)])
def test_long_images_are_squares(size: tuple[int, int], count: int) -> None:
    squares, bordered = squares_of(size)
    assert len(squares) == len(bordered) == count
    assert all(each.side >= 2 * min(size) for each in bordered)
