"""Videos: what is read of one is what the library reads, in memory alone; and one that goes wrong costs no other."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO
from typing import Any

import httpx
import numpy as np
import pytest
from filmed import Film, Pixels, plain
from PIL import Image
from served import PROC, Served, begin, children, session
from waiting import WAIT_S, until, until_async

import mien
from mien.service import jobs, videos
from mien.service.engine import Asked
from mien.service.jobs import Job, Jobs
from mien.service.metrics import Metrics
from mien.service.problems import Problem
from mien.service.settings import Settings, hash_key
from mien.service.uploads import Upload
from mien.service.wire import Message
from mien.service.worker import Worker
from mien.timeline import Timeline, timeline_of
from mien.watching import Wanted

MINE, THEIRS = {"X-API-Key": "mine"}, {"X-API-Key": "theirs"}
SIDE, FRAMES = 128, 12
SLOW = """
from threading import Event
from mien.service import watcher
run = watcher.Reading.run
def slow(reading):
    error = run(reading)
    if reading._head["source"].startswith("slow"):
        Event().wait()
    return error
watcher.Reading.run = slow
watcher.NICENESS = 0
watcher.main()
"""
"""A worker that tells all rows of a video whose name begins so, and never that it has ended.

It gives way to nobody: beside tests that keep all processors busy it would take minutes to begin.
"""

pytestmark = pytest.mark.skipif(not PROC.exists(), reason="processes are told of in /proc")


def film(frames: Sequence[Pixels], **more: Any) -> bytes:
    return Film(frames, **more).made()


@pytest.fixture(scope="module")
def clip(astronaut: bytes) -> bytes:
    """A face that moves, and is gone in the end."""
    face = Image.open(BytesIO(astronaut)).crop((80, 0, 336, 256)).resize((SIDE, SIDE))
    moved = [np.roll(np.asarray(face), 2 * number, 1) for number in range(FRAMES)]
    return film([*moved, *([plain(0, SIDE, SIDE)] * 3)], form="matroska")


@pytest.fixture(scope="module")
def blank() -> bytes:
    """Frames without a face, 50 of them."""
    return film([plain(number) for number in range(50)], form="matroska")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One with low limits and two keys, whose workers never end a video that is called slow."""
    program = tmp_path_factory.mktemp("slow") / "slow.py"
    program.write_text(
        "import sys\n"
        "from mien.service import jobs\n"
        f"jobs.PROGRAM = (sys.executable, '-c', {SLOW!r})\n"
        "from mien.service.__main__ import main\n"
        "main()\n"
    )
    limits: dict[str, Any] = {
        "max_video": 1_000_000,
        "max_video_memory": 1_000_000,
        "max_video_s": 3,
        "max_video_rows": 60,
    }
    keys = " ".join(map(hash_key, ("mine", "theirs")))
    kept: dict[str, Any] = {"videos": 1, "videos_waiting": 1, "video_fetched_s": 0.01, "max_video_pixels": SIDE * SIDE}
    served = begin(program=[sys.executable, str(program)], api_keys=keys, **limits, **kept)
    try:
        served.wait()
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module")
def client(service: Served) -> Iterator[httpx.Client]:
    with session(base_url=service.url, headers=MINE) as opened:
        yield opened


@pytest.fixture
def leave(client: httpx.Client) -> Iterator[list[str]]:
    """Addresses of videos, which are deleted in the end."""
    addresses: list[str] = []
    yield addresses
    for each in addresses:
        client.delete(each)


def sent(client: httpx.Client, content: bytes, name: str = "clip.mkv", **query: Any) -> httpx.Response:
    return client.post("/v1/videos", params=query, files={"file": (name, content, "video/x-matroska")})


def place(answer: httpx.Response) -> str:
    assert answer.status_code == 202, answer.text
    address = answer.headers["location"]
    assert address == f"/v1/videos/{answer.json()['id']}"
    return str(address)


def ended(client: httpx.Client, address: str) -> dict[str, Any]:
    """A job that has ended."""
    told: dict[str, Any] = {}

    def has() -> bool:
        told.update(client.get(address).json())
        return told["state"] in ("done", "failed")

    until(has)
    return told


def expected(content: bytes, name: str = "clip.mkv", **asked: Any) -> Timeline:
    """What the library reads."""
    timeline = mien.read_video(BytesIO(content), **asked)
    return timeline_of([row | {"source": name} for row in timeline.rows], mien.load().spoken(asked.get("labels")))


