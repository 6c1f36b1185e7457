#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, which way is up: `ImageOps.exif_transpose` and `Image.getexif`
# Guess:    A photo without an EXIF block is left as it is stored, as the names say; getexif() of it is empty.
# Happens:  It is turned as its XMP block asks, if that has tiff:Orientation, and getexif() tells an orientation that no EXIF block
#           holds. An EXIF block without an orientation leaves it to XMP as well; one with an orientation wins. OpenCV, and
#           Chromium, Firefox and WebKitGTK, leave such photos as they are stored.
# Source:   https://github.com/python-pillow/Pillow/pull/4560, for PNGs that macOS had turned; the documentation of neither says so:
#           https://pillow.readthedocs.io/en/stable/reference/ImageOps.html. Programs that strip EXIF blocks and turn the pixels may
#           leave XMP as it was: then the photo is turned twice.
# Matters:  The same photo stands on its side in one reader and upright in the other, and what they find lies elsewhere: so mien
#           reads the EXIF block alone, in Python as in its page (src/mien/image.py: `turn_of`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6 ||
    { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

ORIENTATION, MAKE = 0x0112, 0x010F
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


def saved(kind, exif, xmp):
    """A picture of 40 x 20."""
    options = {"exif": exif} if exif else {}
    if xmp and kind == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp:
        options["xmp"] = xmp
    stream = io.BytesIO()
    Image.new("RGB", (40, 20)).save(stream, kind, **options)
    return stream.getvalue()


def exif(tag, value):
    made = Image.Exif()
    made[tag] = value
    return made.tobytes()


print("Pillow", PIL.__version__, "and OpenCV", cv2.__version__, "- a picture of 40 x 20 as they read it")
same = True
for kind in ("JPEG", "PNG", "WEBP"):
    for what, blocks, ours, theirs in (
        ("neither", (None, None), (40, 20), (40, 20)),
        ("EXIF, a quarter", (exif(ORIENTATION, 6), None), (20, 40), (20, 40)),
        ("XMP, a quarter", (None, XMP), (20, 40), (40, 20)),
        ("XMP, and EXIF with a maker", (exif(MAKE, "maker"), XMP), (20, 40), (40, 20)),
        ("XMP, and EXIF that says upright", (exif(ORIENTATION, 1), XMP), (40, 20), (40, 20)),
    ):
        data = saved(kind, *blocks)
        opened = Image.open(io.BytesIO(data))
        told, turned = opened.getexif().get(ORIENTATION), ImageOps.exif_transpose(opened).size
        height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        same &= turned == ours and (width, height) == theirs
        print(f"{kind:4} {what:31} getexif: {told}, exif_transpose: {turned}, OpenCV: {(width, height)}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
