"""How answers look: colours that stand out, shares of a photo, and the files to save."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import astuple

import pytest
from PIL import Image
from shown import answer

from mien.draw import PALETTE, contrast
from mien.labels import FERPLUS8
from mien.service.looks import GROUNDS, csv, json_file, place, tone

PHOTO = Image.new("RGB", (400, 300))


def test_nothing() -> None:
    assert base64.b64decode(json_file([]).partition(",")[2]) == b"[]"
    assert base64.b64decode(csv([], FERPLUS8).partition(",")[2]).startswith(b"source,")


@pytest.mark.parametrize("label", [*PALETTE, "awake", "asleep", "", "wütend"])
def test_every_colour_stands_out_by_day_and_by_night(label: str) -> None:
    told = re.findall(r"#(\w\w)(\w\w)(\w\w)", tone(label))
    for channels, grounds in zip(told, GROUNDS, strict=True):
        r, g, b = (int(each, 16) for each in channels)
        assert min(contrast((r, g, b), ground) for ground in grounds) >= 3


def test_where_a_face_is() -> None:
    prediction = answer(PHOTO, "a.jpg", 12).prediction
    assert astuple(place(prediction.faces[11], prediction)) == pytest.approx((0.12, 0.24, 0.06, 0.12))


def test_a_name_of_any_bytes_is_saved() -> None:
    told = base64.b64decode(json_file([{"source": "\udcff ü"}]).partition(",")[2])
    assert json.loads(told) == [{"source": "\udcff ü"}]
