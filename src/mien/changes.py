"""The same face with one thing changed: its light, the colour of its skin, what is worn on it, how sharp it is.

Photos are RGB uint8 arrays (H, W, 3), sRGB; a change gives a new one. Places on a face are told in distances of the
eyes from each other, from the middle between them, so that they turn and grow with the face; where the detector gives
no landmarks they are those of a face as FER2013 frames it. Paint is flat and hard at its edges: it is a test of what an
answer hangs on, not a portrait.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien.face import Face, Point, framing
from mien.image import Pixels

Floats = NDArray[np.float64]
Chosen = NDArray[np.bool_]
Change = Callable[[Pixels, Face], Pixels]
Window = tuple[slice, slice]
"""Rows and columns of a photo."""

LANDMARKS: tuple[Point, ...] = ((0.32, 0.4), (0.68, 0.4), (0.5, 0.6), (0.5, 0.78), (0.1, 0.47), (0.9, 0.47))
"""Where they lie on a crop as FER2013 frames faces, in sides: their mean and their spread are those of `framing`."""

STOP = 2.0  # times the light, or half of it: what a photographer calls a stop
TONE = 30.0  # degrees of the individual typology angle: one or two of its six classes from very light to dark
DEEPEST = 60.0  # degrees, about as far as skin goes either way
SKIN_B = 16.0  # b* of skin, for photos that do not tell it: gray ones, or in blue light
BLUR = 0.02  # standard deviation in sides of the crop: one px of FER2013's 48
LEVELS = np.arange(256, dtype=np.uint8)  # all that there are
BESIDE, BELOW = 1.15, 1.0
"""How far skin reaches from the point between the eyes, in distances between the eyes: to each side; above the eyes and
below the mouth."""
DARK, INK = 0.3, 25  # what a beard leaves of the light; gray of rims and dark glasses

# Light


def brighter(photo: Pixels, face: Face) -> Pixels:
    """Twice the light."""
    return _encoded(STOP * _linear(LEVELS))[photo]


def darker(photo: Pixels, face: Face) -> Pixels:
    """Half the light."""
    return _encoded(_linear(LEVELS) / STOP)[photo]


def blurred(photo: Pixels, face: Face) -> Pixels:
    """Out of focus."""
    side = framing(face).side if face.landmarks_xy else max(photo.shape[:2])
    return np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(BLUR * side)))


# Skin


def lighter_skin(photo: Pixels, face: Face) -> Pixels:
    return _toned(photo, face, TONE)


def darker_skin(photo: Pixels, face: Face) -> Pixels:
    return _toned(photo, face, -TONE)


def _toned(photo: Pixels, face: Face, degrees: float) -> Pixels:
    """Skin of another tone under the same light.

    Tone is the individual typology angle, atan((L* - 50) / b*) in CIELAB (Chardon, Cretois and Hourseau, "Skin colour
    typology and suntanning pathways", 1991): above 55 degrees very light, below -30 dark. The median colour of the skin
    is turned by some degrees, but not beyond `DEEPEST` either way, by its lightness alone; whatever is skin reflects as
    much more, or less, as that colour does, so that shading stays.
    """
    window = _near(photo, face)
    skin, light = _skin(photo, face, window), _linear(photo[window])
    colour = np.median(light[skin > 0.9], axis=0) if (skin > 0.9).any() else np.full(3, 0.2)
    lightness, red, yellow = _lab(colour)
    usual = yellow if yellow > SKIN_B / 2 else SKIN_B
    tone = math.degrees(math.atan2(lightness - 50, usual))
    turned = min(max(tone + degrees, min(tone, -DEEPEST)), max(tone, DEEPEST))
    wanted = 50 + usual * math.tan(math.radians(turned))
    ratio = np.clip(_rgb(wanted, red, yellow) / np.maximum(colour, 1e-3), 0.05, 20)
    return _with(photo, window, _encoded(light * (1 + (ratio - 1) * skin[..., None])))


def _skin(photo: Pixels, face: Face, window: Window) -> Floats:
    """How far each pixel is skin, 0..1: an oval from brow to chin, soft at its edge; without eyes and lips where the
    landmarks say where they are."""
    along, below, mouth = places(photo, face, window)
    oval = np.hypot(along / BESIDE, (below - 0.45 * mouth) / (0.45 * mouth + BELOW))
    skin = np.clip((1 - oval) / 0.15, 0, 1)
    if face.landmarks_xy:
        eyes = np.hypot((np.abs(along) - 0.5) / 0.22, below / 0.1)
        lips = np.hypot(along / 0.36, (below - mouth) / 0.13)
        skin *= np.clip((eyes - 1) / 0.8, 0, 1) * np.clip((lips - 1) / 0.8, 0, 1)  # hard edges would be features
    return np.asarray(skin)


# What is worn


def glasses(photo: Pixels, face: Face) -> Pixels:
    """Dark rims."""
    window = _near(photo, face)
    far, bridge = _lenses(photo, face, window)
    return _painted(photo, window, (np.abs(far - 0.33) < 0.025) | bridge)


def dark_glasses(photo: Pixels, face: Face) -> Pixels:
    window = _near(photo, face)
    far, bridge = _lenses(photo, face, window)
    return _painted(photo, window, (far < 0.36) | bridge)


def beard(photo: Pixels, face: Face) -> Pixels:
    """Dark jaw and upper lip."""
    window = _near(photo, face)
    along, below, mouth = places(photo, face, window)
    below = below - mouth
    jaw = (np.hypot(along / 0.85, (below - 0.2) / 0.75) < 1) & (below > -0.3)
    lips = np.hypot(along / 0.42, below / 0.16) < 1
    part = photo[window]
    return _with(photo, window, np.where((jaw & ~lips)[..., None], (DARK * part).astype(np.uint8), part))


def _painted(photo: Pixels, window: Window, where: Chosen) -> Pixels:
    return _with(photo, window, np.where(where[..., None], np.uint8(INK), photo[window]))


def _with(photo: Pixels, window: Window, part: Pixels) -> Pixels:
    """The photo with another part in it."""
    changed = photo.copy()
    changed[window] = part
    return changed


def _lenses(photo: Pixels, face: Face, window: Window) -> tuple[Floats, Chosen]:
    """How far each pixel is from the middle of the nearer lens, and the bridge between them."""
    along, below, _ = places(photo, face, window)
    far = np.hypot((np.abs(along) - 0.5) / 1.15, below - 0.03)
    return far, (np.abs(below) < 0.03) & (np.abs(along) < 0.13)


CHANGES: Mapping[str, Change] = {
    "brighter": brighter,
    "darker": darker,
    "lighter skin": lighter_skin,
    "darker skin": darker_skin,
    "glasses": glasses,
    "dark glasses": dark_glasses,
    "a beard": beard,
    "blur": blurred,
}
"""Changes that an answer should not hang on, by name."""


def places(photo: Pixels, face: Face, window: Window | None = None) -> tuple[Floats, Floats, float]:
    """How far each pixel of a window lies along the eyes and below them, and how far below the mouth does.

    Both are of the window's height and width; of the photo's where there is none.
    """
    middle, along, mouth = _axes(photo, face)
    rows, columns = window or (slice(0, photo.shape[0]), slice(0, photo.shape[1]))
    x = np.arange(columns.start, columns.stop) - middle[0]
    y = np.arange(rows.start, rows.stop)[:, None] - middle[1]
    return x * along[0] + y * along[1], y * along[0] - x * along[1], mouth


def _axes(photo: Pixels, face: Face) -> tuple[Floats, Floats, float]:
    """The middle between the eyes, px; the way from one to the other, over its length's square; and how far below them
    the mouth is."""
    left, right, _, mouth = (np.array(point) for point in _landmarks(photo, face)[:4])
    along, middle = (right - left) / np.sum((right - left) ** 2), (left + right) / 2
    return middle, along, float((mouth - middle) @ (-along[1], along[0]))


def _near(photo: Pixels, face: Face) -> Window:
    """Where the face is in the photo, and all that is changed of it but its light and its sharpness."""
    middle, along, mouth = _axes(photo, face)
    across = along / (along @ along)
    down = np.array([-across[1], across[0]])
    ends = min(mouth, 0) - BELOW, max(mouth, 0) + BELOW
    corners = np.array([middle + beside * across + below * down for beside in (-BESIDE, BESIDE) for below in ends])
    height, width = photo.shape[:2]
    if not np.isfinite(corners).all():  # eyes in one place
        return slice(0, height), slice(0, width)
    (x0, y0), (x1, y1) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return slice(max(y0, 0), max(min(y1 + 1, height), 0)), slice(max(x0, 0), max(min(x1 + 1, width), 0))


def _landmarks(photo: Pixels, face: Face) -> tuple[Point, ...]:
    """Where they are, or are usually: in the whole image where that is the face, otherwise in what is cut out."""
    if face.landmarks_xy:
        return face.landmarks_xy
    height, width = photo.shape[:2]
    x, y, across, down = 0.0, 0.0, float(width), float(height)
    if face.box_xyxy != (0, 0, width, height):
        square = framing(face)
        across = down = square.side
        x, y = square.centre_xy[0] - across / 2, square.centre_xy[1] - down / 2
    return tuple((x + across * point[0] - 0.5, y + down * point[1] - 0.5) for point in LANDMARKS)


# Colours: sRGB as IEC 61966-2-1 has it, CIELAB with its white, D65

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(1)
BEND = 6 / 29


def _linear(photo: Pixels) -> Floats:
    """Light, 0..1."""
    table = np.arange(256) / 255
    return np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)[photo]


def _encoded(light: Floats) -> Pixels:
    light = np.clip(light, 0, 1)
    values = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * values), np.uint8)


def _lab(light: Floats) -> tuple[float, float, float]:
    """L*, a* and b* of one colour."""
    shares = TO_XYZ @ light / WHITE
    x, y, z = np.where(shares > BEND**3, np.cbrt(shares), shares / (3 * BEND**2) + 4 / 29).tolist()
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _rgb(lightness: float, red: float, yellow: float) -> Floats:
    """The light of a colour; may reach past 0..1."""
    y = (lightness + 16) / 116
    bent = np.array([y + red / 500, y, y - yellow / 200])
    shares = np.where(bent > BEND, bent**3, 3 * BEND**2 * (bent - 4 / 29))
    return np.linalg.solve(TO_XYZ, shares * WHITE)
