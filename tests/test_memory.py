"""Freed memory is kept for the next photo, where the allocator is glibc's; and images wait where there is no room."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

import mien
from mien import Face
from mien.errors import RoomError
from mien.intake import Limits
from mien.memory import MOST_DECODED, CrowdedError, Room, bounded, hold_at_most, make_room, memory
from mien.picture import open_picture

TURNED = Image.Exif()
TURNED[0x0112] = 6
WHOLE = 100 * 100 * (4 + 3)  # bytes of such an image and of its array

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


# Pixels that are held at once


class Counted(Room):
    """Room that remembers the most that was taken, and the most that waited for it."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.peak = 0

    def take(self, amount: int) -> None:
        super().take(amount)
        self.peak = max(self.peak, self.taken)


class Looks:
    """A detector that looks at each image for a moment, and counts those that are looked at together."""

    def __init__(self) -> None:
        self.together, self.most = 0, 0
        self._lock = threading.Lock()

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        with self._lock:
            self.together += 1
            self.most = max(self.most, self.together)
        time.sleep(0.01)
        with self._lock:
            self.together -= 1
        return []


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Of three images of 100 x 100, each with its array; each thread takes one image after the other."""
    counted = Counted(3 * WHOLE)
    monkeypatch.setattr("mien.recognizer.CHUNK_S", 0)
    monkeypatch.setattr("mien.memory.DECODED", counted)
    return counted


def sources(kind: str, sides: Sequence[int], folder: Path) -> list[Any]:
    arrays = [np.zeros((side, side, 3), np.uint8) for side in sides]
    images = [Image.fromarray(array) for array in arrays]
    if kind == "arrays":
        return list(arrays)
    if kind == "images":
        return list(images)
    paths = [folder / f"{number}.{kind}" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    return list(paths)


@pytest.mark.parametrize("kind", ["png", "jpg", "arrays", "images"])
def test_pixels_wait_for_room(kind: str, room: Counted, tmp_path: Path) -> None:
    looks = Looks()
    model = mien.load(detector=looks, threads=8)
    assert len(model.predict(sources(kind, [100] * 40, tmp_path), crop="detect", strict=True)) == 40
    assert WHOLE <= room.peak <= 3 * WHOLE
    assert looks.most <= 3
    assert room.taken == 0


def test_an_image_larger_than_the_room_goes_alone(room: Counted, tmp_path: Path) -> None:
    looks = Looks()
    model = mien.load(detector=looks, threads=4)
    model.predict(sources("png", [200] * 8, tmp_path), crop="detect", strict=True)
    assert (room.peak, looks.most, room.taken) == (4 * WHOLE, 1, 0)
    model.predict(sources("png", [50, 200, 50, 50, 300, 100, 100] * 3, tmp_path), crop="detect", strict=True)
    assert (room.peak, room.taken) == (9 * WHOLE, 0)


def test_images_that_cannot_be_read_give_their_room_back(room: Counted, tmp_path: Path) -> None:
    paths = sources("png", [100] * 12, tmp_path)
    for path in paths:
        path.write_bytes(path.read_bytes()[:60])
    model = mien.load(detector=Looks(), threads=4)
    assert {prediction.error is None for prediction in model.predict(paths)} == {False}
    assert room.peak > 0
    assert room.taken == 0


def test_a_jpeg_takes_the_room_of_the_copy_that_is_decoded(room: Counted, tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    gray = Image.new("RGB", (3200, 1600), "gray")
    gray.save(path)
    model = mien.load()
    model.predict(path)
    assert room.peak == 4 * 3200 * 1600 // 4**2  # where no face is found, one is looked for in parts of it
    gray.save(path, progressive=True)
    model.predict(path)
    assert room.peak == 3 * 3200 * 1600 + 4 * 3200 * 1600 // 4**2  # as libjpeg holds all that is left of it


@pytest.mark.parametrize(
    ("kind", "mode", "options", "bytes_a_pixel"),
    [
        ("PNG", "RGB", {}, 4),
        ("PNG", "L", {}, 1),  # it stays gray
        ("PNG", "P", {}, 1 + 4),
        ("PNG", "RGBA", {}, 4 + 4),
        ("PNG", "I;16", {}, 2 + 4),
        ("JPEG", "CMYK", {}, 4 + 4),
        ("JPEG", "RGB", {"exif": TURNED}, 4 + 4),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}, 6 + 4),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 2}, 3 + 4),
        ("WEBP", "RGB", {}, 17),
        ("WEBP", "RGBA", {}, 17),
        ("AVIF", "RGB", {}, 10),
        ("AVIF", "RGBA", {}, 13),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}, 8),
    ],
)
def test_an_image_takes_the_room_of_its_decoder_and_its_copies(
    kind: str, mode: str, options: dict[str, Any], bytes_a_pixel: int, room: Counted
) -> None:
    """As measured; the image holds four bytes a pixel after that, or one if it is gray."""
    stream = BytesIO()
    Image.new(mode, (160, 96)).save(stream, kind, **options)
    for limit, error in ((bytes_a_pixel * 160 * 96, None), (bytes_a_pixel * 160 * 96 - 1, "of memory, over the limit")):
        model = mien.load(limits=Limits(max_decoded=limit))
        told = model.predict(stream.getvalue(), crop="whole").error
        assert (told is None) if error is None else (told is not None and error in told)
    assert (room.peak, room.taken) == (bytes_a_pixel * 160 * 96, 0)


def test_a_large_jpeg_is_read_as_fine_as_there_is_room_for() -> None:
    photo = BytesIO()
    Image.new("RGB", (3200, 1600), "gray").save(photo, "JPEG")
    for factor in (4, 2, 1):
        limits = Limits(max_decoded=4 * 3200 * 1600 // factor**2)
        picture = open_picture(photo.getvalue(), limits)
        assert [picture.copy(most)[1] for most in (8, 1, 1)] == [8, factor, factor]
    with pytest.raises(RoomError, match="over the limit of 0"):
        open_picture(photo.getvalue(), Limits(max_decoded=4 * 400 * 200 - 1))


def test_pixels_of_which_there_is_no_room_are_not_those_of_a_copy() -> None:
    photo = BytesIO()
    Image.new("RGB", (3200, 1600)).save(photo, "JPEG")
    with pytest.raises(RoomError, match="as a whole"):
        _ = open_picture(photo.getvalue(), Limits(max_decoded=4 * 1600 * 800)).pixels


def test_an_image_with_a_face_is_read_from_a_coarser_copy(astronaut: bytes) -> None:
    photo, face = BytesIO(), Image.open(BytesIO(astronaut)).resize((400, 400))
    large = Image.new("RGB", (3200, 1600), "gray")
    large.paste(face, (100, 100))
    large.save(photo, "JPEG", quality=95)
    for limits in (Limits(), Limits(max_decoded=4 * 800 * 400)):
        prediction = mien.load(limits=limits).predict(photo.getvalue(), crop="detect")
        assert (prediction.width, prediction.error) == (3200, None)


def test_files_wait_for_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    paths = sources("png", [100] * 12, tmp_path)
    size = paths[0].stat().st_size
    counted, looks = Counted(2 * size), Looks()
    monkeypatch.setattr("mien.memory.ENCODED", counted)
    monkeypatch.setattr("mien.recognizer.CHUNK_S", 0)
    mien.load(detector=looks, threads=4).predict([*paths, tmp_path / "gone.png", "\0"])
    assert size <= counted.peak <= 2 * size
    assert looks.most <= 2
    assert counted.taken == 0


def test_no_room_is_needed_for_nothing() -> None:
    room = Room(10)
    room.take(50)
    room.take(0)
    room.give(50)
    assert room.taken == 0


def test_small_amounts_do_not_pass_a_large_one() -> None:
    room = Room(10)
    room.take(5)
    waiting = [threading.Thread(target=room.take, args=(amount,)) for amount in (8, 1)]
    waiting[0].start()
    while not room._turn.locked():  # until it waits
        time.sleep(0.001)
    waiting[1].start()
    waiting[1].join(0.05)
    assert room.taken == 5  # though there is room for the second
    room.give(5)
    for thread in waiting:
        thread.join()
    assert room.taken == 9


def test_an_image_that_grows_holds_nothing_while_it_waits() -> None:
    """Two that hold some room and want more would else wait for each other."""
    room = Room(10)
    done = []

    def grow() -> None:
        with bounded(0):
            for pixels in (5, 8, 10) * 50:
                make_room(pixels)
        done.append(True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mien.memory.DECODED", room)
        threads = [threading.Thread(target=grow) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(done), room.taken) == (4, 0)


def test_an_image_that_is_read_for_another_does_not_wait_for_it(room: Counted, tmp_path: Path) -> None:
    (inner,) = sources("png", [180], tmp_path)

    class Reads:
        def detect(self, image: NDArray[np.uint8]) -> list[Face]:
            assert mien.load(detector=Looks()).predict(inner).error is None
            return []

    assert mien.load(detector=Reads()).predict(inner).error is None
    assert room.taken == 0


def test_outside_of_a_recognizer_nothing_waits(room: Counted) -> None:
    make_room(10**9)
    assert room.taken == 0


def test_room_is_as_much_as_is_said(room: Counted) -> None:
    hold_at_most(5)
    assert room.most == 5


def test_room_is_asked_for_before_a_png_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose orientation may stand after its pixels: Pillow decodes these on the way there."""
    stream = BytesIO()
    Image.new("RGB", (100, 100)).save(stream, "PNG")
    monkeypatch.setattr(PngImageFile, "load", lambda _: pytest.fail("decoded"))
    hold_at_most(1, strict=True)
    try:
        with pytest.raises(CrowdedError), bounded(0):
            open_picture(stream.getvalue())
    finally:
        hold_at_most(MOST_DECODED)


