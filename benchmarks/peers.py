"""mien beside `fer` 25.10.3, the one other reader of expressions that the package index holds with its weights.

    python benchmarks/peers.py [--environments runs/peers]

Each library has an environment of its own, built here once, and runs in it (`subject.py`), on one core, in turns. `fer`
reads with the 8-bit network that is its default, and with its float32 one. Its environment has what it needs to run
(TensorFlow's CPU build, an OpenCV with cascades), not all that it asks for: moviepy, and facenet-pytorch with torch for
its other detector. Judged on FER2013's public split, on which mien chose its epochs and calibration. Needs
pyarrow and the package index.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import venv
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from common import ROOT, data_folder, machine
from footprint import install, megabytes, run

from mien.datasets import load_pixels, open_dataset
from mien.datasets.base import NO_LABEL
from mien.labels import FER7, FERPLUS8
from mien.preprocess import Preprocess

NEEDED = ("tensorflow-cpu", "setuptools<81", "opencv-python<5", "pandas", "matplotlib", "requests", "tqdm", "pillow")
SUBJECTS = ("mien", "fer", "fer-float32")
COLD = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path, default=ROOT / "runs" / "peers")
    given = parser.parse_args()
    data = data_folder("fer2013/valid.parquet", "media/single_face.jpg")
    photos = [str(path) for path in sorted((data / "media").glob("*.jpg"))]
    valid, crops, _ = load_pixels(open_dataset(data / "fer2013" / "valid.parquet"), Preprocess(48).whole)
    pythons = {name: built(given.environments, name.partition("-")[0]) for name in SUBJECTS}
    table: dict[str, list[str]] = {}
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, crops)
        file.flush()
        for name in SUBJECTS:
            python = pythons[name]
            told = subject(python, name, "crops", file.name)
            seen = subject(python, name, "photos", *photos)
            cold = [run(python, str(ROOT / "benchmarks" / "subject.py"), name, "cold", photos[-1]) for _ in range(COLD)]
            rows = {
                "right, FER2013's 7 labels": f"{right(told['answers'], valid, FER7):.1%}",
                "right, FER+ majority of 8": f"{right(told['answers'], valid, FERPLUS8):.1%}",
                **{f"{what}, ms a face": f"{told[what]:.2f}" for what in told if what != "answers"},
                "photo file to answer, ms (median of 7 photos)": f"{median(each['ms'] for each in seen.values()):.0f}",
                "faces found in these": str(sum(each["faces"] for each in seen.values())),
                "cold start to the first photo's answer, s": f"{median(each.seconds for each in cold):.2f}",
                "memory at most, MB": f"{max(each.peak_mb for each in cold):.0f}",
                "installed, MB, with Python and pip": f"{megabytes(Path(python).parents[1])[0]:.0f}",
            }
            for what, value in rows.items():
                table.setdefault(what, []).append(value)
    print(machine())
    print(f"\n| | {' | '.join(SUBJECTS)} |\n{'|---' * (1 + len(SUBJECTS))}|")
    for what, values in table.items():
        print(f"| {what} | {' | '.join(values)} |")


def built(environments: Path, name: str) -> str:
    """The Python of a library's environment: mien's is made anew, since mien changes."""
    python = environments / name / "bin" / "python"
    finished = environments / name / "finished"
    if name == "mien" or not finished.exists():
        venv.create(environments / name, with_pip=True, clear=True)
        if name == "mien":
            with tempfile.TemporaryDirectory() as wheels:
                install(environments / name, Path(wheels))
        else:
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
            subprocess.run([*pip, "--no-deps", "fer==25.10.3"], check=True)
            subprocess.run([*pip, *NEEDED], check=True)
        finished.touch()
    return str(python)


def subject(python: str, *arguments: str) -> Any:
    command = [python, str(ROOT / "benchmarks" / "subject.py"), *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def right(answers: list[dict[str, str]], valid: Any, labels: Any) -> float:
    """Share of right answers; a reader without the label set answers in its own, so misses what that lacks."""
    truth = valid.targets(labels)
    judged = np.flatnonzero(truth != NO_LABEL)
    own = labels.name if labels.name in answers[0] else FER7.name
    return float(np.mean([answers[row][own] == labels.emotions[truth[row]] for row in judged]))


if __name__ == "__main__":
    main()
