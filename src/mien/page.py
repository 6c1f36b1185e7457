"""The reader as a page: one HTML file that holds a model, reads photos in the browser that opens it, and sends nothing.

What runs in it is `web/` of the sources, built into `assets/page/`, on ONNX Runtime's WebAssembly. That is not part of
this package, which it would double: it comes from the npm package `onnxruntime-web`, of one version, and is checked.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib import resources
from itertools import chain
from pathlib import Path
from string import Template
from typing import Any

from mien.artifact import Artifact
from mien.covers import WEIGHTS
from mien.detect import FULL_RANGE, SHORT_RANGE
from mien.draw import colour_of, css
from mien.errors import MienError
from mien.files import write_text
from mien.labels import LABEL_SETS
from mien.languages import FAULTS, LANGUAGES, NOTICE, READY, sentences, translations
from mien.packaged import weights

ALLOW = "Allow the camera for this page in your browser's settings. Then start it here."
CLOSE = "Another program uses the camera. Close that program. Then start the camera here."
OPEN = "Browsers give the camera to secure pages only. Open this page through https, or on the machine that runs mien."

RUNTIME = "ort-wasm-simd-threaded.wasm"
RUNTIME_PACKAGE, RUNTIME_VERSION = "onnxruntime-web", "1.30.0"
RUNTIME_SHA256 = "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
END = re.compile("</(script)", re.IGNORECASE)
GET = f"npm pack {RUNTIME_PACKAGE}@{RUNTIME_VERSION}"

POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; worker-src blob:; style-src {style}; "
    "img-src blob: data:; media-src blob:; connect-src 'none'; form-action 'none'; base-uri 'none'"
)


def write_page(out: Path, artifact: Artifact, runtime: bytes, notice: str = "") -> None:
    """Write the page of a model, whole or not at all.

    Args:
        out: the HTML file.
        artifact: the model.
        runtime: ONNX Runtime's WebAssembly, see `find_runtime`.
        notice: what the page tells the people who are read; `on` stands for `languages.NOTICE`; nothing if empty.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(out, page(artifact, runtime, notice))


def page(artifact: Artifact, runtime: bytes, notice: str = "", home: str = "") -> str:
    """The page of a model, as `write_page` writes it; its name leads to `home` if there is one."""
    data = [
        _block(_json(texts(notice, artifact.label_sets)), "application/json", id="texts"),
        _block(_json(described(artifact) | {"colours": colours(artifact)}), "application/json", id="model"),
        _block(END.sub(r"<\\/\1", asset("worker.js").decode()), "text/plain", id="worker"),
    ]
    for name, content in {**files(artifact), RUNTIME: runtime}.items():
        data.append(_packed(name, content))
    return Template(asset("page.html").decode()).substitute(
        policy=escape(policy()),
        style=f"<style>{styles()}</style>",
        brand=f'<a class="brand" href="{escape(home)}">mien</a>' if home else '<span class="brand">mien</span>',
        notice='<aside class="notice"><p data-say="notice"></p></aside>' if notice else "",
        scriptless="\n".join(map(_scriptless, LANGUAGES)),
        data="\n".join(data),
        script=f'<script type="module">{asset("page.js").decode()}</script>',
    )


def policy() -> str:
    """Every page's Content Security Policy: it runs its own script and the worker that it holds, and asks nobody."""
    return POLICY.format(script=_hash(asset("page.js").decode()), style=_hash(styles()))


def find_runtime(place: Path | None = None) -> bytes:
    """ONNX Runtime's WebAssembly, checked.

    Args:
        place: the npm package's folder or archive, or the file in it; if None, the package is looked for in
            `node_modules` here and in the folders above.

    Raises:
        MienError: it is not there, or is of another version; says how to get it.
    """
    places = [place] if place else [each / "node_modules" / RUNTIME_PACKAGE for each in _here()]
    found = next((content for content in map(_runtime_in, places) if content), None)
    where = place or "node_modules, here or above"
    advice = f"get it by `{GET}`, and name that archive (--runtime, or MIEN_SERVE_RUNTIME)"
    if found is None:
        raise MienError(f"no {RUNTIME} of {RUNTIME_PACKAGE} {RUNTIME_VERSION} in {where}: {advice}")
    if hashlib.sha256(found).hexdigest() != RUNTIME_SHA256:
        raise MienError(f"{RUNTIME} in {where} is not that of {RUNTIME_PACKAGE} {RUNTIME_VERSION}: {advice}")
    return found


def files(artifact: Artifact) -> dict[str, bytes]:
    """What the reader in a browser opens, by name, beside the runtime."""
    beside = {name: weights(name, sha256) for name, sha256 in (FULL_RANGE, SHORT_RANGE, WEIGHTS)}
    return {"model.json": json.dumps(described(artifact)).encode(), "model.onnx": artifact.onnx, **beside}


def described(artifact: Artifact) -> dict[str, Any]:
    """What inference needs of a model's manifest."""
    return artifact.manifest.model_dump(mode="json", include={"name", "size", "colour", "face", "heads"})


def colours(artifact: Artifact) -> dict[str, str]:
    """The colour of each emotion that a model can answer."""
    emotions = chain.from_iterable(head.emotions for head in artifact.manifest.heads)
    return {emotion: css(colour_of(emotion)) for emotion in emotions}


