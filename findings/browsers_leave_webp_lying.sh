#!/usr/bin/env bash
# Subject:  Chromium 143 (and 156), a WebP whose EXIF block says which way is up; so Firefox 153 and WebKitGTK 2.50.6
# Guess:    It is turned like a JPEG with the same block, in an <img> and by createImageBitmap(): "from-image" is the default of
#           both, and Pillow and OpenCV turn both files.
# Happens:  The JPEG is turned, a PNG with the block too, the WebP is shown as it is stored. Nothing tells a page what the block asks.
# Source:   https://developer.mozilla.org/en-US/docs/Web/CSS/image-orientation tells of EXIF and of no exception;
#           https://zpl.fi/exif-orientation-in-different-formats/ saw it in every browser of its time.
# Matters:  What makes a WebP of a phone's photo, as cwebp with -metadata exif, keeps the block. mien read such a photo upright in
#           Python and lying on its side in its page, which now turns it itself (web/src/webp.ts).
set -euo pipefail
command -v node npm > /dev/null || { echo "not checked: no node or npm"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check pillow==13.0.0 || { echo "not checked: no package"; exit 2; }
npm install --silent --no-fund --no-audit --ignore-scripts @sparticuz/chromium@143.0.4 playwright-core@1.65.1 > /dev/null 2>&1 ||
    { echo "not checked: no package"; exit 2; }
env/bin/python - <<'PY'
import PIL
from PIL import Image, ImageOps

exif = Image.Exif()
exif[0x0112] = 6  # to be turned by a quarter
print("Pillow", PIL.__version__)
for kind in ("jpeg", "png", "webp"):
    Image.new("RGB", (40, 20), "red").save(f"photo.{kind}", exif=exif)
    with Image.open(f"photo.{kind}") as stored:
        print(f"{kind}: stored as {stored.size}, exif_transpose gives {ImageOps.exif_transpose(stored).size}")
PY
cat > look.mjs <<'JS'
import { readFile } from 'node:fs/promises';
import chromium from '@sparticuz/chromium';
import { chromium as driver } from 'playwright-core';

const browser = await driver
  .launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox', '--single-process', '--no-zygote'] })
  .catch((error) => (console.log(`not checked: Chromium does not start here: ${error.message.split('\n')[0]}`), process.exit(2)));
console.log('Chromium', browser.version());
const page = await browser.newPage();
let same = true;
for (const [kind, found] of [['jpeg', '20,40 20,40'], ['png', '20,40 20,40'], ['webp', '40,20 40,20']]) {
  const address = `data:image/${kind};base64,${(await readFile(`photo.${kind}`)).toString('base64')}`;
  const seen = await page.evaluate(async (address) => {
    const image = Object.assign(new Image(), { src: address });
    await image.decode();
    const bytes = Uint8Array.from(atob(address.split(',')[1]), (each) => each.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: 'from-image' });
    return `${[image.naturalWidth, image.naturalHeight]} ${[bitmap.width, bitmap.height]}`;
  }, address);
  same &&= seen === found;
  console.log(`${kind}: an <img> and a bitmap of ${seen}`);
}
console.log(same ? 'as described' : 'changed: see above');
process.exit(same ? 0 : 1);
JS
TMPDIR=$work node look.mjs