# How much there is


V1 = "5:memory:{path}\n0::/", "30 25 0:26 / {top}/memory rw - cgroup cgroup rw,memory"
V2 = "0::{path}", "29 23 0:26 / {top} rw - cgroup2 cgroup2 rw,nsdelegate"
UNIT = "system.slice/mien.service"


@pytest.mark.parametrize(
    ("version", "path", "files", "most"),
    [
        (V2, "/", {}, None),
        (V2, "/", {"memory.max": "max"}, None),
        (V2, "/", {"memory.max": "1048576"}, 2**20),
        (V2, f"/{UNIT}", {"memory.max": "max", f"{UNIT}/memory.max": "1048576"}, 2**20),
        (V2, f"/{UNIT}", {"system.slice/memory.max": "1048576", f"{UNIT}/memory.max": "2097152"}, 2**20),
        (V2, f"/{UNIT}", {"system.slice/other.service/memory.max": "1048576"}, None),
        (V2, f"/{UNIT}", {f"{UNIT}/memory.max": "nonsense here"}, None),
        (V1, "/", {"memory/memory.limit_in_bytes": "2097152"}, 2**21),
        (V1, "/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        (V1, "/docker/a1", {"memory/docker/a1/memory.limit_in_bytes": "2097152"}, 2**21),
    ],
)
def test_a_service_or_a_container_may_use_less_than_the_machine_has(
    version: tuple[str, str], path: str, files: dict[str, str], most: int | None, tmp_path: Path
) -> None:
    machine = memory(tmp_path / "nothing")
    assert 2**27 < machine < 2**63
    for name, content in files.items():
        (tmp_path / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sys" / name).write_text(f"{content}\n")
    for name, content in zip(("cgroup", "mountinfo"), version, strict=True):
        (tmp_path / name).write_text(content.format(path=path, top=tmp_path / "sys") + "\n")
    assert memory(tmp_path) == (most or machine)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux holds to its limit")
def test_so_may_a_process_that_ulimit_bounds() -> None:
    script = (
        "from mien.memory import memory; import resource as r; r.setrlimit(r.RLIMIT_AS, (2**30,) * 2); print(memory())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 2**30
