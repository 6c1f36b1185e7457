"""Swaps: does another person who appears where a face was get a number of their own, and the same person keep theirs?

    python benchmarks/swaps.py            # on people by whom nothing was chosen; four minutes
    python benchmarks/swaps.py chosen     # on those by whom `SAME_FACE` was chosen
    python benchmarks/swaps.py clips      # the clips alone

Portraits are cut out and moved over a photo, as in `scenes.py`, 640 x 360, 25 frames/s; no cut is to be seen, as all
but the face stays. Studio: the people of the Face Research Lab London Set, in one light, from the front, the hard case.
News: photos from newspapers. The clips are those of `media/`, of which frames are left out.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
from common import data_folder, head, machine, row
from PIL import Image, ImageDraw, ImageFilter
from scenes import RATE, backgrounds

import mien
import mien.tracks
from mien.face import Face
from mien.following import Following, Seen
from mien.looks import Look, look_of
from mien.shots import viewed
from mien.tracks import Tracks
from mien.video import Frame, frames
from mien.watching import BETWEEN_S

SIZE, SIDE = (640, 360), 110
BEFORE, AFTER, PEOPLE = 12, 8, 24  # frames before and after, and people of each cast
MARGIN = (0.25, 0.45, 0.25, 0.25)  # of a face's box, that come along
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
    """One portrait of each person, twice, as there is no other."""
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


def flash(canvas: Image.Image, at: int) -> Image.Image:
    """Much light for two frames."""
    return canvas.point(lambda level: min(255, level * 2 + 40)) if at in (0, 1) else canvas


def dark(canvas: Image.Image, at: int) -> Image.Image:
    """Nothing for half a second."""
    return Image.new(canvas.mode, canvas.size) if 0 <= at < 12 else canvas


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


class Case(NamedTuple):
    """What happens.

    Args:
        gap: frames without a face.
        change: of the same person's portrait; None where another person comes.
        smiling: whether the same person smiles then.
        over: what is laid over each frame, by its number from the change on.
        live: whether faces are found as `mien watch` does.
    """

    gap: int
    change: Change | None = None
    smiling: bool = False
    over: Over | None = None
    live: bool = False

    @property
    def another(self) -> bool:
        return self.change is None and not self.smiling and self.over is None


CASES = {
    "another at once": Case(0),
    "another at once, `mien watch`": Case(0, live=True),
    "another after .04 s": Case(1),
    "another after .12 s": Case(3),
    "another after .5 s": Case(12),
    "another after 1 s": Case(24),
    "the same, smiling, at once": Case(0, smiling=True),
    "the same, smiling, after .5 s": Case(12, smiling=True),
    "the same, in other light, after .12 s": Case(3, lit),
    "the same, in other light, after .5 s": Case(12, lit),
    "the same, turned, after .12 s": Case(3, turned),
    "the same, turned, after .5 s": Case(12, turned),
    "a post passes before the face": Case(0, over=bar),
    "a post passes before the face, `mien watch`": Case(0, over=bar, live=True),
    "a hand before the mouth": Case(0, over=hand),
    "a hand before the mouth, `mien watch`": Case(0, over=hand, live=True),
    "a flash": Case(0, over=flash),
    "a flash, `mien watch`": Case(0, over=flash, live=True),
    "black for half a second": Case(0, over=dark),
}


def played(case: Case, before: Portrait, after: Portrait, behind: Image.Image) -> Iterator[Frame]:
    """One, then nobody for so many frames, then another, or the same."""
    rng = np.random.default_rng(round(before.image.width + 1000 * case.gap))
    noise = rng.normal(0, 3, (SIZE[1] + 64, SIZE[0] + 64, 1)).astype(np.int16)
    length = BEFORE + case.gap + (AFTER if case.over is None else 4 * AFTER)
    phase, away = rng.uniform(0, 6), rng.uniform(-0.1, 0.1, 2) * SIDE * (case.gap > 0)
    if case.change is not None:
        image = case.change(after.image, rng)
        after = Portrait(image, after.mask.resize(image.size))
    for number in range(length):
        canvas, at = behind.copy(), number - BEFORE
        if not 0 <= at < case.gap:
            image, mask = before if at < 0 else after
            x, y = SIZE[0] / 2 + 6 * np.sin(number / 9 + phase), SIZE[1] / 2 + 4 * np.cos(number / 7 + phase)
            x, y = (x, y) if at < 0 else (x + away[0], y + away[1])
            canvas.paste(image, (round(x - image.width / 2), round(y - image.height / 2)), mask)
        if case.over is not None:
            canvas = case.over(canvas, at)
        left, top = rng.integers(0, 64, 2)
        grain = noise[top : top + SIZE[1], left : left + SIZE[0]]
        pixels = np.clip(np.asarray(canvas, np.int16) + grain, 0, 255).astype(np.uint8)
        yield Frame.of(number / RATE, number, pixels)


def found(model: mien.Recognizer, given: Iterable[Frame], live: bool) -> list[Known]:
    """The faces of frames, as `mien video` or as `mien watch` finds them."""
    following = Following(model.detector)
    seen: Iterable[Seen] = following(viewed(given))
    if live:
        seen = (Seen(view, following.newest(view.picture, view.time_s), False) for view in viewed(given))
    return [_known(model, each) for each in seen]


def _known(model: mien.Recognizer, seen: Seen) -> Known:
    crops = (model.preprocess.face(seen.view.picture, face) for face in seen.faces)
    return Known(seen.view.time_s, seen.faces, tuple(look_of(crop) for crop in crops), seen.cut)


def numbers(seen: Sequence[Known], live: bool = False) -> list[int]:
    """The track of the largest face in each frame that has one; as it was told at once where that is live."""
    tracks, told = Tracks(between_s=0.0 if live else BETWEEN_S), list[int]()
    for each in seen:
        if each.cut:
            tracks.cut(each.time_s)
        now = tracks.update(each.time_s, each.faces, each.looks)[:1]
        told = [tracks.between.get(number, number) for number in told] + [*now]
    return told


def by_place(seen: Sequence[Known], live: bool) -> list[int]:
    """The same where the look of who appears where a face was is not asked for."""
    with patch.object(mien.tracks, "SAME_FACE", -1.0):
        return numbers(seen, live)


def show_swaps(data: Path, chosen: bool) -> None:
    """A row a case: of the studio's people and those of the news."""
    model = mien.load()
    (behind, *_) = backgrounds(data, SIZE)
    casts = [each[1 - chosen :: 2][:PEOPLE] for each in (studio(model, data), news(model, data))]
    head("what happens", "cases: studio, news", "one number for both", "by the place alone", "another between")
    for what, case in CASES.items():
        told = [_outcomes(model, case, people, behind) for people in casts]
        row(what, *(", ".join(each) for each in zip(*told, strict=True)))


