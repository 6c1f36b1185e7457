"""How answers look: a photo and its faces side by side, numbered, each face with what the network saw and its bars.

All of a photo is one piece of HTML, so that a page of many is quick; its look is in `style.css`, and colours are always
an emotion's own. What a box and its card have in common is their number: `style` lets one mark the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from html import escape
from itertools import count
from pathlib import Path

import streamlit as st

from mien.app.seen import Seen, encoded
from mien.app.words import _, language, ngettext, said, sentence, showable
from mien.draw import colour_of, css, ink_on
from mien.languages import LANGUAGES
from mien.prediction import Explanation, Expression, Method, Prediction, Reading, Totals, percent, ranked
from mien.shading import LEAST, layer
from mien.wording import data_uri

MARKED = 60  # faces of a photo that mark their card, and their cards them


@cache
def style() -> str:
    """The style sheet of all pages."""
    marks = ",".join(
        f".mien-photo:has(.mien-{what}.n{number}:is(:hover,:focus-within,:focus)) .mien-{other}.n{number}"
        for number in range(MARKED + 1)
        for what, other in (("box", "card"), ("card", "box"))
    )
    sheet = Path(__file__).with_name("style.css").read_text("utf-8")
    return f"<style>{sheet}\n{marks}{{outline:3px solid var(--mien-accent);outline-offset:2px}}</style>"


def photo(seen: Seen, prediction: Prediction, number: int) -> str:
    """One photo with its answers; `number` tells it from others on the page."""
    name = showable(prediction.source)
    head = f"<h2>{escape(name)}</h2>"
    if prediction.error is not None:
        return _section(name, head + fault(prediction.error))
    notes = f"<p class=mien-soft>{escape(sentence(prediction.notes))}</p>" if prediction.notes else ""
    if prediction.faces:
        cards = [
            card(crop, reading, place, len(prediction.faces), number)
            for place, (crop, reading) in enumerate(zip(seen.crops, prediction.faces, strict=True), 1)
        ]
        side = f"<ol class=mien-cards>{''.join(cards)}</ol>"
    else:
        side = f"<p class=mien-none>{escape(sentence(prediction.reasons))}</p>"
    return _section(
        name, f"{head}<div class=mien-pair>{picture(seen, prediction, number)}<div>{side}{notes}</div></div>"
    )


def fault(error: str, told: str = "") -> str:
    """That a photo cannot be read, or what is `told` instead, and why: in the page's language where it has the words,
    else in the library's."""
    told, reason = told or _("This photo cannot be read."), said(error)
    tongue = LANGUAGES[0] if reason == error else language()
    why = f"<span lang={tongue}>{escape(sentence_of(reason))}</span>"
    return f"<p class=mien-fault role=alert><strong>{escape(told)}</strong> {why}</p>"


def picture(
    seen: Seen, prediction: Prediction, number: int, *, linked: bool = True, places: Iterable[int] | None = None
) -> str:
    """A photo whose faces have numbered boxes, from 1 on or as `places` says, that lead to their cards, where these are
    `linked`."""
    if not seen.picture:
        told = escape(_("This photo was read, but it cannot be shown."))
        return f"<p class=mien-soft>{told}</p>"
    numbered = zip(prediction.faces, count(1) if places is None else places, strict=False)
    named = places is not None or len(prediction.faces) > 1  # as the cards are
    boxes = [_box(each, prediction, place, number, linked, named) for each, place in numbered]
    image = f"<img src='{data_uri(seen.picture, 'image/jpeg')}' alt='{escape(words(prediction))}'>"
    return f"<div class=mien-picture>{image}{''.join(boxes)}</div>"


def card(crop: bytes, reading: Reading, place: int, of: int, number: int = 0) -> str:
    """One face: what the network saw beside what it says."""
    expression = reading.expression
    chip = f"<span class=mien-chip style='{paint(expression.label)}'>{place}</span> " if of > 1 else ""
    first, rest = ranked(expression)
    more = ""
    if rest:
        summary = escape(ngettext("%(num)s other expression", "%(num)s other expressions", len(rest)))
        more = f"<details><summary>{summary}</summary>{bars(rest, expression.label)}</details>"
    seen = escape(_("Face %(number)s, as mien sees it", number=place))
    return (
        f"<li class='mien-card n{place}' id='face-{number}-{place}'>"
        f"<img class=mien-crop src='{data_uri(crop, 'image/png')}' alt='{seen}'>"
        f"<div><h3>{chip}{headline(expression)}</h3>{_doubt(expression)}"
        f"{bars(first, expression.label)}{more}{why(crop, expression)}</div></li>"
    )


def why(crop: bytes, expression: Expression) -> str:
    """What an answer hangs on, laid over what the network saw, and in words; nothing where that was not asked."""
    if not expression.explanation:
        return ""
    asked, told = escape(_("Why?")), escape(because(expression, expression.explanation))
    over = data_uri(encoded(layer(expression.explanation), "PNG"), "image/png")
    shown = f"<img src='{data_uri(crop, 'image/png')}' alt=''><img src='{over}' alt=''>"
    return (
        f"<details class=mien-why><summary>{asked}</summary>"
        f"<div><div class=mien-map>{shown}</div><p>{told}</p></div></details>"
    )


def because(expression: Expression, explanation: Explanation) -> str:
    """What an answer hangs on, in the words of the service's page (`why.html`)."""
    label = said(expression.label)
    nothing, most, against = _words_of(explanation.method)
    if explanation.most < LEAST:
        return _(nothing, label=label)
    after = percent(max(0.0, expression.confidence - explanation.most))[:-1]
    before = percent(expression.confidence)[:-1]
    told = [_(most, label=label, where=_(explanation.where), before=before, after=after)]
    if min(map(min, explanation.lost)) <= -LEAST:
        told.append(_(against))
    return " ".join(told)


