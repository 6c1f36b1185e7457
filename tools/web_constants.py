"""The table of constants that the reader in the browser has from this package: `web/src/constants.ts`.

    python tools/web_constants.py            write the table
    python tools/web_constants.py --check    change nothing; fail where it is stale

Nothing is said twice: what Python changes, the table says after the next run, and a test fails until then.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from mien import answers, covers, crops, detect, face, intake, network, page, prediction, smoothing, views
from mien.labels import LABEL_SETS

TABLE = Path(__file__).parents[1] / "web" / "src" / "constants.ts"
HEAD = "// Made by tools/web_constants.py from the Python sources: change those, and run it again.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where it is stale")
    if not parser.parse_args().check:
        TABLE.write_text(table(), encoding="utf-8")
    elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != table():
        sys.exit(f"{TABLE.name} is stale: run tools/web_constants.py")


def table() -> str:
    """The table, as TypeScript."""
    lines = (
        f"\nexport const {name} = {json.dumps(value, indent=2)} as const;\n" for name, value in constants().items()
    )
    return HEAD + "".join(lines)


def constants() -> dict[str, Any]:
    """The constants by name, in the shapes that the reader in the browser takes."""
    return {
        "FILES": {
            "manifest": "model.json",
            "network": "model.onnx",
            "fullRange": detect.FULL_RANGE[0],
            "shortRange": detect.SHORT_RANGE[0],
            "covers": covers.WEIGHTS[0],
        },
        "RUNTIME": page.RUNTIME,
        "FRAMING": {
            "sideByLandmarks": face.SIDE_BY_LANDMARKS,
            "liftByLandmarks": face.LIFT_BY_LANDMARKS,
            "sideByBox": face.SIDE_BY_BOX,
            "liftByBox": face.LIFT_BY_BOX,
        },
        "VIEWS": {
            "border": views.BORDER,
            "long": views.LONG,
            "mostSquares": views.MOST_SQUARES,
            "quarter": views.QUARTER,
        },
        "LOOKS": {
            "whole": _view(detect.WHOLE),
            "square": _view(detect.SQUARE),
            "short": _view(detect.SHORT),
            "glance": _view(detect.GLANCE),
            "closeUp": _view(detect.CLOSE_UP),
        },
        "DETECTOR": {
            "fullCells": detect.FULL_CELLS,
            "shortCells": detect.SHORT_CELLS,
            "minScore": detect.MIN_SCORE,
            "large": detect.LARGE,
            "small": detect.SMALL,
            "leastPx": detect.LEAST_PX,
            "perhaps": detect.PERHAPS,
            "hint": detect.HINT,
            "most": detect.MOST,
            "close": detect.CLOSE,
            "plain": detect.PLAIN,
            "tiny": detect.TINY,
            "unsure": detect.UNSURE,
            "surer": detect.SURER,
            "doubtful": detect.DOUBTFUL,
            "around": detect.AROUND,
            "inverted": detect.INVERTED,
            "sameFace": detect.SAME_FACE,
        },
        "DOUBT": {
            "smallFace": answers.SMALL_FACE,
            "blurred": answers.BLURRED,
            "turned": answers.TURNED,
            "notAFace": answers.NOT_A_FACE,
            "low": prediction.LOW,
            "noFace": crops.NO_FACE,
        },
        "COVERS": {"side": covers.SIDE, "limit": covers.LIMIT, "parts": covers.PARTS, "words": covers.WORDS},
        "STEADY": {
            "sigmaS": smoothing.CAMERA_SIGMA_S,
            "reachS": smoothing.REACH_S,
            "least": smoothing.LEAST,
            "same": smoothing.SAME,
        },
        "DIGITS": {"box": prediction.BOX_DIGITS, "share": prediction.SHARE_DIGITS},
        "SHOWN": {"atOnce": prediction.AT_ONCE, "least": prediction.LEAST},
        "LIMITS": {"maxBytes": intake.UPLOADS.max_bytes, "maxPixels": intake.UPLOADS.max_pixels},
        "CROP_SIDE": crops.CROP_SIDE,
        "BATCH": network.BATCH,
        "LABEL_SETS": {name: each.emotions for name, each in LABEL_SETS.items()},
    }


def _view(view: views.View) -> dict[str, Any]:
    return view._asdict()


if __name__ == "__main__":
    main()