def _outcomes(
    model: mien.Recognizer, case: Case, people: Sequence[tuple[Portrait, Portrait]], behind: Image.Image
) -> tuple[str, ...]:
    """How many cases; how often the last face has the first one's number; by the place alone; by way of another."""
    clips = []
    for at, (before, smiling) in enumerate(people):
        other = people[(at + 1 + case.gap % 7) % len(people)][0] if case.another else before
        clips.append(found(model, played(case, before, smiling if case.smiling else other, behind), case.live))
    clips = [each for each in clips if each[BEFORE - 2].faces and each[-1].faces]
    told, placed = ([way(each, case.live) for each in clips] for way in (numbers, by_place))
    shared, before_ = (np.mean([each[0] == each[-1] for each in way]) for way in (told, placed))
    between = np.mean([each[0] == each[-1] and len(set(each)) > 1 for each in told])
    return str(len(clips)), f"{shared:.0%}", f"{before_:.0%}", f"{between:.0%}"


def show_clips(data: Path) -> None:
    """Real clips, where frames are left out, or nothing is found in some: how often the one person's number changes."""
    model = mien.load()
    head("other numbers in", "every frame", "every 2nd, 5th, 10th, 25th", "after a gap of .04, .24, .48 s")
    for name in CLIPS:
        with frames(data / "media" / name) as video:
            seen = found(model, video, live=False)
        sparse = [len(set(numbers(seen[::step]))) - 1 for step in (2, 5, 10, 25)]
        blinks = []
        for gap in (1, 6, 12):
            starts = range(8, len(seen) - gap - 8, 7)
            parts = (seen[max(at - 30, 0) : at] + seen[at + gap : at + gap + 8] for at in starts)
            told = [numbers(part) for part in parts]
            blinks.append(f"{sum(each[0] != each[-1] for each in told)} of {len(told)}")
        row(name, len(set(numbers(seen))) - 1, ", ".join(map(str, sparse)), ", ".join(blinks))


def main() -> None:
    needed = ("elsewhere/london.parquet", "elsewhere/news.parquet", "elsewhere/noface.parquet", f"media/{CLIPS[0]}")
    data = data_folder(*needed)
    print(machine())
    if "clips" not in sys.argv[1:]:
        show_swaps(data, "chosen" in sys.argv[1:])
    if not sys.argv[1:] or "clips" in sys.argv[1:]:
        show_clips(data)


if __name__ == "__main__":
    main()
