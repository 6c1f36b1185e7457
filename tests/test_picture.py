"""Pictures: smaller copies of large JPEGs, and the whole where it is needed; what is read is the same face."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

import mien
from mien import Recognizer
from mien.crops import Crop, cut
from mien.detect import BlazeFace
from mien.errors import ImageError
from mien.image import Decoded, read_image
from mien.intake import Limits
from mien.picture import LEAST, Picture, first_factor, open_picture
from mien.preprocess import Preprocess


def jpeg(width: int, height: int, orientation: int = 1, **options: Any) -> bytes:
    """The astronaut, enlarged."""
    image = Image.open(Path(skimage.data.__file__).parent / "astronaut.png").convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", exif=exif, **{"quality": 92} | options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def default() -> Recognizer:
    return mien.load()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """How many times smaller copies were allowed to be, and were."""
    answers: list[tuple[int, int]] = []
    copy_of = Picture.copy

    def told(picture: Picture, most: int) -> tuple[Image.Image, int]:
        copy, factor = copy_of(picture, most)
        answers.append((most, factor))
        return copy, factor

    monkeypatch.setattr(Picture, "copy", told)
    return answers


@pytest.mark.parametrize(
    ("width", "height", "factor"),
    [
        (2 * LEAST - 1, 100, 1),
        (2 * LEAST, 100, 2),
        (100, 4 * LEAST - 1, 2),
        (100, 4 * LEAST, 4),
        (100_000, 300, 8),
        (2 * LEAST, 1, 1),
        (100_000, 7, 4),
        (1, 1, 1),
    ],
)
def test_the_first_copy(width: int, height: int, factor: int) -> None:
    assert first_factor(width, height) == factor


@pytest.mark.parametrize(
    ("width", "height", "orientation"),
    [(1601, 1200, 1), (1203, 1999, 1), (4001, 3000, 1), *((1600, 1204, turned) for turned in range(2, 9))],
)
def test_copies_are_the_image(width: int, height: int, orientation: int) -> None:
    data = jpeg(width, height, orientation)
    whole = read_image(data)
    picture = open_picture(data)
    assert picture.size == (whole.shape[1], whole.shape[0])
    copy, factor = picture.copy(8)
    assert factor == first_factor(width, height) > 1
    assert copy.size == (-(-picture.size[0] // factor), -(-picture.size[1] // factor))
    means = np.asarray(Image.fromarray(whole).reduce(factor), float)
    assert np.abs(np.asarray(copy, float) - means).mean() < 2
    assert (picture.pixels == whole).all()
    assert picture.copy(8)[1] == 1  # what was decoded is used


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_every_kind_of_jpeg(mode: str, progressive: bool) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(jpeg(1600, 1600))).convert(mode).save(stream, "JPEG", quality=92, progressive=progressive)
    picture = open_picture(stream.getvalue())
    copy, factor = picture.copy(2)
    assert (copy.mode, copy.size, factor) == ("L" if mode == "L" else "RGB", (800, 800), 2)
    means = np.asarray(Image.fromarray(picture.pixels).reduce(2), float)
    assert np.abs(np.asarray(copy.convert("RGB"), float) - means).mean() < 2


@pytest.mark.parametrize("crop", ["detect", "whole"])
@pytest.mark.parametrize("preprocess", [Preprocess(48), Preprocess(64, "rgb")])
def test_a_gray_image_is_read_as_it_would_be_in_colour(default: Recognizer, preprocess: Preprocess, crop: Crop) -> None:
    """Though it stays gray."""
    gray = Image.open(io.BytesIO(jpeg(500, 500))).convert("L")
    assert open_picture(gray).copy(1)[0].mode == "L"
    one, other = (cut(image, crop, default.detector, preprocess) for image in (gray, gray.convert("RGB")))
    assert (one.size, one.faces) == (other.size, other.faces)
    assert [each.tolist() for each in one.crops] == [each.tolist() for each in other.crops] != []


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_copy_lies_aside_by_less_than_a_pixel(orientation: int) -> None:
    picture = open_picture(jpeg(1601, 1203, orientation))
    copy, factor = picture.copy(2)
    assert (factor, sorted(copy.size)) == (2, [602, 801])
    means = np.asarray(Image.fromarray(picture.pixels).reduce(2), float)
    assert np.abs(np.asarray(copy, float) - means).mean() < 4


def test_a_jpeg_that_does_not_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    def whole_alone(opened: Image.Image, limits: Limits, factor: int, data: bytes) -> Decoded:
        raise ImageError("does not shrink")

    monkeypatch.setattr("mien.picture.decoded", whole_alone)
    picture = open_picture(jpeg(1600, 1600))
    assert (picture.size, picture.copy(2)[1]) == ((1600, 1600), 1)


def test_whole_if_that_is_known_before() -> None:
    assert open_picture(jpeg(1600, 1600), whole=True).copy(2)[1] == 1


def test_memory_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(image: Image.Image) -> Any:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "__array_interface__", property(fails))
    with pytest.raises(ImageError, match="not enough memory to decode it"):
        _ = open_picture(jpeg(60, 60)).pixels


def test_a_photo_with_another_behind_it() -> None:
    first, second = (Image.open(io.BytesIO(jpeg(side, side))) for side in (1600, 400))
    stream = io.BytesIO()
    first.save(stream, "MPO", save_all=True, append_images=[second])
    picture = open_picture(stream.getvalue())
    assert picture.size == (1600, 1600)
    assert picture.copy(8)[1] == 4


@pytest.mark.parametrize("orientation", [1, 6])
def test_copies_are_no_finer_than_asked(orientation: int) -> None:
    data = jpeg(3600, 3400, orientation)
    whole = Image.fromarray(read_image(data))
    picture = open_picture(data)
    for most, factor in ((9, 8), (8, 8), (7, 4), (5, 4), (3, 2), (8, 2), (1, 1), (4, 1)):
        copy, got = picture.copy(most)
        assert got == factor
        assert np.abs(np.asarray(copy, float) - np.asarray(whole.reduce(factor), float)).mean() < 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "array", "image"])
def test_others_are_whole(kind: str) -> None:
    photo = Image.open(io.BytesIO(jpeg(1600, 1600)))
    stream = io.BytesIO()
    source: Any = photo if kind == "image" else np.asarray(photo)
    if kind in ("PNG", "WEBP"):
        photo.save(stream, kind)
        source = stream.getvalue()
    picture = open_picture(source)
    assert picture.size == (1600, 1600)
    assert picture.copy(8)[1] == 1
    assert (picture.pixels == read_image(source)).all()


def test_limits_are_those_of_the_image() -> None:
    data = jpeg(1600, 1600)
    with pytest.raises(ImageError, match=r"1600 x 1600 pixels, over the limit of 1 million"):
        open_picture(data, Limits(max_pixels=1_000_000))
    with pytest.raises(ImageError, match="limit"):
        open_picture(data, Limits(max_bytes=1000))


@pytest.mark.parametrize("left", [0.02, 0.3, 0.9])
def test_a_jpeg_that_is_cut_short(left: float, default: Recognizer) -> None:
    data = jpeg(1600, 1600)
    data = data[: int(left * len(data))]
    with pytest.raises(ImageError, match="damaged or cut short") as told:
        open_picture(data)
    assert default.predict(data).error == str(told.value)


def test_damage_that_shows_late_is_told(default: Recognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(picture: Picture, most: int) -> Any:
        raise ImageError("gone")

    monkeypatch.setattr(Picture, "copy", fails)
    assert default.predict(jpeg(1600, 1600), crop="whole").error == "gone"


@pytest.mark.parametrize("side", [1600, 3200])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_face_is_read_from_the_copy_as_from_the_whole(
    side: int, orientation: int, default: Recognizer, asked: list[tuple[int, int]]
) -> None:
    data = jpeg(side, side, orientation)
    (expected,) = default.predict(read_image(data)).faces
    asked.clear()
    prediction = default.predict(data)
    (got,) = prediction.faces
    assert min(factor for _, factor in asked) > 1
    assert (prediction.width, prediction.height) == (side, side)
    assert got.face.box_xyxy == pytest.approx(expected.face.box_xyxy, abs=side / 200)
    assert got.expression.label == expected.expression.label
    assert got.expression.confidence == pytest.approx(expected.expression.confidence, abs=0.02)


@pytest.mark.parametrize(("side", "factor"), [(600, 2), (380, 1)])
def test_a_small_face_is_cut_out_of_a_finer_copy(
    side: int, factor: int, default: Recognizer, asked: list[tuple[int, int]]
) -> None:
    photo = Image.new("RGB", (1600, 1200), (120, 130, 140))
    photo.paste(Image.open(io.BytesIO(jpeg(side, side))), (900, 500))
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=95)
    default.predict(stream.getvalue())
    assert asked[0] == (4, 4)  # what the detector looked at first
    assert asked[-1] == (factor, factor)  # the crop
    (got,), (expected,) = (default.predict(each).faces for each in (stream.getvalue(), read_image(stream.getvalue())))
    assert got.face.box_xyxy == pytest.approx(expected.face.box_xyxy, abs=3)
    assert got.expression.label == expected.expression.label
    assert got.expression.confidence == pytest.approx(expected.expression.confidence, abs=0.05)
    assert got.expression.reasons == expected.expression.reasons


def test_a_detector_of_ones_own_sees_the_whole_image() -> None:
    seen = []

    class Looks:
        def detect(self, image: Any) -> list[mien.Face]:
            seen.append(image)
            return []

    class LooksToo(BlazeFace):
        def detect(self, image: Any) -> list[mien.Face]:
            seen.append(image)
            return []

    for detector in (Looks(), LooksToo()):
        assert mien.load(detector=detector).predict(jpeg(1600, 1700)).faces == ()
        image = seen.pop()
        assert (image.shape, image.dtype) == ((1700, 1600, 3), np.uint8)
