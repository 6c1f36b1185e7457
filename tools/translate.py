"""The texts of the pages in other languages: gathers them from the code, and says which are missing.

    python tools/translate.py            gather the texts anew, keep what is translated, compile
    python tools/translate.py --check    change nothing; fail where something is missing or stale

Each text stands in English where it is used: `_("...")` or `ngettext(...)` in the app, the service and its templates.
Write its translation into `src/mien/locale/LANGUAGE/LC_MESSAGES/mien.po`, then run this again.
"""

from __future__ import annotations

import argparse
import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import mien
from mien.labels import LABEL_SETS
from mien.languages import DOMAIN, FAULTS, LANGUAGES, LOCALE, NOTICE, SENTENCES

PACKAGE = Path(mien.__file__).parent
METHODS = [
    ("app/**.py", "python"),
    ("page.py", "python"),
    ("service/**.py", "python"),
    ("service/templates/**.html", "jinja2.ext:babel_extract"),
]
BEGINNING = datetime.fromtimestamp(0, UTC)  # in place of the time of each run, which would make every file another
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where something is missing or stale")
    given = parser.parse_args()
    texts = gathered()
    missing = [fault for language in LANGUAGES[1:] for fault in brought_up(language, texts, change=not given.check)]
    print(f"{len(texts)} texts; missing or stale: {len(missing)}", *missing, sep="\n")
    sys.exit(bool(missing))


def gathered() -> Catalog:
    """All texts that may be shown."""
    texts = Catalog()
    for _, _, words, _, _ in extract_from_dir(str(PACKAGE), METHODS, {}, KEYWORDS):
        texts.add(words)
    sets = LABEL_SETS.values()
    named = (name for each in sets for name in (each.words, *each))
    for words in (NOTICE, *SENTENCES, *FAULTS, *named):
        texts.add(words)
    return texts


def brought_up(language: str, texts: Catalog, *, change: bool) -> list[str]:
    """Bring a language's catalog up to the texts, if it is to be changed; and what is wrong with it."""
    source = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    compiled = source.with_suffix(".mo")
    source.parent.mkdir(parents=True, exist_ok=True)
    before = source.read_bytes() if source.exists() else b""
    catalog = read_po(io.BytesIO(before), language, ignore_obsolete=True)
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = BEGINNING
    after, binary = written(catalog), io.BytesIO()
    write_mo(binary, catalog)
    if change:
        source.write_bytes(after)
        compiled.write_bytes(binary.getvalue())
    faults = [
        f"{language}: {message.id!r} has no translation" for message in catalog if message.id and not full(message)
    ]
    faults += [
        f"{language}: {message.id!r}: {fault}" for message, found in catalog.check() if full(message) for fault in found
    ]
    for path, right in ((source, after), (compiled, binary.getvalue())):
        if not path.exists() or path.read_bytes() != right:
            faults.append(f"{language}: {path.name} is stale: run tools/translate.py")
    return faults


def written(catalog: Catalog) -> bytes:
    """A catalog as it is kept: no line numbers and no dates, which would change with every edit of the code."""
    stream = io.BytesIO()
    write_po(stream, catalog, width=120, no_location=True, omit_header=True, sort_output=True)
    head = f'msgid ""\nmsgstr ""\n"Language: {catalog.locale}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    return head.encode() + f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n'.encode() + stream.getvalue()


def full(message: Message) -> bool:
    """Whether all forms of a text are translated."""
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


if __name__ == "__main__":
    main()
