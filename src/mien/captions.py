"""Captions: events as what players show under a video, SubRip and WebVTT, and as ELAN reads it (.eaf, or text by tabs).

ELAN (Max Planck Institute for Psycholinguistics) keeps whole milliseconds, and lets no two annotations of a tier
overlap: so each expression of each track is a tier of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mien.errors import MienError

Event = Mapping[str, Any]

KIND = "expression"
ELAN = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
MIME = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mpg": "video/mpeg", ".mov": "video/quicktime"}


def srt(events: Sequence[Event]) -> str:
    """SubRip: numbered captions, `track 0: happy`."""
    blocks = [
        f"{number}\n{_clock(event['onset_s'], ',')} --> {_clock(event['offset_s'], ',')}\n{_said(event)}\n"
        for number, event in enumerate(events, 1)
    ]
    return "\n".join(blocks)


def vtt(events: Sequence[Event]) -> str:
    """WebVTT, which browsers show."""
    blocks = [
        f"{_clock(event['onset_s'], '.')} --> {_clock(event['offset_s'], '.')}\n{escape(_said(event), quote=False)}\n"
        for event in events
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def tabs(events: Sequence[Event]) -> str:
    """Text by tabs, as ELAN imports it: tier, begin and end in seconds, the annotation."""
    lines = [f"{_tier(event)}\t{event['onset_s']:.3f}\t{event['offset_s']:.3f}\t{event['label']}" for event in events]
    return "\n".join(["Tier\tBegin Time\tEnd Time\tAnnotation", *lines]) + "\n"


def eaf(events: Sequence[Event]) -> str:
    """ELAN's own form (EAF 3.0): a tier for each expression of each track, and the video named beside."""
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    document = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "mien",
            "DATE": now,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": ELAN,
        },
    )
    header = ElementTree.SubElement(document, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    for source in dict.fromkeys(event["source"] for event in events):
        kind = MIME.get(Path(source).suffix.lower(), "unknown")
        url = Path(source).absolute().as_uri()
        named = {"MEDIA_URL": url, "MIME_TYPE": kind, "RELATIVE_MEDIA_URL": f"./{Path(source).name}"}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", named)
    order = ElementTree.SubElement(document, "TIME_ORDER")
    tiers: dict[str, ElementTree.Element] = {}
    for number, event in enumerate(events, 1):
        slots = {}
        for end, time_s in (("TIME_SLOT_REF1", event["onset_s"]), ("TIME_SLOT_REF2", event["offset_s"])):
            slots[end] = f"ts{2 * number - (end == 'TIME_SLOT_REF1')}"
            named = {"TIME_SLOT_ID": slots[end], "TIME_VALUE": str(round(1000 * time_s))}
            ElementTree.SubElement(order, "TIME_SLOT", named)
        name = _tier(event)
        if name not in tiers:
            tiers[name] = ElementTree.SubElement(document, "TIER", {"LINGUISTIC_TYPE_REF": KIND, "TIER_ID": name})
        holder = ElementTree.SubElement(tiers[name], "ANNOTATION")
        annotation = ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **slots})
        ElementTree.SubElement(annotation, "ANNOTATION_VALUE").text = event["label"]
    type_of = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": KIND, "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(document, "LINGUISTIC_TYPE", type_of)
    ElementTree.indent(document)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(document, encoding="unicode") + "\n"


FORMS: dict[str, Callable[[Sequence[Event]], str]] = {".srt": srt, ".vtt": vtt, ".eaf": eaf, ".txt": tabs}
"""By the ending of the file."""


def captions(events: Sequence[Event], ending: str) -> str:
    """Events of one video as a file with this ending has them.

    Raises:
        MienError: they are of several videos.
    """
    if len(sources := dict.fromkeys(event["source"] for event in events)) > 1:
        raise MienError(f"a {ending} file is of one video, and there are {len(sources)}: write .csv, or one at a time")
    return FORMS[ending](events)


def _tier(event: Event) -> str:
    return f"track {event['track']} {event['label']}"


def _said(event: Event) -> str:
    return f"track {event['track']}: {event['label']}"


def _clock(time_s: float, point: str) -> str:
    whole, thousandths = divmod(round(1000 * time_s), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{thousandths:03}"
