"""What docs/detector.md claims of the face detector: recall, false faces, small faces' time, FER2013's framing.

    python benchmarks/detector.py

The data are `fer2013/valid.parquet` and `media/` in the folder MIEN_DATA, or else in `../shared/data` beside the
checkout. Needs pyarrow and scikit-image, one CPU thread, and about ten minutes.
"""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import skimage.data
from common import data_folder, head, machine, row
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien.detect import BlazeFace
from mien.face import Face, framing, roll_degrees, sharpness, turn

Pixels = NDArray[np.uint8]

N_CLOSE = 1500
NOT_A_FACE = 5  # of ten FER+ votes: such images are left out
FACELESS = ["brick", "chessboard_RGB", "coffee", "coins", "color", "grass", "gravel", "horse", "hubble_deep_field"]
FACELESS += ["ihc", "moon", "motorcycle_left", "page", "retina", "rocket", "text"]  # pictures of scikit-image

LONG_SHAPES, WIDE, PLACES = (8, 16, 20), 240, 10  # times as long as wide; px; where a face is laid

SHAPES = [((1067, 600), 120), ((1067, 600), 200), ((1067, 600), 300), ((800, 600), 200), ((800, 600), 300)]
SHAPES += [((600, 1067), 200), ((1200, 400), 200)]


def main() -> None:
    data = data_folder("fer2013/valid.parquet", "media")
    print(machine())
    detector = BlazeFace()
    faces = fer2013(data / "fer2013" / "valid.parquet", N_CLOSE)
    photos(detector, data / "media")
    close_ups(detector, faces)
    on_their_heads(detector, faces[:500])
    mountain = rgb(data / "media" / "free-mountain-vector-01.jpg")
    backgrounds = [mountain, packaged("coffee"), packaged("rocket")]
    shapes(detector, faces[:1000], backgrounds)
    people = [rgb(path) for path in sorted((data / "media").glob("*.jpg")) if "mountain" not in path.name]
    placed(detector, [*people, packaged("astronaut")], backgrounds)
    beside(detector, [*people, packaged("astronaut")], backgrounds)
    strips(detector, packaged("astronaut"), list(map(packaged, FACELESS)))
    false_faces(detector, [mountain, *map(packaged, FACELESS)])
    found = [hits[0] for face in faces if (hits := detector.detect(resized(face, 192)))]
    framing_of_fer2013(found, len(faces))
    poor_faces(found, faces)


