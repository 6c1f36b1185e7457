"""What a frame looks like: the colours that were meant, upright, with square pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from filmed import BARS, Film, barred, bars_of, coded, corners
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mien.errors import VideoError
from mien.video import Frame, frames
from mien.video.canvas import Easel, matrix_for, planes_of

EXACT = {"qp": "0", "preset": "ultrafast"}
LIMITED, FULL = 1, 2
BT709, RESERVED, BT601, YCGCO, BT2020, BT2020_CONSTANT = 1, 3, 6, 8, 9, 10
PQ, HLG, BT709_CURVE = 16, 18, 1


def first(film: Film, **how: Any) -> Frame:
    with frames(io.BytesIO(film.made()), **how) as video:
        return next(video)


def tagged(matrix: int, span: int, **others: int) -> dict[str, int]:
    return {"colorspace": matrix, "color_range": span, **others}


@pytest.mark.parametrize(
    ("matrix", "full", "bits", "how"),
    [
        ("601", False, 8, {"tags": tagged(BT601, LIMITED)}),
        ("601", False, 8, {}),
        ("601", True, 8, {"tags": tagged(BT601, FULL)}),
        ("601", True, 8, {"pixel": "yuvj420p"}),
        ("709", False, 8, {"tags": tagged(BT709, LIMITED)}),
        ("709", False, 8, {"tags": tagged(BT709, LIMITED, color_trc=BT709_CURVE, color_primaries=1)}),
        ("709", True, 8, {"tags": tagged(BT709, FULL)}),
        ("709", False, 10, {"tags": tagged(BT709, LIMITED), "pixel": "yuv420p10le"}),
        ("2020", False, 8, {"tags": tagged(BT2020, LIMITED)}),
        ("2020", False, 10, {"tags": tagged(BT2020, LIMITED), "pixel": "yuv420p10le"}),
        ("709", False, 8, {"tags": tagged(BT709, LIMITED), "form": "matroska"}),
    ],
)
def test_bars_a_gray_ramp_and_skins_are_within_two_levels(
    matrix: str, full: bool, bits: int, how: dict[str, Any]
) -> None:
    frame = first(Film([coded(barred(), matrix, full, bits)], options=EXACT, **how))
    assert np.abs(bars_of(frame.pixels) - BARS).max() <= 2
    assert np.abs(bars_of(frame.reduced(2)) - BARS).max() <= 3


@pytest.mark.parametrize(
    ("height", "codec", "matrix"), [(718, "h264", "601"), (720, "h264", "709"), (720, "vp9", "601")]
)
def test_without_a_tag_large_frames_are_bt709_but_for_vp9(height: int, codec: str, matrix: str) -> None:
    """As Chromium shows them (seen with playwright, 2026-11)."""
    vp9: dict[str, Any] = {"form": "webm", "codec": "libvpx-vp9", "options": {"lossless": "1", "cpu-used": "8"}}
    how = vp9 if codec == "vp9" else {"options": EXACT}
    flat = np.repeat(barred(side=4)[:1], height, 0)
    assert np.abs(bars_of(first(Film([coded(flat, matrix)], **how)).pixels) - BARS).max() <= 2


@pytest.mark.parametrize(("codec", "options"), [("libvpx-vp9", {"lossless": "1"}), ("ffv1", {})])
def test_odd_sizes_come_whole(codec: str, options: dict[str, str]) -> None:
    pixels = np.full((47, 63, 3), (224, 172, 105), np.uint8)
    pixels[:, 40:] = (20, 20, 20)
    pixel = "yuv444p" if codec == "ffv1" else "yuv420p"
    frame = first(Film([pixels], form="matroska", codec=codec, pixel=pixel, options=options))
    assert (frame.width, frame.height) == (63, 47)
    assert frame.pixels.shape == (47, 63, 3)
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable
    assert np.abs(frame.pixels[[0, 46]][:, [0, 62]].astype(int) - pixels[[0, 46]][:, [0, 62]]).max() <= 3
    assert frame.reduced(2).shape == (24, 32, 3)


@pytest.mark.parametrize("pixel", ["gray", "bgr0", "gray16le"])
def test_gray_and_rgb_come_as_they_are(pixel: str) -> None:
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], (48, 1, 3))
    frame = first(Film([ramp], form="matroska", codec="ffv1", pixel=pixel, options={}))
    assert np.abs(frame.pixels.astype(int) - ramp).max() <= 1


@pytest.mark.parametrize("pixel", ["gray", "gray10le", "gray12le"])
def test_gray_of_limited_range_becomes_black_to_white(pixel: str) -> None:
    ramp = np.tile(np.arange(16, 236, 3, dtype=np.uint8)[None, :, None], (48, 1, 3))
    film = Film([ramp], form="matroska", codec="ffv1", pixel=pixel, options={}, tags={"color_range": LIMITED})
    frame = first(film)
    assert np.abs(frame.pixels - (ramp.astype(float) - 16) * 255 / 219).max() <= 1.5
    assert frame.reduced(2)[:, 0].max() <= 5
    assert frame.reduced(2)[:, -1].min() >= 250
    canvas = Easel(frame.width, frame.height, matrix_for(frame)).canvas(frame)
    assert np.abs(planes_of(canvas.frame).y.astype(int) - ramp[..., 0]).max() <= 1


@pytest.mark.parametrize("matrix", [YCGCO, BT2020_CONSTANT])
def test_colours_that_are_not_read_are_told(matrix: int) -> None:
    film = Film([coded(barred())], options=EXACT, tags=tagged(matrix, LIMITED))
    with pytest.raises(VideoError, match=rf"coded in a way that is not read \(matrix {matrix}\)"):
        first(film)


def test_a_reserved_matrix_is_as_none() -> None:
    film = Film([coded(barred())], form="matroska", codec="ffv1", options={}, tags=tagged(RESERVED, LIMITED))
    assert np.abs(bars_of(first(film).pixels) - BARS).max() <= 2


def light(signal: float, curve: int) -> Film:
    """Gray of one signal, 0..1, in 10 bits with a curve of phones that film in HDR."""
    yuv = np.full((72, 64), 512, np.uint16)
    yuv[:48] = round((16 + 219 * signal) * 4)
    tags = tagged(BT2020, LIMITED, color_trc=curve, color_primaries=BT2020)
    return Film([yuv] * 2, form="matroska", codec="ffv1", pixel="yuv420p10le", options={}, tags=tags)


def test_white_paper_in_hlg_is_white() -> None:
    """ITU-R BT.2408 puts diffuse white at 75% of HLG's signal; read without its curve it is 191."""
    frame = first(light(0.75, HLG))
    assert frame.pixels.min() >= 250
    assert frame.reduced(2).shape == (24, 32, 3)
    assert frame.reduced(2).min() >= 250


