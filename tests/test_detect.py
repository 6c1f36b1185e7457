import io
import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mien import detect
from mien.detect import BlazeFace, Detector
from mien.errors import DetectorError
from mien.face import Face, crop_face, framing, turn
from mien.picture import Picture
from mien.views import MOST_SQUARES, View, Window

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> BlazeFace:
    return BlazeFace()


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return rgb(Path(skimage.data.__file__).parent / "astronaut.png")


def rgb(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def resized(image: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def only(faces: list[Face]) -> Face:
    assert len(faces) == 1
    return faces[0]


def correlation(a: Pixels, b: Pixels) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def drawings() -> dict[str, Pixels]:
    rng = np.random.default_rng(0)
    written = Image.new("RGB", (600, 800), "white")
    for line in range(40):
        ImageDraw.Draw(written).text((20, 20 * line), "It was the best of times, it was the worst of times, " * 2, 0)
    noise = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    return {
        "black": np.zeros((300, 300, 3), dtype=np.uint8),
        "white": np.full((300, 300, 3), 255, dtype=np.uint8),
        "noise": noise,
        "cloud": np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(12))),
        "gradient": np.repeat(np.tile(np.linspace(0, 255, 600).astype(np.uint8), (400, 1))[..., None], 3, axis=2),
        "checks": np.repeat(
            (np.indices((800, 800)).sum(axis=0) // 50 % 2 * 255).astype(np.uint8)[..., None], 3, axis=2
        ),
        "text": np.asarray(written),
        "one pixel": np.zeros((1, 1, 3), dtype=np.uint8),
        "wide": rng.integers(0, 256, (10, 4000, 3), dtype=np.uint8),
        "tall": rng.integers(0, 256, (4000, 10, 3), dtype=np.uint8),
    }


@pytest.mark.parametrize("name", drawings())
def test_nothing_is_found_where_no_face_is(detector: Detector, name: str) -> None:
    assert detector.detect(drawings()[name]) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("0-f1-su-ph.jpg", 1),
        ("0-f15-hao-ph.jpg", 1),
        ("15-f13-anc-ph.jpg", 1),
        ("45-m7-di-ph.jpg", 1),
        ("single_face.jpg", 1),
        ("multi_face.jpg", 5),
        ("free-mountain-vector-01.jpg", 0),
    ],
)
def test_photos(detector: Detector, media: Path, name: str, count: int) -> None:
    assert len(detector.detect(rgb(media / name))) == count


def test_landmarks_lie_where_they_should(detector: Detector, astronaut: Pixels) -> None:
    face = only(detector.detect(astronaut))
    seen = [(207, 103), (247, 105), (224, 130), (223, 149), (183, 110), (270, 116)]
    assert np.abs(np.array(face.landmarks_xy) - seen).max() < 8
    assert turn(face) < 0.2


def test_a_head_turned_by_45_degrees_is_turned_more_than_a_frontal_one(detector: Detector, media: Path) -> None:
    aside, frontal = (only(detector.detect(rgb(media / n))) for n in ("45-m7-di-ph.jpg", "0-f1-su-ph.jpg"))
    assert turn(aside) > 0.5 > turn(frontal)


def test_largest_face_comes_first(detector: Detector, media: Path) -> None:
    sides = [x1 - x0 for x0, _, x1, _ in (face.box_xyxy for face in detector.detect(rgb(media / "multi_face.jpg")))]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("scale", [0.25, 0.5, 2, 5])
def test_boxes_scale_with_the_photo(detector: Detector, astronaut: Pixels, scale: float) -> None:
    length = round(512 * scale)
    face, other = only(detector.detect(astronaut)), only(detector.detect(resized(astronaut, length, length)))
    assert np.array(other.box_xyxy) / scale == pytest.approx(np.array(face.box_xyxy), abs=3)


@pytest.mark.parametrize("angle", [-30, -15, 15, 30])
def test_a_rotated_photo_gives_nearly_the_upright_crop(detector: Detector, astronaut: Pixels, angle: float) -> None:
    upright = crop_face(Image.fromarray(astronaut), only(detector.detect(astronaut)))
    rotated = np.asarray(Image.fromarray(astronaut).rotate(angle, Image.Resampling.BICUBIC, expand=True))
    assert correlation(crop_face(Image.fromarray(rotated), only(detector.detect(rotated))), upright) > 0.75


