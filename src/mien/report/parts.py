"""What the pages of reports share: their style, tables, pictures and contact sheets. A page holds its own pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from io import BytesIO

from PIL import Image

from mien.errors import ImageError
from mien.image import read_image
from mien.intake import ImageSource
from mien.wording import data_uri, percentage

STYLE = """
:root { color-scheme: light dark; --ink: #20242a; --dim: #5f6670; --line: #dde1e6; --paper: #fff; --card: #f5f7f9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --dim: #a4abb5; --line: #3a4048; --paper: #16191d; --card: #20252b; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
p { margin: .4rem 0; } .dim { color: var(--dim); }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.cards li { flex: 1 1 10rem; background: var(--card); border-radius: .6rem; padding: .8rem 1rem; }
.cards b { display: block; font-size: 1.6rem; line-height: 1.25; } .cards span { color: var(--dim); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } th { font-weight: 600; }
dl { margin: 0; } dt { color: var(--dim); } dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
img { max-width: 100%; height: auto; background: #fff; border-radius: .6rem; }
.pictures img { flex: 0 1 calc(50% - .5rem); min-width: min(20rem, 100%); object-fit: contain; }
.pictures img:only-child { flex-basis: 100%; }
.sheet { display: flex; flex-wrap: wrap; gap: .75rem; }
.sheet figure { margin: 0; width: 6.5rem; } .sheet img { width: 6rem; height: 6rem; object-fit: contain; }
.sheet figcaption { color: var(--dim); font-size: .75rem; line-height: 1.3; overflow-wrap: anywhere; }
"""

THUMBNAIL = 96  # px, longer side


def document(title: str, parts: Iterable[str]) -> str:
    """A page of parts, which are HTML."""
    return (
        f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{escape(title)}</title>\n"
        f'<meta name=viewport content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n'
        "<main>\n" + "\n".join(parts) + "\n</main>\n</html>\n"
    )


def cards_of(cards: Iterable[tuple[str, str]]) -> str:
    """Numbers in large letters, each with what it is."""
    items = "".join(f"<li><b>{escape(value)}</b><span>{escape(what)}</span></li>" for value, what in cards)
    return f"<ul class=cards>{items}</ul>"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th scope=col>{escape(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names, and below each what it is, however long."""
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return f"<dl>{told}</dl>"


def picture(png: bytes, words: str) -> str:
    """A PNG file, with words for who does not see it."""
    return f'<img alt="{escape(words)}" src="{data_uri(png, "image/png")}">'


def figures(pictures: Mapping[str, bytes], wanted: Mapping[str, str]) -> str:
    """Some of a report's PNG files, by name, each with its words."""
    images = (picture(pictures[name], words) for name, words in wanted.items())
    return f"<div class=pictures>{''.join(images)}</div>"


def interval(ends: tuple[float, float]) -> str:
    """An interval of shares: `71.2% to 74.0%`."""
    return " to ".join(map(percentage, ends))


def sheet(sources: Iterable[tuple[ImageSource, str]]) -> str:
    """A contact sheet: images, each above its words; gray where one cannot be read."""
    figures = (
        f"<figure>{picture(_png(thumbnail(source)), words)}<figcaption>{escape(words)}</figcaption></figure>"
        for source, words in sources
    )
    return f"<div class=sheet>{''.join(figures)}</div>"


def thumbnail(source: ImageSource) -> Image.Image:
    """An image of at most 96 px; gray where it cannot be read."""
    try:
        image = Image.fromarray(read_image(source))
    except ImageError:
        return Image.new("RGB", (THUMBNAIL, THUMBNAIL), "#dddddd")
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return image


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
