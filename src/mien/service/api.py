"""The API: images in, JSON out; the same objects that the command line prints."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from mien.crops import CROPS, Crop
from mien.errors import LabelError
from mien.explain import usual
from mien.labels import LABEL_SETS, LabelSet
from mien.prediction import METHODS, Method
from mien.prior import TRAINING
from mien.recognizer import Recognizer
from mien.service.engine import Answer, Asked, Engine, unready
from mien.service.metrics import CONTENT_TYPE, Metrics
from mien.service.openapi import PREDICTIONS, array, body, good, parameter, problems, ref
from mien.service.problems import (
    ASKED,
    DEADLINE,
    KEY,
    NO_IMAGE,
    PARAMETER,
    RATE,
    SENT,
    STOPPING,
    UNREADABLE,
    UNREADY,
    Kind,
    Problem,
)
from mien.service.uploads import Form, Uploads

NAME = 40  # characters told back of a name that is unknown
EXPLAIN: dict[str, Method | None] = {"true": None, "false": None, **{method: method for method in METHODS}}
"""The ways to explain that may be asked for; `true` is the one that suits the model."""


def routes(engine: Engine, uploads: Uploads, counts: Metrics) -> APIRouter:
    """The API's routes."""
    router = APIRouter()
    _reading(router, engine, uploads, counts)
    _known(router, engine)
    _watched(router, engine, counts)
    return router


def _reading(router: APIRouter, engine: Engine, uploads: Uploads, counts: Metrics) -> None:
    """The route that reads images."""
    query = parameters(engine)
    known = tuple(each["name"] for each in query)

    @router.post(
        "/v1/predict",
        summary="Read the expressions of the faces in one image, or in several",
        openapi_extra={"requestBody": body("image", several=True), "parameters": query},
        response_class=Response,
        responses={
            **good(
                "One image: its prediction. Several: an array of predictions, in their order, where one that could not "
                "be read, or not in time, says why in its `error`; the others are there all the same.",
                PREDICTIONS,
            ),
            **problems(*SENT, NO_IMAGE, UNREADABLE, DEADLINE),
        },
    )
    async def predict(request: Request) -> Response:
        only(request.query_params, known)
        asked = asked_of(engine, request.query_params)
        with uploads.reading(request) as reading:
            with counts.time("upload"):
                form = await reading.form()
            answers = await read(engine, form, asked)
        told = [answer.prediction.to_dict() for answer in answers]
        if len(told) == 1 and (error := answers[0].prediction.error) is not None:
            raise Problem(UNREADABLE, error)
        return Response(json.dumps(told[0] if len(told) == 1 else told), media_type="application/json")


def _known(router: APIRouter, engine: Engine) -> None:
    """The routes that say what can be asked for."""

    @router.get(
        "/v1/models",
        summary="The models that can be asked for",
        response_model=None,
        responses=good("The first is asked if none is named.", array("Model")) | problems(*ASKED, UNREADY, STOPPING),
    )
    async def models(request: Request) -> list[dict[str, Any]]:
        only(request.query_params)
        if not engine.models:
            raise unready()
        return [told(name, model) for name, model in engine.models.items()]

    @router.get(
        "/v1/labels",
        summary="The label sets, and which models can answer in them",
        response_model=None,
        responses=good("All that are known.", array("LabelSet")) | problems(*ASKED),
    )
    async def labels(request: Request) -> list[dict[str, Any]]:
        only(request.query_params)
        return [
            {
                "name": each.name,
                "emotions": list(each),
                "models": [n for n, m in engine.models.items() if each.name in m.artifact.label_sets],
            }
            for each in label_sets(engine)
        ]


def _watched(router: APIRouter, engine: Engine, counts: Metrics) -> None:
    """The routes for whoever runs it."""

    @router.get(
        "/healthz",
        summary="Whether the process is alive",
        response_model=None,
        openapi_extra={"security": []},
        responses=good("It is.", ref("Status")),
    )
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(
        "/readyz",
        summary="Whether the models are loaded",
        response_model=None,
        openapi_extra={"security": []},
        responses=good("They are.", ref("Status")) | problems(UNREADY, STOPPING),
    )
    async def readyz() -> dict[str, str]:
        if not engine.ready:
            raise unready()
        return {"status": "ready"}

    @router.get(
        "/metrics",
        summary="Counts for Prometheus",
        response_class=Response,
        responses=good("Its text format.", {"type": "string"}, "text/plain") | problems(KEY, RATE),
    )
    async def metrics() -> Response:
        return Response(counts.text(), media_type=CONTENT_TYPE)


