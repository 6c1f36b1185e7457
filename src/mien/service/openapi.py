"""The API's description (OpenAPI): what is sent and answered, each kind with its name, and how keys are sent."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from mien.prediction import METHODS, PLACES
from mien.service.problems import KINDS

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
TEXTS = {"type": "array", "items": {"type": "string"}}


def ref(name: str) -> dict[str, Any]:
    """A component, as other parts of the description name it."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(name: str) -> dict[str, Any]:
    """An array of a component."""
    return {"type": "array", "items": ref(name)}


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
        "reasons": TEXTS,
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
        "explanation": ref("Explanation"),
    },
}
EXPLANATION = {
    "type": "object",
    "description": "what the label hangs on, where explain asks for it",
    "required": ["method", "where", "lost"],
    "properties": {
        "method": {"type": "string", "enum": list(METHODS)},
        "where": {"type": "string", "enum": list(PLACES), "description": "where the part lies that counts most"},
        "lost": {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number", "minimum": -1, "maximum": 1}},
            "description": "how much confidence is lost without each part: as many rows as columns, from the top left; "
            "those of the last feature map (cam), or 7 (occlusion)",
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
        "faces": {"type": "array", "items": ref("Face")},
        "reasons": TEXTS,
        "notes": {
            **TEXTS,
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
HEAD = {
    "type": "object",
    "required": ["labels", "emotions"],
    "properties": {"labels": {"type": "string"}, "emotions": TEXTS},
}
MODEL = {
    "type": "object",
    "required": ["name", "heads", "size", "colour", "precision", "scores", "sha256"],
    "properties": {
        "name": {"type": "string"},
        "heads": array("Head"),
        "size": {"type": "integer", "description": "side of the crop in px"},
        "colour": {"type": "string", "enum": ["gray", "rgb"]},
        "precision": {"type": "string", "enum": ["float32", "int8"]},
        "scores": {"type": "object", "description": "on the validation images, by head"},
        "sha256": {"type": "string"},
    },
}
LABEL_SET = {
    "type": "object",
    "required": ["name", "emotions", "models"],
    "properties": {
        "name": {"type": "string"},
        "emotions": TEXTS,
        "models": {**TEXTS, "description": "that can answer in it"},
    },
}
STATUS = {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
COMPONENTS = {
    "Face": FACE,
    "Explanation": EXPLANATION,
    "Prediction": PREDICTION,
    "Problem": PROBLEM,
    "Head": HEAD,
    "Model": MODEL,
    "LabelSet": LABEL_SET,
    "Status": STATUS,
}
PREDICTIONS = {"oneOf": [ref("Prediction"), array("Prediction")]}
KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "any name; the key is the password"},
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {
                    "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
                },
            }
        },
        "image/*": BINARY,
        "application/octet-stream": BINARY,
    },
}


def good(words: str, schema: dict[str, Any], kind: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """The documented answer where all went well."""
    return {200: {"description": words, "content": {kind: {"schema": schema}}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented answers with these statuses."""
    content = {"application/problem+json": {"schema": ref("Problem")}}
    titles = {status: "; ".join(kind.title for kind in KINDS if kind.status == status) for status in statuses}
    return {status: {"description": title, "content": content} for status, title in titles.items()}


class Described(FastAPI):
    """An application that describes its components by name, and how keys are sent.

    Args:
        locked: whether there is no answer without a key.
        given: what FastAPI takes.
    """

    def __init__(self, locked: bool, **given: Any) -> None:
        super().__init__(**given, generate_unique_id_function=name)
        self._locked = locked

    def openapi(self) -> dict[str, Any]:
        told = super().openapi()
        told["components"] = {"schemas": COMPONENTS, "securitySchemes": KEYS}
        told["security"] = [*({scheme: []} for scheme in KEYS), *([] if self._locked else [{}])]
        return told


def name(route: BaseRoute) -> str:
    """What a generated client calls a route."""
    return str(getattr(route, "name", ""))