@pytest.mark.parametrize(
    ("name", "angle"),
    [
        *(("single_face.jpg", angle) for angle in (120, 180, 210)),
        *(("0-f15-hao-ph.jpg", angle) for angle in (150, 180, 210)),
        *(("45-m7-di-ph.jpg", angle) for angle in (150, 180, 190)),
    ],
)
def test_a_photo_on_its_head_gives_the_upright_crop(detector: Detector, media: Path, name: str, angle: float) -> None:
    photo = Image.open(media / name).convert("RGB")
    upright = crop_face(photo, only(detector.detect(np.asarray(photo))))
    turned = photo.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    assert correlation(crop_face(turned, only(detector.detect(np.asarray(turned)))), upright) > 0.75


def test_a_group_on_its_head(detector: Detector, media: Path) -> None:
    photo = rgb(media / "multi_face.jpg")
    upright, inverted = detector.detect(photo), detector.detect(np.ascontiguousarray(photo[::-1, ::-1]))
    assert len(inverted) >= len(upright) - 1
    corners = [face.box_xyxy[:2] for face in upright]
    for face in inverted:
        corner = (1000 - face.box_xyxy[2], 667 - face.box_xyxy[3])
        assert min(math.dist(corner, other) for other in corners) < 25


def test_a_mirrored_photo_gives_the_mirrored_face(detector: Detector, astronaut: Pixels) -> None:
    face, other = only(detector.detect(astronaut)), only(detector.detect(astronaut[:, ::-1]))
    assert 512 - other.landmarks_xy[1][0] == pytest.approx(face.landmarks_xy[0][0], abs=4)


def test_a_gray_photo_gives_nearly_the_same_face(detector: Detector, astronaut: Pixels) -> None:
    gray = np.asarray(Image.fromarray(astronaut).convert("L").convert("RGB"))
    face, other = only(detector.detect(astronaut)), only(detector.detect(gray))
    assert np.array(other.box_xyxy) == pytest.approx(np.array(face.box_xyxy), abs=6)


@pytest.mark.parametrize(("left", "top"), [(200, 0), (0, 85), (200, 85)])
def test_a_face_at_the_border_is_found(detector: Detector, astronaut: Pixels, left: int, top: int) -> None:
    face = only(detector.detect(astronaut[top:, left:]))
    assert face.box_xyxy[0] == pytest.approx(174 - left, abs=25)
    assert face.box_xyxy[1] == pytest.approx(68 - top, abs=25)


@pytest.mark.parametrize("side", [48, 96, 192, 1500])
@pytest.mark.parametrize("margin", [1.4, 1.1, 0.9])
def test_a_close_up_of_any_size_is_found(detector: Detector, astronaut: Pixels, margin: float, side: int) -> None:
    square = framing(only(detector.detect(astronaut)))
    x, y = square.centre_xy
    half = square.side * margin / 2
    part = Image.fromarray(astronaut).resize((side, side), box=(x - half, y - half, x + half, y + half))
    found = framing(only(detector.detect(np.asarray(part))))
    assert found.side * margin / side == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("margin", [1.4, 1.0])