def test_an_ordinary_curve_changes_nothing() -> None:
    assert np.abs(first(light(0.75, BT709_CURVE)).pixels.astype(int) - 191).max() <= 1


Look = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

SIGNS: dict[str, tuple[tuple[int, int, int, int], Look]] = {
    "as it is": ((1, 0, 0, 1), lambda image: image),
    "mirrored": ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda image: image[::-1]),
    "half turn": ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
    "clockwise": ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
    "counterclockwise": ((0, -1, 1, 0), lambda image: np.rot90(image)),
    "clockwise, then mirrored": ((0, 1, 1, 0), lambda image: np.rot90(image, -1)[:, ::-1]),
    "counterclockwise, then mirrored": ((0, -1, -1, 0), lambda image: np.rot90(image)[:, ::-1]),
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_display_matrix_is_obeyed_as_a_whole(name: str) -> None:
    """FFmpeg's own reading of them, as a turn by degrees, stands mirrored clips on their head."""
    (a, b, c, d), upright = SIGNS[name]
    one = 1 << 16
    film = Film([corners()], options=EXACT, matrix=(a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30))
    expected = upright(corners())
    with frames(io.BytesIO(film.made())) as video:
        frame = next(video)
        assert (video.clip.height, video.clip.width) == expected.shape[:2]
    assert frame.pixels.shape == expected.shape
    assert middles(frame.pixels) == middles(expected)
    assert middles(frame.reduced(2)) == middles(expected)
    assert (frame.height, frame.width) == expected.shape[:2]


