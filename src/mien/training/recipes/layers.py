"""The small language of layers: one layer a string, a name and its numbers, such as `conv 64` or `dropout 0.5`."""

from __future__ import annotations

from dataclasses import dataclass

LAYERS = {
    "conv": "conv CHANNELS [SIDE]: convolution that keeps the size, and ReLU; kernels of 3 x 3 if no side is given",
    "conv-valid": "conv-valid CHANNELS [SIDE]: convolution without padding, and ReLU",
    "batchnorm": "batchnorm: batch normalisation",
    "pool": "pool [SIDE]: the maximum of every 2 x 2 pixels, or SIDE x SIDE",
    "mean": "mean: each channel's mean",
    "flatten": "flatten: channels, rows and columns as one row",
    "dense": "dense UNITS: fully connected, and ReLU",
    "dropout": "dropout SHARE: zeros so many values while training",
}
"""Every layer, as it is written and what it does."""

MOST = 2**14
"""Of channels, units and pixels: more is a slip, and torch would be out of memory."""

_NUMBERS = {"conv": (1, 2), "conv-valid": (1, 2), "pool": (0, 1), "dense": (1, 1), "dropout": (1, 1)}


@dataclass(frozen=True)
class Layer:
    """A layer's name, and its numbers; a share for `dropout`, whole numbers for the others."""

    name: str
    numbers: tuple[float, ...] = ()

    def whole(self, position: int, default: int = 0) -> int:
        """The number at a position, or else the default."""
        return int(self.numbers[position]) if position < len(self.numbers) else default


def parse_layer(text: str) -> Layer:
    """A layer from its string.

    Raises:
        ValueError: there is no such layer, or its numbers are not what it takes; says what can be written.
    """
    name, *rest = text.split() or [""]
    if name not in LAYERS:
        raise ValueError(f"{text!r} is no layer; there are {', '.join(LAYERS)}")
    least, most = _NUMBERS.get(name, (0, 0))
    try:
        numbers = tuple(float(number) for number in rest)
    except ValueError:
        numbers = (-1.0,) * (most + 1)
    if name == "dropout":
        good = all(0 <= number < 1 for number in numbers)
    else:
        good = all(1 <= number <= MOST and number.is_integer() for number in numbers)
    if not good or not least <= len(numbers) <= most:
        whole = "" if name == "dropout" or not most else f", of whole numbers 1..{MOST}"
        raise ValueError(f"{text!r}: expected {LAYERS[name].split(':')[0]}{whole}")
    return Layer(name, numbers)


def checked_layer(text: str) -> str:
    """The string itself, if it is a layer; else as `parse_layer`."""
    parse_layer(text)
    return text
