"""The nginx.conf of `deploy/` in a real nginx, before a real service; once they run, neither may write a byte.

Needs nginx: the one on the path, or the one that MIEN_NGINX names.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from served import connect, post, reserved, serving, session
from shipped import swapped, text
from waiting import WAIT_S, until
from websockets.typing import Origin

MAX_BYTES = 1_000_000
MAIN = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/mien.conf;
}}
"""


class Front:
    """A running nginx: its ports, for HTTP and HTTPS, and clients that know its certificate."""

    def __init__(self, certificate: Path, plain: int, port: int) -> None:
        self.plain, self.port = plain, port
        self.url = f"https://localhost:{self.port}"
        self.trust = ssl.create_default_context(cafile=certificate)

    def client(self, address: str = "127.0.0.1") -> httpx.Client:
        """One that comes from an address of this machine."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=address)
        return session(transport=transport, base_url=self.url)


Start = Callable[..., AbstractContextManager[Front]]


@pytest.fixture(scope="module")
def program() -> str:
    if sys.platform != "linux":
        pytest.skip("other systems have fewer addresses of their own, and no limits from outside")
    where = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    found = os.environ.get("MIEN_NGINX") or shutil.which("nginx", path=where)
    if not found:
        pytest.skip("no nginx: install it, or name it in MIEN_NGINX")
    return found


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the README's own command makes."""
    folder = tmp_path_factory.mktemp("tls")
    (command,) = re.findall(r"^openssl .*$", text("README.md"), re.M)
    (folder / "deploy" / "certs").mkdir(parents=True)
    subprocess.run(command, shell=True, cwd=folder, check=True, capture_output=True)
    return folder / "deploy" / "certs"


@pytest.fixture(scope="module")
def fronted(program: str, certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts an nginx before a service with settings such as `rate=1`."""

    @contextmanager
    def start(**settings: object) -> Iterator[Front]:
        folder = tmp_path_factory.mktemp("nginx")
        with (
            reserved() as plain,
            reserved() as port,
            serving(trusted_proxies="127.0.0.1", **settings) as served,
        ):
            front = Front(certificates / "cert.pem", plain, port)
            changes = {
                "server mien:8000;": f"server 127.0.0.1:{served.port};",
                "listen 80;": f"listen 127.0.0.1:{front.plain};",
                "listen 443 ssl;": f"listen 127.0.0.1:{front.port} ssl;",
                "/etc/nginx/certs/cert.pem": str(certificates / "cert.pem"),
                "/etc/nginx/certs/key.pem": str(certificates / "key.pem"),
            }
            (folder / "mien.conf").write_text(swapped(text("nginx.conf"), changes))
            (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
            command = [program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            try:
                until(lambda: listening(process, front.port))
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
                yield front
                assert process.poll() is None
            finally:
                process.terminate()
                _, printed = process.communicate(timeout=WAIT_S)
            assert printed == ""

    return start


def listening(process: subprocess.Popen[str], port: int) -> bool:
    """Whether a process, which has not ended, is there already."""
    assert process.poll() is None
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), WAIT_S).close()
        return True
    return False


@pytest.fixture(scope="module")
def front(fronted: Start) -> Iterator[Front]:
    with fronted(max_bytes=MAX_BYTES) as running:
        yield running


def test_every_link_is_right(front: Front, astronaut: bytes) -> None:
    upload = {"file": ("me.jpg", astronaut, "image/jpeg")}
    with front.client() as client:
        shown = [client.get(f"/mien{path}", headers={"Accept": "text/html"}) for path in ("/", "/live", "/docs", "/a")]
        assert [page.status_code for page in shown] == [200, 200, 200, 404]
        shown.append(client.post("/mien/result", files=upload))
        assert shown[-1].status_code == 200
        assert "happy" in shown[-1].text
        links = {link for page in shown for link in re.findall(r'(?:href|src)="([^"#]+)"', page.text)}
        inside = {link for link in links if not link.startswith("data:")}
        assert {"/mien/", "/mien/live", "/mien/docs", "/mien/static/style.css"} <= inside
        assert {link: client.get(link).status_code for link in inside} == dict.fromkeys(inside, 200)
        assert f"{front.url}/mien/v1/predict" in shown[2].text
        assert client.get("/mien/openapi.json").json()["servers"] == [{"url": "/mien"}]


@pytest.mark.parametrize(("path", "status", "target"), [("/", 302, "/mien/"), ("/mien", 301, "/mien/")])
def test_the_way_to_the_pages(front: Front, path: str, status: int, target: str) -> None:
    with front.client() as client:
        moved = client.get(path)
        assert (moved.status_code, moved.headers["location"]) == (status, target)
        assert client.get("/elsewhere").status_code == 404


def test_plain_http_is_sent_to_https(front: Front) -> None:
    moved = post(f"http://127.0.0.1:{front.plain}/mien/v1/predict?labels=fer7", content=b"x")
    assert (moved.status_code, moved.headers["location"]) == (308, "https://127.0.0.1/mien/v1/predict?labels=fer7")


def test_the_camera(front: Front, astronaut: bytes) -> None:
    url = f"{front.url.replace('https', 'wss')}/mien/live/frames"
    with connect(url, ssl=front.trust, origin=Origin(front.url)) as opened:
        opened.send(astronaut)
        assert json.loads(opened.recv(WAIT_S))["faces"]


@pytest.mark.parametrize("times", [1.01, 5, 50])
def test_what_is_too_large_is_told_by_the_service(front: Front, times: float) -> None:
    with front.client() as client:
        told = client.post("/mien/v1/predict", content=b"\xff\xd8\xff" + bytes(int(times * MAX_BYTES)))
    assert (told.status_code, told.json()["type"]) == (413, "/problems/too-large")
    assert told.headers["x-request-id"]


def test_what_no_setting_allows_is_told_at_once(front: Front) -> None:
    plain = socket.create_connection(("127.0.0.1", front.port), WAIT_S)
    with front.trust.wrap_socket(plain, server_hostname="localhost") as opened:
        opened.sendall(b"POST /mien/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n\r\n")
        assert opened.recv(100).startswith(b"HTTP/1.1 413 ")


def test_an_upload_is_handed_on_as_it_comes_and_leaves_no_file(front: Front, astronaut: bytes) -> None:
    with front.client() as client:
        read = client.post("/mien/v1/predict", content=astronaut, headers={"Content-Type": "image/jpeg"})
    assert read.json()["faces"][0]["label"] == "happy"


def test_a_rate_counts_each_client_whatever_it_says_of_itself(fronted: Start) -> None:
    with fronted(rate=1) as front:
        statuses = []
        for address, said in (("127.0.0.2", ""), ("127.0.0.2", "203.0.113.9"), ("127.0.0.3", "127.0.0.2")):
            with front.client(address) as client:
                answer = client.get("/mien/v1/labels", headers={"X-Forwarded-For": said} if said else {})
                statuses.append(answer.status_code)
                assert ("retry-after" in answer.headers) == (answer.status_code == 429)
        assert statuses == [200, 429, 200]
