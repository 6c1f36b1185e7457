"""A report as a folder.

report.html   the page; it holds its own pictures
report.json   the numbers
answers.csv   one row an image
*.png         the pictures: confusion, confusion-shares, reliability, confidence, and those of `OFTEN` if there are any
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

from mien.cells import Rows
from mien.files import replacing, write_text
from mien.report import plots
from mien.report.columns import GROUP, columns
from mien.report.grouped import groups_of
from mien.report.notes import macro_f1_interval, notes
from mien.report.numbers import Report
from mien.report.parts import cards_of, document, facts, figures, interval, table
from mien.wording import counted, decimals, percentage

ALWAYS: dict[str, Callable[[Report], bytes]] = {
    "confusion.png": partial(plots.confusion, shares=False),
    "confusion-shares.png": partial(plots.confusion, shares=True),
    "reliability.png": plots.reliability,
    "confidence.png": plots.confidences,
}
OFTEN: dict[str, Callable[[Report], bytes | None]] = {
    "groups.png": plots.groups,
    "changes.png": plots.changes,
    "mistakes.png": plots.mistakes,
}
"""Pictures of what is not in every report."""

ANSWERS, NUMBERS, PAGE = "answers.csv", "report.json", "report.html"
FILES = (ANSWERS, NUMBERS, PAGE, *ALWAYS, *OFTEN)


def write_report(report: Report, folder: Path) -> None:
    """Write a report's files into a folder; a file that is there already is replaced.

    Raises:
        OSError: the folder cannot be written.
    """
    pictures = draw_pictures(report)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pictures.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    for name in OFTEN.keys() - pictures.keys():  # of an earlier report
        (folder / name).unlink(missing_ok=True)
    write_text(folder / ANSWERS, answers_csv(report))
    write_text(folder / NUMBERS, json.dumps(report.to_dict(), indent=2) + "\n")
    write_text(folder / PAGE, html(report, pictures))


def draw_pictures(report: Report) -> dict[str, bytes]:
    """The pictures as PNG files, by name."""
    drawn = {name: draw(report) for name, draw in {**ALWAYS, **OFTEN}.items()}
    return {name: content for name, content in drawn.items() if content}


def answers_csv(report: Report) -> str:
    """One row an image: its name, its person, label, answer, whether that is right, confidence, whether it was trained
    on, its fingerprint, all probabilities as `p_<emotion>`, and its group by each attribute as `group: <attribute>`.

    Where no face was found, the answer is empty; and so is the person where nobody is known.
    """
    answers, stream = report.answers, io.StringIO()
    groups = columns(answers.attributes, report.subgroups)
    told = ["name", "person", "label", "answer", "right", "confidence", "copy", "print"]
    table = Rows(stream, [*told, *(f"p_{label}" for label in report.labels), *(f"{GROUP}{each}" for each in groups)])
    guesses, right, confidence = answers.guesses, answers.right, answers.confidence
    for row, name in enumerate(answers.names):
        truth, guess = report.labels[answers.truth[row]], report.labels[guesses[row]]
        said = [guess, int(right[row]), f"{confidence[row]:.6f}"] if answers.found[row] else ["", 0, ""]
        person = answers.attributes[row].get("person", "")
        shares = (f"{share:.6f}" for share in answers.probabilities[row])
        belongs = (column.values[row] for column in groups.values())
        table.write([[name, person, truth, *said, answers.copies[row], answers.prints[row], *shares, *belongs]])
    return stream.getvalue()


def html(report: Report, pictures: dict[str, bytes]) -> str:
    """The page; `pictures` are PNG files by name and are put into it."""
    data = report.data
    title = f"{report.model} on {Path(data['path']).name}"
    parts = [
        f"<h1>{escape(report.model)}</h1>",
        f"<p class=dim>{escape(data['form'])}: {escape(data['path'])}, split {escape(data['split'])}. "
        f"{counted(report.n, 'image')} judged in {escape(', '.join(report.labels))}; head {escape(report.head)}.</p>",
        f"<p class=dim>Crop {escape(data['crop'])}: {escape(data['crop_reason'])}.</p>",
        _cards(report),
        *(f"<p>{escape(note)}</p>" for note in notes(report)),
        "<h2>By expression</h2>",
        table(
            ("", "images", "precision", "recall", "F1"),
            (
                (name, f"{each.support:,}", *map(decimals, (each.precision, each.recall, each.f1)))
                for name, each in report.per_class.items()
            ),
        ),
        "<h2>What is taken for what</h2>",
        figures(pictures, {"confusion.png": "Confusion matrix, images", "confusion-shares.png": "Confusion, shares"}),
        "<h2>Does confidence mean what it says?</h2>",
        figures(pictures, {"reliability.png": "Reliability diagram", "confidence.png": "Histogram of confidence"}),
    ]
    parts += groups_of(report, pictures)
    if "mistakes.png" in pictures:
        parts += ["<h2>The most confident mistakes</h2>", figures(pictures, {"mistakes.png": "Wrong answers"})]
        parts.append("<p class=dim>Look at them: some are the model's mistakes, and some are the labels'.</p>")
    if report.unreadable:
        parts += ["<h2>Unreadable</h2>", table(("image", "reason"), report.unreadable.items())]
    if report.origin:
        parts += ["<h2>To repeat it</h2>", facts(report.origin.rows())]
    return document(title, parts)


def _cards(report: Report) -> str:
    cards = [
        (percentage(report.accuracy), f"right (95%: {interval(report.accuracy_interval)})"),
        (f"{report.macro_f1:.3f}", f"macro-F1 ({macro_f1_interval(report)})"),
        (decimals(report.ece), "calibration error (ECE); 0 is best"),
    ]
    if report.accuracy_covered is not None:
        sure = f"right when sure, which it is of {percentage(report.coverage)}"
        cards.append((percentage(report.accuracy_covered), sure))
    if report.kl_to_votes is not None:
        cards.append((f"{report.kl_to_votes:.3f}", "nats from people's votes (KL)"))
    return cards_of(cards)
