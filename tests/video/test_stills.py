"""Stills that move: animated WebP, and images in a folder."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import pytest
from av.filter import Graph
from filmed import Film, plain, seen
from PIL import Image

from mien.errors import VideoError
from mien.intake import Limits
from mien.video import Frame, describe, frames

DOCS = Path(__file__).parents[2] / "docs" / "video.md"
DURATIONS = [40, 200, 40, 1000]


def animation(form: str, durations: list[int] = DURATIONS) -> io.BytesIO:
    stream = io.BytesIO()
    one, *others = (Image.fromarray(plain(number)) for number in range(len(DURATIONS)))
    one.save(stream, form, save_all=True, append_images=others, duration=durations, lossless=True)
    stream.seek(0)
    return stream


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        Image.fromarray(plain(number)).save(tmp_path / f"frame{number}.png")
    return tmp_path


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"a folder without images$"):
        frames(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"a video")
    with pytest.raises(VideoError, match=r"no image: 1 \.mp4; name videos themselves, not their folder$"):
        frames(tmp_path)
    with pytest.raises(VideoError, match="no image matches this pattern"):
        frames(tmp_path / "*.png")


@pytest.mark.parametrize("form", ["WEBP", "AVIF"])
def test_every_picture_of_an_animation_has_its_time(form: str) -> None:
    with frames(animation(form)) as video:
        found = list(video)
    assert [seen(frame.pixels) for frame in found] == [0, 1, 2, 3]
    assert [round(frame.time_s, 3) for frame in found] == [0, 0.04, 0.24, 0.28]
    assert [frame.number for frame in frames(animation(form), every_s=0.2)] == [0, 2]


def test_pictures_that_are_shown_for_no_time_get_a_tenth_of_a_second() -> None:
    """As Pillow writes them where nobody tells it a duration."""
    with frames(animation("WEBP", [0, 40, 0, 0])) as video:
        assert [round(frame.time_s, 3) for frame in video] == [0, 0.1, 0.14, 0.24]


def test_an_animation_that_is_cut_short_is_told() -> None:
    made = animation("WEBP").getvalue()
    with pytest.raises(VideoError, match="damaged or cut short"):
        list(frames(io.BytesIO(made[: len(made) // 2])))


def test_an_animation_keeps_to_the_limits() -> None:
    with pytest.raises(VideoError, match=r"over the limit of 0\.001 million"):
        frames(animation("WEBP"), limits=Limits(max_pixels=1000))


def test_images_in_a_folder_come_by_the_numbers_in_their_names(folder: Path) -> None:
    for source in (folder, str(folder / "frame*.png")):
        with frames(source, rate=10) as video:
            found = list(video)
        assert [seen(frame.pixels) for frame in found] == list(range(12))
        assert [frame.time_s for frame in found] == [number / 10 for number in range(12)]
        assert video.notes == ("12 images of a folder, which have no times: taken as 10 a second",)
    clip = describe(folder)
    assert (clip.width, clip.height, clip.rate, clip.duration_s) == (64, 48, 25, 12 / 25)


def test_an_image_that_cannot_be_read_is_told_after_the_others(folder: Path) -> None:
    (folder / "frame3.png").write_bytes(b"\x89PNG and no more")
    found: list[Frame] = []
    with pytest.raises(VideoError, match=r"frame3\.png") as raised, frames(folder, rate=10) as video:
        found.extend(video)
    assert raised.value.time_s == pytest.approx(0.3)


def test_images_that_nobody_asks_for_are_not_read(folder: Path) -> None:
    (folder / "frame3.png").write_bytes(b"\x89PNG and no more")
    found = list(frames(folder, rate=10, every_s=0.5))
    assert [frame.number for frame in found] == [0, 5, 10]
    assert np.array_equal(found[1].pixels, plain(5))


def filtered(film: BinaryIO, name: str, words: str) -> Iterator[Image.Image]:
    """The pictures that FFmpeg's `-vf name=words` makes of a video."""
    with av.open(film, "r") as container:
        graph = Graph()
        graph.link_nodes(
            graph.add_buffer(template=container.streams.video[0]), graph.add(name, words), graph.add("buffersink")
        ).configure()
        for frame in [*container.decode(video=0), None]:
            graph.vpush(frame)
            while True:
                try:
                    yield Image.fromarray(graph.vpull().to_ndarray(format="rgb24"))
                except (BlockingIOError, EOFError):
                    break


@pytest.mark.parametrize("as_told", [True, False])
def test_a_folder_that_is_made_as_the_docs_say_has_the_times_of_its_video(tmp_path: Path, as_told: bool) -> None:
    ((name, words),) = re.findall(r"ffmpeg -i \S+ -vf (\w+)=(\S+)", DOCS.read_text(encoding="utf-8"))
    film = io.BytesIO(Film([plain(number) for number in range(20)]).made())
    for number, picture in enumerate(filtered(film, name, words if as_told else words.removesuffix(":round=up"))):
        picture.save(tmp_path / f"{number}.png")
    film.seek(0)
    right = [(frame.time_s, seen(frame.pixels)) for frame in frames(film, every_s=0.2)]
    assert right == [(0, 0), (0.2, 5), (0.4, 10), (0.6, 15)]
    assert ([(frame.time_s, seen(frame.pixels)) for frame in frames(tmp_path, rate=5)] == right) == as_told
