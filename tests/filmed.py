"""Filmed: small videos whose every frame and time is known, coded by PyAV, or by hand where it does not do so.

A frame is told by its gray (`shade`), so that a test sees which one it got, whatever the coder did to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

TICK = Fraction(1, 1000)
SOUND_RATE, BLOCK = 48_000, 960  # samples a second, and at once
COUNTING = ("avi", "dv", "gif", "h264", "m4v", "mpegvideo", "mjpeg", "mpeg2video")
"""Containers that number frames, or give them no times, and a coder that knows whole frames only."""

AAC = ("mp4", "mov", "mpegts", "flv")  # containers that have no Opus
MATRICES = {"601": (0.299, 0.114), "709": (0.2126, 0.0722), "2020": (0.2627, 0.0593)}
"""What red and blue weigh in luma: ITU-R BT.601, BT.709, BT.2020."""

BARS = np.array(
    [[235, 235, 235], [235, 235, 16], [16, 235, 235], [16, 235, 16], [235, 16, 235], [235, 16, 16], [16, 16, 235]]
    + [[shade] * 3 for shade in range(0, 256, 28)]
    + [[224, 172, 105], [141, 85, 36]],
    np.uint8,
)
"""Colour bars, a gray ramp, and two skins."""


def shade(number: int) -> int:
    """The gray of a frame."""
    return 20 + 9 * (number % 24)


def plain(number: int, width: int = 64, height: int = 48) -> Pixels:
    """A frame of one gray: (H, W, 3)."""
    return np.full((height, width, 3), shade(number), np.uint8)


def seen(pixels: Pixels) -> int:
    """Which number, modulo 24, a plain frame has."""
    return round((float(pixels.mean()) - 20) / 9)


def corners(width: int = 64, height: int = 48) -> Pixels:
    """Red, green over blue, white in quarters: whichever way it is turned or mirrored, that is seen."""
    pixels = np.zeros((height, width, 3), np.uint8)
    h, w = height // 2, width // 2
    pixels[:h, :w], pixels[:h, w:], pixels[h:, :w], pixels[h:, w:] = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255,) * 3
    return pixels


def barred(side: int = 16) -> Pixels:
    """`BARS`, each so many px wide: (48, W, 3)."""
    return np.repeat(np.repeat(BARS[None], side, 1), 48, 0)


def bars_of(pixels: Pixels) -> NDArray[np.int16]:
    """The colours in the middle of each bar: (n, 3)."""
    height, width = pixels.shape[:2]
    step = width / len(BARS)
    return np.stack([pixels[height // 2, int((i + 0.5) * step)] for i in range(len(BARS))]).astype(np.int16)


def coded(rgb: Pixels, matrix: str = "601", full: bool = False, bits: int = 8) -> NDArray[Any]:
    """RGB as planar YUV 4:2:0, by the standards' own formulas: (1.5 H, W), of 8 bits or more."""
    red, blue = MATRICES[matrix]
    r, g, b = (rgb[..., channel] / 255 for channel in range(3))
    luma = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)
    by = 2 ** (bits - 8)
    top = 2**bits - 1
    y = luma * top if full else (16 + 219 * luma) * by
    u, v = (128 * by + each * (top if full else 224 * by) for each in (u, v))
    u, v = (each.reshape(each.shape[0] // 2, 2, each.shape[1] // 2, 2).mean((1, 3)) for each in (u, v))
    whole = np.concatenate([y.ravel(), u.ravel(), v.ravel()]).reshape(-1, rgb.shape[1])
    return np.clip(np.round(whole), 0, top).astype(np.uint8 if bits == 8 else np.uint16)


@dataclass
class Film:
    """What is to be filmed.

    Args:
        frames: RGB (H, W, 3), or planar YUV as `coded` gives it.
        times: of each frame, in ms; 40 apart if None.
        form: the container, by FFmpeg's name.
        codec: by FFmpeg's name.
        pixel: the pixel format.
        options: of the codec.
        tags: attributes of the codec's context, such as `colorspace`.
        matrix: nine integers, what the container says of how to show it.
        rate: frames a second, as declared.
        sound_s: how many seconds of a tone to add.
        sound_from_s: when that begins.
        settings: of the container.
        beside: other video streams, before this one.
        disposition: what the container says of the stream, such as that it is a cover.
    """

    frames: Sequence[NDArray[Any]]
    times: Sequence[int] | None = None
    form: str = "mp4"
    codec: str = "libx264"
    pixel: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast"})
    tags: dict[str, Any] = field(default_factory=dict)
    matrix: Sequence[int] | None = None
    rate: int = 25
    sound_s: float = 0.0
    sound_from_s: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)
    beside: Sequence[Film] = ()
    disposition: Disposition = Disposition.default

    def made(self) -> bytes:
        """The file."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "film")  # some containers are written twice over
            with av.open(path, "w", format=self.form, options=self.settings) as container:
                self.write(container)
            return path.read_bytes()

    def write(self, container: OutputContainer) -> None:
        """Add it to a file that is open; of several, all but the last are streams beside it."""
        streams = [(film, film._stream(container)) for film in (*self.beside, self)]
        sound = (
            container.add_stream("aac" if self.form in AAC else "libopus", rate=SOUND_RATE) if self.sound_s else None
        )
        for film, video in streams:
            ticks = [1000 * i // film.rate for i in range(len(film.frames))] if film.times is None else film.times
            for time, pixels in zip(ticks, film.frames, strict=True):
                container.mux(video.encode(film._frame(pixels, time)))
            container.mux(video.encode(None))
        if sound is not None:
            for frame in tone(self.sound_s, self.sound_from_s):
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))

    @property
    def _counts(self) -> bool:
        return self.form in COUNTING or self.codec in COUNTING

    def _stream(self, container: OutputContainer) -> VideoStream:
        video = cast(VideoStream, container.add_stream(self.codec, rate=self.rate, options=self.options))
        first = self.frames[0]
        video.width = first.shape[1]
        video.height = first.shape[0] if first.ndim == 3 else first.shape[0] * 2 // 3
        video.pix_fmt = self.pixel
        if not self._counts:
            video.codec_context.time_base = TICK
        for name, value in self.tags.items():
            setattr(video.codec_context, name, value)
        if self.matrix is not None:
            video.set_display_matrix(list(self.matrix))
        video.disposition = self.disposition
        return video

    def _frame(self, pixels: NDArray[Any], time: int) -> VideoFrame:
        if pixels.ndim == 3:
            frame = VideoFrame.from_ndarray(pixels, "rgb24" if pixels.shape[2] == 3 else "rgba")
        else:
            frame = VideoFrame.from_ndarray(pixels, self.pixel)
        frame.pts, frame.time_base = time, TICK
        if self._counts:
            frame.pts, frame.time_base = round(time * self.rate / 1000), Fraction(1, self.rate)
        return frame


def tone(seconds: float, start_s: float) -> Iterator[AudioFrame]:
    for at in range(0, int(seconds * SOUND_RATE), BLOCK):
        wave = np.sin(np.arange(at, at + BLOCK) * 2 * np.pi * 440 / SOUND_RATE).astype(np.float32)
        frame = AudioFrame.from_ndarray(wave[None], "fltp", "mono")
        frame.sample_rate = SOUND_RATE
        frame.pts, frame.time_base = at + int(start_s * SOUND_RATE), Fraction(1, SOUND_RATE)
        yield frame
