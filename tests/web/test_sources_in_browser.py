"""What the library is given in a real browser becomes pixels as it is shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from asking import MODULES, WEB
from browsing import needs_browser, new_page
from playwright.sync_api import Browser

pytestmark = needs_browser

GRAYS = np.array([[0, 80], [160, 240]], np.uint8)  # of a frame's quarters
TURNED = """async ([rotation, data]) => {
  const colorSpace = { matrix: 'bt709', fullRange: true };
  const stored = { format: 'I420', codedWidth: 32, codedHeight: 24, timestamp: 0, rotation, colorSpace };
  const { width, height, data: pixels } = await source.pixelsOf(new VideoFrame(new Uint8Array(data), stored));
  return [width, height, [...pixels]];
}"""


@pytest.fixture(scope="module")
def script(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module `source` for a page without modules."""
    built = tmp_path_factory.mktemp("built") / "source.js"
    bundle = [str(MODULES / ".bin" / "esbuild"), "--bundle", "--format=iife", "--global-name=source"]
    subprocess.run([*bundle, "--log-level=error", f"--outfile={built}", "src/source.ts"], cwd=WEB, check=True)
    return built


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_frame_is_turned_as_it_is_shown(rotation: int, browser: Browser, script: Path) -> None:
    quarters = GRAYS.repeat(12, 0).repeat(16, 1)
    colours = np.full(quarters.size // 2, 128, np.uint8)
    page = new_page(browser)
    page.goto(script.as_uri())  # of a file, as frames are for pages that can be trusted
    page.add_script_tag(path=script)
    width, height, pixels = page.evaluate(TURNED, [rotation, [*quarters.ravel().tolist(), *colours.tolist()]])
    page.close()
    shown = np.array(pixels, np.uint8).reshape(height, width, 4)[..., :3]
    expected = np.rot90(quarters, -rotation // 90)
    assert shown.shape[:2] == expected.shape
    assert np.abs(shown[6::12, 6::12].astype(int) - expected[6::12, 6::12, np.newaxis]).max() <= 2
