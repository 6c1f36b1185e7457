"""Languages: what the pages say, in the language that a person's browser asks for.

The texts stand in English where they are used. What they are in other languages is in `locale/`, as GNU gettext keeps
it; `tools/translate.py` gathers the texts and says which are missing.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

DOMAIN = "mien"
LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "de", "es")
"""Those that the pages speak; the first is that of the texts themselves."""

NOTICE = (
    "An emotion recognition system works here. It reads the facial expressions of everyone in the photos and camera "
    "pictures that it is given. It can be wrong. It does not know what a person feels. Article 50(3) of Regulation "
    "(EU) 2024/1689, the AI Act, asks for this notice."
)
"""What people are told who meet such a system, as article 50(3) of the EU AI Act asks whoever runs one."""

READY = "on"
"""What stands for that notice in a setting; see `asked`."""

NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]\d+)?")

SET = "{set}"
"""Stands for a label set's name in the sentences."""

SENTENCES = (
    "blurred",
    "clear everywhere: read as white",
    "cut by the image's edge",
    "gray values up to # of #: read as # bits",
    "eyes covered (#%)",
    "half of the face covered (#%)",
    "mouth covered (#%)",
    "low confidence (#%, never reliable)",
    "low confidence (#%, reliable from #%)",
    "low confidence by {set} labels (#%, never reliable)",
    "low confidence by {set} labels (#%, reliable from #%)",
    "no face was found",
    "one frame of # was read",
    "one frame of # or more was read",
    "perhaps not a face (#%)",
    "probably an expression that {set} lacks (#%)",
    "small face (# px, reliable from # px)",
    "the file's end is missing",
    "turned away",
)
"""What the library says of images and faces, a `#` in place of each number, `SET` of a name; see `said`."""

NAMED = [
    re.compile(re.escape(each).replace(r"\#", NUMBER.pattern).replace(re.escape(SET), "(?P<set>.+)"))
    for each in SENTENCES
    if SET in each
]
"""Those of `SENTENCES` that name a label set."""

FAULTS = (
    "# faces, over the limit of #",
    "# million pixels of a kind that is slow to read, over # million: save it as PNG",
    "# x # pixels, over the limit of # million",
    "PDF is not supported: save the page as JPEG or PNG",
    "Photoshop files are not supported: save it as JPEG or PNG",
    "PostScript is not supported: save it as JPEG or PNG",
    "a CMYK JPEG, whose colours browsers read in different ways: save it as RGB",
    "a GIF that is damaged or cut short",
    "a HEIC or AVIF that is damaged or cut short",
    "a HEIC that is damaged or cut short",
    "a JPEG that is damaged or cut short",
    "a PNG that is damaged or cut short",
    "a TIFF that begins with a preview, as camera raws do: save it as JPEG or PNG",
    "a TIFF that is damaged, cut short or of an unsupported kind",
    "a WebP that is damaged or cut short",
    "a bitmap in plain text (P#, P# or P#), which takes too long: save it as PNG, or as P# to P#",
    "a camera raw: save it as JPEG or PNG",
    "a folder, not an image",
    "a link to a file that is not there",
    "a part is larger than # bytes, the limit",
    "a table, not an image: mien evaluate and mien data info read those that are datasets",
    "a video, not an image: save the frames that you want as JPEG or PNG",
    "an AVIF that is damaged or cut short",
    "an archive, not an image: unpack it and name its folder",
    "an index of a dataset, not an image: mien evaluate, crop, train and data info read it",
    "as many connections are open as there is room for: come again a little later",
    "at # s of the video, and in # more place, its sound is left out: damaged",
    "at # s of the video, and in # more places, its sound is left out: damaged",
    "at # s of the video, its sound is left out: damaged",
    "come again a little later",
    "come again in a few seconds",
    "damaged or cut short: Truncated File Read",
    "damaged or cut short: broken data stream when reading image file",
    "damaged or cut short: image file is truncated",
    "damaged or cut short: image file is truncated (# bytes not processed)",
    "damaged or cut short: unrecognized data stream contents when reading image file",
    "damaged, cut short, or of a kind that this browser does not read",
    "directories that hold more than the file does: save it as PNG",
    "empty: # x # pixels",
    "empty: no bytes to read",
    "expected a part with a file name",
    "files in a request: # at most",
    "gray values from # to #: expected #..#",
    "gray values from -# to #: expected #..#",
    "its sound is left out: coded in a way that this FFmpeg does not decode",
    "its sound is left out: damaged",
    "more than # MB, the limit",
    "more than # blocks before its image, the limit: save it anew",
    "more than # chunks, the limit: save it anew",
    "more than # million pixels, the limit",
    "more than # scans, the limit: save it anew",
    "more than # segments, the limit: save it anew",
    "more than # values in its directories, the limit: save it anew",
    "no answer within # s",
    "no such file",
    "not an image of a supported kind (JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, PPM)",
    "not an image of a supported kind (JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF, PPM, HEIC)",
    "not enough memory to decode it",
    "not enough memory to read it: save it smaller",
    "reading HEIC needs pillow-heif: pip install 'mien[heic]', or save it as JPEG or PNG",
    "requests a minute: # at most",
    "send it as X-API-Key, or as Authorization: Bearer; in a browser it is the password, with any name",
    "strips or tiles that cover the image again and again: save it as PNG",
    "takes # MB of memory, over the limit of #: save it smaller or as JPEG",
    "takes too much memory as a whole: save it smaller",
    "the body was not there within # s",
    "the documentation says what there is",
    "the process that read it has ended: the file may be damaged; save it anew",
    "too many uploads at once: come again a little later",
)
"""Why an image could not be read, or a request not be answered; likewise."""


