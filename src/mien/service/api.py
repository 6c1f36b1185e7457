"""The API: images in, JSON out; the same objects that the command line prints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from mien.crops import CROPS, Crop
from mien.errors import LabelError
from mien.labels import LABEL_SETS, LabelSet
from mien.recognizer import Recognizer
from mien.service.engine import Answer, Draw, Engine
from mien.service.metrics import CONTENT_TYPE, Metrics
from mien.service.problems import KINDS, NO_IMAGE, PARAMETER, UNREADABLE, UNREADY, Problem
from mien.service.uploads import Form, Uploads

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
FACE = {
    "type": "object",
    "required": [
        "box",
        "landmarks",
        "score",
        "label",
        "confidence",
        "probabilities",
        "uncertain",
        "reasons",
        "not_a_face",
        "votes",
    ],
    "properties": {
        "box": {
            "type": "array",
            "items": {"type": "number"},
            "minItems": 4,
            "maxItems": 4,
            "description": "x0, y0, x1, y1 in px of the upright image, within it",
        },
        "landmarks": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "maxItems": 6,
            "description": "x, y in px of the eyes, nose, mouth and ears; none of an image taken as one face",
        },
        "score": {**SHARE, "description": "how sure the detector is of the face"},
        "label": {"type": "string"},
        "confidence": {**SHARE, "description": "the chance that most people would say so"},
        "probabilities": {"type": "object", "additionalProperties": SHARE},
        "uncertain": {"type": "boolean"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "not_a_face": {
            "type": ["number", "null"],
            "minimum": 0,
            "maximum": 1,
            "description": "the share of people who would say that this is no face; null where the model cannot tell",
        },
        "votes": {
            "type": ["object", "null"],
            "additionalProperties": SHARE,
            "description": "the share of people who would choose each emotion; null where votes taught it nothing",
        },
        "explanation": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number", "minimum": -1, "maximum": 1}},
            "description": "with explain=true: 7 rows of 7, how much confidence is lost when that part is hidden",
        },
    },
}
PREDICTION = {
    "type": "object",
    "required": ["source", "width", "height", "faces", "reasons", "notes", "error"],
    "properties": {
        "source": {"type": "string"},
        "width": {"type": "integer", "minimum": 0},
        "height": {"type": "integer", "minimum": 0},
        "faces": {"type": "array", "items": FACE},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "notes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "what is to be said of how the image was read, such as that one frame of several was",
        },
        "error": {"type": ["string", "null"]},
    },
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [kind.uri for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
                },
            }
        },
        "image/*": BINARY,
        "application/octet-stream": BINARY,
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented answers with these statuses."""
    content = {"application/problem+json": {"schema": PROBLEM}}
    titles = {status: "; ".join(kind.title for kind in KINDS if kind.status == status) for status in statuses}
    return {status: {"description": title, "content": content} for status, title in titles.items()}


def routes(engine: Engine, uploads: Uploads, metrics: Metrics) -> APIRouter:
    """The API's routes."""
    router = APIRouter()

    @router.post(
        "/v1/predict",
        summary="Read the expressions of the faces in one image, or in several",
        openapi_extra={"requestBody": BODY, "parameters": parameters(engine)},
        response_class=Response,
        responses={
            200: {
                "description": "One image: its prediction. Several: an array of predictions, in their order, where one "
                "that could not be read says why in its `error`.",
                "content": {
                    "application/json": {"schema": {"oneOf": [PREDICTION, {"type": "array", "items": PREDICTION}]}}
                },
            },
            **problems(400, 401, 408, 413, 415, 422, 429, 500, 503),
        },
    )
    async def predict(request: Request) -> Response:
        model = engine.model(request.query_params.get("model"))
        labels = spoken(model, request.query_params.get("labels"))
        crop = crop_of(request.query_params.get("crop"))
        explained = truth(request.query_params.get("explain"))
        with uploads.reading(request) as reading:
            with metrics.time("upload"):
                form = await reading.form()
            answers = await read(engine, form, model, labels, crop, explained)
        told = [written(answer) for answer in answers]
        if len(told) == 1 and (error := answers[0].prediction.error) is not None:
            raise Problem(UNREADABLE, error)
        return Response(json.dumps(told[0] if len(told) == 1 else told), media_type="application/json")

    @router.get("/v1/models", summary="The models that can be asked for", responses=problems(401, 429, 503))
    async def models() -> list[dict[str, Any]]:
        if not engine.models:
            raise Problem(UNREADY, "come again in a few seconds", {"Retry-After": "1"})
        return [told(name, model) for name, model in engine.models.items()]

    @router.get(
        "/v1/labels", summary="The label sets, and which models can answer in them", responses=problems(401, 429)
    )
    async def labels() -> list[dict[str, Any]]:
        return [
            {
                "name": each.name,
                "emotions": list(each),
                "models": [n for n, m in engine.models.items() if each.name in m.artifact.label_sets],
            }
            for each in label_sets(engine)
        ]

    @router.get("/healthz", summary="Whether the process is alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="Whether the models are loaded", responses=problems(503))
    async def readyz() -> dict[str, str]:
        if not engine.ready:
            raise Problem(UNREADY, "come again in a few seconds", {"Retry-After": "1"})
        return {"status": "ready"}

    @router.get("/metrics", summary="Counts for Prometheus", response_class=Response, responses=problems(401, 429))
    async def counts() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router


async def read(
    engine: Engine,
    form: Form,
    model: Recognizer,
    labels: LabelSet,
    crop: Crop,
    explained: bool = False,
    draw: Draw | None = None,
) -> list[Answer]:
    """An answer a file, with the files' own names; raises `Problem` as the engine does."""
    if not form.files:
        raise Problem(NO_IMAGE, "expected a part with a file name")
    contents = [file.content for file in form.files]
    answers = await engine.predict(contents, model, labels, crop, explained, draw)
    return [
        replace(answer, prediction=replace(answer.prediction, source=file.name))
        for file, answer in zip(form.files, answers, strict=True)
    ]


def written(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer: that of its prediction, and each face's explanation where there is one."""
    told = answer.prediction.to_dict()
    for face, explanation in zip(told["faces"], answer.explanations, strict=bool(answer.explanations)):
        face["explanation"] = [[round(float(share), 4) for share in row] for row in explanation]
    return told


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


def truth(text: str | None) -> bool:
    """Yes or no; no if nothing is given. Raises `Problem` where it is neither."""
    if text not in (None, "true", "false"):
        raise Problem(PARAMETER, "explain: expected true or false")
    return text == "true"


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
        "crop": ("auto: a small image without a face found is one face; whole: it is one face", {"enum": list(CROPS)}),
        "explain": ("Whether each face says what its answer hangs on", {"enum": ["true", "false"]}),
        "model": ("One of /v1/models; the first if none is given", {}),
    }
    return [
        {"name": name, "in": "query", "required": False, "description": words, "schema": {"type": "string", **more}}
        for name, (words, more) in allowed.items()
    ]
