#!/usr/bin/env bash
# Subject:  WebKitGTK 2.50.6 (Debian's webkit2gtk-driver), blobs in the worker of a page that was opened by file://
# Guess:    A worker reads a blob wherever its page does: one that it is sent, and above all one that it has made itself.
# Happens:  There it can read none: arrayBuffer() fails with NotReadableError, a Response of its stream with TypeError,
#           createImageBitmap() with InvalidStateError. The page reads the same blobs, and from http://127.0.0.1 its worker
#           does. A Response of the bytes themselves can be read there.
# Source:   https://w3c.github.io/FileAPI/#blob-section: reading a blob knows of no origin. No report was found; the same is
#           told of Safari, of blob: URLs in a worker: https://github.com/bilibili/web-demuxer/issues/8.
# Matters:  `mien page` writes a page that is opened by file://. It decodes photos itself and sends its worker bitmaps, and the
#           worker unpacks its files without a blob (web/page/photos.ts, web/page/worker.ts).
set -euo pipefail
browser=$(ls /usr/lib/*/webkit2gtk-4.*/MiniBrowser 2> /dev/null | head -n 1)
command -v WebKitWebDriver Xvfb python3 > /dev/null && [ -n "$browser" ] ||
    { echo "not checked: apt-get install --no-install-recommends webkit2gtk-driver xvfb"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > page.html <<'HTML'
<!doctype html>
<title>blobs</title>
<script>
const reading = `async (blob, bytes) => {
  const ways = {
    'one that was made elsewhere': () => blob.arrayBuffer(),
    'one that was made here': () => new Blob([bytes]).arrayBuffer(),
    'one as a stream': () => new Response(new Blob([bytes]).stream()).arrayBuffer(),
    'one as a picture': () => createImageBitmap(new Blob([bytes])),
    'bytes without a blob': () => new Response(new Response(bytes).body).arrayBuffer(),
  };
  const told = {};
  for (const [name, way] of Object.entries(ways)) told[name] = await way().then(() => 'is read', ({ name }) => 'fails: ' + name);
  return told;
}`;
async function tried() {
  const picture = await new Promise((done) => document.createElement('canvas').toBlob(done));
  const bytes = await picture.arrayBuffer();
  const text = `onmessage = async ({ data }) => postMessage(await (${reading})(...data));`;
  const worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
  const answer = new Promise((done) => worker.addEventListener('message', ({ data }) => done(data)));
  worker.postMessage([picture, bytes]);
  return { page: await eval(reading)(picture, bytes), worker: await answer };
}
</script>
HTML
cat > look.py <<'PY'
import functools
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory="."))
threading.Thread(target=server.serve_forever, daemon=True).start()
reading, writing = os.pipe()
screen = subprocess.Popen(
    ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
)
display = f":{os.read(reading, 20).decode().strip()}"
with socket.socket() as chosen:
    chosen.bind(("127.0.0.1", 0))
    port = chosen.getsockname()[1]
shown = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11"}
driver = subprocess.Popen(["WebKitWebDriver", f"--port={port}"], env=shown, stderr=subprocess.DEVNULL)
place = f"http://127.0.0.1:{port}"


def send(path, given=None, method=None):
    content = None if given is None else json.dumps(given).encode()
    with urllib.request.urlopen(urllib.request.Request(place + path, content, method=method), timeout=150) as answer:
        return json.load(answer)["value"]


for _ in range(600):
    try:
        send("/status")
        break
    except urllib.error.URLError:
        time.sleep(0.1)
options = {"binary": sys.argv[1], "args": ["--automation"]}
session = ""
try:
    begun = send("/session", {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}})
    session = f"/session/{begun['sessionId']}"
    print("WebKitGTK", begun["capabilities"]["browserVersion"])
    send(f"{session}/timeouts", {"script": 120_000})
    seen = {}
    for scheme, address in (
        ("http", f"http://127.0.0.1:{server.server_port}/page.html"),
        ("file", f"file://{os.getcwd()}/page.html"),
    ):
        send(f"{session}/url", {"url": address})
        script = "const [done] = arguments; tried().then(done, (why) => done({ failed: { all: `${why}` } }));"
        for where, told in send(f"{session}/execute/async", {"script": script, "args": []}).items():
            for what, answer in told.items():
                seen[scheme, where, what] = answer
                print(f"{scheme}: in the {where}, {what}: {answer}")
except urllib.error.HTTPError as error:
    print("not checked:", json.load(error)["value"]["message"])
    sys.exit(2)
finally:
    if session:
        send(session, method="DELETE")
    driver.terminate()
    screen.terminate()
failing = {key: answer for key, answer in seen.items() if answer != "is read"}
blobs = {"one that was made elsewhere", "one that was made here", "one as a stream", "one as a picture"}
same = len(seen) == 20 and {*failing} == {("file", "worker", each) for each in blobs}
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
python3 look.py "$browser"
