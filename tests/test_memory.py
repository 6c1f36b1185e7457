"""Freed memory is kept for the next photo, where the allocator is glibc's."""

from __future__ import annotations

import platform
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

READ = """
import resource, sys
import mien

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

model = mien.load(threads=2)
model.predict(sys.argv[1:])
before = faults()
model.predict(sys.argv[1:])
print((faults() - before) / len(sys.argv[1:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_photos_do_not_ask_the_system_for_their_memory_again(tmp_path: Path, astronaut: bytes) -> None:
    photo = Image.open(BytesIO(astronaut)).resize((1500, 1500))
    paths = [tmp_path / f"{number}.jpg" for number in range(16)]
    for path in paths:
        photo.save(path)
    ended = subprocess.run([sys.executable, "-c", READ, *paths], capture_output=True, text=True, check=True)
    pages = 1500 * 1500 * 3 / 4096
    assert float(ended.stdout) < pages / 2  # else about three copies of the pixels, a fault for each page
