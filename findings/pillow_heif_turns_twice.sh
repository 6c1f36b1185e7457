#!/usr/bin/env bash
# Subject:  pillow-heif 1.8.1, photos that are to be turned, written by its own `HeifFile.save`
# Guess:    What `open_heif` reads and `save` writes again is shown as before, and what `from_pillow` makes of a JPEG as that JPEG.
# Happens:  They are turned twice: a photo of a phone held upright comes out upside down. Both functions turn the pixels and leave
#           the EXIF block as it is, and `save` has the new file ask for what the block says. Pillow's `Image.save`, by the same
#           plugin, writes it right.
# Source:   https://github.com/bigcat88/pillow_heif/blob/master/docs/workaround-orientation.rst: `from_pillow` is among those that
#           "reset orientations automatically"; `open_heif` is said not to, and from 1.14 on the turn is "set in HEIF header".
# Matters:  Of faces that stand on their heads few are found. mien shows a HEIC as its boxes ask, as viewers do, and the EXIF block
#           is without a say there (src/mien/container.py: `heif`): of such a copy nobody can tell that it is wrong.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 pillow-heif==1.8.1 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import PIL
import pillow_heif
from PIL import Image, ImageOps

pillow_heif.register_heif_opener()


def photo(orientation):
    """A JPEG, dark at its top and at its left as it is stored, with how it is to be turned."""
    image, exif, stream = Image.new("L", (128, 96)), Image.Exif(), io.BytesIO()
    for gray, box in ((80, (64, 0, 128, 48)), (160, (0, 48, 64, 96)), (240, (64, 48, 128, 96))):
        image.paste(gray, box)
    exif[0x0112] = orientation
    image.convert("RGB").save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


def saved(image, *form):
    stream = io.BytesIO()
    image.save(stream, *form)
    return stream.getvalue()


def shown(data):
    """How a file is shown: its size, and the gray of its corners in tens, those at the top first."""
    image = ImageOps.exif_transpose(opened(data)).convert("L")
    right, bottom = image.width - 9, image.height - 9
    grays = [image.getpixel(place) for place in ((8, 8), (right, 8), (8, bottom), (right, bottom))]
    return f"{image.width} x {image.height}, {' '.join(str(round(gray / 10)) for gray in grays)}"


print("pillow-heif", pillow_heif.__version__, "libheif", pillow_heif.libheif_version(), "Pillow", PIL.__version__)
same = True
for orientation in (1, 3, 6):
    jpeg = photo(orientation)
    heic = saved(opened(jpeg), "HEIF")
    again, made = saved(pillow_heif.open_heif(io.BytesIO(heic))), saved(pillow_heif.from_pillow(opened(jpeg)))
    told = {"JPEG": jpeg, "HEIC by Image.save": heic, "that by open_heif and save": again, "JPEG by from_pillow and save": made}
    print(f"orientation {orientation}")
    for name, data in told.items():
        print(f"  {name}: {shown(data)}")
    upright, twice = shown(jpeg), {1: "128 x 96, 0 8 16 24", 3: "128 x 96, 0 8 16 24", 6: "128 x 96, 24 16 8 0"}[orientation]
    same &= [shown(data) for data in told.values()] == [upright, upright, twice, twice]
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
