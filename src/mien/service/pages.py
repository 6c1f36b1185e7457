"""The pages: upload, result, live camera, documentation; they need no JavaScript but for the camera."""

from __future__ import annotations

import base64
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
from fastapi import APIRouter, FastAPI
from PIL import Image
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from mien.draw import annotate, colour_of
from mien.intake import ImageSource
from mien.labels import LabelSet
from mien.languages import LANGUAGES, SENTENCES, preferred, said, translations
from mien.prediction import Prediction, percent
from mien.service.api import read, spoken
from mien.service.engine import Engine
from mien.service.problems import KINDS, Problem
from mien.service.proxies import path_of, root_of
from mien.service.uploads import Form, Uploads

HERE = Path(__file__).parent
LARGEST = 1280  # px, longer side of the pictures on the result page
QUALITY = 88
FIELDS = ("labels",)  # of the form, beside its files


class Pages:
    """Renders the templates of this package."""

    def __init__(self) -> None:
        self._templates = {language: _templates(language) for language in LANGUAGES}

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


def _templates(language: str) -> jinja2.Environment:
    """The templates in a language: `_` and `ngettext` translate their own texts, `said` those of the library."""
    loader = jinja2.FileSystemLoader(HERE / "templates")
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.i18n"]
    )
    texts = translations(language)
    made.install_gettext_callables(texts.gettext, texts.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["language"] = language
    made.filters |= {
        "percent": percent,
        "colour": _hex,
        "sentence": _sentence,
        "said": partial(said, language=language),
    }
    return made


def wants_page(scope: Scope) -> bool:
    """Whether whoever asks is a person with a browser, outside the API."""
    path = path_of(scope)
    return path == "/result" or ("text/html" in Headers(scope=scope).get("accept", "") and not path.startswith("/v1/"))


def routes(app: FastAPI, pages: Pages, engine: Engine, uploads: Uploads) -> APIRouter:
    """The pages' routes."""
    router = APIRouter(include_in_schema=False)

    def choices() -> list[LabelSet]:
        return list(engine.model(None).artifact.label_sets.values())

    @router.get("/")
    async def upload(request: Request) -> Response:
        return pages.render("upload", request.scope, choices=choices())

    @router.get("/result")
    async def nothing_to_show(request: Request) -> Response:
        return RedirectResponse(f"{root_of(request.scope)}/", 303)

    @router.post("/result")
    async def result(request: Request) -> Response:
        model = engine.model(None)
        with uploads.reading(request) as reading:
            form = await reading.form()
            files = [file for file in form.files if file.content]  # a browser sends an empty one where none is chosen
            form = Form(files, form.fields)
            labels = spoken(model, form.fields.get("labels") or None)
            shown = await read(engine, form, model, labels, "auto", draw=_picture, fields=FIELDS)
        return pages.render("result", request.scope, shown=shown, labels=labels, choices=choices())

    @router.get("/live")
    async def live(request: Request) -> Response:
        return pages.render("live", request.scope, choices=choices(), sentences=SENTENCES, kinds=KINDS)

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return pages.render("docs", request.scope, api=app.openapi(), base=str(request.base_url).rstrip("/"))

    return router


def _picture(source: ImageSource, prediction: Prediction) -> str:
    """A photo with its faces marked, as a data URI; empty where it could not be read."""
    if prediction.error is not None:
        return ""
    picture = annotate(source, prediction)
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _sentence(text: str) -> str:
    """With a capital, and all else as it is."""
    return text[:1].upper() + text[1:]


def _hex(label: str) -> str:
    return "#" + bytes(colour_of(label)).hex()