def counted(client: httpx.Client, name: str) -> float:
    """A metric's value."""
    line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
    return float(line.rpartition(" ")[2])


def watchers(served: Served) -> list[int]:
    """The processes that read videos."""
    lines = {each: (PROC / str(each) / "cmdline").read_bytes() for each in children(served.process.pid)}
    return [each for each, line in lines.items() if b"watcher" in line]


def test_nothing_is_there_at_first(client: httpx.Client, service: Served) -> None:
    for path in ("/v1/videos/x", "/v1/videos/x/rows", "/v1/videos/x/summary"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert watchers(service) == []


def test_what_is_read_is_what_the_library_reads(client: httpx.Client, clip: bytes) -> None:
    address = place(sent(client, clip, labels="fer7", prior="balanced", every="0.08"))
    told = ended(client, address)
    timeline = expected(clip, labels="fer7", prior="balanced", every_s=0.08)
    faces = sum(row["track"] is not None for row in timeline.rows)
    assert faces > 3
    assert (told["state"], told["error"], told["source"], told["labels"]) == ("done", None, "clip.mkv", "fer7")
    assert (told["frames"], told["faces"], told["rows"]) == (8, faces, len(timeline))
    assert told["time_s"] == timeline.rows[-1]["time_s"] < told["end_s"] < 1
    assert client.get(f"{address}/summary").json() == {
        "tracks": timeline.summary().rows,
        "events": timeline.events().rows,
    }
    table = client.get(f"{address}/rows", params={"format": "csv", "start": 1, "limit": 2})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["link"] == f'<{address}/rows?start=3&limit=2&format=csv>; rel="next"'
    read = list(csv.DictReader(StringIO(table.text)))
    written = [{name: "" if value is None else str(value) for name, value in row.items()} for row in timeline.rows]
    assert read == written[1:3]
    page = client.get(f"{address}/rows", params={"limit": 5}).json()
    assert page == {"rows": timeline.rows[:5], "next": 5}
    assert client.head(f"{address}/rows", params={"start": 5}).status_code == 200
    rest = client.get(f"{address}/rows", params={"start": 5})
    assert rest.json() == {"rows": timeline.rows[5:], "next": None}
    assert "link" not in rest.headers
    until(lambda: client.get(address).status_code == 404)


def test_a_body_as_it_is_and_a_part_of_it(client: httpx.Client, blank: bytes, leave: list[str]) -> None:
    query = {"from": "1.0", "to": "0:01.4"}
    answer = client.post("/v1/videos", params=query, content=blank, headers={"Content-Type": "video/mp4"})
    leave.append(address := place(answer))
    told = ended(client, address)
    assert (told["source"], told["from_s"], told["end_s"], told["frames"]) == ("<bytes>", 1.0, 1.4, 10)
    assert client.get(f"{address}/rows").json()["rows"] == expected(blank, "<bytes>", start_s=1.0, end_s=1.4).rows


@pytest.mark.parametrize("whole", [False, True], ids=["torn", "no video"])
def test_what_cannot_be_read_says_from_when_on(
    client: httpx.Client, blank: bytes, leave: list[str], whole: bool
) -> None:
    content = b"no video at all" if whole else blank[: len(blank) // 2]
    leave.append(address := place(sent(client, content)))
    told = ended(client, address)
    rows = client.get(f"{address}/rows", params={"limit": 100}).json()["rows"]
    assert rows == expected(content).rows
    assert told["state"] == "failed"
    assert (told["error"]["type"], told["error"]["status"]) == ("/problems/unreadable-video", 422)
    assert told["error"]["detail"] == rows[-1]["error"]
    assert (rows[-1]["frame"], told["frames"] > 3) == (None, not whole)


def test_a_page_beyond_the_end_fetches_nothing(client: httpx.Client, blank: bytes, leave: list[str]) -> None:
    leave.append(place(sent(client, blank, every="1")))
    count = ended(client, leave[0])["rows"]
    beyond = client.get(f"{leave[0]}/rows", params={"start": count + 1})
    assert (beyond.json(), "link" in beyond.headers) == ({"rows": [], "next": None}, False)
    time.sleep(0.1)  # ten times as long as what was fetched is kept
    assert len(client.get(f"{leave[0]}/rows").json()["rows"]) == count
    until(lambda: client.get(leave[0]).status_code == 404)


def test_rows_are_kept_as_far_as_there_is_room(client: httpx.Client, blank: bytes, leave: list[str]) -> None:
    leave += [place(sent(client, blank, every="0.08"))]
    assert ended(client, leave[0])["rows"] == 25
    leave += [place(sent(client, blank))]
    told = ended(client, leave[1])
    assert (told["state"], told["rows"]) == ("failed", 35)
    assert "more than 60 rows, the limit for all videos together" in told["error"]["detail"]
    assert client.get(f"{leave[1]}/summary").status_code == 404


def test_more_video_or_larger_frames_than_are_read(client: httpx.Client, leave: list[str]) -> None:
    long, large = film([plain(0), plain(1)], times=[0, 4000]), film([plain(0, SIDE, SIDE + 2)])
    for content, detail in ((long, "more than 3 s of video, the limit"), (large, "frames of 128 x 130 pixels, over")):
        leave.append(address := place(sent(client, content)))
        assert detail in ended(client, address)["error"]["detail"]


def test_one_is_read_another_waits_and_a_third_is_turned_away(
    client: httpx.Client, service: Served, blank: bytes, leave: list[str]
) -> None:
    leave.append(running := place(sent(client, blank, "slow.mp4", to="1")))
    until(lambda: client.get(running).json()["rows"] == 25)
    leave.append(waiting := place(sent(client, blank, every="1")))
    told = client.get(waiting).json()
    assert (told["state"], told["ahead"], told["rows"]) == ("waiting", 0, 0)
    third = sent(client, blank)
    assert (third.status_code, third.json()["type"], third.headers["retry-after"]) == (503, "/problems/busy", "10")
    page = client.get(f"{running}/rows").json()
    assert (len(page["rows"]), page["next"]) == (25, 25)
    assert client.get(f"{running}/summary").json()["type"] == "/problems/not-finished"
    assert counted(client, 'mien_videos{state="running"}') == 1
    for headers, status in ((THEIRS, 404), ({"X-API-Key": ""}, 401)):
        for method, end in (("GET", ""), ("GET", "/rows"), ("GET", "/summary"), ("DELETE", "")):
            assert client.request(method, f"{running}{end}", headers=headers).status_code == status
    (process,) = watchers(service)
    assert client.delete(running).status_code == 204
    assert not (PROC / str(process)).exists()
    assert client.get(running).status_code == 404
    assert ended(client, waiting)["state"] == "done"


def test_a_worker_that_is_killed_costs_the_rest_of_its_video(
    client: httpx.Client, service: Served, blank: bytes, leave: list[str]
) -> None:
    leave.append(address := place(sent(client, blank, "slow.mp4", every="1")))
    until(lambda: client.get(address).json()["rows"] == 2)
    (process,) = watchers(service)
    os.kill(process, signal.SIGKILL)
    told = ended(client, address)
    assert (told["state"], told["rows"]) == ("failed", 2)
    assert told["error"]["detail"].startswith("the process that read it has ended")
    assert len(client.get(f"{address}/rows").json()["rows"]) == 2


def test_nothing_is_held_in_the_end(client: httpx.Client) -> None:
    until(lambda: counted(client, "mien_video_rows") == 0)
    assert counted(client, "mien_video_bytes") == 0
    assert counted(client, "mien_video_seconds_total") > 1
    told = client.get("/metrics").text
    assert 'route="/v1/videos/{video}/rows"' in told
    assert 'route="other"' not in told


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"label": "fer7"}, "label: no such parameter; there are labels, prior, model, every, from, to"),
        ({"labels": "moods"}, "labels: no label set 'moods'"),
        ({"prior": "even"}, "prior: "),
        ({"every": "0"}, "every: expected a time above 0"),
        ({"every": "often"}, "every: expected seconds, or minutes and seconds as 1:30; got 'often'"),
        ({"from": "-1"}, "from: expected seconds"),
        ({"from": "2", "to": "0:02"}, "to: expected a time after 2 s"),
    ],
)
def test_what_cannot_be_asked_for(client: httpx.Client, query: dict[str, str], detail: str) -> None:
    answer = sent(client, b"x", **query)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert answer.json()["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("given", "status", "kind", "detail"),
    [
        ({"content": b"x", "headers": {"Content-Type": "image/png"}}, 415, "unsupported-type", "form-data, video/*"),
        ({"content": b"", "headers": {"Content-Type": "video/mp4"}}, 400, "no-video", "expected a video"),
        ({"files": {"file": (None, b"x")}}, 400, "no-video", "expected a part with a file name"),
        ({"files": {"file": ("a", b"x")}, "data": {"every": "1"}}, 422, "invalid-parameter", "every: no such field"),
        (
            {"files": [("file", ("a", b"x")), ("file", ("b", b"x"))]},
            413,
            "too-many-files",
            "files in a request: 1 at most",
        ),
        ({"content": bytes(1_000_001)}, 413, "too-large", "more than 1 MB"),
    ],
)
def test_what_is_not_taken(client: httpx.Client, given: dict[str, Any], status: int, kind: str, detail: str) -> None:
    answer = client.post("/v1/videos", **given)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("query", ["start=-1", "start=x", "limit=0", "limit=5001", "format=xml", "page=2"])
