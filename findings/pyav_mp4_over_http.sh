#!/usr/bin/env bash
# Subject:  PyAV 18.1.0 (FFmpeg 8.1.2), `av.open("http://...")` of an MP4 whose index is at its end, as most are, from a server of
#           HTTP/1.1 that closes a connection where it is asked to, such as Python's `http.server` with that protocol
# Guess:    It is read as from a disk: the server takes ranges, and FFmpeg seeks by them.
# Happens:  It opens, with its duration and its streams, and has no frames, without an error. FFmpeg asks with "Connection: close",
#           and sends its next request on the same connection, which is closed. An answer that says "Connection: close" as well
#           ends that, and so does the option `multiple_requests=1`, with which FFmpeg does not ask for it.
# Source:   https://ffmpeg.org/ffmpeg-protocols.html#http (`multiple_requests`, "disabled by default"). Players met it:
#           https://github.com/mpv-player/mpv/issues/18023, https://github.com/mpv-android/mpv-android/issues/1238
# Matters:  `mien watch http://...` told that a good video was damaged; whoever counts frames by PyAV alone gets 0
#           (src/mien/video/live.py: `KEEP`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/python" - <<'PY'
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import av
import numpy as np

FRAMES = 20
print("PyAV", av.__version__, "with FFmpeg", av.ffmpeg_version_info)
with av.open("film.mp4", "w") as film:
    stream = film.add_stream("libx264", rate=25, options={"preset": "ultrafast", "qp": "4"})
    stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
    for pixels in np.random.default_rng(0).integers(0, 256, (FRAMES, 96, 128, 3), np.uint8):
        film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
    film.mux(stream.encode())
with open("film.mp4", "rb") as file:
    data = file.read()


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    says_so = False

    def do_GET(self):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        if self.says_so:
            self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(data[start:])
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


class Quiet(ThreadingHTTPServer):
    def handle_error(self, *_):
        """FFmpeg resets connections where it seeks."""


def frames(place, **options):
    with av.open(place, options=options) as container:
        return sum(1 for _ in container.decode(video=0))


server = Quiet(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_address[1]}/film.mp4"
seen = {"from the disk": frames("film.mp4"), "from the server": frames(address)}
seen["with multiple_requests=1"] = frames(address, multiple_requests="1")
Server.says_so = True
seen["from a server that says that it closes"] = frames(address)
for how, count in seen.items():
    print(f"{how}: {count} frames")
sys.exit(0 if list(seen.values()) == [FRAMES, 0, FRAMES, FRAMES] else 1)
PY
