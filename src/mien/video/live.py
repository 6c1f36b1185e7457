"""Live video: a camera, a stream, or a file played at its own speed, of which the newest frame is the one that counts.

A thread decodes whatever comes; frames that nobody has taken when the next one is there are passed over, so that what
is seen is never late. A stream that breaks off is connected to again, after waits that double; one that lies there in
files is shown at its own speed, and a video at an address once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from threading import Condition, Event, Thread
from time import monotonic
from typing import Self

import av
from av.container import InputContainer
from av.device import enumerate_input_devices
from av.error import FFmpegError

from mien.errors import VideoError
from mien.intake import LIMITS, STREAMED, is_doubtful, without_secrets
from mien.video.decoder import Decoder
from mien.video.frame import Frame
from mien.video.moments import Moments
from mien.video.opening import words_of
from mien.video.reading import Frames, frames

STREAM = re.compile(f"({STREAMED})://", re.IGNORECASE)
OPEN_S, READ_S = 10.0, 10.0  # that a stream is waited for, at first and from frame to frame
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0  # before a stream is connected to again
ANALYSED = 10**6  # microseconds of a stream that are looked at before its first frame
SEGMENTED = "hls"  # a stream of files of some seconds, which are fetched one after the other
JUMP_S = 2.0  # by which the clock of such a stream may be off before it is another one
KEEP = {"multiple_requests": "1"}  # else FFmpeg 8.1 asks servers to close connections, and goes on with them
OPTIONS = {"analyzeduration": str(ANALYSED), "rtsp_transport": "tcp"} | KEEP


class Live(Iterator[Frame]):
    """The frames of a source as they come; the newest, whenever one is asked for. Close it, or use it in a `with`.

    Their times are seconds since the first one that was waited for; those of a file are its own. They may be as big as
    those of one's own files (`intake.LIMITS`).

    Args:
        source: the number of a camera, an address, or a file's path.

    Attributes:
        name: what to call the source in rows and messages: its address without user, password and query.
        trouble: why no frames come, and what is done about it; empty while they do.
        missed: how many frames were passed over.

    Raises:
        VideoError: it cannot be opened.
    """

    def __init__(self, source: str) -> None:
        self.trouble, self.missed = "", 0
        self.name = source if os.path.lexists(source) else without_secrets(source)
        self._source = source
        self._change = Condition()
        self._stopped, self._asked = Event(), Event()
        self._newest: Frame | None = None
        self._ended = False
        self._stored = self._ready = False  # whether a video lies at the address; whether frames lie there
        if is_file(source):
            self._thread = Thread(target=self._play, args=(self._file(),), daemon=True)
        else:
            self._thread = Thread(target=self._receive, args=(self._first(),), daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        self._asked.set()
        with self._change:
            while self._newest is None:
                if self._ended or self._stopped.is_set():
                    raise StopIteration
                self._change.wait(0.2)  # so that Ctrl-C is heard on every system
            frame, self._newest = self._newest, None
            return frame

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """No more frames come."""
        self._stopped.set()
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(1.0)  # it may wait for a stream that has fallen silent, and ends with that

    def _play(self, opened: Frames) -> None:
        """Of a file: frames when they are to be shown, from when the first one is asked for."""
        self._asked.wait()
        began = monotonic()
        try:
            with opened as film:
                for frame in film:
                    if self._stopped.wait(max(0.0, began + frame.time_s - monotonic())):
                        return
                    self._put(frame)
        except VideoError as error:
            self.trouble = str(error)
        finally:
            self._end()

    def _receive(self, decoder: Decoder | None) -> None:
        """Of a camera or a stream: frames as they come, and those of the next connection where one breaks off."""
        number, wait_s, began, stored = 0, FIRST_WAIT_S, 0.0, self._stored
        try:
            while not self._stopped.is_set():
                reason = ""
                try:
                    decoder = decoder or self._connected()
                    if self._stored and not stored:  # a broadcast that is over: all of it lies there now
                        return
                    for frame in self._due(decoder):
                        wait_s, self.trouble = FIRST_WAIT_S, ""
                        if self._asked.is_set():
                            began = began or monotonic()
                            self._put(replace(frame, time_s=monotonic() - began, number=number))
                            number += 1
                    decoder.check()
                except VideoError as error:
                    reason = str(error)
                finally:
                    if decoder is not None:
                        decoder.close()
                        decoder = None
                if self._stopped.is_set():  # it is the one who watches that has left
                    return
                if stored:
                    self.trouble = reason
                    return
                self.trouble = f"no frames ({reason or 'it has ended'}): connects again in {wait_s:g} s"
                self._stopped.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        finally:
            self._end()

    def _due(self, decoder: Decoder) -> Iterator[Frame]:
        """Frames as they come, or when they are to be shown where they lie ready: those of a segment come at once."""
        if self._stored:
            self._asked.wait()
        zero_s: float | None = None  # on our clock, of the stream's own
        for frame in decoder.frames(Moments()):
            if self._ready:
                now_s = monotonic()
                if zero_s is None or (abs(zero_s + frame.time_s - now_s) > JUMP_S and not self._stored):
                    zero_s = now_s - frame.time_s
                self._stopped.wait(max(zero_s + frame.time_s - now_s, 0.0))
            if self._stopped.is_set():
                return
            yield frame

    def _file(self) -> Frames:
        """A file's frames. Raises `VideoError`, which names it, as of cameras and streams."""
        try:
            return frames(self._source)
        except VideoError as error:
            raise VideoError(f"{self.name} cannot be opened: {error}") from error

    def _first(self) -> Decoder:
        """The first connection. It is made by a thread of its own, as whoever waits for it within FFmpeg hears no
        Ctrl-C; a connection that nobody waits for any more is closed again."""
        made: list[Decoder | BaseException] = []

        def connect() -> None:
            try:
                made.append(decoder := self._connected())
                if self._stopped.is_set():
                    decoder.close()
            except BaseException as error:  # for whoever waits
                made.append(error)

        thread = Thread(target=connect, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.2)  # so that Ctrl-C is heard on every system
        except BaseException:
            self._stopped.set()
            raise
        if isinstance(made[0], BaseException):
            raise made[0]
        return made[0]

    def _connected(self) -> Decoder:
        name = f"camera {self.name}" if self.name.isdecimal() else self.name
        try:
            container = _container(self._source)
            segmented = container.format.name == SEGMENTED
            whole = bool(container.duration) and (segmented or container.size > 0)
            self._stored = whole and re.match("https?:", self._source, re.IGNORECASE) is not None
            self._ready = self._stored or segmented
            return Decoder(container, None, LIMITS, threads=1)
        except VideoError as error:
            raise VideoError(f"{name} cannot be opened: {error}{_advice(self._source)}") from error

    def _put(self, frame: Frame) -> None:
        with self._change:
            self.missed += self._newest is not None
            self._newest = frame
            self._change.notify()

    def _end(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify()


def is_file(source: str) -> bool:
    """Whether a source is neither a camera nor a stream."""
    return not source.isdecimal() and not STREAM.match(source)


def _advice(source: str) -> str:
    """What to do about a password that parts its address; nothing where none does."""
    words = "; in a user's name or password write / as %2F, ? as %3F, # as %23 and @ as %40"
    return words if is_doubtful(source) else ""


def _container(source: str) -> InputContainer:
    """A camera or a stream, open. Raises `VideoError`."""
    form = None
    options = OPTIONS
    if source.isdecimal():
        source, form, options = _camera(int(source))
    try:
        return av.open(source, "r", form, options, timeout=(OPEN_S, READ_S), metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise VideoError(words_of(error) if isinstance(error, FFmpegError) else str(error)) from error


def _camera(number: int) -> tuple[str, str, dict[str, str]]:
    """What FFmpeg calls a camera: its address, the system that has it, and what is asked of it."""
    if sys.platform == "darwin":
        return f"{number}:none", "avfoundation", {"framerate": "30"}
    if os.name == "nt":
        names = [each.name for each in enumerate_input_devices("dshow") if "video" in each.media_types]
        if number >= len(names):
            raise VideoError(f"there is no camera {number}: Windows has {len(names)}, counted from 0")
        return f"video={names[number]}", "dshow", {}
    return f"/dev/video{number}", "v4l2", {}