def test_pages_that_are_none(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/v1/videos/x/rows?{query}")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")


@pytest.mark.parametrize(
    ("absent", "given", "told"),
    [
        ("scipy", {}, r"\(scipy\): pip install 'mien\[video\]'"),
        ("", {"videos": 0}, "whoever runs it may set MIEN_SERVE_VIDEOS=1"),
    ],
)
def test_where_no_videos_are_read(absent: str, given: Any, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Settings(**{"videos": 1, **given})
    videos._able(Settings(videos=1))
    monkeypatch.setattr(videos, "find_spec", lambda name: None if name == absent else name)
    with pytest.raises(Problem, match=told) as raised:
        videos._able(there)
    assert raised.value.kind.status == 501


async def job_of(kept: Jobs, content: bytes, name: str = "slow.mp4") -> Job:
    asked = Asked(model := mien.load(), model.labels, "auto")
    job = kept.begin(asked, Wanted(every_s=1.0), Upload(name, content), "", lambda: 0)
    await until_async(lambda: job.ended or job.rows)
    return job


def test_one_that_takes_too_long_is_ended(blank: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock: of its processor's time, which a busy machine makes longer, it has enough to begin."""
    first = Jobs._first

    def patient(kept: Jobs, job: Job) -> Message:
        message = first(kept, job)
        return Message({**message.head, "cpu_s": WAIT_S}, message.pieces)

    monkeypatch.setattr(Jobs, "_first", patient)
    monkeypatch.setattr(jobs, "PROGRAM", (sys.executable, "-c", SLOW))

    async def go() -> None:
        kept = Jobs(Settings(videos=1, video_deadline_s=WAIT_S, video_kept_s=0.01), Metrics())
        job = await job_of(kept, blank)
        (process,) = children(os.getpid()) - before
        kept._settings = kept._settings.model_copy(update={"video_deadline_s": 0.01})
        await kept.delete(job)
        assert not (PROC / str(process)).exists()
        job = await job_of(kept, blank)
        await until_async(lambda: job.ended)
        assert job.error is not None
        assert (job.error.kind.name, job.error.detail) == ("deadline", "not read within 0.01 s")
        await until_async(lambda: not kept._jobs)  # its time has passed
        await kept.stop()

    before = children(os.getpid())
    asyncio.run(go())
    assert children(os.getpid()) <= before


def test_one_that_has_had_its_time_of_the_processor_is_late() -> None:
    program = (
        "import time\n"
        "from mien.service import confined, wire\n"
        "inbox, outbox = confined.apart()\n"
        "wire.read(inbox)\n"
        "confined.allow_time(int(time.process_time()) + 2)\n"  # beside what it took to begin
        "wire.write(outbox, wire.Message({}))\n"
        "while True:\n"
        "    pass\n"
    )

    async def go() -> str:
        worker = await Worker.start((sys.executable, "-c", program), Message({}))
        return await worker.gone()

    assert asyncio.run(go()) == "late"


def test_told_to_stop_it_ends_what_is_read(client: httpx.Client, service: Served, blank: bytes) -> None:
    """The last one of these, for it ends the service that they share."""
    address = place(sent(client, blank, "slow.mp4", every="1"))
    until(lambda: client.get(address).json()["rows"] == 2)
    (process,) = watchers(service)
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(WAIT_S / 2)
    assert not (PROC / str(process)).exists()
