"""The pages: upload, result, live camera, documentation; scripts make them pleasant, and only the camera needs one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from fastapi import APIRouter, FastAPI
from markupsafe import Markup
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from mien.labels import LabelSet
from mien.languages import LANGUAGES, NOTICE, READY, preferred, said, sentences, translations
from mien.prediction import Totals, percent, ranked
from mien.prior import TRAINING
from mien.service import looks
from mien.service.api import asked_of, only, read
from mien.service.engine import Answer, Asked, Engine
from mien.service.problems import KINDS, PARAMETER, Problem
from mien.service.proxies import path_of, root_of
from mien.service.settings import Settings
from mien.service.uploads import NAMELESS, Form, Upload, Uploads

HERE = Path(__file__).parent
CHOICES = ("labels", "model", "prior")
FIELDS = (*CHOICES, "sample")  # of the form, beside its files
PARTS = 100  # of pages that are the same for many
SAMPLE = "sample.jpg"  # a photo to try, in static/; its credit is on the page and in NOTICE


class Pages:
    """Renders the templates of this package.

    Args:
        notice: what every page tells the people who are read, see `Settings`.
        private: whether the service offers the page at `/private`.
    """

    def __init__(self, notice: str, private: bool = False) -> None:
        self._templates = {language: _templates(language, notice, private) for language in LANGUAGES}

    def render(self, name: str, scope: Scope, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the language of whoever asks, whose links begin with the path that the service is under."""
        language = preferred(Headers(scope=scope).get("accept-language", ""))
        text = self._templates[language].get_template(f"{name}.html").render(values, root=root_of(scope))
        return HTMLResponse(text, status, {"Content-Language": language, "Vary": "Accept-Language"})

    def problem(self, problem: Problem, scope: Scope) -> Response:
        """A problem, as a page for people and as JSON for programs."""
        if not wants_page(scope):
            return problem.response()
        response = self.render("problem", scope, problem.kind.status, problem=problem)
        response.headers.update(problem.headers)
        return response


def _templates(language: str, notice: str, private: bool) -> jinja2.Environment:
    """The templates in a language: `_` and `ngettext` translate their own texts, `said` those of the library."""
    loader = jinja2.FileSystemLoader(HERE / "templates")
    made = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = translations(language)
    made.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["once"] = _once(made)
    notice = texts.gettext(NOTICE) if notice == READY else notice
    made.globals |= {"language": language, "notice": notice, "private": private}
    made.globals["sentences"] = partial(sentences, language=language)
    made.filters |= {
        "percent": percent,
        "sentence": _sentence,
        "mega": _mega,
        "said": partial(said, language=language),
        "marked": partial(_marked, language=language),
        "told": partial(_told, language=language),
        "place": looks.place,
        "ranked": ranked,
        "jpeg": looks.jpeg,
        **{name: getattr(looks, name) for name in ("tone", "colour", "outline")},
    }
    return made


def _once(made: jinja2.Environment) -> Callable[..., Markup]:
    """What templates call for a part that is the same for the same values: it is rendered once."""
    parts: dict[tuple[str, ...], Markup] = {}

    @jinja2.pass_context
    def once(context: jinja2.runtime.Context, name: str, *values: str) -> Markup:
        key = name, context["root"], *values
        if key not in parts:
            if len(parts) == PARTS:
                parts.clear()
            parts[key] = Markup(made.get_template(name).render(context.get_all()))
        return parts[key]

    return once


def wants_page(scope: Scope) -> bool:
    """Whether whoever asks is a person with a browser, outside the API."""
    path = path_of(scope)
    return path == "/result" or ("text/html" in Headers(scope=scope).get("accept", "") and not path.startswith("/v1/"))


def routes(app: FastAPI, pages: Pages, engine: Engine, uploads: Uploads, settings: Settings) -> APIRouter:
    """The pages' routes."""
    router = APIRouter(include_in_schema=False)
    sample = (HERE / "static" / SAMPLE).read_bytes()

    def offered() -> dict[str, Any]:
        """What the form lets choose from: label sets, each with the models that speak it; and its limits."""
        spoken = {name: model.artifact.label_sets for name, model in engine.models.items()}
        choices = {name: each for known in spoken.values() for name, each in known.items()}
        speakers = {name: [model for model, known in spoken.items() if name in known] for name in choices}
        return {"models": list(spoken), "choices": choices.values(), "speakers": speakers, "limits": settings}

    @router.get("/")
    async def upload(request: Request) -> Response:
        first = engine.model(None)
        return pages.render("upload", request.scope, **chosen(Asked(first, first.labels, "auto")), **offered())

    @router.get("/result")
    async def nothing_to_show(request: Request) -> Response:
        return RedirectResponse(f"{root_of(request.scope)}/", 303)

    @router.post("/result")
    async def result(request: Request) -> Response:
        only(request.query_params)
        with uploads.reading(request) as reading:
            form = await reading.form()
            form = Form(_chosen(form, sample), form.fields)
            given = {name: form.fields[name] for name in CHOICES if form.fields.get(name)}
            asked = replace(asked_of(engine, given), pictured=True)
            answers = await read(engine, form, asked, FIELDS)
        told = told_of(answers, asked.labels) | offered()
        return pages.render("result", request.scope, **chosen(asked), **told)

    @router.get("/live")
    async def live(request: Request) -> Response:
        choices = list(engine.model(None).artifact.label_sets.values())
        return pages.render("live", request.scope, choices=choices, prior=TRAINING, kinds=KINDS)

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return pages.render("docs", request.scope, api=app.openapi(), base=str(request.base_url).rstrip("/"))

    return router


def chosen(asked: Asked) -> dict[str, Any]:
    """What the form has chosen already."""
    return {"model": asked.model.artifact.name, "labels": asked.labels, "prior": asked.prior}


def told_of(answers: Sequence[Answer], labels: LabelSet) -> dict[str, Any]:
    """What the result page is made of: the answers, their number, and the files to save."""
    return {
        "answers": answers,
        "totals": Totals.of(answer.prediction for answer in answers),
        "late": sum(answer.late for answer in answers),
        "csv": looks.csv(answers, labels),
        "json": looks.json_file([answer.prediction.to_dict() for answer in answers]),
    }


def _chosen(form: Form, sample: bytes) -> list[Upload]:
    """The files of a form: the sample, if it is asked for, or those that came."""
    asked = form.fields.get("sample", "")
    if asked not in ("", "yes"):
        raise Problem(PARAMETER, "sample: expected yes, or nothing")
    if asked:
        return [Upload(SAMPLE, sample)]
    none = Upload(NAMELESS)  # what a browser sends where none is chosen
    return [file for file in form.files if file != none]


def _marked(sentence: str, language: str) -> Markup:
    """What the library says: in the page's language where it has the words, else marked as English."""
    words, tongue = _words(sentence, language)
    return Markup('<span lang="{}">{}</span>').format(tongue, words)


def _told(sentence: str, language: str) -> Markup:
    """A whole sentence of the library, likewise."""
    words, tongue = _words(sentence, language)
    return Markup('<span lang="{}">{}.</span>').format(tongue, _sentence(words))


def _words(sentence: str, language: str) -> tuple[str, str]:
    """What the library says, in the page's language where it has the words, else as it is; and the language of that."""
    words = said(sentence, language)
    return words, LANGUAGES[0] if words == sentence else language


def _sentence(text: str) -> str:
    """With a capital, and all else as it is."""
    return text[:1].upper() + text[1:]


def _mega(count: int) -> str:
    """Millions: of bytes or of pixels."""
    return f"{count / 1e6:g}"
