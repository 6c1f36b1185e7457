"""The camera's socket: frames in, answers out, the newest first, each face followed."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator
from io import BytesIO
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import pytest
from PIL import Image
from served import Served, connect, get
from waiting import WAIT_S, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.typing import Origin
from wire import count, dial, handshake, logged

import mien
from mien.service.live import FRAMES, WORDS, Cameras, Newest
from mien.service.metrics import Metrics
from mien.service.problems import Problem
from mien.service.settings import Settings, hash_key
from mien.service.sockets import TOO_BIG
from mien.service.uploads import Uploads


@pytest.fixture(scope="module")
def frame(astronaut: bytes) -> bytes:
    stream = BytesIO()
    Image.open(BytesIO(astronaut)).crop((0, 0, 512, 384)).resize((640, 480)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def strict(serve: Any) -> Iterator[Served]:
    """One with few cameras of few frames, behind a proxy, that two other sites may use."""
    origins = "https://a.example https://b.example"
    with serve(trusted_proxies="127.0.0.1", origins=origins, cameras=2, frame_rate=100) as served:
        yield served
    assert "Traceback" not in "".join(served.printed)


@pytest.fixture(scope="module")
def locked(serve: Any) -> Iterator[Served]:
    """One that a key opens, to small frames."""
    with serve(api_keys=hash_key("a key"), max_bytes=1000) as served:
        yield served


@pytest.fixture(scope="module")
def slow(serve: Any) -> Iterator[Served]:
    """One that any site may use, but each client of its proxy once a minute."""
    with serve(trusted_proxies="127.0.0.1", origins="*", rate=1) as served:
        yield served


def socket(service: Served, query: str = "", origin: str | None = None, **headers: str) -> ClientConnection:
    """A camera, with headers such as `x_api_key="a key"`."""
    url = f"{service.url.replace('http', 'ws')}/live/frames{query}"
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return connect(url, origin=None if origin is None else Origin(origin), additional_headers=more)


def test_a_frame(service: Any, frame: bytes) -> None:
    with socket(service) as opened:
        opened.send(frame)
        answer = json.loads(opened.recv(WAIT_S))
    assert (answer["width"], answer["height"], answer["skipped"]) == (640, 480, 0)
    assert answer["faces"] == mien.load().predict(frame, crop="detect").to_dict()["faces"]
    assert answer["ms"] > 0


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("?labels=&prior=", {}),
        ("?labels=happy-sad", {"labels": "happy-sad"}),
        ("?labels=fer7&prior=balanced", {"labels": "fer7", "prior": "balanced"}),
        ("?prior=happy=.1,sad=.9", {"prior": "happy=.1,sad=.9"}),
    ],
)
def test_a_webp_and_what_is_asked(service: Any, frame: bytes, query: str, asked: dict[str, Any]) -> None:
    stream = BytesIO()
    Image.open(BytesIO(frame)).save(stream, "WEBP")
    with socket(service, query) as opened:
        opened.send(stream.getvalue())
        answer = json.loads(opened.recv(WAIT_S))
    assert answer["faces"] == mien.load().predict(stream.getvalue(), crop="detect", **asked).to_dict()["faces"]


def test_what_is_no_frame_is_told_and_does_no_harm(service: Any, frame: bytes) -> None:
    with socket(service) as opened:
        for sent, told in ((b"not an image", "not an image"), (b"", "empty"), ("words", WORDS), ("", WORDS)):
            opened.send(sent)
            answer = json.loads(opened.recv(WAIT_S))
            assert told in answer["error"]
            assert {"ms", "skipped"} <= answer.keys()
            opened.send(frame)
            assert json.loads(opened.recv(WAIT_S))["faces"]


def test_the_newest_frame_wins(service: Any, frame: bytes) -> None:
    with socket(service) as opened:
        for _ in range(30):
            opened.send(frame)
        answers, frames = 0, 0
        while frames < 30:
            told = json.loads(opened.recv(WAIT_S))
            answers, frames = answers + 1, frames + 1 + told["skipped"]
    assert frames == 30
    assert answers < 30


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("?labels=moods", "labels: no label set 'moods'; there are fer7"),
        ("?labels=%00", "labels: no label set"),
        ("?label=fer7", "label: no such parameter; there are labels, prior"),
        ("?prior=even", "prior: a prior is training, balanced"),
        ("?labels=happy-sad&prior=fear=1,sad=1", "prior: the prior names 'fear'"),
    ],
)
def test_what_cannot_be_asked(service: Any, query: str, why: str) -> None:
    with socket(service, query) as opened, pytest.raises(ConnectionClosed) as raised:
        opened.recv(WAIT_S)
    told = raised.value.rcvd
    assert told is not None
    assert told.code == 1008
    assert why in told.reason


def test_another_sites_page(service: Any) -> None:
    with pytest.raises((InvalidStatus, ConnectionClosed)), socket(service, origin="https://a.example") as opened:
        opened.recv(WAIT_S)
    with socket(service, origin=service.url):
        pass


@pytest.mark.parametrize("name", ["strict", "slow"])
def test_another_sites_page_that_may(name: str, frame: bytes, request: pytest.FixtureRequest) -> None:
    served = request.getfixturevalue(name)
    with socket(served, origin="https://a.example", x_forwarded_for="192.0.2.1") as opened:
        opened.send(frame)
        assert json.loads(opened.recv(WAIT_S))["faces"]
    with socket(served, origin=served.url, x_forwarded_for="192.0.2.2"):
        pass


def test_another_sites_page_that_may_not(strict: Served) -> None:
    until(lambda: count(strict, "mien_live_connections") == 0)
    with pytest.raises((InvalidStatus, ConnectionClosed)), socket(strict, origin="http://a.example") as opened:
        opened.recv(WAIT_S)


def test_a_proxys_own_page_is_no_other_site(strict: Served) -> None:
    forwarded = {"X-Forwarded-Host": "faces.example", "X-Forwarded-Prefix": "/mien"}
    url = f"{strict.url.replace('http', 'ws')}/live/frames"
    with connect(url, origin=Origin("https://faces.example"), additional_headers=forwarded):
        pass
    with connect(url.replace("/live", "/mien/live"), additional_headers=forwarded):
        pass
    until(lambda: count(strict, "mien_live_connections") == 0)
    with pytest.raises((InvalidStatus, ConnectionClosed)), connect(url, origin=Origin("https://faces.example")) as no:
        no.recv(WAIT_S)


def test_a_frame_over_the_limit_ends_the_connection(locked: Served, frame: bytes) -> None:
    with socket(locked, x_api_key="a key") as opened:
        opened.send(frame)
        with pytest.raises(ConnectionClosed) as raised:
            opened.recv(WAIT_S)
    assert raised.value.rcvd is None or raised.value.rcvd.code == TOO_BIG


def test_so_many_cameras_and_no_more(strict: Served, frame: bytes) -> None:
    until(lambda: count(strict, "mien_live_connections") == 0)
    with socket(strict) as first, socket(strict):
        for opened in (first, first):
            opened.send(frame)
            assert json.loads(opened.recv(WAIT_S))["faces"]
        with socket(strict) as third, pytest.raises(ConnectionClosed) as raised:
            third.recv(WAIT_S)
        told = raised.value.rcvd
        assert told is not None
        assert (told.code, told.reason) == (
            1013,
            "The service is busy: 2 cameras are connected, and no more are taken on",
        )
    until(lambda: count(strict, "mien_live_connections") == 0)
    with socket(strict) as again:
        again.send(frame)
        assert json.loads(again.recv(WAIT_S))["faces"]


def test_frames_a_minute(serve: Any, frame: bytes) -> None:
    """What is too much is refused and not read; the camera stays, and so does another client's."""
    with serve(trusted_proxies="127.0.0.1", frame_rate=1, rate=100) as served:
        url = f"{served.url.replace('http', 'ws')}/live/frames"
        with connect(url) as opened:
            for answered in (True, False, False):
                opened.send(frame)
                answer = json.loads(opened.recv(WAIT_S))
                assert ("faces" in answer, answer.get("error")) == (answered, None if answered else "Too many requests")
        assert count(served, "mien_live_frames_total") == 1
        with connect(url) as again:  # it is the same client
            again.send(frame)
            assert json.loads(again.recv(WAIT_S))["error"] == "Too many requests"
        with connect(url, additional_headers={"X-Forwarded-For": "192.0.2.1"}) as other:
            other.send(frame)
            assert json.loads(other.recv(WAIT_S))["faces"]
        with connect(url, additional_headers={"X-Forwarded-For": "192.0.2.2"}) as wordy:  # whose words count as one
            for sent, error in (("words", WORDS), (frame, "Too many requests"), ("words", "Too many requests")):
                wordy.send(sent)
                assert json.loads(wordy.recv(WAIT_S))["error"] == error