def _words_of(method: Method) -> tuple[str, str, str]:
    """Of a method: that nothing counts, what counts most, and what is blue. The service's page has them translated."""
    if method == "cam":
        return (
            "Without what mien sees in any one part, the confidence in “%(label)s” changes by less than one percentage "
            "point.",
            "Orange: what mien sees here speaks for “%(label)s”, most of all %(where)s. Without that part, the "
            "confidence falls from %(before)s%% to %(after)s%%.",
            "Blue: what mien sees here speaks against it.",
        )
    return (
        "Whichever part is hidden, the confidence in “%(label)s” changes by less than one percentage point.",
        "Orange: hiding this part lowers the confidence in “%(label)s”. It falls most %(where)s: from %(before)s%% to "
        "%(after)s%%.",
        "Blue: hiding this part raises the confidence.",
    )


def headline(expression: Expression) -> str:
    """The label and how sure it is."""
    doubt = "?" if expression.uncertain else ""
    word = f"<bdi>{escape(said(expression.label))}{doubt}</bdi>"  # its share comes after it, also in Arabic
    return f"{word} <span class=mien-share>{percent(expression.confidence)}</span>"


def bars(shares: Sequence[tuple[str, float]], label: str) -> str:
    """Probabilities as a bar chart that a screen reader can read."""
    rows = []
    for emotion, p in shares:
        top = " class=mien-top" if emotion == label else ""
        fill = f"<div class=mien-bar style='width:{100 * p:.1f}%;background:{css(colour_of(emotion))}'></div>"
        rows.append(
            f"<tr{top}><th scope=row>{escape(said(emotion))}</th><td class=mien-track>{fill}</td>"
            f"<td class=mien-number>{percent(p)}</td></tr>"
        )
    caption = escape(_("How likely it is that most people would choose each expression"))
    return f"<table class=mien-bars><caption>{caption}</caption><tbody>{''.join(rows)}</tbody></table>"


def summary(predictions: Sequence[Prediction]) -> str:
    """How many photos and faces there are, and how many of these are not sure; unread photos where there are any."""
    totals = Totals.of(predictions)
    unsure, unread = totals.uncertain, totals.unread
    parts = [
        ngettext("%(num)s photo", "%(num)s photos", totals.images),
        ngettext("%(num)s face", "%(num)s faces", totals.faces),
        *([ngettext("%(num)s not sure", "%(num)s not sure", unsure)] if unsure else []),
        *([ngettext("%(num)s photo not read", "%(num)s photos not read", unread)] if unread else []),
    ]
    return ", ".join(parts)


def words(prediction: Prediction) -> str:
    """A photo in words, for whoever does not see it."""
    if not prediction.faces:
        return _("The photo. No face was found in it.")
    labels = [said(reading.expression.label) for reading in prediction.faces]
    return ngettext(
        "The photo with %(num)s face marked: %(labels)s",
        "The photo with %(num)s faces marked: %(labels)s",
        len(labels),
        labels=", ".join(labels),
    )


def sentence_of(error: str) -> str:
    """What the library says of an image that it cannot read, as a sentence."""
    text = showable(error)
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def say(text: str, kind: str = "mien-soft", *, own: bool = True) -> None:
    """A paragraph as it stands; `own` are texts of the app, others are the library's, in English."""
    st.html(f"<p class={kind} lang={language() if own else 'en'}>{escape(showable(text))}</p>")


def table(rows: Sequence[Sequence[str]], caption: str) -> None:
    """A table that moves sideways within itself, where it is wider than the screen; its first row has the names."""
    head, *others = rows
    names = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in others)
    st.html(
        f"<div class=mien-table tabindex=0 role=region aria-label='{escape(caption)}' lang={language()}>"
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def clock(time_s: float) -> str:
    """A time as players show it, with tenths: `1:02.5`."""
    tenths = round(10 * time_s)
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


def _section(name: str, content: str) -> str:
    return f"<section class=mien-photo lang={language()} aria-label='{escape(name)}'>{content}</section>"


def _doubt(expression: Expression) -> str:
    if not expression.uncertain:
        return ""
    why = "; ".join(said(reason) for reason in expression.reasons)
    told = escape(_("Not sure:"))
    return f"<p class=mien-doubt><strong>{told}</strong> {escape(why)}.</p>"


def _box(reading: Reading, prediction: Prediction, place: int, number: int, linked: bool, numbered: bool) -> str:
    """A face's box over the photo, in shares of its sides."""
    x0, y0, x1, y1 = reading.face.box_xyxy
    wide, high = 100 / prediction.width, 100 / prediction.height
    left, top, width, height = x0 * wide, y0 * high, (x1 - x0) * wide, (y1 - y0) * high
    label = reading.expression.label
    kind = f"class='mien-box n{place}{' unsure' if reading.expression.uncertain else ''}'"
    at = f"style='left:{left:.2f}%;top:{top:.2f}%;width:{width:.2f}%;height:{height:.2f}%;{_edge(label)}'"
    if not linked:
        return f"<span {kind} {at} aria-hidden=true></span>"
    told = escape(_("Face %(n)s: %(words)s", n=place, words=said(label)))
    tag = f"<span style='{paint(label)}'>{place}</span>" if numbered else ""
    return f"<a {kind} {at} href='#face-{number}-{place}' aria-label='{told}'>{tag}</a>"


def paint(label: str) -> str:
    """An emotion's colour and its ink, as `style` has them."""
    colour = colour_of(label)
    return f"background:{css(colour)};color:{css(ink_on(colour))}"


def _edge(label: str) -> str:
    colour = colour_of(label)
    return f"border-color:{css(colour)};--mien-ink:{css(ink_on(colour))}"