@pytest.mark.parametrize("name", ["as it is", "mirrored", "half turn", "clockwise", "counterclockwise"])
@pytest.mark.parametrize("pixel", ["yuv420p", "yuva420p"])
def test_a_webm_is_upright_with_alpha_as_without(pixel: str, name: str) -> None:
    (a, b, c, d), upright = SIGNS[name]
    one = 1 << 16
    opaque = np.dstack([corners(), np.full((48, 64), 255, np.uint8)]) if pixel == "yuva420p" else corners()
    how: dict[str, Any] = {"form": "webm", "codec": "libvpx-vp9", "pixel": pixel, "options": {}}
    film = Film([opaque] * 3, matrix=(a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30), **how).made()
    expected = upright(corners())
    with frames(io.BytesIO(film)) as video:
        assert (video.clip.height, video.clip.width) == expected.shape[:2]
        read = list(video)
    assert len(read) == 3
    assert [middles(frame.pixels) for frame in read] == [middles(expected)] * 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_that_say_themselves_how_they_are_turned_are_upright(orientation: int) -> None:
    """As cameras write them into motion JPEG."""
    exif, photo = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(corners()).save(photo, "JPEG", exif=exif, quality=95)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(photo)))
    with frames(io.BytesIO(3 * photo.getvalue())) as video:
        assert (video.clip.height, video.clip.width) == expected.shape[:2]
        read = list(video)
    assert [middles(frame.pixels) for frame in read] == [middles(expected)] * 3


def middles(pixels: NDArray[np.uint8]) -> list[list[bool]]:
    """In the middle of each quarter, which colours are on."""
    height, width = pixels.shape[:2]
    rows, columns = np.ix_([height // 4, 3 * height // 4], [width // 4, 3 * width // 4])
    return [(colour > 127).tolist() for colour in pixels[rows, columns].reshape(4, 3)]


def test_pixels_that_are_not_square_become_so() -> None:
    film = Film([corners(64, 48)], options=EXACT, tags={"sample_aspect_ratio": Fraction(3, 2)})
    with frames(io.BytesIO(film.made())) as video:
        frame = next(video)
        assert (video.clip.width, video.clip.height) == (96, 48)
    assert frame.pixels.shape == (48, 96, 3)
    assert middles(frame.pixels) == middles(corners(96, 48))


def test_a_shape_that_cannot_be_meant_is_left() -> None:
    frame = first(Film([corners(64, 48)], options=EXACT, tags={"sample_aspect_ratio": Fraction(500, 1)}))
    assert (frame.width, frame.height) == (64, 48)


@pytest.mark.parametrize(
    ("form", "codec", "pixel", "options"),
    [
        ("webm", "libvpx-vp9", "yuva420p", {"lossless": "1", "cpu-used": "8"}),
        ("webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "crf": "4", "b": "2M"}),
        ("matroska", "ffv1", "bgra", {}),
        ("mov", "prores_ks", "yuva444p10le", {"profile": "4444"}),
        ("mov", "qtrle", "argb", {}),
    ],
)
def test_clear_parts_of_a_video_lie_on_white(form: str, codec: str, pixel: str, options: dict[str, str]) -> None:
    """Beneath them is what the coder had; of VP8 and VP9 FFmpeg's own decoders show it."""
    rgba = np.full((48, 64, 4), (40, 160, 60, 255), np.uint8)
    rgba[:24, :32, 3], rgba[24:, :32, 3] = 0, 128
    film = Film([rgba] * 30, form=form, codec=codec, pixel=pixel, options={"g": "10", **options})
    with frames(io.BytesIO(film.made()), at_s=[0, 0.9]) as video:
        found = list(video)
    assert [frame.number for frame in found] == [0, 23]
    for frame in found:
        for pixels in (frame.pixels, frame.reduced(2)):
            height, width = pixels.shape[0] // 4, pixels.shape[1] // 4
            assert pixels[height, width].min() == 255
            assert np.abs(pixels[3 * height, width].astype(int) - (147, 207, 157)).max() <= 4
            assert np.abs(pixels[height, 3 * width].astype(int) - (40, 160, 60)).max() <= 4


def test_the_fourth_byte_of_raw_pixels_in_avi_is_no_alpha() -> None:
    """Windows calls it unused, and writers leave it 0."""
    rgba = np.dstack([corners(), np.zeros((48, 64), np.uint8)])
    frame = first(Film([rgba], form="avi", codec="rawvideo", pixel="bgra", options={}))
    assert middles(frame.pixels) == middles(corners())
    assert middles(frame.reduced(2)) == middles(corners())


def test_clear_parts_of_a_gif_lie_on_white() -> None:
    image = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    image.paste((200, 30, 30, 255), (0, 0, 32, 48))
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    stream = io.BytesIO()
    image.save(stream, "GIF", save_all=True, append_images=[other], duration=[80, 200], disposal=2)
    stream.seek(0)
    with frames(stream) as video:
        one, two = video
    assert (one.time_s, two.time_s) == (0, 0.08)
    for frame, red in ((one, 10), (two, 50)):
        assert np.abs(frame.pixels[24, red].astype(int) - (200, 30, 30)).max() <= 8
        assert frame.pixels[24, 60 - red].min() >= 250