def test_a_camera_that_sends_a_little_too_often_becomes_slower(strict: Served, frame: bytes) -> None:
    with socket(strict, x_forwarded_for="192.0.2.4") as opened:
        for _ in range(103):
            opened.send(frame)
            assert json.loads(opened.recv(WAIT_S))["faces"]


@pytest.mark.parametrize(
    ("rate", "frame_rate", "a_minute"), [(None, None, None), (None, 5, 5), (2, None, 2 * FRAMES), (2, 5, 5)]
)
def test_a_rate_of_requests_is_one_of_frames_too(
    rate: int | None, frame_rate: int | None, a_minute: int | None
) -> None:
    rates = Cameras(Settings(rate=rate, frame_rate=frame_rate), Metrics()).rates
    assert (rates is None) == (a_minute is None)
    for _ in range(a_minute or 0):
        assert rates is not None
        assert rates.wait("a") == 0
        rates.take("a")
    assert rates is None or rates.wait("a") > 0


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("locked", 1008, "An API key is needed: send it as X-API-Key"),
        ("slow", 1013, "Too many requests: requests a minute: 1 at most"),
    ],
)
def test_who_is_refused_hears_why(name: str, code: int, reason: str, request: pytest.FixtureRequest) -> None:
    served = request.getfixturevalue(name)
    get(served.url)
    with socket(served) as opened, pytest.raises(ConnectionClosed) as raised:
        opened.recv(WAIT_S)
    told = raised.value.rcvd
    assert told is not None
    assert told.code == code
    assert told.reason.startswith(reason)
    until(lambda: ("WS", code) in [(line["method"], line["status"]) for line in logged(served)])


