"""How much crops of the same face differ between photos of it, beside what training does to its images.

    python benchmarks/jitter.py [MODEL ...]

Each development photo is taken again 40 times: turned, moved, made smaller, darker or brighter, compressed. Its faces
are found and framed anew, and compared with where the frames of the first photo should lie. The spread (standard
deviation over all faces and retakes) stands beside that of `recipes/small.toml`'s augmentation, which should be larger;
then, by model, how often the answer stays the same.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from common import ROOT, data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

import mien
from mien.face import Face, Square, framing
from mien.image import read_image
from mien.picture import Picture
from mien.training.recipes.recipe import read_recipe

RETAKES = 40


class Taken(NamedTuple):
    """A photo taken again: made smaller by `scale`, then turned clockwise about its centre and moved, in px."""

    image: NDArray[np.uint8]
    scale: float
    degrees: float
    moved: tuple[float, float]

    def place(self, square: Square) -> Square:
        """Where a frame of the first photo lies in this one."""
        angle = math.radians(self.degrees)
        middle = self.image.shape[1] / 2, self.image.shape[0] / 2
        x, y = (self.scale * at - half for at, half in zip(square.centre_xy, middle, strict=True))
        centre = (
            math.cos(angle) * x - math.sin(angle) * y + middle[0] + self.moved[0],
            math.sin(angle) * x + math.cos(angle) * y + middle[1] + self.moved[1],
        )
        return Square(centre, self.scale * square.side, square.roll + self.degrees)


def main() -> None:
    photos = sorted((data_folder("media/single_face.jpg") / "media").glob("*.jpg"))
    names: list[str | None] = [*sys.argv[1:]] or [None]
    models = [mien.load(name) for name in names]
    rng, differences, lost = np.random.default_rng(0), list[tuple[float, float, float, float]](), 0
    same: list[list[bool]] = [[] for _ in models]
    for path in photos:
        image = read_image(path)
        faces = models[0].detector.detect(image)
        first = [answers(model, image, faces) for model in models]
        for taken in retakes(image, rng):
            found = models[0].detector.detect(taken.image)
            for number, face in enumerate(faces):
                wanted = taken.place(framing(face))
                again = nearest(wanted, found)
                if again is None:
                    lost += 1
                    continue
                differences.append(difference(wanted, framing(again)))
                for kept, model, labels in zip(same, models, first, strict=True):
                    kept.append(answers(model, taken.image, [again])[0] == labels[number])
    print(machine())
    print(f"\n{len(differences)} faces framed again; {lost} more were not found again, and count for nothing below\n")
    augment = read_recipe(ROOT / "recipes" / "small.toml").augment
    flat = 1 / math.sqrt(3)  # standard deviation of an even spread from -1 to 1
    trained = (augment.shift * flat, augment.shift * flat, augment.scale * flat, augment.rotate * flat)
    measures = ("moved across, sides", "moved down, sides", "size, ratio", "roll, degrees")
    head("of a crop", "spread", "95% within", "in training")
    for name, values, ours in zip(measures, np.array(differences).T, trained, strict=True):
        row(name, *(f"{each:.3f}" for each in (values.std(), np.quantile(np.abs(values), 0.95), ours)))
    print()
    for model, kept in zip(models, same, strict=True):
        print(f"{model.artifact.name}: the same answer in {np.mean(kept):.1%} of the retakes")


def retakes(image: NDArray[np.uint8], rng: np.random.Generator) -> Iterator[Taken]:
    height, width = image.shape[:2]
    for _ in range(RETAKES):
        scale, degrees = rng.uniform(0.5, 1.0), rng.uniform(-8, 8)
        moved = tuple(rng.uniform(-0.03, 0.03, 2) * scale * min(width, height))
        smaller = Image.fromarray(image).resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
        changed = smaller.rotate(-degrees, Image.Resampling.BICUBIC, translate=moved)
        changed = ImageEnhance.Brightness(changed).enhance(rng.uniform(0.7, 1.3))
        stream = io.BytesIO()
        changed.save(stream, "jpeg", quality=int(rng.integers(60, 95)))
        yield Taken(read_image(stream.getvalue()), scale, degrees, moved)


def nearest(wanted: Square, found: list[Face]) -> Face | None:
    """The face whose frame is less than half a side away."""
    near = [(math.dist(framing(face).centre_xy, wanted.centre_xy), face) for face in found]
    close = [(distance, face) for distance, face in near if distance < wanted.side / 2]
    return min(close, key=lambda pair: pair[0])[1] if close else None


def difference(wanted: Square, got: Square) -> tuple[float, float, float, float]:
    across, down = ((b - a) / wanted.side for a, b in zip(wanted.centre_xy, got.centre_xy, strict=True))
    return across, down, got.side / wanted.side - 1, (got.roll - wanted.roll + 180) % 360 - 180


def answers(model: mien.Recognizer, image: NDArray[np.uint8], faces: list[Face]) -> list[str]:
    """The expression read in each face."""
    picture = Picture.of(Image.fromarray(image))
    shares = model.probabilities([model.preprocess.face(picture, face) for face in faces])
    return [model.labels.emotions[position] for position in shares.argmax(1)] if faces else []


if __name__ == "__main__":
    main()
