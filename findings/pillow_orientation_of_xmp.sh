#!/usr/bin/env bash
# Subject:  Pillow 13.0.0, Image.getexif and ImageOps.exif_transpose
# Guess:    getexif() gives what stands in a file's EXIF block, so exif_transpose turns photos as browsers do.
# Happens:  Where EXIF names no orientation, Pillow looks for one in the XMP text and gives it as if it were EXIF's, also where the
#           file has an EXIF block. exif_transpose then turns a photo that Chromium shows as it lies (by hand; HTML asks for
#           EXIF alone). Editors that turn pixels and drop EXIF's value may leave a stale one in XMP: the photo is turned twice.
# Source:   The documentation calls it "EXIF data from the image"; src/PIL/Image.py, getexif, has the search. No report was found.
# Matters:  mien takes the orientation from the EXIF block alone (src/mien/image.py: `turn_of`), so that the library and the
#           reader in a browser see the same face upright.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import io
import sys

import PIL
from PIL import ExifTags, Image, ImageOps

print("Pillow", PIL.__version__)
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""
same = True
for form in ("JPEG", "WEBP"):
    for named in (False, True):
        exif, file = Image.Exif(), io.BytesIO()
        if named:
            exif[ExifTags.Base.Software] = "an editor"
        Image.new("RGB", (64, 48)).save(file, form, xmp=XMP, exif=exif)
        photo = Image.open(file)
        block = Image.Exif()
        block.load(photo.info.get("exif", b""))
        told, inside = photo.getexif().get(ExifTags.Base.Orientation), block.get(ExifTags.Base.Orientation)
        turned = ImageOps.exif_transpose(photo).size
        same &= (told, inside, turned) == (6, None, (48, 64))
        print(f"{form:4} EXIF block {'there' if named else 'none '}  orientation in it: {inside}  getexif(): {told}  turned: {turned}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
