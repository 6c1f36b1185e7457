"""The API: the same numbers as everywhere, and problems that say what was wrong."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from served import session
from typer.testing import CliRunner

import mien
from mien.artifact import DEFAULT
from mien.cli.verbs import app
from mien.explain import explained
from mien.labels import LABEL_SETS
from mien.prediction import Method
from mien.service.api import label_sets, parameters
from mien.service.engine import Engine
from mien.service.metrics import Metrics
from mien.service.problems import KINDS
from mien.service.settings import Settings

Toy = Callable[..., Path]
JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def client(service: Any) -> Iterator[httpx.Client]:
    with session(base_url=service.url) as opened:
        yield opened


def files(*contents: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("file", (f"{number}.jpg", content, "image/jpeg")) for number, content in enumerate(contents)]


@pytest.mark.parametrize(
    ("labels", "prior"),
    [
        *((labels, "training") for labels in ("ferplus8", "fer7", "ckplus7", "happy-sad")),
        *(("ferplus8", prior) for prior in ("balanced", "happy=.2,sad=.8")),
    ],
)
def test_python_the_command_line_the_api_and_the_page_agree(
    client: httpx.Client, astronaut: bytes, labels: str, prior: str, tmp_path: Path
) -> None:
    (tmp_path / "0.jpg").write_bytes(astronaut)
    expected = mien.load().predict(astronaut, labels=labels, prior=prior).to_dict()["faces"]
    words = ["predict", str(tmp_path / "0.jpg"), "--labels", labels, "--prior", prior, "--format", "json"]
    assert json.loads(CliRunner().invoke(app, words).stdout)["faces"] == expected
    asked = {"labels": labels, "prior": prior}
    assert client.post("/v1/predict", params=asked, files=files(astronaut)).json()["faces"] == expected
    page = client.post("/result", data=asked, files=files(astronaut)).text
    rows = re.findall(r'<th scope="row" data-label="(.*?)">.*?</th>.*?data-share="(.*?)"', page)
    assert {name: float(share) for name, share in rows} == expected[0]["probabilities"]


def test_a_raw_body_and_a_form_are_the_same(client: httpx.Client, astronaut: bytes) -> None:
    raw = client.post("/v1/predict", content=astronaut, headers=JPEG).json()
    form = client.post("/v1/predict", files=files(astronaut)).json()
    assert raw == form | {"source": "<bytes>"}
    assert form["source"] == "0.jpg"
    assert (form["width"], form["height"], form["error"]) == (512, 512, None)


def test_several_files_one_of_them_broken(client: httpx.Client, astronaut: bytes) -> None:
    answer = client.post("/v1/predict", files=files(astronaut, astronaut[:4000], astronaut))
    assert answer.status_code == 200
    whole, torn, again = answer.json()
    assert whole["faces"] == again["faces"] != []
    assert torn["faces"] == []
    assert "cut short" in torn["error"]


@pytest.mark.parametrize("prior", ["", "even", "joke=1,sad=2", "happy=1", "happy=-1,sad=1"])
def test_a_prior_that_is_none(client: httpx.Client, astronaut: bytes, prior: str) -> None:
    answer = client.post("/v1/predict", params={"prior": prior}, content=astronaut, headers=JPEG)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert answer.json()["detail"].startswith("prior: ")


def test_the_whole_image_as_one_face(client: httpx.Client, astronaut: bytes) -> None:
    face = client.post("/v1/predict", params={"crop": "whole"}, content=astronaut, headers=JPEG).json()["faces"][0]
    assert face["box"] == [0, 0, 512, 512]
    assert face == mien.load().predict(astronaut, crop="whole").to_dict()["faces"][0]


@pytest.mark.parametrize(
    ("asked", "method", "parts"), [("true", "cam", 3), ("cam", "cam", 3), ("occlusion", "occlusion", 7)]
)
def test_an_explanation(asked: str, method: Method, parts: int, client: httpx.Client, astronaut: bytes) -> None:
    told = client.post("/v1/predict", params={"explain": asked}, content=astronaut, headers=JPEG).json()
    assert told == explained(mien.load(), astronaut, method=method).to_dict() | {"source": told["source"]}
    (explanation,) = (face["explanation"] for face in told["faces"])
    assert (explanation["method"], [len(row) for row in explanation["lost"]]) == (method, [parts] * parts)
    assert np.max(explanation["lost"][parts // 2 + 1 :]) > np.max(explanation["lost"][0])  # a smile
    plain = client.post("/v1/predict", params={"explain": "false"}, content=astronaut, headers=JPEG).json()
    assert "explanation" not in plain["faces"][0]


def test_another_model(serve: Any, toy: Callable[..., Path], astronaut: bytes, tmp_path: Path) -> None:
    folder = toy(tmp_path / "toy", {"yes-no": ("yes", "no")})
    with serve(models=f"{DEFAULT},{folder}") as served, session(base_url=served.url) as opened:
        assert [model["name"] for model in opened.get("/v1/models").json()] == [DEFAULT, "toy"]
        answer = opened.post("/v1/predict", params={"model": "toy"}, content=astronaut, headers=JPEG).json()
        assert set(answer["faces"][0]["probabilities"]) == {"yes", "no"}
        told = opened.post("/v1/predict?model=toy&explain=true", content=astronaut, headers=JPEG).json()
        assert told["faces"][0]["explanation"]["method"] == "occlusion"
        refused = opened.post("/v1/predict?model=toy&explain=cam", content=astronaut, headers=JPEG).json()
        assert refused["detail"] == "explain: model 'toy' is explained by occlusion alone"
        path = opened.post("/v1/predict", params={"model": str(folder)}, content=astronaut, headers=JPEG)
        assert path.json()["detail"] == f"model: expected one of {DEFAULT}, toy"
        assert (
            "happy" in opened.post("/v1/predict", content=astronaut, headers=JPEG).json()["faces"][0]["probabilities"]
        )


def test_what_there_is(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()
    assert model["name"] == DEFAULT
    assert [head["labels"] for head in model["heads"]] == ["ferplus8", "fer7"]
    sets = {each["name"]: each for each in client.get("/v1/labels").json()}
    assert sets["happy-sad"] == {"name": "happy-sad", "emotions": ["happy", "sad"], "models": [DEFAULT]}
    assert client.get("/healthz").json() == {"status": "alive"}


def test_a_models_own_label_set_can_be_asked_for(toy: Toy, tmp_path: Path) -> None:
    engine = Engine(Settings(models=(str(toy(tmp_path / "own", {"bored-happy": ("bored", "happy")})),)), Metrics())
    engine.load()
    names = [each.name for each in label_sets(engine)]
    assert names == [*LABEL_SETS, "bored-happy"]
    asked = next(each for each in parameters(engine) if each["name"] == "labels")
    assert asked["schema"]["enum"] == names


@pytest.mark.parametrize(
    ("query", "headers", "content", "status", "kind", "detail"),
    [
        ("", JPEG, b"", 400, "no-image", "the body is empty"),
        ("", {"Content-Type": "text/plain"}, b"x", 415, "unsupported-type", "expected multipart/form-data, image"),
        ("", JPEG | {"Content-Encoding": "gzip"}, b"x", 415, "unsupported-type", "'gzip': send the body as it is"),
        (
            "",
            {"Content-Encoding": "br", "Content-Type": "multipart/form-data; boundary=b"},
            b"x",
            415,
            "unsupported-type",
            "'br'",
        ),
        ("", JPEG | {"Content-Encoding": "Identity"}, b"", 400, "no-image", "the body is empty"),
        ("", {"Content-Type": "multipart/form-data"}, b"x", 400, "malformed-body", "without a boundary"),
        ("", JPEG, b"x", 422, "unreadable-image", "not an image of a supported kind"),
        ("?labels=moods", JPEG, b"x", 422, "invalid-parameter", "no label set 'moods'"),
        ("?crop=tight", JPEG, b"x", 422, "invalid-parameter", "expected one of auto, detect, whole"),
        ("?explain=maybe", JPEG, b"x", 422, "invalid-parameter", "expected one of true, false, cam, occlusion"),
        ("?model=/etc", JPEG, b"x", 422, "invalid-parameter", f"expected one of {DEFAULT}"),
        (
            "?label=fer7",
            JPEG,
            b"x",
            422,
            "invalid-parameter",
            "label: no such parameter; there are labels, prior, crop",
        ),
        ("?" + 99 * "n", JPEG, b"x", 422, "invalid-parameter", f"{40 * 'n'}: no such parameter"),
        ("?crop=auto&crop=whole", JPEG, b"x", 422, "invalid-parameter", "crop: given 2 times"),
    ],
)
def test_problems(
    client: httpx.Client, query: str, headers: dict[str, str], content: bytes, status: int, kind: str, detail: str
) -> None:
    answer = client.post(f"/v1/predict{query}", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"/problems/{kind}"
    assert problem["status"] == status
    assert detail in problem["detail"]


def test_the_page_of_a_result_takes_no_query(client: httpx.Client, astronaut: bytes) -> None:
    """Whoever asks the page's address by a query, as the API is asked, would be answered by the defaults."""
    page = client.post("/result?labels=happy-sad", files=files(astronaut))
    assert page.status_code == 422
    assert "labels: no such parameter" in page.text.lower()


