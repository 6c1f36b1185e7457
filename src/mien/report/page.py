"""A report as a folder.

report.html   the page; it holds its own pictures
report.json   the numbers
answers.csv   one row an image
*.png         the pictures: confusion, confusion-shares, reliability, confidence, and mistakes if there are any
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from html import escape
from pathlib import Path

from mien.cells import Rows
from mien.files import replacing, write_text
from mien.report import plots
from mien.report.groups import Group
from mien.report.notes import notes
from mien.report.numbers import Report

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
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
img { max-width: 100%; height: auto; background: #fff; border-radius: .6rem; }
.pictures img { flex: 0 1 calc(50% - .5rem); min-width: min(20rem, 100%); object-fit: contain; }
.pictures img:only-child { flex-basis: 100%; }
"""


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
    if "mistakes.png" not in pictures:  # of an earlier report
        (folder / "mistakes.png").unlink(missing_ok=True)
    write_text(folder / "answers.csv", answers_csv(report))
    write_text(folder / "report.json", json.dumps(report.to_dict(), indent=2) + "\n")
    write_text(folder / "report.html", html(report, pictures))


def draw_pictures(report: Report) -> dict[str, bytes]:
    """The pictures as PNG files, by name; `mistakes.png` is not there if there are none."""
    pictures = {
        "confusion.png": plots.confusion(report, shares=False),
        "confusion-shares.png": plots.confusion(report, shares=True),
        "reliability.png": plots.reliability(report),
        "confidence.png": plots.confidences(report),
    }
    if sheet := plots.mistakes(report):
        pictures["mistakes.png"] = sheet
    return pictures


def answers_csv(report: Report) -> str:
    """One row an image: its name, its person, label, answer, whether that is right, confidence, whether it was trained
    on, all probabilities.

    Where no face was found, the answer is empty; and so is the person where nobody is known.
    """
    answers, stream = report.answers, io.StringIO()
    table = Rows(stream, ["name", "person", "label", "answer", "right", "confidence", "copy", *report.labels])
    guesses, right, confidence = answers.guesses, answers.right, answers.confidence
    for row, name in enumerate(answers.names):
        truth, guess = report.labels[answers.truth[row]], report.labels[guesses[row]]
        said = [guess, int(right[row]), f"{confidence[row]:.6f}"] if answers.found[row] else ["", 0, ""]
        person = answers.attributes[row].get("person", "")
        shares = (f"{share:.6f}" for share in answers.probabilities[row])
        table.write([[name, person, truth, *said, answers.copies[row], *shares]])
    return stream.getvalue()


def html(report: Report, pictures: dict[str, bytes]) -> str:
    """The page; `pictures` are PNG files by name and are put into it."""
    data = report.data
    title = f"{report.model} on {Path(data['path']).name}"
    parts = [
        f"<h1>{escape(report.model)}</h1>",
        f"<p class=dim>{escape(data['form'])}: {escape(data['path'])}, split {escape(data['split'])}. "
        f"{report.n:,} images judged in {escape(', '.join(report.labels))}; head {escape(report.head)}.</p>",
        f"<p class=dim>Crop {escape(data['crop'])}: {escape(data['crop_reason'])}.</p>",
        _cards(report),
        *(f"<p>{escape(note)}</p>" for note in notes(report)),
        "<h2>By expression</h2>",
        _table(
            ("", "images", "precision", "recall", "F1"),
            (
                (name, str(each.support), f"{each.precision:.3f}", f"{each.recall:.3f}", f"{each.f1:.3f}")
                for name, each in report.per_class.items()
            ),
        ),
        "<h2>What is taken for what</h2>",
        _figures(pictures, {"confusion.png": "Confusion matrix, images", "confusion-shares.png": "Confusion, shares"}),
        "<h2>Does confidence mean what it says?</h2>",
        _figures(pictures, {"reliability.png": "Reliability diagram", "confidence.png": "Histogram of confidence"}),
    ]
    for attribute, groups in report.subgroups.items():
        rows = (
            (value, str(each.n), f"{each.accuracy:.1%}", _interval(each.accuracy_interval), *_gap(each))
            for value, each in groups.items()
        )
        columns = ("", "images", "right", "95% interval", "above the others by", "95% interval")
        parts += [f"<h2>By {escape(attribute)}</h2>", _table(columns, rows)]
    if "mistakes.png" in pictures:
        parts += ["<h2>The most confident mistakes</h2>", _figures(pictures, {"mistakes.png": "Wrong answers"})]
        parts.append("<p class=dim>Look at them: some are the model's mistakes, and some are the labels'.</p>")
    if report.unreadable:
        parts += ["<h2>Unreadable</h2>", _table(("image", "reason"), report.unreadable.items())]
    return (
        f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{escape(title)}</title>\n"
        f'<meta name=viewport content="width=device-width, initial-scale=1">\n<style>{STYLE}</style>\n'
        "<main>\n" + "\n".join(parts) + "\n</main>\n</html>\n"
    )


def _cards(report: Report) -> str:
    cards = [
        (f"{report.accuracy:.1%}", f"right (95%: {_interval(report.accuracy_interval)})"),
        (f"{report.macro_f1:.3f}", "macro-F1 (95%: {:.3f} to {:.3f})".format(*report.macro_f1_interval)),
        (f"{report.ece:.3f}", "calibration error (ECE); 0 is best"),
    ]
    if report.accuracy_covered is not None:
        cards.append((f"{report.accuracy_covered:.1%}", f"right when sure, which it is of {report.coverage:.1%}"))
    if report.kl_to_votes is not None:
        cards.append((f"{report.kl_to_votes:.3f}", "nats from people's votes (KL)"))
    items = "".join(f"<li><b>{escape(value)}</b><span>{escape(what)}</span></li>" for value, what in cards)
    return f"<ul class=cards>{items}</ul>"


def _interval(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"


def _gap(group: Group) -> tuple[str, str]:
    if group.gap is None or group.gap_interval is None:
        return "", ""
    return f"{100 * group.gap:+.1f} points", "{:+.1f} to {:+.1f}".format(*(100 * each for each in group.gap_interval))


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th scope=col>{escape(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _figures(pictures: dict[str, bytes], wanted: dict[str, str]) -> str:
    images = (
        f'<img alt="{escape(words)}" src="data:image/png;base64,{base64.b64encode(pictures[name]).decode()}">'
        for name, words in wanted.items()
    )
    return f"<div class=pictures>{''.join(images)}</div>"
