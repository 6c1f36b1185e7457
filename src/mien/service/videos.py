"""The routes of videos: one comes in and becomes a job, which is looked at, fetched page by page, and deleted."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mien.cells import Rows
from mien.service.api import NAME, asked_of, check, only, parameters
from mien.service.engine import Engine
from mien.service.guard import key_in
from mien.service.jobs import Job, Jobs
from mien.service.openapi import body, good, parameter, problems, ref
from mien.service.problems import ASKED, MISSING, NO_VIDEO, NOT_FOUND, PARAMETER, SENT, UNFINISHED, Problem
from mien.service.proxies import root_of
from mien.service.settings import Settings, hash_key
from mien.service.uploads import CLOSE
from mien.spans import seconds
from mien.watching import Wanted, moment_columns

READING = ("labels", "prior", "model")  # of the query of /v1/predict
TIMES = {
    "every": "Seconds from one frame that is read to the next; all frames if not given",
    "from": "When to begin, in seconds, or minutes and seconds as 1:30",
    "to": "When to end, likewise",
}
FORMS = ("json", "csv")
LIMIT, MOST = 1_000, 5_000  # rows of a page, if nobody says how many, and at most: of these 6 MB
NEEDED = ("av", "scipy")  # packages, of mien's part for videos
SOON = {"Retry-After": "2"}
VIDEO = "/v1/videos/{video}"


def routes(engine: Engine, jobs: Jobs, settings: Settings) -> APIRouter:
    """The routes of videos."""
    router = APIRouter()
    _beginning(router, engine, jobs, settings)
    _looking(router, jobs, settings)
    _fetching(router, jobs, settings)
    return router


def _beginning(router: APIRouter, engine: Engine, jobs: Jobs, settings: Settings) -> None:
    """The route that takes a video."""
    query = [each for each in parameters(engine) if each["name"] in READING]
    query += [parameter(name, words) for name, words in TIMES.items()]
    known = tuple(each["name"] for each in query)

    @router.post(
        "/v1/videos",
        summary="Have the expressions of the faces in a video read, frame by frame",
        openapi_extra={"requestBody": body("video", several=False), "parameters": query},
        status_code=202,
        response_class=Response,
        responses={
            **good("It waits for its turn; Location says where it is looked at.", ref("Video"), status=202),
            **problems(*SENT, NO_VIDEO, MISSING),
        },
    )
    async def begin_video(request: Request) -> Response:
        try:
            _able(settings)
            only(request.query_params, known)
            asked, wanted = asked_of(engine, request.query_params), _wanted(request.query_params)
            jobs.check()
        except Problem as problem:  # before a body that may be long
            raise Problem(problem.kind, problem.detail, {**problem.headers, **CLOSE}) from None
        with jobs.uploads.reading(request) as reading:
            form = await reading.form()
            check(form, NO_VIDEO)
            job = jobs.begin(asked, wanted, form.files[0], _owner(request, settings), reading.keep)
        place = f"{root_of(request.scope)}/v1/videos/{job.id}"
        return JSONResponse(_told(job, jobs), 202, {"Location": place})


def _looking(router: APIRouter, jobs: Jobs, settings: Settings) -> None:
    """The routes that say how far it is, and that end it."""

    @router.get(
        VIDEO,
        summary="How far the reading of a video is",
        openapi_extra={"parameters": [NAMED]},
        response_class=Response,
        responses=good("Its state.", ref("Video")) | problems(*ASKED, NOT_FOUND),
    )
    async def video(request: Request) -> Response:
        only(request.query_params)
        return JSONResponse(_told(_job(request, jobs, settings), jobs))

    @router.delete(
        VIDEO,
        summary="End the reading of a video, and forget what was read",
        openapi_extra={"parameters": [NAMED]},
        status_code=204,
        response_class=Response,
        responses={204: {"description": "It is forgotten."}, **problems(*ASKED, NOT_FOUND)},
    )
    async def delete_video(request: Request) -> Response:
        only(request.query_params)
        await jobs.delete(_job(request, jobs, settings))
        return Response(status_code=204)


def _fetching(router: APIRouter, jobs: Jobs, settings: Settings) -> None:
    """The routes that give what was read."""
    query = [
        parameter("start", "The number of the page's first row; 0 if not given", type="integer", minimum=0),
        parameter("limit", f"Rows of the page; {LIMIT:,} if not given", type="integer", minimum=1, maximum=MOST),
        parameter("format", "json if not given", enum=list(FORMS)),
    ]
    known = tuple(each["name"] for each in query)
    turn = asyncio.Lock()  # one page at a time is written, for its rows take ten times what they do while they are kept
    rows_answer = good("Some rows; `next` and the header Link say where the next ones are.", ref("Rows"))
    rows_answer[200]["content"]["text/csv"] = {"schema": {"type": "string"}}

    @router.get(
        f"{VIDEO}/rows",
        summary="What was read of a video so far, a row a face a frame",
        openapi_extra={"parameters": [NAMED, *query]},
        response_class=Response,
        responses=rows_answer | problems(*ASKED, NOT_FOUND),
    )
    async def video_rows(request: Request) -> Response:
        given = request.query_params
        only(given, known)
        start, limit = _count(given, "start", 0, 0), _count(given, "limit", LIMIT, 1, MOST)
        if (form := given.get("format", FORMS[0])) not in FORMS:
            raise Problem(PARAMETER, f"format: expected one of {', '.join(FORMS)}")
        job = _job(request, jobs, settings)
        ended, there = job.ended, len(job.rows)
        end = max(start, min(start + limit, there))
        last = ended and end >= there
        async with turn:
            write = _json if form == "json" else _csv
            written = await run_in_threadpool(write, job, start, end, None if last else end)
        if last and start <= there and request.state.method == "GET":
            jobs.fetched(job)
        following = f"{request.scope['path']}?start={end}&limit={limit}&format={form}"
        headers = {} if last else {"Link": f'<{following}>; rel="next"'}
        return Response(written, headers=headers, media_type="application/json" if form == "json" else "text/csv")

    @router.get(
        f"{VIDEO}/summary",
        summary="What each track in a video came to, and when it showed which expression",
        openapi_extra={"parameters": [NAMED]},
        response_class=Response,
        responses=good("Of all rows.", ref("Summary")) | problems(*ASKED, NOT_FOUND, UNFINISHED),
    )
    async def video_summary(request: Request) -> Response:
        only(request.query_params)
        job = _job(request, jobs, settings)
        if not job.ended:
            raise Problem(UNFINISHED, "come again once it is done", SOON)
        if not job.summed:
            raise Problem(NOT_FOUND, "there is none, of a video with so much in it or that was ended: take its rows")
        return Response(job.summed, media_type="application/json")


def _able(settings: Settings) -> None:
    """Raises `Problem` where no videos are read."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise Problem(MISSING, f"video needs more than is installed ({missing[0]}): pip install 'mien[video]'")
    if not settings.videos:
        raise Problem(MISSING, "this service reads no videos: whoever runs it may set MIEN_SERVE_VIDEOS=1")


