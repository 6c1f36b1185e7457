"""The pages: upload, result, live camera, documentation; they need no JavaScript but for the camera."""

from __future__ import annotations

import base64
from dataclasses import replace
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
from mien.labels import LabelSet
from mien.prediction import percent
from mien.service.api import read, spoken
from mien.service.engine import Answer, Engine
from mien.service.problems import Problem
from mien.service.proxies import path_of, root_of
from mien.service.uploads import Form, Uploads

HERE = Path(__file__).parent
QUALITY = 88
FIELDS = ("labels",)  # of the form, beside its files


class Pages:
    """Renders the templates of this package."""

    def __init__(self) -> None:
        loader = jinja2.FileSystemLoader(HERE / "templates")
        self._templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        self._templates.filters |= {"percent": percent, "colour": _hex, "sentence": _sentence, "marked": _picture}

    def render(self, name: str, scope: Scope, status: int = 200, **values: Any) -> HTMLResponse:
        """A page, whose links begin with the path that the service is under."""
        text = self._templates.get_template(f"{name}.html").render(values, root=root_of(scope))
        return HTMLResponse(text, status)

    def problem(self, problem: Problem, scope: Scope) -> Response:
        """A problem, as a page for people and as JSON for programs."""
        if not wants_page(scope):
            return problem.response()
        response = self.render("problem", scope, problem.kind.status, problem=problem)
        response.headers.update(problem.headers)
        return response


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
            shown = await read(engine, form, model, labels, "auto", pictured=True, fields=FIELDS)
        return pages.render("result", request.scope, shown=shown, labels=labels, choices=choices())

    @router.get("/live")
    async def live(request: Request) -> Response:
        return pages.render("live", request.scope, choices=choices())

    @router.get("/docs")
    async def docs(request: Request) -> Response:
        return pages.render("docs", request.scope, api=app.openapi(), base=str(request.base_url).rstrip("/"))

    return router


def _picture(answer: Answer) -> str:
    """A photo with its faces marked, as a data URI; empty where it could not be read."""
    prediction = answer.prediction
    if prediction.error is not None:
        return ""
    with Image.open(BytesIO(answer.picture)) as picture:
        across, down = picture.width / prediction.width, picture.height / prediction.height
        faces = []
        for reading in prediction.faces:
            x0, y0, x1, y1 = reading.face.box_xyxy
            box = x0 * across, y0 * down, x1 * across, y1 * down
            faces.append(replace(reading, face=replace(reading.face, box_xyxy=box)))
        small = replace(prediction, width=picture.width, height=picture.height, faces=tuple(faces))
        marked = annotate(picture, small)
    stream = BytesIO()
    marked.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _sentence(text: str) -> str:
    """With a capital, and all else as it is."""
    return text[:1].upper() + text[1:]


def _hex(label: str) -> str:
    return "#" + bytes(colour_of(label)).hex()
