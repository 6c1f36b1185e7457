"""What an operator decides, from environment variables such as MIEN_SERVE_PORT; every fault is told, all together.

What the command line set comes in such variables too; a fault calls it `port`, as nobody wrote the variable.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.networks import IPvAnyNetwork

from mien.artifact import DEFAULT
from mien.cores import cores
from mien.errors import FaultsError
from mien.intake import UPLOADS, read_size
from mien.languages import asked
from mien.memory import memory

if sys.platform != "win32":
    import resource

PREFIX = "MIEN_SERVE_"
CONNECTIONS = 1_000
"""Open at once where there are descriptors for them; a quarter of these is left for files and workers."""
ROOT = re.compile(r"(/(?!\.+(/|$))[A-Za-z0-9_.~-]+)*")
"""A path that a service may be under, without a stroke at its end."""
ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.IGNORECASE)
"""A site as browsers name it, or all of them."""
USUAL_PORTS = {"http": ":80", "https": ":443"}
"""Which browsers leave out of a site's name."""
HASH = re.compile(r"[0-9a-f]{64}")
ROOMY = 1_250_000_000
"""Bytes of memory with which a video is read beside all else (docs/service.md): where there is less, none is."""
WORKERS = 16
"""That each core may have at most: each takes memory."""


class SettingsError(FaultsError):
    """Settings that do not exist or are impossible."""


