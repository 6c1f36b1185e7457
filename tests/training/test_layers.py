"""Layers as strings: what is one is read, what is not is refused with what could be written."""

from __future__ import annotations

import pytest

from mien.training.recipes.layers import LAYERS, Layer, parse_layer


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("conv 64", Layer("conv", (64,))),
        ("conv-valid 16 5", Layer("conv-valid", (16, 5))),
        ("  pool   3 ", Layer("pool", (3,))),
        ("pool", Layer("pool")),
        ("flatten", Layer("flatten")),
        ("dropout 0.25", Layer("dropout", (0.25,))),
    ],
)
def test_layers(text: str, layer: Layer) -> None:
    assert parse_layer(text) == layer


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no layer; there are conv, conv-valid, "),
        ("attention 8", "is no layer; there are "),
        ("conv", r"expected conv CHANNELS \[SIDE\]"),
        ("conv 3 3 3", r"expected conv CHANNELS \[SIDE\]"),
        ("conv many", r"expected conv CHANNELS \[SIDE\]"),
        ("conv 2.5", r"expected conv CHANNELS \[SIDE\]"),
        ("conv inf", r"expected conv CHANNELS \[SIDE\]"),
        ("dense 0", r"expected dense UNITS, of whole numbers 1\.\.16384$"),
        ("conv 64 16385", r"expected conv CHANNELS \[SIDE\], of whole numbers 1\.\.16384$"),
        ("dense 1e12", "expected dense UNITS, of whole numbers"),
        ("pool 2 2", r"expected pool \[SIDE\]"),
        ("dropout 1", "expected dropout SHARE$"),
        ("dropout nan", "expected dropout SHARE"),
        ("dropout", "expected dropout SHARE"),
        ("flatten 1", "expected flatten$"),
    ],
)
def test_what_is_no_layer(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_layer(text)


def test_every_layer_is_described_by_its_name() -> None:
    assert all(text.startswith(name) for name, text in LAYERS.items())
