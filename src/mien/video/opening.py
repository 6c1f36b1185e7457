"""A file as FFmpeg opens it, and what decodes its pictures.

Nothing that the file names is opened with it, and no larger picture is decoded than there may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.error import ExitError, FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from mien.errors import VideoError
from mien.intake import Limits

KINDS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,mxf,nut,ivf,obu,h264,hevc,m4v,mjpeg,dv,wtv,rm,"
    "yuv4mpegpipe,mp3,wav,flac,aac"
)
"""What is opened, by FFmpeg's names: playlists, which name other files, and texts, which it plays as films, are not."""

ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders that pass over alpha, and those that heed it."""

READ = 2**18  # bytes at once


def opened(file: BinaryIO, limits: Limits) -> InputContainer:
    """The container in a file, which stands at its beginning. Raises `VideoError`.

    FFmpeg decodes some pictures while it opens it, and forgets the size that the file tells where that is above the
    limit: then it is opened anew without a look at pictures.
    """
    container = _container(file, {"max_pixels": str(limits.max_pixels)})
    if all(each.codec_context is None or each.codec_context.width for each in container.streams.video):
        return container
    container.close()
    file.seek(0)
    return _container(file, {"codec_whitelist": "none"})


def _container(file: BinaryIO, options: dict[str, str]) -> InputContainer:
    options = {"format_whitelist": KINDS, **options}
    try:
        return av.open(file, "r", options=options, buffer_size=READ, metadata_errors="replace")
    except FFmpegError as error:
        raise VideoError(f"not a video of a supported kind, or damaged ({words_of(error)})") from error


def packets_of(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """The packets of these streams, or of all, with something in them. Raises `FFmpegError` where the file breaks.

    Behind the last one PyAV looks for streams that have begun meanwhile among those of when the file was opened
    (PyAV-Org/PyAV#692).
    """
    packets = container.demux(*streams)
    while True:
        try:
            packet = next(packets, None)
        except IndexError:
            return
        if packet is None:
            return
        if packet.size:
            yield packet


def decoding(stream: VideoStream) -> VideoCodecContext:
    """What decodes a stream, its alpha too where it has any; then its frames do not say how they are turned, which the
    stream's own decoder tells."""
    own = stream.codec_context
    clear = {name.lower(): value for name, value in stream.metadata.items()}.get("alpha_mode") == "1"
    heeding = ALPHA.get(own.name) if clear else None
    if heeding not in av.codecs_available:
        return own
    return cast(VideoCodecContext, CodecContext.create(heeding, "r"))


def words_of(error: FFmpegError) -> str:
    """What FFmpeg says, in lower case; where a stream was waited for as long as it may be, it asks to exit."""
    return "nothing came in time" if isinstance(error, ExitError) else (error.strerror or str(error)).lower()