def asked(notice: str) -> str:
    """The notice that a setting asks for: `READY` for ready words, nothing where it is off, and its own words else."""
    words = notice.strip()
    return {READY: READY, "off": ""}.get(words.lower(), words)


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The texts in one of `LANGUAGES`.

    Raises:
        FileNotFoundError: there are none in that language.
    """
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=language == LANGUAGES[0])


def preferred(asked: str) -> str:
    """The one of `LANGUAGES` that suits best.

    Args:
        asked: what a browser asks for, such as `"de-AT, en;q=0.5"` (Accept-Language, RFC 9110), or a language alone.
    """
    best, most = LANGUAGES[0], 0.0
    for each in asked.split(","):
        tag, _, wanted = each.partition(";")
        language = tag.strip().lower().partition("-")[0]
        share = weight(wanted)
        if language in LANGUAGES and share > most:
            best, most = language, share
    return best


def said(sentence: str, language: str) -> str:
    """A sentence of the library in a language, its numbers and names kept; as it is where it has no other words."""
    for named in NAMED:
        if found := named.fullmatch(sentence):
            start, end = found.span("set")
            return _said(f"{sentence[:start]}{SET}{sentence[end:]}", language).replace(SET, sentence[start:end])
    return _said(sentence, language)


def sentences(names: Iterable[str], language: str) -> dict[str, str]:
    """`SENTENCES`, with each of these label sets' names in its place, and what they are in a language.

    In a name, too, `#` stands for each number.
    """
    _, sets = translations(language).gettext, [NUMBER.sub("#", name) for name in names]
    pairs = ((each, name) for each in SENTENCES for name in (sets if SET in each else [""]))
    return {each.replace(SET, name): _(each).replace(SET, name) for each, name in pairs}


def number(count: int, language: str) -> str:
    """A count with its thousands apart: by a comma in English, else by a space, as pages keep the decimal point."""
    return grouped(f"{count:,}", language)


def grouped(number: str, language: str) -> str:
    """A number that has its thousands apart as English has them, in a language: in Spanish only from five digits on."""
    if language == LANGUAGES[0]:
        return number
    together = language == "es" and len(number.partition(".")[0]) <= len("1,234")
    return number.replace(",", "" if together else "\N{NARROW NO-BREAK SPACE}")


def weight(text: str) -> float:
    """How much one of several is wanted (`q` in RFC 9110), 0..1: what is unreadable counts as nothing."""
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0


def _said(sentence: str, language: str) -> str:
    if not sentence or "#" in sentence:
        return sentence
    numbers = iter(NUMBER.findall(sentence))
    told = translations(language).gettext(key := NUMBER.sub("#", sentence))
    return sentence if told == key else re.sub("#", lambda _: grouped(next(numbers), language), told)
