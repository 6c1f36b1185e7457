"""Swaps: does another person who appears where a face was get a number of their own, and the same person keep theirs?

    python benchmarks/swaps.py            # on the people of whom nothing was chosen
    python benchmarks/swaps.py chosen     # on those by whom `SAME_FACE` was chosen

Portraits are cut out and moved over a photo, as in `scenes.py`, 640 x 360, 25 frames/s; no cut is to be seen, as all
but the face stays. Studio: the people of the Face Research Lab London Set, in one light, from the front, the hard case.
News: photos from newspapers. The clips are those of `media/`, of which frames are left out.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from common import data_folder, head, machine, row
from PIL import Image, ImageDraw, ImageFilter
from scenes import RATE, backgrounds

import mien
from mien.face import Face
from mien.following import Following, Seen
from mien.looks import Look, look_of
from mien.shots import View, viewed
from mien.tracks import Tracks
from mien.video import Frame

SIZE, SIDE = (640, 360), 110
BEFORE, AFTER, PEOPLE = 12, 8, 24  # frames, and people of each cast
MARGIN = (0.25, 0.45, 0.25, 0.25)  # of a face's box, that come along
GAPS = (0, 1, 3, 12, 24)
CLIPS = ("WolfgangLanger_Pexels.mp4", "single_face.mp4")
Change = Callable[[Image.Image, np.random.Generator], Image.Image]
Over = Callable[[Image.Image, int], Image.Image]


class Portrait(NamedTuple):
    """A face, its box's side being `SIDE`, and what of it is shown."""

    image: Image.Image
    mask: Image.Image


class Known(NamedTuple):
    """What was found in a frame."""

    time_s: float
    faces: tuple[Face, ...]
    looks: tuple[Look, ...]
    cut: bool


def cut_out(model: mien.Recognizer, image: Image.Image) -> Portrait | None:
    """The face of a portrait; None where none is found."""
    found = model.detector.detect(np.asarray(image))
    if not found:
        return None
    x0, y0, x1, y1 = found[0].box_xyxy
    side = x1 - x0
    left, top, right, bottom = (share * side for share in MARGIN)
    cut = image.crop((int(x0 - left), int(y0 - top), int(x1 + right), int(y1 + bottom)))
    cut = cut.resize((round(cut.width * SIDE / side), round(cut.height * SIDE / side)))
    mask = Image.new("L", cut.size)
    ImageDraw.Draw(mask).ellipse((3, 3, cut.width - 4, cut.height - 4), fill=255)
    return Portrait(cut, mask.filter(ImageFilter.GaussianBlur(3)))


def studio(model: mien.Recognizer, data: Path) -> list[tuple[Portrait, Portrait]]:
    """A neutral and a smiling portrait of each person."""
    pairs: dict[str, list[Portrait]] = {}
    for each in pq.read_table(data / "elsewhere" / "london.parquet").to_pylist():
        image = Image.open(io.BytesIO(each["image"]["bytes"])).convert("RGB").resize((360, 360))
        if (portrait := cut_out(model, image)) is not None:
            pairs.setdefault(each["person"], []).append(portrait)
    return [(first, second) for first, second in (each for each in pairs.values() if len(each) == 2)]


def news(model: mien.Recognizer, data: Path) -> list[tuple[Portrait, Portrait]]:
    """One portrait of each person, twice."""
    rows = pq.read_table(data / "elsewhere" / "news.parquet").slice(0, 3200).to_pylist()[::16]
    images = (Image.open(io.BytesIO(each["image"]["bytes"])).convert("RGB") for each in rows)
    return [(each, each) for each in (cut_out(model, image) for image in images) if each is not None]


