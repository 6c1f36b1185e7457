"""Where the tests' data is, for every test; and no test is skipped where CI=true: there a skip is a failure."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mien.cores import cores

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

Bands = Callable[..., NDArray[np.uint8]]
Export = Callable[[str, int], Path]
Toy = Callable[..., Path]
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def data() -> Path:
    """The development data: MIEN_DATA, or else `shared/data` beside the checkout."""
    folder = Path(os.environ.get("MIEN_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no development data in {folder}: set MIEN_DATA")
    return folder


@pytest.fixture(scope="session")
def media(data: Path) -> Path:
    """Photos and clips."""
    return data / "media"


@pytest.fixture(scope="session")
def fer2013(data: Path) -> Path:
    """`train.parquet` and `valid.parquet`."""
    return data / "fer2013"


@pytest.fixture(scope="session")
def exported(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Writes the data in a form that users download: `exported("csv", 50)` holds each split's first 50 rows."""
    made: dict[tuple[str, int], Path] = {}

    def export(form: str, limit: int) -> Path:
        if (form, limit) not in made:
            out = tmp_path_factory.mktemp(form)
            subprocess.run([sys.executable, data / "export.py", form, out, "--limit", str(limit)], check=True)
            made[form, limit] = out
        return made[form, limit]

    return export


@pytest.fixture(scope="session")
def astronaut() -> bytes:
    """A real photo that any installation has, as a JPEG of 512 x 512 px: scikit-image's astronaut, who is happy."""
    from skimage import data as images

    stream = BytesIO()
    pixels = np.asarray(images.astronaut())  # type: ignore[no-untyped-call]
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.fixture
def port() -> Iterator[int]:
    """A port for one server after the other, which nobody else is given meanwhile."""
    from served import reserved

    with reserved() as kept:
        yield kept


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Drives browsers."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, astronaut: bytes) -> Iterator[Browser]:
    """Chromium whose camera shows the astronaut."""
    from browsing import CAMERA, launched

    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    stream = BytesIO()
    Image.open(BytesIO(astronaut)).crop((0, 0, 512, 384)).resize((640, 480)).save(stream, "JPEG")
    film.write_bytes(stream.getvalue() * 10)
    allowed = "--use-fake-ui-for-media-stream"
    chromium = launched(playwright, CAMERA, allowed, f"--use-file-for-fake-video-capture={film}")
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def bands() -> Bands:
    """Draws an image that `toy` reads: `bands(2, 7)` is black but for the third of seven equal vertical bands."""

    def draw(bright: int, of: int, side: int = 48) -> NDArray[np.uint8]:
        image = np.zeros((side, side, 3), np.uint8)
        image[:, np.array_split(np.arange(side), of)[bright]] = 255
        return image

    return draw


@pytest.fixture(scope="session")
def toy() -> Toy:
    """Writes a model whose answers are known: `toy(folder, {"happy-sad": ("happy", "sad")})`.

    Each logit is four times the mean, 0..1, of one of the image's equal vertical bands: the brightest band wins. With
    `colour="rgb"` it is the reddest.
    Further arguments go into model.json.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def write(folder: Path, heads: dict[str, tuple[str, ...]], size: int = 48, **manifest: object) -> Path:
        folder.mkdir(parents=True)
        channels = 3 if manifest.get("colour") == "rgb" else 1
        nodes = [
            helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["floats"], ["flat"]),
        ]
        weights, outputs = [], []
        for name, emotions in heads.items():
            band = np.zeros((channels, size, size, len(emotions)), np.float32)
            for position, columns in enumerate(np.array_split(np.arange(size), len(emotions))):
                band[0, :, columns, position] = 4 / 255 / (size * len(columns))
            weights.append(numpy_helper.from_array(band.reshape(channels * size * size, -1), f"bands {name}"))
            nodes.append(helper.make_node("MatMul", ["flat", f"bands {name}"], [f"logits_{name}"]))
            outputs.append(helper.make_tensor_value_info(f"logits_{name}", TensorProto.FLOAT, ["faces", len(emotions)]))
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["faces", channels, size, size])
        graph = helper.make_graph(nodes, "toy", [pixels], outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        onnx.save(model, folder / "model.onnx")
        content = {
            "format": 1,
            "name": folder.name,
            "size": size,
            "heads": [
                {"labels": name, "emotions": emotions, "temperature": 1.0, "threshold": 0.5}
                for name, emotions in heads.items()
            ],
            "scores": {},
            "data": {},
            "colour": "gray",
            "precision": "float32",
            "mirror": False,
            "runs": [{"recipe": {}}],
            "sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
        }
        (folder / "model.json").write_text(json.dumps(content | manifest))
        (folder / "README.md").write_text("# A toy\n")
        return folder

    return write


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto` is two more than there are cores, for whoever waits: for a server, a browser, a deadline to pass."""
    return cores() + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of folders come first, for they take long; with short ones left for the end, all workers end together.

    Those come by their own names, wherever they lie: what waits, for servers, runs beside what trains.
    """
    items.sort(key=lambda item: (0, item.path.name) if item.path.parent != Path(__file__).parent else (1, ""))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _failed_if_skipped((yield))


def _failed_if_skipped(report: Report) -> Report:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and CI=true: {reason}"
    return report
