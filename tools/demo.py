"""What `make demo` runs: one real photo is read with the shipped model as any user would, and the answer is checked.

    python tools/demo.py

The photo is scikit-image's `astronaut()`, a NASA portrait in the public domain. Writes to `out/`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PHOTO = Path("out/astronaut.png")
DRAWN = Path("out/demo")
LEAST = 0.9  # confidence


def main() -> None:
    if not (ROOT / PHOTO).exists():
        fetch(ROOT / PHOTO)
    print(f"$ mien predict {PHOTO} --annotate {DRAWN}\n", flush=True)
    mien("predict", str(PHOTO), "--annotate", str(DRAWN))
    check(json.loads(mien("predict", str(PHOTO), "--format", "json", read=True)))
    print(
        f"\nAs it should be. See the picture in {DRAWN}/, then try:\n\n"
        "  source .venv-demo/bin/activate\n"
        "  mien predict my-photo.jpg another.jpg       your own photos, or whole folders of them\n"
        "  mien predict my-photo.jpg --format json     every probability, box and reason\n"
        "  mien models                                 what the model is, and how well it does\n"
        "  make test                                   the tests, with everything installed"
    )


def fetch(photo: Path) -> None:
    # Installing scikit-image would bring scipy along for one picture: its wheel is fetched and only that file unzipped.
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "scikit-image"]
        options = ["--no-deps", "--only-binary", ":all:", "--constraint", "constraints.txt", "--dest", folder]
        subprocess.run([*pip, *options], cwd=ROOT, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            picture = archive.read("skimage/data/astronaut.png")
    photo.parent.mkdir(parents=True, exist_ok=True)
    photo.write_bytes(picture)


def mien(*words: str, read: bool = False) -> str:
    """Run `mien` beside this interpreter; its output goes to the terminal, or is returned if `read`."""
    command = [str(Path(sys.executable).with_name("mien")), *words]
    result = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE if read else None, check=False)
    if result.returncode:
        sys.exit(f"the demo failed: mien {' '.join(words)} ended with exit code {result.returncode}")
    return result.stdout or ""


def check(answer: dict[str, Any]) -> None:
    """The photo shows one happy face; anything else is a fault of the model, the detector or this checkout."""
    told = [(face["label"], face["confidence"]) for face in answer["faces"]]
    if len(told) != 1 or told[0][0] != "happy" or told[0][1] < LEAST:
        sys.exit(f"the demo failed: expected one face, happy with a confidence of at least {LEAST}, got {told}")
    if not any((ROOT / DRAWN).glob(f"{PHOTO.stem}*")):
        sys.exit(f"the demo failed: no annotated copy of {PHOTO} in {DRAWN}/")


if __name__ == "__main__":
    main()