def _owner(request: Request, settings: Settings) -> str:
    """Who asks: a key's hash, where keys are set."""
    return hash_key(key_in(request.headers)) if settings.api_keys else ""


def _job(request: Request, jobs: Jobs, settings: Settings) -> Job:
    return jobs.of(request.path_params["video"], _owner(request, settings))


def _wanted(given: Mapping[str, str]) -> Wanted:
    """The frames that a query asks for. Raises `Problem` where there are none."""
    times: dict[str, float] = {}
    for name in TIMES:
        if name in given:
            try:
                times[name] = seconds(given[name])
            except ValueError as error:
                expected = "expected seconds, or minutes and seconds as 1:30"
                raise Problem(PARAMETER, f"{name}: {expected}; got {given[name][:NAME]!r}") from error
    if times.get("every") == 0:
        raise Problem(PARAMETER, "every: expected a time above 0")
    start_s, end_s = times.get("from", 0.0), times.get("to")
    if end_s is not None and end_s <= start_s:
        raise Problem(PARAMETER, f"to: expected a time after {start_s:g} s, where it begins")
    return Wanted(times.get("every"), start_s, end_s)


def _count(given: Mapping[str, str], name: str, usual: int, least: int, most: int | None = None) -> int:
    """A whole number of a query. Raises `Problem` where it is none."""
    text = given.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= (most or int(text))):
        raise Problem(PARAMETER, f"{name}: expected a whole number from {least}{f' to {most}' if most else ' on'}")
    return int(text)


def _told(job: Job, jobs: Jobs) -> dict[str, Any]:
    """How far a job is, as JSON takes it."""
    return {
        "id": job.id,
        "state": job.state,
        "source": job.upload.name,
        "model": job.asked.model.artifact.name,
        "labels": job.asked.labels.name,
        "prior": job.asked.prior,
        "ahead": jobs.ahead(job),
        "from_s": job.wanted.start_s,
        "time_s": job.time_s,
        "end_s": job.end_s,
        "frames": job.frames,
        "faces": job.faces,
        "rows": len(job.rows),
        "error": job.error.to_dict() if job.error else None,
    }


def _json(job: Job, start: int, end: int, following: int | None) -> str:
    rows = ", ".join(json.dumps(row, ensure_ascii=False) for row in job.page(start, end))
    return f'{{"rows": [{rows}], "next": {json.dumps(following)}}}'


def _csv(job: Job, start: int, end: int, _: int | None) -> str:
    stream = io.StringIO(newline="")
    kinds = moment_columns(job.asked.labels)
    Rows(stream, kinds).write(row.values() for row in job.page(start, end))
    return stream.getvalue()


NAMED = {**parameter("video", "Its id"), "in": "path", "required": True}
