"""The page of a model: what it holds, what it may do, and the runtime that it needs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import MODULES, WEB
from typer.testing import CliRunner

from mien import artifact, page
from mien.artifact import Artifact
from mien.cli.verbs import app
from mien.errors import MienError
from mien.languages import LANGUAGES, NOTICE

BUDGET = 60_000  # bytes of the library, beside the runtime and the models
RUNTIME = b"\0asm, or what stands for it"
HOW = r"get it by `npm pack onnxruntime-web@\d[\d.]+`, and name that archive \(--runtime, or MIEN_SERVE_RUNTIME\)"
ROOT = WEB.parent
SAID = re.compile(r"""\bsay\(([^),]*)|data-say=("\w+")""")
KEY = re.compile(r"""['"](\w+)['"](?!\])""")


@pytest.fixture
def small() -> Artifact:
    return artifact.read(artifact.find())


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime is a short one."""
    monkeypatch.setattr(page, "RUNTIME_SHA256", hashlib.sha256(RUNTIME).hexdigest())


def test_the_table_of_constants_is_that_of_the_python_sources() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "web_constants.py", "--check"], check=True)


def test_the_page_holds_all_that_it_opens(small: Artifact) -> None:
    text = page.page(small, RUNTIME)
    held = dict(re.findall(r'<template data-file="([^"]+)">([^<]+)</template>', text))
    opened = {name: gzip.decompress(base64.b64decode(content)) for name, content in held.items()}
    assert opened == {**page.files(small), page.RUNTIME: RUNTIME}
    assert json.loads(opened["model.json"])["heads"][0]["labels"] == "ferplus8"
    assert "http:" not in text.replace("http://www.w3.org/", "")
    assert "<a " not in text  # it leads nowhere


def test_the_page_may_run_its_own_script_and_ask_nobody(small: Artifact) -> None:
    text = page.page(small, RUNTIME)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    rules = dict(each.split(" ", 1) for each in policy[1].replace("&#x27;", "'").split("; "))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    script = re.search(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    for kind, found in (("script-src", script), ("style-src", style)):
        assert found is not None
        named = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"'sha256-{named}'" in rules[kind]
        assert "unsafe-inline" not in rules[kind]


def test_every_text_that_the_page_uses_is_there_in_each_language() -> None:
    sources = [path.read_text() for path in (WEB / "page").glob("*.ts")] + [page.asset("page.html").decode()]
    used = {key for source in sources for found in SAID.findall(source) for key in KEY.findall("".join(found))}
    told = page.texts()
    assert set(told) == set(LANGUAGES)
    for texts in told.values():
        assert used <= set(texts["page"])
        assert set(texts["page"]) - used <= {"notice"}


@pytest.mark.parametrize(
    ("notice", "told"), [("", None), ("on", NOTICE), ("A camera <reads> you.", "A camera <reads> you.")]
)
def test_the_notice(small: Artifact, notice: str, told: str | None) -> None:
    assert ('data-say="notice"' in page.page(small, RUNTIME, notice)) == (told is not None)
    assert page.texts(notice)["en"]["page"]["notice"] == (told or "")


@pytest.mark.parametrize("name", ["</script>", "<!--<script>", "mine7"])
def test_a_model_of_ones_own(toy: Callable[..., Path], tmp_path: Path, name: str) -> None:
    own = artifact.read(toy(tmp_path / name, {name: ("happy", "sad")}))
    text = page.page(own, RUNTIME, name)
    blocks = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', text)
    texts, model = (json.loads(content) for _, content in sorted(blocks, reverse=True))
    assert model["heads"][0]["labels"] == name
    assert model["colours"] == {"happy": "#f0e442", "sad": "#0072b2"}
    assert texts["en"]["page"]["notice"] == name
    assert "<" not in "".join(content for _, content in blocks)
    called = name.replace("7", "#")
    lacks = f"probably an expression that {called} lacks (#%)"
    assert texts["de"]["said"][lacks] == f"wahrscheinlich ein Ausdruck, den {called} nicht kennt (#%)"


def test_no_script_of_the_page_hides_its_end() -> None:
    for name in ("page.js", "worker.js"):
        assert "<!--" not in page.asset(name).decode()


def test_the_runtime_is_found_in_folders_and_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "node_modules" / page.RUNTIME_PACKAGE
    file = package / "dist" / page.RUNTIME
    file.parent.mkdir(parents=True)
    file.write_bytes(RUNTIME)
    archive = tmp_path / "package.tgz"
    with tarfile.open(archive, "w:gz") as written:
        member = tarfile.TarInfo(f"package/dist/{page.RUNTIME}")
        member.size = len(RUNTIME)
        written.addfile(member, io.BytesIO(RUNTIME))
    below = tmp_path / "some" / "where"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    for place in (None, package, package / "dist", file, archive):
        assert page.find_runtime(place) == RUNTIME


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing", None, "no ort-wasm"),
        ("empty.tgz", b"", "no ort-wasm"),
        ("other.wasm", b"another", "is not that of onnxruntime-web"),
    ],
)
def test_another_runtime_is_refused(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MienError, match=f"{told}.*: {HOW}"):
        page.find_runtime(tmp_path / name)


def test_where_there_is_no_runtime_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MienError, match=f"node_modules, here or above: {HOW}"):
        page.find_runtime()


def test_the_command(tmp_path: Path) -> None:
    runtime, out = tmp_path / page.RUNTIME, tmp_path / "out" / "mien.html"
    runtime.write_bytes(RUNTIME)
    done = CliRunner().invoke(app, ["page", str(out), "--runtime", str(runtime), "--notice", "on"])
    assert (done.exit_code, done.stdout) == (0, f"{out}: {out.stat().st_size / 1e6:.1f} MB\n")
    assert out.read_text("utf-8") == page.page(artifact.read(artifact.find()), RUNTIME, "on")


@pytest.mark.usefixtures("node")
def test_the_library_is_small() -> None:
    bundle = [str(MODULES / ".bin" / "esbuild"), "src/index.ts", "--bundle", "--format=esm", "--minify"]
    done = subprocess.run([*bundle, "--external:onnxruntime-web"], cwd=WEB, check=True, capture_output=True)
    assert 10_000 < len(done.stdout) < BUDGET


def test_the_scripts_are_built_from_the_sources(node: str) -> None:
    subprocess.run([node, "build.mjs", "--check"], cwd=WEB, check=True)
    subprocess.run([node, "node_modules/typescript/bin/tsc"], cwd=WEB, check=True)
    sources = ["build.mjs", "src", "page", "test"]
    subprocess.run([node, "node_modules/prettier/bin/prettier.cjs", "--check", *sources], cwd=WEB, check=True)