def _words(value: Any) -> Any:
    """Words with commas or spaces between them, or a JSON array where a word holds one."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"not a JSON array: {error}") from error
    return tuple(filter(None, re.split(r"[,\s]+", value)))


def _root(value: str) -> str:
    root = value.rstrip("/")
    if not ROOT.fullmatch(root):
        raise ValueError(f"expected a path such as /mien, got {value!r}")
    return root


def _origin(value: str) -> str:
    if not ORIGIN.fullmatch(value):
        raise ValueError(f"expected an origin such as https://a.example, without a path, or *, got {value!r}")
    origin = value.lower()
    return origin.removesuffix(USUAL_PORTS.get(origin.partition("://")[0], ""))


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError(f"expected an address or a network such as 10.0.0.0/8, got {value!r}: {error}") from error
    return value


def _host(value: str) -> str:
    if not value.strip():
        raise ValueError("expected a name or an address, such as 127.0.0.1, got nothing")
    return value


def _hash(value: str) -> str:
    if not HASH.fullmatch(value):
        raise ValueError("expected hashes of 64 digits, which `mien serve --hash-key` prints")
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Count = Annotated[int, Field(gt=0)]
CountOrNone = Annotated[int, Field(ge=0)]
Bytes = Annotated[int, BeforeValidator(partial(read_size, of="bytes"))]
Pixels = Annotated[int, BeforeValidator(partial(read_size, of="pixels"))]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Hash = Annotated[str, AfterValidator(_hash)]
Origin = Annotated[str, AfterValidator(_origin)]
Network = Annotated[IPvAnyNetwork, BeforeValidator(_network)]


class Settings(BaseModel):
    """How the service runs; the defaults suit one machine with a few users.

    Args:
        host, port: where it listens.
        models: names of models that come with mien, or folders of artifacts; clients choose among them by name.
        threads: worker processes, at least two, in which images are decoded and searched for faces.
        queue: images accepted and not yet answered; beyond that a request is turned away with 503.
        deadline_s: longest wait for an answer, from the last byte of the upload on; of several images in a request the
            second may take twice as long, and so on, while none is worked on for longer.
        upload_s: longest time that an upload, a request's headers or a camera's frame may take, and that an answer may
            lie untaken.
        max_bytes: of one image.
        max_files: in one request.
        max_pixels: of one image.
        max_faces: in one image.
        max_memory: bytes of uploads held at once, over all requests and cameras.
        max_decoded: bytes that decoded images and their decoders hold at once; an image that needs more than leaves
            room for a small one is refused.
        api_keys: SHA-256 hashes, as `mien serve --hash-key` prints them; empty lets everybody in.
        rate: requests a minute that one client may make; None sets no limit.
        frame_rate: frames a minute that one client's cameras may send; None is 15 for each request of `rate`.
        connections: open at once; None is as many as there are descriptors for, and 1,000 at most.
        cameras: connected at once.
        max_frame: bytes of one frame of a camera, if `max_bytes` is not less.
        videos: read at once, each in a process of its own; 0 is no videos, as by default where memory is short.
        videos_waiting: for their turn; beyond that a video is turned away with 503.
        max_video: bytes of one video.
        max_video_memory: bytes of videos held at once, until they are read.
        max_video_pixels: of a video's frame.
        max_video_s: longest part of a video that is read.
        max_video_rows: of what was read in videos, held at once.
        video_deadline_s: longest work on one video, by the clock, and of its processor time.
        video_upload_s: longest time that a video's upload may take.
        video_kept_s: longest time that a video's rows are kept once it was read.
        video_fetched_s: the same once all of its rows were fetched.
        origins: of other sites whose pages may call the API (CORS) and open the live socket.
        trusted_proxies: addresses and networks (CIDR) whose X-Forwarded headers are believed; of others they are not.
        root_path: that proxies show the service under, such as /mien, if they do not say it themselves.
        grace_s: longest time to finish what was accepted once it is told to stop.
        log: whether each request is told on standard error, as a line of JSON.
        notice: what every page tells the people who are read; `on` is a ready text, and empty is none.
        runtime: where the npm package onnxruntime-web is, for the page at `/private`; None offers no such page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, lt=2**16)] = 8000
    models: Annotated[Words, Field(min_length=1)] = (DEFAULT,)
    threads: Count = Field(default_factory=cores)
    queue: Count = 128
    deadline_s: Seconds = 10.0
    upload_s: Seconds = 30.0
    max_bytes: Bytes = UPLOADS.max_bytes
    max_files: Count = 20
    max_pixels: Pixels = UPLOADS.max_pixels
    max_faces: Count = 200
    max_memory: Bytes = 100_000_000
    max_decoded: Bytes = 164_000_000
    api_keys: Annotated[tuple[Hash, ...], BeforeValidator(_words)] = ()
    rate: Count | None = None
    frame_rate: Count | None = None
    connections: Count = Field(default_factory=lambda: min(CONNECTIONS, 3 * descriptors() // 4))
    cameras: Count = 32
    max_frame: Bytes = 2_000_000
    videos: CountOrNone = Field(default_factory=lambda: int(memory() >= ROOMY))
    videos_waiting: CountOrNone = 4
    max_video: Bytes = 200_000_000
    max_video_memory: Bytes = 200_000_000
    max_video_pixels: Pixels = 2_100_000
    max_video_s: Seconds = 600.0
    max_video_rows: Count = 50_000
    video_deadline_s: Seconds = 900.0
    video_upload_s: Seconds = 300.0
    video_kept_s: Seconds = 600.0
    video_fetched_s: Seconds = 30.0
    origins: Annotated[tuple[Origin, ...], BeforeValidator(_words)] = ()
    trusted_proxies: Annotated[tuple[Network, ...], BeforeValidator(_words)] = ()
    root_path: Annotated[str, AfterValidator(_root)] = ""
    grace_s: Seconds = 8.0
    log: bool = True
    notice: Annotated[str, AfterValidator(asked)] = ""
    runtime: Path | None = None

    @property
    def max_body(self) -> int:
        """Bytes of one request's files, all together."""
        return min(self.max_files * self.max_bytes, self.max_memory)

    @property
    def of_videos(self) -> Settings:
        """The same for the uploads of videos: one a request, in a memory of their own."""
        size = {"max_bytes": self.max_video, "max_memory": self.max_video_memory, "max_files": 1}
        return self.model_copy(update={**size, "upload_s": self.video_upload_s})


def read_settings(environment: Mapping[str, str], chosen: Collection[str] = ()) -> Settings:
    """Settings from environment variables.

    Args:
        environment: the variables; those that do not begin with MIEN_SERVE_ are passed over.
        chosen: settings whose variables the command line made, such as `port`.

    Raises:
        SettingsError: a variable that begins with MIEN_SERVE_ is none of them, or its value is impossible; lists all.
    """
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}

    def called(name: str) -> str:
        return name if name in chosen else PREFIX + name.upper()

    try:
        settings = Settings.model_validate({name.removeprefix(PREFIX).lower(): value for name, value in given.items()})
    except ValidationError as error:
        faults = [f"{called(str(each['loc'][0]))}: {_fault(each)}" for each in error.errors()]
        raise SettingsError("the service cannot start", faults) from error
    if faults := [f"{called(name)}: {fault}" for name, fault in _clashes(settings)]:
        raise SettingsError("the service cannot start", faults)
    return settings


def _clashes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Settings that do not go with others, or with this machine; and why."""
    if settings.max_memory < settings.max_bytes:
        yield "max_memory", f"{settings.max_memory} bytes cannot hold one image of {settings.max_bytes}"
    if settings.max_video_memory < settings.max_video:
        yield "max_video_memory", f"{settings.max_video_memory} bytes cannot hold one video of {settings.max_video}"
    if settings.threads > (most := WORKERS * cores()):
        yield "threads", f"{settings.threads} are more than {most}, {WORKERS} for each core"
    if settings.connections > (files := descriptors()):
        yield "connections", f"{settings.connections} are more than the {files} open files that there may be"


def descriptors() -> int:
    """Open files that this process may have."""
    if sys.platform == "win32":
        return CONNECTIONS * 8
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def hash_key(key: str) -> str:
    """What is kept of an API key."""
    return hashlib.sha256(key.encode()).hexdigest()


def _fault(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"no such setting; there are {', '.join(Settings.model_fields)}"
    return str(error["msg"]).removeprefix("Value error, ")