def rgb(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def packaged(name: str) -> Pixels:
    """A picture that comes with scikit-image."""
    return rgb(next(Path(skimage.data.__file__).parent.glob(f"{name}.*")))


def fer2013(path: Path, count: int) -> list[Pixels]:
    """`count` images (48, 48, 3), drawn with a fixed seed."""
    rows = pq.read_table(path, columns=["image", "NF"]).to_pylist()
    rows = [row for row in rows if row["NF"] < NOT_A_FACE]
    chosen = np.random.default_rng(0).permutation(len(rows))[:count]
    return [np.asarray(Image.open(io.BytesIO(rows[i]["image"]["bytes"])).convert("RGB")) for i in chosen]


def resized(image: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def photos(detector: BlazeFace, media: Path) -> None:
    head("photo", "faces found")
    for path in sorted(media.glob("*.jpg")):
        row(path.name, len(detector.detect(rgb(path))))


def close_ups(detector: BlazeFace, faces: list[Pixels]) -> None:
    """A FER2013 image is a face that fills the frame; its middle is a face that overfills it."""
    head("close-up", "images", "with a face found", "with two")
    cases: dict[str, tuple[list[Pixels], Callable[[Pixels], Pixels]]] = {
        "a FER2013 image enlarged to 192 px": (faces, lambda face: resized(face, 192)),
        "the 48 px image itself": (faces[:300], lambda face: face),
        "enlarged to 1500 px": (faces[:100], lambda face: resized(face, 1500)),
        "its middle 85%, 192 px": (faces[:300], lambda face: resized(face[4:-4, 4:-4], 192)),
        "its middle 70%, 192 px": (faces[:300], lambda face: resized(face[7:-7, 7:-7], 192)),
    }
    for name, (some, make) in cases.items():
        counts = np.array([len(detector.detect(make(face))) for face in some])
        row(name, len(some), f"{(counts > 0).mean():.3f}", f"{(counts > 1).mean():.3f}")


def on_their_heads(detector: BlazeFace, faces: list[Pixels]) -> None:
    """FER2013 images alone, and with as much gray around them as they are wide, upright and upside down."""
    head(f"{len(faces)} images", "found", "of these, taken for standing on their heads")
    for name, around in (("alone", 0), ("on gray", 192)):
        placed = [np.pad(resized(face, 192), ((around,) * 2,) * 2 + ((0, 0),), constant_values=128) for face in faces]
        for way, images in (("upright", placed), ("upside down", [image[::-1, ::-1] for image in placed])):
            found = [hits[0] for image in images if (hits := detector.detect(np.ascontiguousarray(image)))]
            over = np.mean([abs(framing(face).roll) > 90 for face in found])
            row(f"{name}, {way}", f"{len(found) / len(images):.3f}", f"{over:.3f}")


def shapes(detector: BlazeFace, faces: list[Pixels], backgrounds: list[Pixels]) -> None:
    """FER2013 images laid anywhere on photos of several shapes: hard to find, since they end where the face does."""
    head(f"{len(faces)} images, laid on photos", "found", "faces seen elsewhere")
    for (width, height), side in SHAPES:
        rng = np.random.default_rng(5)
        canvases = [np.asarray(Image.fromarray(background).resize((width, height))) for background in backgrounds]
        hits, others = 0, 0
        for i, face in enumerate(faces):
            photo = canvases[i % len(canvases)].copy()
            x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
            photo[y : y + side, x : x + side] = resized(face, side)
            found = detector.detect(photo)
            hit = any(matches(each, (x + side / 2, y + side / 2), side) for each in found)
            hits, others = hits + hit, others + len(found) - hit
        row(f"{side} px in {width} x {height}", f"{hits / len(faces):.3f}", others)


def placed(detector: BlazeFace, photographs: list[Pixels], backgrounds: list[Pixels]) -> None:
    """Photos of people, shrunk and laid on photos without faces, anywhere, so that a face has a known size."""
    head("crop side, part of the photo's longer side (1600 px)", "photos", "found", "false faces a photo", "median ms")
    rng = np.random.default_rng(1)
    people = [(image, face) for image in photographs for face in detector.detect(image)]
    for part in (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8):
        hits, others, times = [], 0, []
        for i, (image, face) in enumerate(people * 4):
            canvas = Image.fromarray(backgrounds[i % len(backgrounds)]).resize((1600, 1200))
            scale = 1600 * part / framing(face).side
            x0, y0, x1, y1 = np.rint(np.array(portrait_box(face)) * scale)
            x, y = rng.uniform(0, max(1600 - (x1 - x0), 0)), rng.uniform(0, max(1200 - (y1 - y0), 0))
            small = Image.fromarray(image).resize([max(1, round(length * scale)) for length in image.shape[1::-1]])
            canvas.paste(small.crop((x0, y0, x1, y1)), (round(x), round(y)))
            cx, cy = (c * scale for c in framing(face).centre_xy)
            pixels, start = np.asarray(canvas), time.perf_counter()
            found = detector.detect(pixels)
            times.append(time.perf_counter() - start)
            hits.append(any(matches(f, (x + cx - x0, y + cy - y0), 1600 * part) for f in found))
            others += len(found) - hits[-1]
        ms = float(np.median(times)) * 1e3
        row(f"{part:.2f}", len(hits), f"{np.mean(hits):.2f}", f"{others / len(hits):.2f}", f"{ms:.0f}")


def beside(detector: BlazeFace, photographs: list[Pixels], backgrounds: list[Pixels]) -> None:
    """Somebody near, whose crop is a quarter of the photo's longer side, and somebody farther off."""
    columns = ("photos", "found", "the near one found", "false faces a photo", "median ms")
    head("crop side of the farther one, part of the photo's longer side (1600 px)", *columns)
    people = [(image, face) for image in photographs for face in detector.detect(image)]
    for part in (None, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12):
        rng = np.random.default_rng(3)
        near, far, others, times = [], [], 0, []
        for i, (image, face) in enumerate(people * 4):
            canvas = Image.fromarray(backgrounds[i % len(backgrounds)]).resize((1600, 1200))
            paste_portrait(canvas, image, face, 400, middle := (330, rng.uniform(330, 870)))
            if part:
                place, side = (rng.uniform(850, 1450), rng.uniform(150, 1050)), 1600 * part
                paste_portrait(canvas, *people[rng.integers(len(people))], side, place)
            pixels, start = np.asarray(canvas), time.perf_counter()
            found = detector.detect(pixels)
            times.append(time.perf_counter() - start)
            near.append(any(matches(each, middle, 400) for each in found))
            far.append(bool(part) and any(matches(each, place, side) for each in found))
            others += len(found) - near[-1] - far[-1]
        shares = (f"{np.mean(far):.2f}" if part else "", f"{np.mean(near):.2f}", f"{others / len(near):.2f}")
        row(f"{part:.2f}" if part else "nobody", len(near), *shares, f"{float(np.median(times)) * 1e3:.0f}")


def strips(detector: BlazeFace, portrait: Pixels, backgrounds: list[Pixels]) -> None:
    """A portrait at ten places of long pictures, lying and standing; and long pictures without one."""
    head("strip", "crop side, part of its width", "found lying, standing", "faces seen elsewhere")
    (face,) = detector.detect(portrait)
    canvases = [np.full((WIDE, WIDE, 3), 128, np.uint8), *backgrounds[:2]]
    for shape, part in itertools.product(LONG_SHAPES, (0.25, 0.5, 0.95)):
        side, hits, others = WIDE * part, {False: 0, True: 0}, 0
        for canvas, standing, place in itertools.product(canvases, (False, True), range(PLACES)):
            along = (place + 0.5) / PLACES * WIDE * shape
            middle = (WIDE / 2, along) if standing else (along, WIDE / 2)
            image = Image.fromarray(strip(canvas, shape, standing))
            paste_portrait(image, portrait, face, side, middle)
            found = detector.detect(np.asarray(image))
            hit = any(matches(each, middle, side) for each in found)
            hits[standing], others = hits[standing] + hit, others + len(found) - hit
        n = PLACES * len(canvases)
        row(f"1 : {shape}", f"{part:.2f}", ", ".join(f"{count / n:.2f}" for count in hits.values()), others)
    bare = [strip(each, *how) for each in backgrounds for how in itertools.product(LONG_SHAPES, (False, True))]
    wrong = sum(len(detector.detect(image)) > 0 for image in bare)
    print(f"\nstrips without a face: {wrong} of {len(bare)} show one")


def strip(image: Pixels, shape: int, standing: bool) -> Pixels:
    """One picture as a square of `WIDE`, side by side, `shape` times."""
    row = np.tile(resized(image, WIDE), (1, shape, 1))
    return np.concatenate(np.split(row, shape, axis=1)) if standing else row


def paste_portrait(image: Image.Image, portrait: Pixels, face: Face, side: float, middle: tuple[float, float]) -> None:
    """Lay a face and what is around it on an image, so that its crop has that side and its centre is at `middle`."""
    square = framing(face)
    (x, y), half = square.centre_xy, 0.75 * square.side
    length = round(1.5 * side)
    around = np.rint((x - half, y - half, x + half, y + half)).astype(int)  # black where the portrait ends
    small = Image.fromarray(portrait).crop(tuple(around.tolist())).resize((length, length))
    image.paste(small, (round(middle[0] - length / 2), round(middle[1] - length / 2)))


def portrait_box(face: Face) -> tuple[float, float, float, float]:
    """Head and shoulders."""
    (x, y), side = framing(face).centre_xy, framing(face).side
    return x - 0.75 * side, y - 0.75 * side, x + 0.75 * side, y + 1.0 * side


def matches(face: Face, centre: tuple[float, float], side: float) -> bool:
    square = framing(face)
    near = max(abs(a - b) for a, b in zip(square.centre_xy, centre, strict=True)) < 0.25 * side
    return near and 0.5 < square.side / side < 2


def false_faces(detector: BlazeFace, images: list[Pixels]) -> None:
    """Pictures without a face, whole and their halves and thirds, as they are, upside down, and negative."""
    whole = images + drawn()
    pieces = [piece for image in whole for n in (1, 2, 3) for piece in cut(image, n)]
    pieces = [np.ascontiguousarray(other) for p in pieces for other in (p, p[::-1], 255 - p)]
    for name, some in (("whole", whole), ("pieces", pieces)):
        wrong = sum(len(detector.detect(image)) > 0 for image in some)
        print(f"\nwithout a face, {name}: {wrong} of {len(some)} images show one")


def cut(image: Pixels, n: int) -> list[Pixels]:
    rows = np.array_split(image, n, axis=0)
    return [piece for row in rows for piece in np.array_split(row, n, axis=1)]


def drawn() -> list[Pixels]:
    """Noise, soft noise, a gradient, flat black, gray and white, a disc."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (400, 400, 3), dtype=np.uint8)
    soft = resized(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8), 400)
    gradient = np.repeat(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (400, 1))[..., None], 3, axis=2)
    flat = [np.full((300, 300, 3), level, dtype=np.uint8) for level in (0, 128, 255)]
    y, x = np.mgrid[-1:1:300j, -1:1:300j]
    disc = np.repeat((200 * (x**2 + y**2 < 0.5)).astype(np.uint8)[..., None], 3, axis=2)
    return [noise, soft, gradient, *flat, disc]


def framing_of_fer2013(found: list[Face], images: int) -> None:
    """Where a face lies in its FER2013 image of 192 px, and how near the crop of the detection comes to that image."""
    points = np.array([face.landmarks_xy for face in found]) / 192
    boxes = np.array([face.box_xyxy for face in found]) / 192
    eyes = points[:, :2].mean(axis=1)
    measured = {
        "landmarks' RMS distance from their mean": np.sqrt(points.var(axis=1).sum(axis=1)),
        "landmarks' mean, x": points[:, :, 0].mean(axis=1),
        "landmarks' mean, y": points[:, :, 1].mean(axis=1),
        "box side": boxes[:, 2] - boxes[:, 0],
        "box centre, y": boxes[:, [1, 3]].mean(axis=1),
        "between the eyes, y": eyes[:, 1],
        "eye distance": np.hypot(*(points[:, 1] - points[:, 0]).T),
        "mouth, y": points[:, 3, 1],
        "crop's side": np.array([framing(face).side for face in found]) / 192,
        "crop's centre, x": np.array([framing(face).centre_xy[0] for face in found]) / 192,
        "crop's centre, y": np.array([framing(face).centre_xy[1] for face in found]) / 192,
        "roll, degrees": np.array([framing(face).roll for face in found]),
    }
    spread_of(f"{len(found):,} faces of {images:,}", measured, (5, 25, 50, 75, 95))


def poor_faces(found: list[Face], images: list[Pixels]) -> None:
    """What tells a poor face, of FER2013's: its image spoilt, its head turned or rolled."""
    crops = {"`sharpness` of the 48 px image": images}
    for sigma in (1.0, 1.5, 2.0):
        blur = ImageFilter.GaussianBlur(sigma)
        blurred = [np.asarray(Image.fromarray(image).filter(blur)) for image in images]
        crops[f"the same, blurred with sigma {sigma:g} px"] = blurred
    for side in (24, 16, 12):
        crops[f"the same, enlarged from {side} px"] = [resized(resized(image, side), 48) for image in images]
    measured = {name: sharpness(np.stack(some)) for name, some in crops.items()}
    measured["`turn`"] = np.array([turn(face) for face in found])
    measured["`roll_degrees`, absolute"] = np.array([abs(roll_degrees(face)) for face in found])
    spread_of("measure", measured, (1, 5, 50, 90, 95, 99))


def spread_of(name: str, measured: Mapping[str, NDArray[np.floating]], shares: Sequence[int]) -> None:
    """A table of percentiles."""
    head(name, *(f"{share}%" for share in shares))
    for measure, values in measured.items():
        row(measure, *(f"{value:.3f}" for value in np.percentile(values, shares)))


if __name__ == "__main__":
    main()