def test_who_goes_before_being_let_in_is_no_fault(serve: Any) -> None:
    with serve(cameras=1) as served:
        for _ in range(30):
            with dial(served) as wire:
                wire.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                wire.sendall(handshake())
        with socket(served):
            pass
        until(lambda: count(served, "mien_live_connections") == 0)
    assert "Traceback" not in "".join(served.printed)


def test_the_place_for_one_frame() -> None:
    async def go() -> None:
        uploads = Uploads(Settings(), Metrics().held)
        slot = Newest(uploads)
        slot.put(b"1")
        slot.put(b"2")
        assert await slot.take() == b"2"
        for empty in (b"", ""):
            slot.put(empty)
            assert await slot.take() == empty
        assert slot.skipped() == 1
        assert slot.skipped() == 0
        slot.end()
        assert await slot.take() is None

    asyncio.run(go())


def test_frames_count_as_uploads() -> None:
    async def go() -> None:
        uploads = Uploads(Settings(max_bytes=4, max_memory=10), Metrics().held)
        slot, other = Newest(uploads), Newest(uploads)
        slot.put(b"1234")
        assert await slot.take() == b"1234"
        slot.put(b"5678")
        other.put(b"1234")  # 12 bytes in all
        other.put(b"1234")
        refused = await other.take()
        assert isinstance(refused, Problem)
        assert refused.kind.name == "busy"
        assert (other.skipped(), slot.skipped()) == (1, 0)  # the first of two, before the one that was told of
        assert await slot.take() == b"5678"  # the first is given back
        other.put(b"1234")
        assert await other.take() == b"1234"
        slot.end()
        with pytest.raises(Problem):
            uploads.hold(6)  # what was taken is still being read
        slot.close()
        other.close()
        uploads.hold(10)

    asyncio.run(go())


def test_a_cameras_face_is_looked_for_where_it_was(service: Any, frame: bytes) -> None:
    """Its place stays that of a photo, to a sixteenth of its side."""
    (photographed,) = mien.load().predict(frame, crop="detect").faces
    x0, _, x1, _ = photographed.face.box_xyxy
    with socket(service) as opened:
        for _ in range(6):
            opened.send(frame)
            (face,) = json.loads(opened.recv(WAIT_S))["faces"]
            assert face["box"] == pytest.approx(photographed.face.box_xyxy, abs=(x1 - x0) / 16)
            assert face["label"] == photographed.expression.label