def test_a_face_that_fills_the_image_is_found_by_one_look(
    detector: BlazeFace, astronaut: Pixels, margin: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    square = framing(only(detector.detect(astronaut)))
    x, y = square.centre_xy
    half = square.side * margin / 2
    part = Picture.of(Image.fromarray(astronaut).resize((96, 96), box=(x - half, y - half, x + half, y + half)))
    searched = framing(only(detector.search(part)))
    looks, look = list[Window](), detect._Network.seen

    def counted(network: detect._Network, picture: Picture, window: Window, view: View, least: float) -> detect.Floats:
        looks.append(window)
        return look(network, picture, window, view, least)

    monkeypatch.setattr(detect._Network, "seen", counted)
    found = framing(only(detector.filling(part)))
    assert len(looks) == 1
    assert (*found.centre_xy, found.side) == pytest.approx((*searched.centre_xy, searched.side), abs=6)
    assert detector.filling(Picture.of(Image.new("RGB", (48, 48)))) == []


def test_a_face_that_is_known_is_not_looked_at_once_more(
    detector: BlazeFace, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, look = list[Window](), detect._Network.seen

    def watched(network: detect._Network, picture: Picture, window: Window, view: View, least: float) -> Any:
        if view.over:
            over.append(window)
        return look(network, picture, window, view, least)

    monkeypatch.setattr(detect._Network, "seen", watched)
    picture = Picture.of(Image.fromarray(astronaut).filter(ImageFilter.GaussianBlur(6)))  # they are unsure
    found = only(detector.search(picture))
    assert len(over) == 1
    elsewhere = Face((0.0, 0.0, 40.0, 40.0), (), 1.0)
    for known, more in (([elsewhere], 1), ([elsewhere, found], 0)):
        over.clear()
        again = only(detector.search(picture, known))
        assert np.allclose(again.box_xyxy, found.box_xyxy, atol=found.box_xyxy[2] / 10)
        assert len(over) == more


@pytest.mark.parametrize("part", [0.05, 0.07, 0.1])
def test_a_small_face_in_a_large_photo_is_found(detector: Detector, astronaut: Pixels, part: float) -> None:
    scale = 2000 * part / framing(only(detector.detect(astronaut))).side
    small = resized(astronaut[:400, 50:400], round(350 * scale), round(400 * scale))
    photo = np.full((1500, 2000, 3), 128, dtype=np.uint8)
    photo[300 : 300 + small.shape[0], 1100 : 1100 + small.shape[1]] = small
    face = only(detector.detect(photo))
    centre = (framing(face).centre_xy[0] - 1100) / scale + 50, (framing(face).centre_xy[1] - 300) / scale
    assert centre == pytest.approx((226, 117), abs=12)


def crowd(portrait: Pixels, side: int, columns: int, rows: int) -> tuple[Pixels, list[tuple[float, float]]]:
    """A photo of 2000 x 1500 px with so many heads, whose crops have that side, and where these are."""
    square = framing(only(BlazeFace().detect(portrait)))
    (x, y), half, length = square.centre_xy, 0.75 * square.side, round(1.5 * side)
    head = Image.fromarray(portrait).resize((length, length), box=(x - half, y - half, x + half, y + half))
    photo = Image.new("RGB", (2000, 1500), (128, 128, 128))
    middles = [((i + 0.6) * 2000 / columns, (j + 0.4) * 1500 / rows) for i in range(columns) for j in range(rows)]
    for left, top in middles:
        photo.paste(head, (round(left - length / 2), round(top - length / 2)))
    return np.asarray(photo), middles


@pytest.mark.parametrize(("side", "columns", "rows"), [(50, 8, 3), (100, 8, 5), (200, 6, 4)])
def test_a_crowd_is_found_face_by_face(
    detector: Detector, astronaut: Pixels, side: int, columns: int, rows: int
) -> None:
    photo, middles = crowd(astronaut, side, columns, rows)
    found = [framing(face) for face in detector.detect(photo)]
    assert len(found) == len(middles)
    for face in found:
        assert min(math.dist(face.centre_xy, middle) for middle in middles) < side / 8
        assert face.side == pytest.approx(side, rel=0.25)


def test_tiny_faces_are_found_beside_small_ones(detector: Detector, astronaut: Pixels) -> None:
    near, _ = crowd(astronaut, 110, 4, 2)
    far, middles = crowd(astronaut, 40, 10, 1)
    photo = near.copy()
    photo[1350:] = far[525:675]
    tiny = [framing(face) for face in detector.detect(photo) if framing(face).centre_xy[1] > 1350]
    assert len(tiny) >= 8
    for face in tiny:
        assert min(math.dist(face.centre_xy, (x, y + 825)) for x, y in middles) < 8


@pytest.mark.parametrize("side", [110, 140, 180])
def test_a_large_face_hides_no_small_one(detector: BlazeFace, astronaut: Pixels, side: int) -> None:
    """One who stands farther off, below a tenth of the photo: as an array, and as a file that is decoded smaller."""
    near, _ = crowd(astronaut, 600, 1, 1)
    far, (middle,) = crowd(astronaut, side, 1, 1)
    photo = near.copy()
    photo[1050:, :500] = far[375:825, 950:1450]
    middle = middle[0] - 950, middle[1] + 675
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=95)
    for picture in (Picture.of(Image.fromarray(photo)), Picture.of(Image.open(file))):
        found = [framing(face) for face in detector.search(picture)]
        assert len(found) == 2
        assert found[1].centre_xy == pytest.approx(middle, abs=side / 8)
        assert found[1].side == pytest.approx(side, rel=0.25)


def test_who_is_known_to_be_far_is_not_looked_at_once_more(
    detector: BlazeFace, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = crowd(astronaut, 600, 1, 1)[0].copy(), crowd(astronaut, 110, 1, 1)[0]
    near[1050:, :500] = far[375:825, 950:1450]
    picture = Picture.of(Image.fromarray(near))
    known = detector.search(picture)
    assert len(known) == 2
    looks, look = list[Window](), detect._Network.seen

    def watched(network: detect._Network, picture: Picture, window: Window, *given: Any) -> Any:
        looks.append(window)
        return look(network, picture, window, *given)

    monkeypatch.setattr(detect._Network, "seen", watched)
    assert len(detector.search(picture, known)) == 1  # at a look it is too small
    assert len(looks) == 1


def test_what_hints_at_faces_is_looked_at_no_further_than_bounded(
    detector: BlazeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but doubtful faces beside a large one, some of them outside and some within it."""
    at = np.array(list(itertools.product(range(-50, 2000, 50), repeat=2)), np.float32)
    points = np.concatenate([at, at + 40, *[at] * 6, np.full((len(at), 1), 0.5, np.float32)], axis=1)
    large = np.array([[200, 200, 700, 700, *[400.0] * 12, 0.95]], np.float32)
    seen = []

    def look(network: detect._Network, picture: Picture, window: Window, view: View, least: float) -> detect.Floats:
        seen.append(window)
        return np.concatenate([points, large]) if view == detect.WHOLE else points[:0]

    monkeypatch.setattr(detect._Network, "seen", look)
    assert len(detector.search(Picture.of(Image.new("RGB", (2000, 2000))))) == 1
    close = [window for window in seen if window.side < 500]
    assert len(close) == 2 * detect.MOST  # by either network
    middles = [(window.x + window.side / 2, window.y + window.side / 2) for window in close]
    assert all(0 < x < 2000 and 0 < y < 2000 for x, y in middles)
    assert not any(200 <= x <= 700 and 200 <= y <= 700 for x, y in middles)


def test_an_unsure_large_face_hides_no_small_one(
    detector: BlazeFace, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, (middle,) = crowd(astronaut, 100, 1, 1)
    look = detect._Network.seen
    large = np.array([[500, 200, 1500, 1200, *[700.0] * 12, 0.65]], np.float32)

    def doubtful(network: detect._Network, picture: Picture, window: Window, view: View, least: float) -> detect.Floats:
        if view == detect.SHORT and window.side > 2000:
            return large
        return look(network, picture, window, view, least)

    assert len(detector._full.look(Picture.of(Image.fromarray(photo)), Window(0, -250, 2000), detect.WHOLE, 0.62)) == 0
    monkeypatch.setattr(detect._Network, "seen", doubtful)
    found = [framing(face) for face in detector.detect(photo)]
    assert len(found) == 2
    assert found[1].centre_xy == pytest.approx(middle, abs=12)


def test_what_may_be_faces_is_looked_at_no_further_than_bounded(
    detector: BlazeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of nothing but doubtful faces, some of them outside."""
    at = np.array(list(itertools.product(range(-50, 2000, 50), repeat=2)), np.float32)
    points = np.concatenate([at, at + 40, *[at] * 6, np.full((len(at), 1), 0.5, np.float32)], axis=1)
    seen = []

    def look(network: detect._Network, picture: Picture, window: Window, view: View, least: float) -> detect.Floats:
        seen.append(window)
        return points if view == detect.GLANCE else points[:0]

    monkeypatch.setattr(detect._Network, "seen", look)
    assert detector.search(Picture.of(Image.new("RGB", (2000, 2000)))) == []
    close = [window for window in seen if window.side < 500]
    assert 0 < len(close) <= 2 * detect.MOST  # by either network
    assert all(0 < each.x + each.side / 2 < 2000 and 0 < each.y + each.side / 2 < 2000 for each in close)


@pytest.mark.parametrize(("wide", "shape", "count"), [(240, 5, 2), (240, 16, 10), (90, 20, 10), (60, 70, 10)])
@pytest.mark.parametrize("standing", [False, True])
@pytest.mark.parametrize("ground", ["plain", "brick"])
def test_faces_half_as_high_as_a_long_picture_are_found(
    detector: Detector, astronaut: Pixels, wide: int, shape: int, count: int, standing: bool, ground: str
) -> None:
    square = framing(only(detector.detect(astronaut)))
    (x, y), half, length = square.centre_xy, 0.75 * square.side, wide * shape
    portrait = Image.fromarray(astronaut).resize([3 * wide // 4] * 2, box=(x - half, y - half, x + half, y + half))
    strip = Image.new("RGB", (wide, length) if standing else (length, wide), (128, 128, 128))
    if ground == "brick":
        tile = Image.fromarray(rgb(Path(skimage.data.__file__).parent / "brick.png")).resize((wide, wide))
        for at in range(0, length, wide):
            strip.paste(tile, (0, at) if standing else (at, 0))
    middles = [round((place + 0.5) / count * length) for place in range(count)]
    for middle in middles:
        corner = (wide // 8, middle - 3 * wide // 8)
        strip.paste(portrait, corner if standing else corner[::-1])
    found = sorted((framing(face) for face in detector.detect(np.asarray(strip))), key=lambda face: sum(face.centre_xy))
    assert len(found) == count
    for face, middle in zip(found, middles, strict=True):
        assert face.centre_xy == pytest.approx((wide / 2, middle) if standing else (middle, wide / 2), abs=wide / 12)
        assert face.side == pytest.approx(wide / 2, rel=0.2)


@pytest.mark.parametrize(
    ("width", "height", "looks"), [(1200, 300, 1), (300, 1200, 1), (1300, 300, 5), (300, 9600, 32)]
)
def test_only_a_long_picture_is_cut_up(
    width: int, height: int, looks: int, detector: BlazeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(network: detect._Network, picture: Picture, window: Window, *_: object) -> detect.Floats:
        seen.append(window)
        side = 0.3 * window.side
        x, y = max(window.x, 0) + 1, max(window.y, 0) + 1
        return np.array([[x, y, x + side, y + side, *[0.0] * 12, 0.9]], np.float32)

    monkeypatch.setattr(detect._Network, "seen", look)
    detector.search(Picture.of(Image.new("RGB", (width, height))))
    assert len(seen) == looks
    covered = np.zeros((height, width), bool)
    for window in seen:
        x, y, side = (round(value) for value in window)
        covered[max(y, 0) : y + side, max(x, 0) : x + side] = True
    assert covered.all()


def test_a_picture_of_any_length_costs_no_more_than_a_few_hundred_looks(
    detector: BlazeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def look(network: detect._Network, picture: Picture, window: Window, *_: object) -> detect.Floats:
        seen.append(window)
        return np.zeros((0, 17), np.float32)

    monkeypatch.setattr(detect._Network, "seen", look)
    for size in ((1_000_000, 1), (1, 1_000_000), (100_000, 30), (40_000, 600)):
        seen.clear()
        assert detector.search(Picture.of(Image.new("RGB", size))) == []
        assert len(seen) <= 5 * MOST_SQUARES


def test_one_large_face_costs_one_look(detector: BlazeFace, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = detect._Network.seen

    def counted(network: detect._Network, picture: Picture, window: Window, view: View, least: float) -> detect.Floats:
        looks.append(window)
        return look(network, picture, window, view, least)

    monkeypatch.setattr(detect._Network, "seen", counted)
    detector.detect(resized(astronaut, 1800, 1800))
    assert looks == [Window(0, 0, 1800)]


@pytest.mark.parametrize(
    ("aside", "below", "inverted"),
    [
        *((*around, False) for around in ((0, 0), (300, 0), (900, 0), (0, 300), (0, 900))),
        *((*around, True) for around in ((0, 0), (150, 0), (300, 0))),
    ],
)
def test_a_photo_of_any_shape_shows_the_face_where_it_is(
    detector: Detector, astronaut: Pixels, aside: int, below: int, inverted: bool
) -> None:
    """Of a photo that is no square the network sees no more than there is."""
    photo = np.pad(astronaut[:450], ((0, below), (aside, 0), (0, 0)), constant_values=90)
    face = only(detector.detect(np.ascontiguousarray(photo[::-1, ::-1]) if inverted else photo))
    points = np.array(face.landmarks_xy[:4])
    if inverted:
        points = photo.shape[1::-1] - points
    seen = np.array([(207, 103), (247, 105), (224, 130), (223, 149)])
    assert np.abs(points - (aside, 0) - seen).max() < 10


def test_threads_agree(detector: Detector, astronaut: Pixels) -> None:
    alone = detector.detect(astronaut)
    with ThreadPoolExecutor(4) as pool:
        assert all(faces == alone for faces in pool.map(detector.detect, [astronaut] * 12))


def test_min_score_of_1_finds_nothing(astronaut: Pixels) -> None:
    assert BlazeFace(min_score=1).detect(astronaut) == []


@pytest.mark.parametrize(
    ("network", "match"),
    [((detect.FULL_RANGE[0], "0" * 64), "damaged"), (("nowhere.onnx", detect.FULL_RANGE[1]), "missing")],
)
def test_bad_weights_are_told(monkeypatch: pytest.MonkeyPatch, network: tuple[str, str], match: str) -> None:
    monkeypatch.setattr(detect, "FULL_RANGE", network)
    with pytest.raises(DetectorError, match=match):
        BlazeFace()
