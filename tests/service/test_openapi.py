"""The OpenAPI description: whatever is sent, no answer is a 500 and every answer is one that is described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.openapi.checks import JsonSchemaError
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served import Served, get, post
from waiting import WAIT_S

from mien.service.problems import MALFORMED, NO_IMAGE, NO_VIDEO, PARAMETER
from mien.service.settings import hash_key

OPEN = ["/healthz", "/readyz"]
VIDEO = "/v1/videos/{video}"
PATHS = [
    *("/healthz", "/metrics", "/readyz", "/v1/labels", "/v1/models", "/v1/predict", "/v1/videos"),
    *(VIDEO, f"{VIDEO}/rows", f"{VIDEO}/summary"),
]
ASKING = ("/v1/predict", "/v1/videos")
"""Those about which something can be wrong; of pages there is a table elsewhere."""


def is_not_broken(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """A service that has no place for a video says so, and is whole."""
    return None if response.status_code == 503 else not_a_server_error(ctx, response, case)


CHECKS = [is_not_broken, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def service(serve: Any) -> Iterator[Served]:
    """One that reads the first video that it is sent, and has no place for another meanwhile."""
    with serve(videos=1, videos_waiting=0) as served:
        yield served


@pytest.fixture(scope="module")
def api(service: Served) -> Any:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json", timeout=WAIT_S)


@pytest.mark.parametrize(
    ("path", "mode"),
    [*((path, GenerationMode.POSITIVE) for path in PATHS), *((path, GenerationMode.NEGATIVE) for path in ASKING)],
)
def test_every_answer_is_described(api: Any, path: str, mode: GenerationMode) -> None:
    for operation in api[path].values():
        _try(operation, mode)


def _try(operation: Any, mode: GenerationMode) -> None:
    """Send it all kinds of requests."""

    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def every(case: Any) -> None:
        case.call_and_validate(checks=CHECKS, timeout=WAIT_S)

    every()


def test_there_is_one_model_for_each_kind_of_answer(api: Any) -> None:
    """What a generator of clients makes classes of: named components, each used, and nothing nameless beside them."""
    text = json.dumps(api.raw_schema)
    components = api.raw_schema["components"]["schemas"]
    used = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    images = {"Face", "Explanation", "Prediction", "Problem", "Head", "Model", "LabelSet", "Status"}
    assert used == set(components) == images | {"Video", "Row", "Rows", "Summary"}
    operations = [each for path in api.raw_schema["paths"].values() for each in path.values()]
    answers = json.dumps([each["responses"] for each in operations])
    assert "properties" not in answers
    assert '"schema": {}' not in answers
    for component in components.values():
        assert "properties" not in json.dumps(list(component["properties"].values()))
    names = [each["operationId"] for each in operations]
    videos = ["begin_video", "delete_video", "video", "video_rows", "video_summary"]
    assert sorted(names) == sorted(["healthz", "labels", "metrics", "models", "predict", "readyz", *videos])


def test_how_keys_are_sent_is_described(api: Any, serve: Any) -> None:
    schemes = api.raw_schema["components"]["securitySchemes"]
    assert schemes["key"] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert {each.get("scheme") for each in schemes.values()} == {None, "bearer", "basic"}
    assert {} in api.raw_schema["security"]
    secret = {"X-API-Key": "secret"}
    with serve(api_keys=hash_key("secret")) as served:
        locked = get(f"{served.url}/openapi.json", headers=secret).json()
    assert locked["security"] == [{name: []} for name in schemes]
    assert [path for path, each in locked["paths"].items() if each.get("get", {}).get("security") == []] == OPEN


def test_of_each_answer_only_what_may_be_wrong_there_is_described(api: Any) -> None:
    """Not whatever has its status: no image is at fault where models are listed, and no video where images are read."""
    paths = api.raw_schema["paths"]
    video = paths["/v1/videos"]["post"]["responses"]
    assert paths["/v1/models"]["get"]["responses"]["422"]["description"] == PARAMETER.title
    assert paths["/v1/predict"]["post"]["responses"]["400"]["description"] == f"{MALFORMED.title}; {NO_IMAGE.title}"
    assert video["400"]["description"] == f"{MALFORMED.title}; {NO_VIDEO.title}"
    assert video["422"]["description"] == PARAMETER.title  # what cannot be read of a video is told by its job


def test_every_path_is_tried(api: Any) -> None:
    assert sorted(api) == PATHS


def test_a_good_image_is_described_too(api: Any, service: Any, astronaut: bytes) -> None:
    operation = api["/v1/predict"]["POST"]
    for content in ([astronaut], [astronaut, b"x"]):
        files = [("file", (f"{n}.jpg", each, "image/jpeg")) for n, each in enumerate(content)]
        answer = post(f"{service.url}/v1/predict", files=files)
        assert answer.status_code == 200
        answer.request.read()
        operation.validate_response(answer)
    with pytest.raises(JsonSchemaError):
        operation.validate_response(get(f"{service.url}/v1/labels"))
