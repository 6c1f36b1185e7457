"""The API's description (OpenAPI): what is sent and answered, each kind with its name, and how keys are sent."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

from mien.prediction import METHODS, PLACES
from mien.service.problems import KINDS, Kind
from mien.timeline import meanings
from mien.watching import moment_columns

SHARE = {"type": "number", "minimum": 0, "maximum": 1}
TEXTS = {"type": "array", "items": {"type": "string"}}
TYPES = {"string": "string", "int32": "integer", "bool": "boolean", "float64": "number"}
"""What JSON calls what columns hold."""


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
VIDEO = {
    "type": "object",
    "required": [
        *("id", "state", "source", "model", "labels", "prior", "ahead", "from_s", "time_s", "end_s"),
        *("frames", "faces", "rows", "error"),
    ],
    "properties": {
        "id": {"type": "string"},
        "state": {
            "type": "string",
            "enum": ["waiting", "running", "done", "failed"],
            "description": "failed: it was not read to its end, and `error` says why; what was read is there",
        },
        "source": {"type": "string", "description": "the file's name"},
        "model": {"type": "string"},
        "labels": {"type": "string"},
        "prior": {"type": "string"},
        "ahead": {"type": "integer", "minimum": 0, "description": "how many wait before it"},
        "from_s": {"type": "number", "description": "when it begins, s of a player's clock"},
        "time_s": {"type": "number", "description": "up to when it was read"},
        "end_s": {"type": ["number", "null"], "description": "up to when it will be; null where nobody knows"},
        "frames": {"type": "integer", "minimum": 0, "description": "that were read"},
        "faces": {"type": "integer", "minimum": 0, "description": "in them, each once a frame"},
        "rows": {"type": "integer", "minimum": 0, "description": "that can be fetched"},
        "error": {"oneOf": [ref("Problem"), {"type": "null"}]},
    },
}
COLUMNS = moment_columns(())
ROW = {
    "type": "object",
    "description": "as of `mien video`: a face in a frame, a frame without one, or why there is no more",
    "required": list(COLUMNS),
    "properties": {
        name: {"type": [TYPES[kind], "null"], "description": words}
        for (name, kind), words in zip(COLUMNS.items(), meanings(COLUMNS).values(), strict=True)
    },
    "additionalProperties": {"type": ["number", "null"], "description": "p_, v_ and s_<emotion>: 0..1"},
}
ROWS = {
    "type": "object",
    "required": ["rows", "next"],
    "properties": {
        "rows": array("Row"),
        "next": {
            "type": ["integer", "null"],
            "description": "the number of the row that comes next, there already or not yet; null after the last",
        },
    },
}
SUMMARY = {
    "type": "object",
    "required": ["tracks", "events"],
    "properties": {
        "tracks": {"type": "array", "items": {"type": "object"}, "description": "as of `mien video --summary`"},
        "events": {"type": "array", "items": {"type": "object"}, "description": "as of `mien video --events`"},
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
    "Video": VIDEO,
    "Row": ROW,
    "Rows": ROWS,
    "Summary": SUMMARY,
    "Status": STATUS,
}
PREDICTIONS = {"oneOf": [ref("Prediction"), array("Prediction")]}
KEYS = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic", "description": "any name; the key is the password"},
}


def body(kind: str, *, several: bool) -> dict[str, Any]:
    """The documented body of a request: a file of that kind, as it is or in a form; there perhaps several."""
    binary = {"type": "string", "format": "binary"}
    file = {"type": "array", "minItems": 1, "items": binary} if several else binary
    form = {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": file}}
    plain = {name: {"schema": binary} for name in (f"{kind}/*", "application/octet-stream")}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}, **plain}}


def parameter(name: str, words: str, **schema: Any) -> dict[str, Any]:
    """A documented parameter of a query; a text, if its schema says nothing else."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": words,
        "schema": {"type": "string", **schema},
    }


def good(
    words: str, schema: dict[str, Any], kind: str = "application/json", *, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """The documented answer where all went well."""
    return {status: {"description": words, "content": {kind: {"schema": schema}}}}


def problems(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The documented answers with these problems, by their statuses."""
    content = {"application/problem+json": {"schema": ref("Problem")}}
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(kind.status, []).append(kind.title)
    return {status: {"description": "; ".join(each), "content": content} for status, each in sorted(titles.items())}


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
