"""How answers look: colours that stand out, shares of a photo, and the files to save."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import astuple, replace

import pytest
from PIL import Image
from shown import answer, drawn

from mien.draw import PALETTE, contrast
from mien.labels import FERPLUS8, LabelSet
from mien.service.looks import GROUNDS, csv, json_file, place, tone
from mien.service.pages import Pages
from mien.service.problems import KINDS

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


def test_what_has_no_translation_is_marked_as_english() -> None:
    face = answer(PHOTO, "a.jpg", 1)
    (reading,) = face.prediction.faces
    reasons = "low confidence by mine labels (15%, never reliable)", "nobody translated this"
    reading = replace(reading, expression=replace(reading.expression, reasons=reasons))
    noted = replace(face, prediction=replace(face.prediction, faces=(reading,), notes=("nobody translated that",)))
    none = answer(PHOTO, "b.jpg", 0)
    none = replace(none, prediction=replace(none.prediction, reasons=("nor this",)))
    page = drawn([noted, none], "de")
    assert '<span lang="de">geringe Sicherheit nach den Labels von mine (15%, nie verlässlich)</span>; ' in page
    assert '; <span lang="en">nobody translated this</span></p>' in page
    assert '<span lang="en">Nobody translated that.</span>' in page
    assert '<span lang="en">Nor this.</span>' in page


def test_the_camera_page_has_what_is_said_of_sets_of_ones_own() -> None:
    scope = {"type": "http", "path": "/live", "headers": [(b"accept-language", b"de")]}
    choices = [FERPLUS8, LabelSet("</script>7", ("happy", "sad"))]
    page = bytes(Pages("").render("live", scope, choices=choices, prior="training", kinds=KINDS).body).decode()
    (texts,) = re.findall(r'<script type="application/json" id="texts">(.*?)</script>', page, re.DOTALL)
    reasons = json.loads(texts)["reasons"]
    lacks = "wahrscheinlich ein Ausdruck, den {} nicht kennt (#%)"
    assert reasons["probably an expression that ferplus# lacks (#%)"] == lacks.format("ferplus#")
    assert reasons["probably an expression that </script># lacks (#%)"] == lacks.format("</script>#")
    assert reasons["blurred"] == "unscharf"


def test_a_name_of_any_bytes_is_saved() -> None:
    told = base64.b64decode(json_file([{"source": "\udcff ü"}]).partition(",")[2])
    assert json.loads(told) == [{"source": "\udcff ü"}]
