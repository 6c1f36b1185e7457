"""An audit as a folder.

audit.html     the page; it holds its own pictures
audit.json     the numbers, and every suspect
suspects.csv   one row for each thing that is suspect about an image
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

from mien.audit import LEFT_OUT, Audit, Kind
from mien.cells import Rows
from mien.files import write_text
from mien.intake import describe
from mien.report.parts import cards_of, document, sheet, table

SUSPECTS, NUMBERS, PAGE = FILES = ("suspects.csv", "audit.json", "audit.html")

SHOWN = 24  # images on a contact sheet

WORDS = {
    Kind.UNREADABLE: "They cannot be decoded.",
    Kind.BLANK: "They are of one colour all over.",
    Kind.FACELESS: "The detector finds no face, or most people would say that there is none.",
    Kind.CONFLICT: "They are copies of one another, and labelled differently: at least one label of each is wrong.",
    Kind.LEAK: "They stand on both sides of a split, whose scores they flatter. After each comes the one that stays.",
    Kind.EXACT: "They are there more than once.",
    Kind.NEAR: "They are saved anew, resized, brightened, mirrored or a frame later; a few may only look alike. After "
    "each comes the one that stays.",
    Kind.LABEL: "Look at the first ones: some labels are wrong, some faces are hard, and a few the network misreads.",
    Kind.SEVERAL: "It is not clear whose expression the label speaks of; the largest face was judged.",
    Kind.FRAMING: "The face is small, blurred, turned away, cut off or not in the middle.",
    Kind.OUTLIER: "The network's features of them are far from those of all labels.",
    Kind.PERSON: "Scores of people who were trained on flatter.",
}
"""What is said of each kind."""


def write_audit(audit: Audit, folder: Path) -> None:
    """Write an audit's files into a folder; a file that is there already is replaced.

    Raises:
        OSError: the folder cannot be written.
    """
    write_text(folder / SUSPECTS, suspects_csv(audit))
    write_text(folder / NUMBERS, json.dumps(audit.to_dict(), indent=1) + "\n")
    write_text(folder / PAGE, html(audit))


def suspects_csv(audit: Audit) -> str:
    """One row for each thing that is suspect about an image; `left_out` is 1 where the clean rest goes without it."""
    stream = io.StringIO()
    rows = Rows(stream, ["name", "split", "label", "suspect", "why", "score", "copy_of", "left_out"])
    for each in audit.suspects:
        score = "" if each.score is None else f"{each.score:.6f}"
        left_out = int(each.kind in LEFT_OUT)
        rows.write([[each.name, each.split, each.label, each.kind.value, each.words, score, each.other, left_out]])
    return stream.getvalue()


def html(audit: Audit) -> str:
    """The page."""
    suspect = len({each.name for each in audit.suspects})
    path = describe(audit.dataset.path)
    parts = [
        f"<h1>What may be wrong with {escape(Path(path).name)}</h1>",
        f"<p class=dim>{escape(audit.form)}: {escape(path)}. Looked at by {escape(audit.model)}.</p>",
        f"<p class=dim>Crop {escape(audit.crop)}: {escape(audit.crop_reason)}.</p>",
        cards_of(
            (
                (f"{audit.n:,}", "images"),
                (f"{suspect:,}", "with something suspect about them"),
                (f"{audit.n - len(audit.left_out):,}", "clean"),
            )
        ),
        *(f"<p>{escape(note)}</p>" for note in audit.notes),
        "<h2>What was found</h2>",
        table(
            ("", "images", "in the clean rest"),
            ((kind.value, f"{n:,}", "no" if kind in LEFT_OUT else "yes") for kind, n in audit.counts.items()),
        ),
    ]
    for kind, n in audit.counts.items():
        parts += [f"<h2>{escape(kind.value.capitalize())}: {n:,}</h2>", f"<p>{escape(WORDS[kind])}</p>"]
        parts.append(_sheet(audit, kind))
        if n > SHOWN:
            parts.append(f"<p class=dim>The first {SHOWN}; all are in suspects.csv.</p>")
    for name, counts in audit.balance.items():
        rows = ((value, *(f"{n:,}" for n in of.values()), f"{sum(of.values()):,}") for value, of in counts.items())
        parts += [f"<h2>Labels by {escape(name)}</h2>", table(("", *audit.dataset.labels, "together"), rows)]
    return document(f"Audit of {Path(path).name}", parts)


def _sheet(audit: Audit, kind: Kind) -> str:
    sources = {example.name: example.source for example in audit.dataset.examples}

    def shown() -> Iterator[tuple[str, str]]:
        for each in [each for each in audit.suspects if each.kind is kind][:SHOWN]:
            score = f" ({each.score:.2f})" if kind is Kind.LABEL and each.score is not None else ""
            yield each.name, f"{each.name}: {each.words}{score}"
            if kind in (Kind.LEAK, Kind.NEAR):
                yield each.other, f"{each.other}: stays"

    return sheet((sources[name], words) for name, words in shown())
