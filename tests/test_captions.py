"""Captions: events as players and ELAN read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mien.captions import FORMS, captions
from mien.errors import MienError

EVENTS: list[dict[str, Any]] = [
    {"source": "/clips/a & b.mp4", "track": 0, "label": "happy", "onset_s": 0.0004, "offset_s": 61.2506},
    {"source": "/clips/a & b.mp4", "track": 12, "label": "sad", "onset_s": 3599.9999, "offset_s": 3723.5},
    {"source": "/clips/a & b.mp4", "track": 0, "label": "happy", "onset_s": 70.0, "offset_s": 71.0},
]


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (
            ".srt",
            "1\n00:00:00,000 --> 00:01:01,251\ntrack 0: happy\n\n"
            "2\n01:00:00,000 --> 01:02:03,500\ntrack 12: sad\n\n"
            "3\n00:01:10,000 --> 00:01:11,000\ntrack 0: happy\n",
        ),
        (
            ".vtt",
            "WEBVTT\n\n00:00:00.000 --> 00:01:01.251\ntrack 0: happy\n\n"
            "01:00:00.000 --> 01:02:03.500\ntrack 12: sad\n\n"
            "00:01:10.000 --> 00:01:11.000\ntrack 0: happy\n",
        ),
        (
            ".txt",
            "Tier\tBegin Time\tEnd Time\tAnnotation\n"
            "track 0 happy\t0.000\t61.251\thappy\n"
            "track 12 sad\t3600.000\t3723.500\tsad\n"
            "track 0 happy\t70.000\t71.000\thappy\n",
        ),
    ],
)
def test_text(ending: str, text: str) -> None:
    assert captions(EVENTS, ending) == text


def test_signs_that_webvtt_reads() -> None:
    event = EVENTS[2] | {"label": "<3 & more"}
    assert captions([event], ".vtt").endswith("track 0: &lt;3 &amp; more\n")
    assert captions([event], ".srt").endswith("track 0: <3 & more\n")


@pytest.mark.parametrize("ending", FORMS)
def test_nothing(ending: str) -> None:
    assert captions([], ending).count("happy") == 0


def test_elan() -> None:
    document = ElementTree.fromstring(captions(EVENTS, ".eaf"))
    assert [child.tag for child in document] == ["HEADER", "TIME_ORDER", "TIER", "TIER", "LINGUISTIC_TYPE"]
    times = {slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"]) for slot in document.iter("TIME_SLOT")}
    told = {
        tier.attrib["TIER_ID"]: [
            (times[each.attrib["TIME_SLOT_REF1"]], times[each.attrib["TIME_SLOT_REF2"]], each[0].text)
            for each in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        for tier in document.iter("TIER")
    }
    assert told == {
        "track 0 happy": [(0, 61251, "happy"), (70000, 71000, "happy")],
        "track 12 sad": [(3600000, 3723500, "sad")],
    }
    numbers = [each.attrib["ANNOTATION_ID"] for each in document.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(numbers)) == len(numbers)
    (media,) = document.iter("MEDIA_DESCRIPTOR")
    assert media.attrib["MEDIA_URL"].endswith("a%20%26%20b.mp4")
    assert Path(media.attrib["RELATIVE_MEDIA_URL"]).name == "a & b.mp4"
    assert media.attrib["MIME_TYPE"] == "video/mp4"
    types = {each.attrib["LINGUISTIC_TYPE_ID"] for each in document.iter("LINGUISTIC_TYPE")}
    assert {tier.attrib["LINGUISTIC_TYPE_REF"] for tier in document.iter("TIER")} == types


def test_one_video_a_file() -> None:
    with pytest.raises(MienError, match=r"a \.srt file is of one video, and there are 2: write \.csv"):
        captions([*EVENTS, EVENTS[0] | {"source": "b.mp4"}], ".srt")
