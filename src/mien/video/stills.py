"""Stills that move: animated WebP and AVIF, which Pillow decodes and FFmpeg does not, and images in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from mien.errors import ImageError, VideoError
from mien.image import Pixels, decoded, opened, pixels_of, read_image
from mien.intake import ImageSource, Limits, describe, encoded
from mien.quiet import quiet_pillow
from mien.sources import Nothing, find_images
from mien.video.frame import Clip, Frame
from mien.video.moments import Moments
from mien.wording import counted

RATE = 25.0  # frames a second, where nobody says otherwise
UNTIMED_MS = 100  # for a picture of an animation that is to be shown for no time, as browsers take it
AVIF = (b"ftypavis", b"ftypavif")

Wanted: TypeAlias = Callable[[float], bool]
Still: TypeAlias = tuple[float, Pixels | ImageError | None]
"""When a picture is shown; and itself, or why it cannot be read, or None where it is not wanted."""


class Stills:
    """Pictures one after another, as a video.

    Args:
        stills: gives them all, told which are wanted.
        rate: of them a second, or None.
        duration_s: of all, or None.
        notes: what is to be said of them.

    Raises:
        VideoError: none can be read.
    """

    def __init__(
        self,
        stills: Callable[[Wanted], Iterator[Still]],
        rate: float | None = None,
        duration_s: float | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.notes = notes
        self._broken: tuple[float, str] | None = None
        self._stills = stills
        first = next(self.frames(Moments()), None)
        if first is None:
            self.check()
            raise VideoError("holds no picture")
        self.clip = Clip(first.width, first.height, duration_s, rate, first.time_s, notes)
        self._broken = None

    def frames(self, moments: Moments) -> Iterator[Frame]:
        """The frames that are wanted, in their order."""
        for number, (time_s, pixels) in enumerate(self._stills(moments.wants)):
            if isinstance(pixels, ImageError):
                self._broken = self._broken or (time_s, str(pixels))
            elif pixels is not None:
                yield Frame.of(time_s, number, pixels)

    def check(self) -> None:
        """Raises `VideoError` where a picture could not be read."""
        if self._broken is not None:
            time_s, words = self._broken
            raise VideoError(f"at {time_s:.2f} s: {words}", time_s)


def is_animation(start: bytes) -> bool:
    """Whether a file that begins so is for Pillow."""
    return (start.startswith(b"RIFF") and start[8:12] == b"WEBP") or start[4:12] in AVIF


def animated(file: BinaryIO, limits: Limits) -> Stills:
    """The pictures of a WebP or AVIF file. Raises `VideoError`."""
    try:
        image = opened(encoded(file, limits), limits)
    except ImageError as error:
        raise VideoError(str(error)) from error

    def stills(wanted: Wanted) -> Iterator[Still]:
        time_s = 0.0
        for number in range(getattr(image, "n_frames", 1)):
            try:
                with quiet_pillow():
                    image.seek(number)
                    pixels = pixels_of(decoded(image, limits).image)
            except (EOFError, ImageError) as error:
                yield time_s, error if isinstance(error, ImageError) else ImageError("cut short")
                return
            yield time_s, pixels if wanted(time_s) else None
            time_s += (image.info.get("duration") or UNTIMED_MS) / 1000

    return Stills(stills)


def listed(path: str, rate: float, limits: Limits) -> Stills:
    """The images in a folder, or those that a pattern matches, by the numbers in their names. Raises `VideoError`."""
    images = sorted(find_images(path), key=_by_number)
    for each in images:
        if isinstance(each, Nothing):
            raise VideoError(each.reason + ("; name videos themselves, not their folder" if each.others else ""))

    def stills(wanted: Wanted) -> Iterator[Still]:
        for number, image in enumerate(images):
            time_s = number / rate
            try:
                yield time_s, read_image(image, limits) if wanted(time_s) else None
            except ImageError as error:
                yield time_s, ImageError(f"{describe(image)}: {error}")

    note = f"{counted(len(images), 'image')} of a folder, which have no times: taken as {rate:g} a second"
    return Stills(stills, rate, len(images) / rate, (note,))


def _by_number(image: ImageSource) -> list[tuple[int, str]]:
    """`"a10.png"` after `"a9.png"`."""
    parts = re.split(r"(\d+)", os.fspath(image) if isinstance(image, str | os.PathLike) else "")
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
