"""Photos or face crops: what data are told to be, why, and what is then cut out of them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from drawn import Bounds, in_surroundings
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.crops import CROP_SIDE, NO_FACE, Crop
from mien.datasets.base import Dataset, Example
from mien.errors import DataError, MienError
from mien.intake import ImageSource
from mien.labels import HAPPY_SAD
from mien.photos import FILLS, SAMPLE, CropChoice, choose_crop, load_crops, trained_crop, usual_crop
from mien.picture import Picture, open_picture
from mien.preprocess import Preprocess

Pixels = NDArray[np.uint8]


def dataset(images: Sequence[Pixels | bytes]) -> Dataset:
    examples = (Example(f"{row}.png", image, "happy") for row, image in enumerate(images))
    return Dataset(Path("made"), "made", HAPPY_SAD, tuple(examples))


def framed(share: float, side: int = 200, n: int = 1) -> list[Pixels]:
    """Images of which the crop of a face takes a share of the side; none shows a face where it is 0."""
    return [in_surroundings(np.full((48, 48), 200, np.uint8), side, share)] * n


SMALL = f"small ({CROP_SIDE} px at most)"


@pytest.mark.parametrize(
    ("images", "crop", "reason"),
    [
        ([b"", b"no image"], "auto", "photos: of 2 images looked at, 2 cannot be read"),
        (framed(0.5, 48, 3), "whole", f"face crops: of 3 images looked at, 3 are {SMALL}"),
        (framed(0, CROP_SIDE), "whole", f"face crops: of 1 image looked at, 1 is {SMALL}"),
        (framed(0, CROP_SIDE + 1), "auto", "photos: of 1 image looked at, in 1 no face was found"),
        (framed(1.0, 224, 2), "whole", "face crops: of 2 images looked at, in 2 a face fills the frame"),
        (framed(FILLS + 0.03, 500), "whole", "face crops: of 1 image looked at, in 1 a face fills the frame"),
        (
            framed(FILLS - 0.03, 1000),
            "auto",
            "photos: of 1 image looked at, in 1 a face takes part of the frame (usually 82% of its side)",
        ),
        (
            framed(0.3, 2000, 2),
            "auto",
            "photos: of 2 images looked at, in 2 a face takes part of the frame (usually 30% of its side)",
        ),
        (
            [*framed(1, 48, 2), *framed(0.4, n=1), b""],
            "whole",
            f"face crops: of 4 images looked at, 2 are {SMALL}, "
            "in 1 a face takes part of the frame (usually 40% of its side), 1 cannot be read",
        ),
        (
            [*framed(1, 48), *framed(1), *framed(0.4), *framed(0)],
            "auto",
            f"photos: of 4 images looked at, 1 is {SMALL}, in 1 a face fills the frame, "
            "in 1 a face takes part of the frame (usually 40% of its side), in 1 no face was found",
        ),
    ],
)
def test_the_usual_crop(images: list[Pixels | bytes], crop: Crop, reason: str) -> None:
    assert usual_crop(dataset(images), Bounds()) == CropChoice(crop, reason)


def test_a_face_beside_a_long_frame_is_part_of_it() -> None:
    tall = np.zeros((600, 200, 3), np.uint8)
    tall[200:400] = in_surroundings(np.full((48, 48), 200, np.uint8), 200, 1.1)
    assert usual_crop(dataset([tall]), Bounds()).crop == "auto"


def test_no_more_is_read_than_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Picture] = []

    def spy(source: ImageSource) -> Picture:
        read.append(open_picture(source))
        return read[-1]

    monkeypatch.setattr("mien.photos.open_picture", spy)
    data = dataset(framed(1, 48, 1000))
    assert f"of {SAMPLE} images" in usual_crop(data, Bounds()).reason
    assert len(read) == SAMPLE
    assert usual_crop(data, Bounds(), sample=5).reason.startswith("face crops: of 5 images")


def test_the_detector_is_asked_of_small_copies() -> None:
    seen: list[int] = []

    class Spy(Bounds):
        def detect(self, image: Pixels) -> list[mien.Face]:
            seen.append(max(image.shape))
            return super().detect(image)

    usual_crop(dataset([*framed(0.5, 3000), *framed(0.5, 150)]), Spy())
    assert seen == [384, 150]


@pytest.mark.parametrize("crop", ["auto", "detect", "whole"])
def test_what_is_asked_for_is_chosen(crop: Crop) -> None:
    assert choose_crop(crop, dataset([b""])) == CropChoice(crop, "as asked for")


def test_what_is_no_crop_is_refused() -> None:
    with pytest.raises(MienError, match="crop is one of auto, detect, whole; got 'half'"):
        choose_crop("half", dataset([b""]))  # type: ignore[arg-type]


@pytest.mark.parametrize(("data", "crop"), [({}, "whole"), ({"crop": "whole"}, "whole"), ({"crop": "auto"}, "auto")])
def test_the_crop_that_a_model_was_trained_with(data: dict[str, str], crop: Crop) -> None:
    assert trained_crop(data) == crop


# The crops


@pytest.mark.parametrize(
    ("crop", "left_out"),
    [
        ("auto", {"1.png": f"{NO_FACE} (crop auto)"}),
        ("detect", {"0.png": f"{NO_FACE} (crop detect)", "1.png": f"{NO_FACE} (crop detect)"}),
        ("whole", {}),
    ],
)
@pytest.mark.parametrize("preprocess", [Preprocess(), Preprocess(64, "rgb")])
def test_crops_are_those_that_a_recognizer_sees(crop: Crop, left_out: dict[str, str], preprocess: Preprocess) -> None:
    images: list[Pixels | bytes] = [*framed(0, 48), *framed(0), *framed(0.3, 300), b"broken"]
    readable, crops, told = load_crops(dataset(images), preprocess, crop, Bounds())
    assert told.pop("3.png").startswith("not an image")
    assert told == left_out
    assert [each.name for each in readable.examples] == [f"{n}.png" for n in range(3) if f"{n}.png" not in left_out]
    recognizer = mien.load(detector=Bounds())
    recognizer.preprocess = preprocess
    found = [recognizer.find(image, crop) for image in images]
    expected = [each.crops[0] for each in found if each.crops]
    assert len(crops) == len(expected)
    assert all((ours == theirs).all() for ours, theirs in zip(crops, expected, strict=True))


def test_the_largest_face_counts(astronaut: bytes) -> None:
    with Image.open(BytesIO(astronaut)) as person:
        both = Image.new("RGB", (900, 512))
        both.paste(person.resize((256, 256)), (0, 0))
        both.paste(person, (388, 0))
    _, crops, _ = load_crops(dataset([np.asarray(both)]), Preprocess(), "auto")
    found = mien.load().find(np.asarray(both))
    assert len(found.crops) == 2
    assert (crops[0] == found.crops[0]).all()
    assert found.faces[0].box_xyxy[0] > 388


def test_nothing_to_cut() -> None:
    with pytest.raises(DataError, match=r"none of 2 images could be read; the first, 0\.png: no face was found"):
        load_crops(dataset(framed(0, n=2)), Preprocess(), "auto", Bounds())


def test_a_real_photo_is_a_photo(astronaut: bytes) -> None:
    assert usual_crop(dataset([astronaut])).crop == "auto"