def test_a_field_that_is_none_is_refused(client: httpx.Client, astronaut: bytes) -> None:
    for path, field, known in (
        ("/v1/predict", "labels", "this form takes files alone; the query takes the rest"),
        ("/result", "label", "there are labels, model, prior, sample"),
    ):
        answer = client.post(path, data={field: "fer7"}, files=files(astronaut))
        assert answer.status_code == 422
        assert f"abel{field[5:]}: no such field; {known}" in answer.text
    forgotten = client.post("/v1/predict", data={"file": "photo.jpg"}, files={"x": (None, b"")})
    assert forgotten.json()["detail"] == "expected a part with a file name"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/labels"])
def test_addresses_without_parameters_take_none(client: httpx.Client, path: str) -> None:
    answer = client.get(path, params={"model": "small"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "model: no such parameter; there are none here"


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/result", "/live", "/docs", "/openapi.json", "/static/style.css", "/nothing", "/v1/predict"),
        *("/v1/models", "/v1/labels", "/healthz", "/readyz", "/metrics"),
    ],
)
def test_head_is_get_without_its_body(client: httpx.Client, path: str) -> None:
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    kept = {"content-type", "location", "allow"} | ({"content-length"} if path != "/metrics" else set())
    assert {name: head.headers.get(name) for name in kept} == {name: whole.headers.get(name) for name in kept}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/healthz", "GET, HEAD"),
        ("HEAD", "/v1/predict", "POST"),
        ("POST", "/v1/videos/x", "DELETE, GET, HEAD"),
        ("POST", "/static/style.css", "GET, HEAD"),
    ],
)
def test_what_is_allowed_is_said(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_kinds_of_problems_are_told_apart() -> None:
    assert len({kind.uri for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/predict", 405), ("GET", "/nothing", 404)])
def test_elsewhere(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_counts(serve: Any, astronaut: bytes) -> None:
    with serve() as served, session(base_url=served.url) as opened:
        for _ in range(3):
            opened.post("/v1/predict", files=files(astronaut, astronaut))
        opened.post("/v1/predict", content=b"x", headers=JPEG)
        opened.get("/static/style.css")
        opened.get("/private/path")
        counts = ""
        while 'route="/static/"' not in counts:  # a file is closed, and then counted, after it has come
            counts = opened.get("/metrics").text
    for line in (
        'mien_requests_total{route="/v1/predict",status="200"} 3.0',
        'mien_requests_total{route="/static/",status="200"} 1.0',
        'mien_requests_total{route="other",status="404"} 1.0',
        'mien_request_seconds_count{route="/v1/predict"} 4.0',
        'mien_errors_total{kind="unreadable-image"} 1.0',
        "mien_faces_total 6.0",
        "mien_images_total 7.0",
        "mien_queue_images 0.0",
        "mien_upload_bytes 0.0",
        'mien_stage_seconds_count{stage="find"} 7.0',
        'mien_stage_seconds_count{stage="upload"} 4.0',
    ):
        assert line in counts.splitlines(), line
    assert "mien_batch_images_count" in counts
    assert "private" not in counts
    assert re.search(rf'mien_build_info{{onnxruntime=".+",python=".+",version="{mien.__version__}"}} 1.0', counts)
    if sys.platform == "linux":
        assert "process_resident_memory_bytes" in counts
