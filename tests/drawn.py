"""Drawn faces: cartoons whose mouth, brows and eyes tell the emotion, so that tests can train on something learnable.

They are written in every form that mien reads as data; `n` is always small, and the same seed draws the same faces.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien.face import SIDE_BY_BOX, Face
from mien.labels import CKPLUS7, FER7, FERPLUS8, canonical

Gray = NDArray[np.uint8]

TINY = """\
name = "tiny"
seed = 3
size = 24
validation_share = 0.25

[network]
widths = [8, 16, 32]
blocks = [1, 1, 1]
attention = [false, false, true]
dropout = 0.1

[heads]
votes = { weight = 1.0 }
labels = { weight = 1.0, smoothing = 0.05 }

[augment]
flip = true
shift = 0.05
contrast = 0.2
erase = 0.1

[optimiser]
lr = 0.1

[schedule]
epochs = 6
batch = 16
warmup = 1
ema = 0.8
sizes = [[0.0, 20], [0.5, 24]]
"""
"""A recipe that learns to tell drawn happy from sad faces in a second or two on one core."""

FEW = ("network.widths=[16,16]", "network.blocks=[1,2]")  # torch takes a second to tell ONNX of each block
SHALLOW = (*FEW, "network.attention=[false,true]")
"""What makes the network of a recipe small, one of mobile blocks and one of residual ones."""

FINE = 4  # drawn so many times larger, then shrunk: smooth lines

VOTE_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
USAGES = {"train": "Training", "valid": "PublicTest", "test": "PrivateTest"}
SPELLINGS = {"angry": "Anger", "surprise": "Surprised"}


@dataclass(frozen=True)
class Look:
    """What an emotion does to a face, in shares of the face's half width; y goes down.

    Args:
        smile: how far the corners of the mouth are above its middle.
        tilt: how far the right corner is above the left one.
        mouth: height of the open mouth; 0 is closed.
        brows: how far the brows are above their place.
        frown: how far the inner ends of the brows are below the outer ones.
        eyes: height of the eyes.
    """

    smile: float = 0.0
    tilt: float = 0.0
    mouth: float = 0.0
    brows: float = 0.0
    frown: float = 0.0
    eyes: float = 0.2


LOOKS = {
    "angry": Look(smile=-0.1, frown=0.25, brows=-0.08),
    "disgust": Look(smile=-0.2, mouth=0.15, frown=0.12, brows=-0.08, eyes=0.08),
    "fear": Look(smile=-0.12, mouth=0.22, brows=0.12, frown=-0.2, eyes=0.32),
    "happy": Look(smile=0.35),
    "sad": Look(smile=-0.3, frown=-0.22, eyes=0.16),
    "surprise": Look(mouth=0.5, brows=0.22, eyes=0.34),
    "neutral": Look(),
    "contempt": Look(smile=0.08, tilt=0.3),
}


def draw_face(emotion: str, rng: np.random.Generator, size: int = 48) -> Gray:
    """A face at a random place, of random size and shades, with noise; shape (size, size).

    Args:
        emotion: one of `LOOKS`, by any spelling.
    """
    look, side = LOOKS[canonical(emotion)], size * FINE
    paper, skin = rng.uniform(0, 110), rng.uniform(150, 240)
    ink = int(rng.uniform(0, 50))
    image = Image.new("L", (side, side), int(paper))
    pen = ImageDraw.Draw(image)
    half = side * rng.uniform(0.36, 0.44)
    x, y = side / 2 + side * rng.uniform(-0.05, 0.05, 2)
    line = max(round(0.1 * half), 1)

    def ellipse(centre_x: float, centre_y: float, half_w: float, half_h: float, fill: int) -> None:
        box = (x + half * (centre_x - half_w), y + half * (centre_y - half_h))
        pen.ellipse((*box, box[0] + 2 * half * half_w, box[1] + 2 * half * half_h), fill=fill)

    def stroke(points: Sequence[tuple[float, float]]) -> None:
        pen.line([(x + half * along, y + half * down) for along, down in points], fill=ink, width=line, joint="curve")

    ellipse(0, 0, 0.95, 1.12, int(skin))
    for eye in (-1, 1):
        ellipse(0.38 * eye, -0.25, 0.17, look.eyes / 2 + 0.03, 255)
        ellipse(0.38 * eye, -0.25, 0.08, min(look.eyes / 2, 0.09), ink)
        height = -0.55 - look.brows
        stroke([(0.16 * eye, height + look.frown / 2), (0.6 * eye, height - look.frown / 2)])
    along = np.linspace(-1, 1, 9)
    middle = 0.5 + look.smile / 2
    curve = middle - look.smile * along**2 - look.tilt * along / 2
    if look.mouth:
        ellipse(0, middle, 0.2 + look.mouth / 5, look.mouth / 2, ink)
    stroke(list(zip((0.42 - look.mouth / 2) * along, curve, strict=True)))

    pixels = np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float64)
    pixels = pixels * rng.uniform(0.75, 1.05) + rng.normal(0, 6, pixels.shape)
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def in_surroundings(face: Gray, side: int, share: float) -> Gray:
    """A photo: the face in the middle of black, so that its crop takes a share of the side; shape (side, side, 3)."""
    photo, width = Image.new("L", (side, side)), round(share * side / SIDE_BY_BOX)
    if width:
        photo.paste(Image.fromarray(face).resize((width, width)), ((side - width) // 2, (side - width) // 2))
    return np.asarray(photo.convert("RGB"))


class Bounds:
    """A detector for such photos: what is not black is the face."""

    def detect(self, image: Gray) -> list[Face]:
        rows, columns = (np.flatnonzero((image.max(2) > 20).any(axis)) for axis in (1, 0))
        return [Face((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), (), 0.9)] if len(rows) else []


def write_folder(out: Path, emotions: Sequence[str], n: int, seed: int = 0, splits: Sequence[str] = ()) -> Path:
    """An image folder `[split/]label/*.png`: n faces of each emotion, in each split.

    Args:
        emotions: names of the label folders, in any spelling.
        splits: names of the split folders; none if empty.
    """
    rng = np.random.default_rng(seed)
    for split in splits or ("",):
        for emotion in emotions:
            folder = out / split / emotion
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(n):
                Image.fromarray(draw_face(emotion, rng)).save(folder / f"{number:04d}.png")
    return out


def write_fer2013_csv(out: Path, n: int, with_votes: bool = False, seed: int = 0, empty: int = 0) -> Path:
    """`fer2013.csv`: n faces of each of FER2013's emotions in each usage; `fer2013new.csv` beside it if asked for.

    Args:
        empty: images without a face in each usage; labelled neutral, as in FER2013 some are labelled something.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = list(_fer2013(n, seed, empty))
    with (out / "fer2013.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["emotion", "pixels", "Usage"])
        for split, emotion, pixels, _ in rows:
            table.writerow([FER7.index(emotion), " ".join(map(str, pixels.ravel())), USAGES[split]])
    if with_votes:
        with (out / "fer2013new.csv").open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(["Usage", "Image name", *VOTE_COLUMNS])
            for number, (split, _, _, votes) in enumerate(rows):
                table.writerow([USAGES[split], f"fer{number:07d}.png", *votes])
    return out


def write_parquet(out: Path, n: int, seed: int = 0) -> Path:
    """`train.parquet` and `valid.parquet` with votes: n faces of each of FER2013's emotions in each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    out.mkdir(parents=True, exist_ok=True)
    rows = list(_fer2013(n, seed))
    for wanted in ("train", "valid"):
        table = [
            {
                "row": number,
                "image": {"bytes": _png(pixels), "path": f"fer{number:07d}.png"},
                "usage": USAGES[split],
                "emotion": FER7.index(emotion),
                **dict(zip(VOTE_COLUMNS, votes, strict=True)),
            }
            for number, (split, emotion, pixels, votes) in enumerate(rows)
            if split == wanted
        ]
        pq.write_table(pa.Table.from_pylist(table), out / f"{wanted}.parquet")
    return out


def write_people(out: Path, n: int, seed: int = 0) -> Path:
    """A people folder: n people, each with a face of each of CK+'s emotions, and their table."""
    rng = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "emotions.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["set_id", "gender", "age", "country"])
        for person in range(n):
            folder = out / "images" / str(person)
            folder.mkdir(parents=True)
            for emotion in CKPLUS7:
                name = SPELLINGS.get(emotion, emotion.capitalize())
                Image.fromarray(draw_face(emotion, rng)).save(folder / f"{name}.jpg", quality=95)
            table.writerow([person, rng.choice(["MALE", "FEMALE"]), rng.integers(18, 70), rng.choice(["BR", "IN"])])
    return out


def draw_nothing(rng: np.random.Generator, size: int = 48) -> Gray:
    """No face: noise about a random gray; shape (size, size)."""
    return np.clip(rng.normal(rng.uniform(50, 200), 40, (size, size)), 0, 255).astype(np.uint8)


def _fer2013(n: int, seed: int, empty: int = 0) -> Iterator[tuple[str, str, Gray, list[int]]]:
    """Split, emotion, pixels and votes, in a random order."""
    rng = np.random.default_rng(seed)
    wanted = [emotion for emotion in FER7 for _ in range(n)] + [""] * empty
    drawn = [(split, emotion) for split in USAGES for emotion in wanted]
    for split, emotion in (drawn[position] for position in rng.permutation(len(drawn))):
        if emotion:
            yield split, emotion, draw_face(emotion, rng), _votes(emotion, rng)
        else:
            yield split, "neutral", draw_nothing(rng), [0] * len(FERPLUS8) + [1, 9]


def _votes(emotion: str, rng: np.random.Generator) -> list[int]:
    """Ten people, of whom seven at least see the emotion that was drawn."""
    votes = np.bincount(rng.integers(0, len(VOTE_COLUMNS), rng.integers(0, 4)), minlength=len(VOTE_COLUMNS))
    votes[FERPLUS8.index(emotion)] += 10 - votes.sum()
    return [int(count) for count in votes]


def _png(pixels: Gray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()
