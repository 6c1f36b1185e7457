#!/usr/bin/env bash
# Subject:  Streamlit 1.67.0, `st.image` of a photo's file whose EXIF block says which way is up
# Guess:    A photo is shown upright, whatever its size and kind: browsers turn it, as they do where the file is in a page.
# Happens:  So it is with a JPEG of up to 1,460 pixels across. A wider one, one that is given a `width` below its own, and a PNG
#           or WebP of any size are written anew without their EXIF block, and lie on their side: of two photos of one phone one
#           stands and one lies.
# Source:   https://github.com/streamlit/streamlit/issues/6809 (open, of images that Pillow has opened);
#           `_ensure_image_size_and_format` in streamlit/elements/lib/image_utils.py
# Matters:  Boxes of faces would lie beside the faces. The app shows copies that are upright in themselves
#           (src/mien/app/seen.py: `_small`), and gives `st.image` arrays alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check streamlit==1.67.0 pillow==13.0.0 numpy==2.4.6 ||
    { echo "not checked: no package"; exit 2; }
cd "$work"
cat > page.py <<'PY'
import streamlit

streamlit.image(streamlit.session_state["photo"], width=streamlit.session_state["width"])
PY
HOME=$work "$work/env/bin/python" - 2> told <<'PY' || { code=$?; cat told; exit $code; }
import io
import sys

import streamlit
from PIL import Image, ImageOps
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.testing.v1 import AppTest

ORIENTATION, QUARTER = 0x0112, 6
sent = []  # files for the page
load = MemoryMediaFileStorage.load_and_get_id


def noted(self, file, *words, **more):
    sent.append(file)
    return load(self, file, *words, **more)


MemoryMediaFileStorage.load_and_get_id = noted


def photo(kind, width):
    """A file of a picture that is wider than high, and is to be turned by a quarter."""
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER
    stream = io.BytesIO()
    Image.new("RGB", (width, width * 3 // 4), "gray").save(stream, kind, exif=exif.tobytes())
    return stream.getvalue()


def shown(data, width):
    """The file that the page gets for a file."""
    app = AppTest.from_file("page.py", default_timeout=60)
    app.session_state["photo"], app.session_state["width"] = data, width
    app.run()
    assert not app.exception, app.exception
    return sent.pop()


print("Streamlit", streamlit.__version__)
same = True
for kind, across, width, stands in (
    ("JPEG", 1400, "content", True),
    ("JPEG", 1600, "content", False),
    ("JPEG", 1400, 700, False),
    ("PNG", 700, "content", False),
    ("WEBP", 700, "content", False),
):
    opened = Image.open(io.BytesIO(shown(photo(kind, across), width)))
    wide, high = ImageOps.exif_transpose(opened).size
    same &= (high > wide) == stands
    told = f"{opened.format} of {wide} x {high}: it {'stands' if high > wide else 'lies on its side'}"
    print(f"{kind} of {across} x {across * 3 // 4}, a quarter to turn, width {width}: shown as {told}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
