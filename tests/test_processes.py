"""A recognizer in other processes: it answers after a fork, and can be pickled."""

from __future__ import annotations

import copy
import dataclasses
import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from waiting import WAIT_S

import mien
from mien import Face
from mien.artifact import Artifact, find, names, read
from mien.errors import ArtifactError
from mien.labels import FERPLUS8

Pixels = NDArray[np.uint8]
Bands = Callable[..., Pixels]
Toy = Callable[..., Path]

FORK = """
import os, signal, sys, threading
import mien
from mien.memory import bounded, make_room
from mien.quiet import quiet_pillow

path, threads, parent = sys.argv[1], int(sys.argv[2]), sys.argv[3]
model = mien.load(threads=threads)
expected = [each.to_dict() for each in model.predict([path] * 3)]
begun, ended = threading.Event(), threading.Event()

def busy():
    while not ended.is_set():
        model.predict([path] * 3)
        begun.set()

def full():
    with quiet_pillow(), bounded(10**9):
        make_room(10**9)
        begun.set()
        ended.wait()

thread = threading.Thread(target={"idle": begun.set, "busy": busy, "full": full}[parent])
thread.start()
begun.wait()
answers = []
for _ in range(5 if parent == "busy" else 1):
    child = os.fork()
    if not child:
        signal.alarm(int(sys.argv[4]))
        os._exit([each.to_dict() for each in model.predict([path] * 3)] != expected)
    answers.append(os.waitpid(child, 0)[1])
ended.set()
thread.join()
assert [each.to_dict() for each in model.predict([path] * 3)] == expected
print(answers)
"""


class Finds:
    """A detector of one's own."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def detect(self, image: Pixels) -> list[Face]:
        return list(self.faces)


@pytest.fixture(scope="module")
def eight(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy that speaks `ferplus8`."""
    return toy(tmp_path_factory.mktemp("toys") / "eight", {"ferplus8": FERPLUS8.emotions})


# Forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(("threads", "parent"), [(1, "idle"), (2, "idle"), (2, "busy"), (1, "full")])
def test_a_forked_child_answers_as_its_parent(threads: int, parent: str, astronaut: bytes, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(astronaut)
    told = (tmp_path / "photo.jpg", threads, parent, int(WAIT_S))
    command = [sys.executable, "-W", "ignore", "-c", FORK, *map(str, told)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert (ended.stderr, set(json.loads(ended.stdout))) == ("", {0})


# Pickles


def test_another_process_answers_the_same(astronaut: bytes) -> None:
    model = mien.load(threads=2)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(model.predict, [astronaut], labels="happy-sad").result(WAIT_S)
    assert there == model.predict([astronaut], labels="happy-sad")


@pytest.mark.parametrize("name", names())
def test_a_model_of_miens_is_pickled_by_name(name: str) -> None:
    artifact = read(find(name))
    pickled = pickle.dumps(artifact)
    assert len(pickled) < 500
    assert str(artifact.folder.parent).encode() not in pickled
    assert pickle.loads(pickled) == artifact


def test_what_was_chosen_goes_with_it(eight: Path, bands: Bands) -> None:
    face = Face((1, 2, 40, 44), (), 0.7)
    model = mien.load(eight, detector=Finds(face), threads=3, limits=mien.Limits(max_pixels=3000))
    pickled = pickle.dumps(model)
    assert len(pickled) < 3000 < len(model.artifact.onnx)
    again = pickle.loads(pickled)
    assert repr(again) == repr(model) == "Recognizer(eight, Finds, 3 threads)"
    images = [bands(3, 8), bands(3, 8, 60)]
    there = again.predict(images)
    assert there == model.predict(images)
    assert there[0].faces[0].face == face
    assert there[1].error == "60 x 60 pixels, over the limit of 0.003 million: raise max_pixels"


def test_a_folder_is_found_again_from_elsewhere(eight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(eight.parent)
    pickled = pickle.dumps(read(Path("eight")))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(pickled).folder == eight


def test_another_model_in_its_place_is_refused(eight: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(eight, folder)
    pickled = pickle.dumps(mien.load(folder, detector=Finds()))
    assert pickle.loads(pickled).artifact.name == "eight"
    manifest = json.loads((folder / "model.json").read_text())
    manifest["heads"][0]["temperature"] = 2.0  # the same network, other answers
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"mine is another model here:\n.*differs from the one that was pickled"):
        pickle.loads(pickled)
    shutil.rmtree(folder)
    with pytest.raises(ArtifactError, match="no such folder"):
        pickle.loads(pickled)


def test_a_model_whose_folder_is_gone_is_pickled_whole(eight: Path, tmp_path: Path, bands: Bands) -> None:
    folder = tmp_path / "gone"
    shutil.copytree(eight, folder)
    model = mien.load(folder, detector=Finds())
    shutil.rmtree(folder)
    again = pickle.loads(pickle.dumps(model))
    assert again.artifact == model.artifact
    assert again.predict(bands(2, 8)) == model.predict(bands(2, 8))


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy])
def test_copies(made: Callable[[mien.Recognizer], mien.Recognizer], astronaut: bytes) -> None:
    model = mien.load()
    other = made(model)
    assert other.artifact is model.artifact
    assert other.predict(astronaut) == model.predict(astronaut)


def test_a_changed_artifact_is_not_taken_for_the_one_on_the_disk(eight: Path) -> None:
    artifact = read(eight)
    changed: Artifact = dataclasses.replace(artifact, manifest=artifact.manifest.model_copy(update={"name": "mine"}))
    with pytest.raises(ArtifactError, match="differs from the one that was pickled"):
        pickle.loads(pickle.dumps(changed))