def asked_of(engine: Engine, given: Mapping[str, str]) -> Asked:
    """What a query, or the fields of a form, ask for. Raises `Problem` where that cannot be had."""
    model = engine.model(given.get("model"))
    labels = spoken(model, given.get("labels"))
    prior = given.get("prior", TRAINING)
    try:
        model.expected(prior, labels)
    except LabelError as error:
        raise Problem(PARAMETER, f"prior: {error}") from error
    return Asked(model, labels, crop_of(given.get("crop")), prior, way(model, given.get("explain")))


async def read(engine: Engine, form: Form, asked: Asked, fields: Collection[str] = ()) -> list[Answer]:
    """An answer a file, with the files' own names. Raises `Problem` as the engine does, and for unknown fields."""
    check(form, NO_IMAGE, fields)
    contents = [file.content for file in form.files]
    answers = await engine.predict(contents, asked)
    return [
        replace(answer, prediction=replace(answer.prediction, source=file.name))
        for file, answer in zip(form.files, answers, strict=True)
    ]


def check(form: Form, none: Kind, fields: Collection[str] = ()) -> None:
    """Raises `Problem` where a form has no file, which is a problem of that kind, or a field that is unknown."""
    if not form.files:
        raise Problem(none, "expected a part with a file name")
    if unknown := [name for name in form.fields if name not in fields]:
        told = f"there are {', '.join(fields)}" if fields else "this form takes files alone; the query takes the rest"
        raise Problem(PARAMETER, f"{unknown[0][:NAME]}: no such field; {told}")


def only(query: QueryParams, known: Collection[str] = ()) -> None:
    """Raises `Problem` where a query has a name that is unknown, or one twice."""
    names = [name for name, _ in query.multi_items()]
    for name in names:
        if name not in known:
            told = f"there are {', '.join(known)}" if known else "there are none here"
            raise Problem(PARAMETER, f"{name[:NAME]}: no such parameter; {told}")
        if names.count(name) > 1:
            raise Problem(PARAMETER, f"{name}: given {names.count(name)} times")


def spoken(model: Recognizer, name: str | None) -> LabelSet:
    """The label set of that name. Raises `Problem` where the model cannot speak it."""
    try:
        return model.spoken(name)
    except LabelError as error:
        raise Problem(PARAMETER, f"labels: {error}") from error


def label_sets(engine: Engine) -> list[LabelSet]:
    """Those that mien knows and those that some loaded model speaks, each name once."""
    spoken = (model.artifact.label_sets for model in engine.models.values())
    return list({name: each for known in (LABEL_SETS, *spoken) for name, each in known.items()}.values())


def crop_of(name: str | None) -> Crop:
    """The way to crop of that name; `auto` if none is given. Raises `Problem` where there is none."""
    for crop in CROPS:
        if name in (crop, None):
            return crop
    raise Problem(PARAMETER, f"crop: expected one of {', '.join(CROPS)}")


def way(model: Recognizer, text: str | None) -> Method | None:
    """How to explain; not at all if nothing is given. Raises `Problem` where a model cannot, or nobody can."""
    if text is None:
        return None
    if text not in EXPLAIN:
        raise Problem(PARAMETER, f"explain: expected one of {', '.join(EXPLAIN)}")
    best = usual(model)
    if text == "cam" != best:
        raise Problem(PARAMETER, f"explain: model {model.artifact.name!r} is explained by occlusion alone")
    return best if text == "true" else EXPLAIN[text]


def told(name: str, model: Recognizer) -> dict[str, Any]:
    manifest = model.artifact.manifest
    heads = [{"labels": head.labels, "emotions": list(head.emotions)} for head in manifest.heads]
    kept = {key: getattr(manifest, key) for key in ("size", "colour", "precision", "scores", "sha256")}
    return {"name": name, "heads": heads, **kept}


def parameters(engine: Engine) -> list[dict[str, Any]]:
    """The query of /v1/predict."""
    allowed: dict[str, tuple[str, dict[str, Any]]] = {
        "labels": (
            "The label set to answer in; the model's own if none is given",
            {"enum": [each.name for each in label_sets(engine)]},
        ),
        "prior": ("training, balanced, or shares such as happy=.5,neutral=.5: how often each emotion is expected", {}),
        "crop": ("auto: a small image without a face found is one face; whole: it is one face", {"enum": list(CROPS)}),
        "explain": (
            "Whether each face says what its answer hangs on. cam: by what the network found in each part; "
            "occlusion: by hiding each part, fifty times as slowly; true: cam where the model can, else occlusion",
            {"enum": list(EXPLAIN)},
        ),
        "model": ("One of /v1/models; the first if none is given", {"enum": list(engine.models)}),
    }
    return [parameter(name, words, **more) for name, (words, more) in allowed.items()]