def lit(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """In light from a side."""
    pixels = np.asarray(image, np.float64)
    across, down = np.linspace(-1, 1, image.width), np.linspace(-1, 1, image.height)[:, None]
    turn = rng.uniform(0, 2 * np.pi)
    light = np.exp(0.5 * (across * np.cos(turn) + down * np.sin(turn))) * rng.choice((0.65, 1.3))
    return Image.fromarray(np.clip(pixels * light[..., None], 0, 255).astype(np.uint8))


def turned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Narrower by an eighth and larger, as of who turns and comes nearer, and leaning by twelve degrees."""
    wider = image.resize((round(image.width * 0.98), round(image.height * 1.12)))
    return wider.rotate(float(rng.choice((-12, 12))), Image.Resampling.BICUBIC)


def same(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image


def flash(canvas: Image.Image, at: int) -> Image.Image:
    """Much light for two frames."""
    return canvas.point(lambda level: min(255, level * 2 + 40)) if at in (0, 1) else canvas


def hand(canvas: Image.Image, at: int) -> Image.Image:
    """A hand before the mouth for half a second, at once."""
    if 0 <= at < 12:
        ImageDraw.Draw(canvas).ellipse((250, 190, 400, 320), fill=(200, 150, 120))
    return canvas


def bar(canvas: Image.Image, at: int) -> Image.Image:
    """A post passes before the face, which it hides for a third of a second."""
    left = 130 + (at + 4) * 24
    ImageDraw.Draw(canvas).rectangle((left, 0, left + 130, 360), fill=(90, 60, 40))
    return canvas


def scene(
    before: Portrait, after: Portrait, gap: int, behind: Image.Image, over: Over | None, rng: np.random.Generator
) -> Iterator[Frame]:
    """One, then nobody for so many frames, then another, or the same."""
    noise = rng.normal(0, 3, (SIZE[1] + 64, SIZE[0] + 64, 1)).astype(np.int16)
    length = BEFORE + gap + (AFTER if over is None else AFTER + 24)
    phase, away = rng.uniform(0, 6), rng.uniform(-0.1, 0.1, 2) * SIDE * (gap > 0)
    for number in range(length):
        canvas = behind.copy()
        at = number - BEFORE
        if not 0 <= at < gap:
            portrait = before if at < 0 else after
            x, y = SIZE[0] / 2 + 6 * np.sin(number / 9 + phase), SIZE[1] / 2 + 4 * np.cos(number / 7 + phase)
            x, y = (x, y) if at < 0 else (x + away[0], y + away[1])
            place = round(x - portrait.image.width / 2), round(y - portrait.image.height / 2)
            canvas.paste(portrait.image, place, portrait.mask)
        if over is not None:
            canvas = over(canvas, at)
        left, top = rng.integers(0, 64, 2)
        grain = noise[top : top + SIZE[1], left : left + SIZE[0]]
        pixels = np.clip(np.asarray(canvas, np.int16) + grain, 0, 255).astype(np.uint8)
        yield Frame.of(number / RATE, number, pixels)


def found(model: mien.Recognizer, given: Iterator[Frame], live: bool) -> list[Known]:
    """The faces of frames, as `mien video` or as `mien watch` finds them."""
    following = Following(model.detector)
    seen: Iterator[Seen] = following(viewed(given))
    if live:
        seen = (Seen(view, following.newest(view.picture, view.time_s), False) for view in viewed(given))
    return [_known(model, each.view, each.faces, each.cut) for each in seen]


def _known(model: mien.Recognizer, view: View, faces: tuple[Face, ...], cut: bool) -> Known:
    crops = (model.preprocess.face(view.picture, face) for face in faces)
    return Known(view.time_s, faces, tuple(look_of(crop) for crop in crops), cut)


def numbers(seen: Sequence[Known]) -> list[int | None]:
    """The track of the largest face in each frame."""
    tracks, told = Tracks(), list[int | None]()
    for each in seen:
        if each.cut:
            tracks.cut(each.time_s)
        told.append(next(iter(tracks.update(each.time_s, each.faces, each.looks)), None))
    return told


def outcome(told: Sequence[int | None]) -> tuple[bool, bool]:
    """Whether the last face has the first one's number, and whether there was another between."""
    seen = [each for each in told if each is not None]
    return seen[0] == seen[-1], len(set(seen)) > 1


def scenes(
    model: mien.Recognizer, data: Path, chosen: bool
) -> Iterator[tuple[str, str, bool, Callable[[bool], list[list[Known]]]]]:
    """The cast, what happens, whether it is one person, and what is found, live or not."""
    (behind, *_) = backgrounds(data, SIZE)
    casts = {"studio": studio(model, data), "news": news(model, data)}
    for cast, everyone in casts.items():
        people = everyone[::2] if chosen else everyone[1::2]
        people = people[:PEOPLE]

        def played(
            change: Change | None, gap: int, over: Over | None = None, *, smiling: int = 0, people=people
        ) -> Callable[[bool], list[list[Known]]]:
            def play(live: bool) -> list[list[Known]]:
                rng = np.random.default_rng(0)
                clips = []
                for at, (first, second) in enumerate(people):
                    if change is None:
                        other = people[(at + 1 + gap % 7) % len(people)][0]
                    else:
                        image = change((second if smiling else first).image, rng)
                        mask = (second if smiling else first).mask.resize(image.size)
                        other = Portrait(image, mask)
                    clips.append(found(model, scene(first, other, gap, behind, over, rng), live))
                return clips

            return play

        for gap in GAPS:
            yield cast, f"another after {gap}", False, played(None, gap)
        yield cast, "the same after 12", True, played(same, 12)
        if cast == "studio":
            for gap in (0, 3, 12):
                yield cast, f"another expression after {gap}", True, played(same, gap, smiling=1)
        for gap in (3, 12):
            yield cast, f"another light after {gap}", True, played(lit, gap)
            yield cast, f"turned after {gap}", True, played(turned, gap)
        yield cast, "a post passes", True, played(same, 0, bar)
        yield cast, "a hand before the mouth", True, played(same, 0, hand)
        yield cast, "a flash", True, played(same, 0, flash)


def show(data: Path, chosen: bool) -> None:
    model = mien.load()
    head("people", "what happens", "way", "cases", "one number", "another number between")
    for cast, what, _, play in scenes(model, data, chosen):
        for live in (False, True):
            clips = [outcome(numbers(each)) for each in play(live)]
            shared, between = (np.mean([each[at] for each in clips]) for at in (0, 1))
            row(cast, what, "watch" if live else "video", len(clips), f"{shared:.2f}", f"{between:.2f}")


def main() -> None:
    data = data_folder("elsewhere/london.parquet", "elsewhere/news.parquet", "elsewhere/noface.parquet")
    print(f"{machine()}\n")
    show(data, "chosen" in sys.argv[1:])


if __name__ == "__main__":
    main()