def asset(name: str) -> bytes:
    """A file of `assets/page/`."""
    return (resources.files("mien") / "assets" / "page" / name).read_bytes()


def styles() -> str:
    """The style: that of the service's pages, and what this page has beside it."""
    shared = (resources.files("mien") / "service" / "static" / "style.css").read_text("utf-8")
    return shared + asset("page.css").decode()


def texts(notice: str = "", sets: Iterable[str] = ()) -> dict[str, dict[str, Mapping[str, str]]]:
    """All that the page says, by language: its own texts, what the library says, and the names of label sets.

    Args:
        notice: as of `page`.
        sets: label sets of one's own that the library names.
    """
    return {language: _texts(language, notice, {*LABEL_SETS, *sets}) for language in LANGUAGES}


def _scriptless(language: str) -> str:
    """What a browser that runs no script shows, which cannot choose among languages."""
    _ = translations(language).gettext
    told = _("This page needs JavaScript.")
    return f'<p class="fault" lang="{language}">{escape(told)}</p>'


def _texts(language: str, notice: str, named: Iterable[str]) -> dict[str, Mapping[str, str]]:
    _, ngettext = translations(language).gettext, translations(language).ngettext
    sets = LABEL_SETS.values()
    words = {
        "title": _("What does this face look like?"),
        "lead": _("Choose photos or a video, or start the camera. They are read in your browser. Nothing is sent."),
        "choose": _("Choose photos or videos"),
        "drop": _("or drop them here, or paste them"),
        "expressions": _("Expressions"),
        "camera": _("Start the camera"),
        "stop": _("Stop"),
        "save": _("Save:"),
        "opening": _("The reader starts."),
        "ready": _("The reader is ready."),
        "broken": _("The reader cannot start in this browser."),
        "reading": _("Reading the faces."),
        "progress": _("Reading file %(n)s of %(of)s."),
        "a_photo": ngettext("%(num)s photo", "%(num)s photos", 1),
        "photos": ngettext("%(num)s photo", "%(num)s photos", 2),
        "a_face": ngettext("%(num)s face", "%(num)s faces", 1),
        "faces": ngettext("%(num)s face", "%(num)s faces", 2),
        "an_unread": ngettext("%(num)s photo not read", "%(num)s photos not read", 1),
        "unread": ngettext("%(num)s photo not read", "%(num)s photos not read", 2),
        "unreadable": _("This photo cannot be read."),
        "unplayable": _("This video cannot be played."),
        "allow": _('Your browser asks for your permission. Choose "Allow".'),
        "refused": ". ".join((_("The camera is not allowed"), _(ALLOW))),
        "missing": ". ".join((_("There is no camera"), _("Connect a camera. Then start it here."))),
        "taken": ". ".join((_("The camera is in use"), _(CLOSE))),
        "gone": ". ".join((_("The camera is gone"), _("Connect the camera again. Then start it here."))),
        "insecure": ". ".join((_("This page is not secure"), _(OPEN))),
        "unknown": ". ".join((_("The camera does not work"), _("The browser says why:"))),
        "dark": _("The camera gives no picture. Perhaps another program uses it."),
        "live": _("Live."),
        "rate": _("Pictures a second: %(number)s"),
        "nobody": _("Live. There is no face in the picture."),
        "face": _("Face %(n)s:"),
        "unsure": _("Not sure:"),
        "likely": _("How likely it is that most people would choose each expression"),
        "others": _("The other expressions"),
        "foot": _(
            "An expression is how a face looks, not what the person feels. Photos are read in memory. "
            "They are not kept, and not sent elsewhere."
        ),
        "notice": _(NOTICE) if notice == READY else notice,
    }
    said = {word: _(word) for word in (*FAULTS, *(emotion for each in sets for emotion in each))}
    return {
        "page": words,
        "said": said | sentences(named, language),
        "sets": {each.name: _(each.words) for each in sets},
    }


def _runtime_in(place: Path) -> bytes | None:
    """The runtime in a folder, an archive, or as it is; None where it is not there."""
    inner = f"dist/{RUNTIME}"
    if place.is_dir():
        found = next((each for each in (place / inner, place / RUNTIME) if each.is_file()), None)
        return found.read_bytes() if found else None
    if not place.is_file():
        return None
    if place.suffix == ".wasm":
        return place.read_bytes()
    try:
        with tarfile.open(place) as archive:
            stream = archive.extractfile(f"package/{inner}")
            return stream.read() if stream else None
    except (tarfile.TarError, KeyError):
        return None


def _here() -> Iterator[Path]:
    yield Path.cwd()
    yield from Path.cwd().parents


def _block(text: str, kind: str, **attributes: str) -> str:
    """Data in the page, which is no script of it; its text has nothing that begins or ends a script."""
    named = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f'<script type="{kind}"{named}>{text}</script>'


def _json(value: Any) -> str:
    """JSON for a block, without `<`: after `<!--` and `<script` the block's own end would not end it."""
    return json.dumps(value).replace("<", r"\u003c")


def _packed(name: str, content: bytes) -> str:
    """A file in the page: no script, since WebKit reads long ones seven times as slowly."""
    text = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    return f'<template data-file="{escape(name)}">{text}</template>'


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
