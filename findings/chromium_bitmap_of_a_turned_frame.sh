#!/usr/bin/env bash
# Subject:  Chromium 153 (and 156), `createImageBitmap()` of a `VideoFrame` that is to be turned by a quarter
# Guess:    The bitmap is as large as the frame is shown, `displayWidth` x `displayHeight`, and has what `drawImage()` draws; in
#           Chromium 143 and 149 it is so.
# Happens:  It is as large as the frame is stored, and the whole of the turned picture is squeezed into that: of a frame of 128 x 96
#           that is shown as 96 x 128 it is 128 x 96, with all faces 1.8 times too wide. So is what `ImageCapture.grabFrame()` gives of
#           such a video (seen in 156). A half turn is right, and so is a bitmap of the <video> itself.
# Source:   https://www.w3.org/TR/webcodecs/ (`VideoFrame`: `rotation`, `displayWidth`), by https://github.com/w3c/webcodecs/pull/840;
#           https://github.com/w3c/webcodecs/issues/119 tells of bitmaps in another size than that of display. Of turns no report was found.
# Matters:  Films of phones held upright are stored lying, and a face that is too wide is read all the same, wrongly. mien draws the
#           frames that it is given (web/src/source.ts: `drawn`), and its page makes bitmaps of the <video> (web/page/moving.ts).
set -euo pipefail
command -v node npm > /dev/null || { echo "not checked: no node or npm"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --ignore-scripts @sparticuz/chromium@153.0.0 playwright-core@1.65.1 > /dev/null 2>&1 ||
    { echo "not checked: no package"; exit 2; }
cat > look.mjs <<'JS'
import { createServer } from 'node:http';
import chromium from '@sparticuz/chromium';
import { chromium as driver } from 'playwright-core';

const browser = await driver
  .launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox', '--single-process', '--no-zygote'] })
  .catch((error) => (console.log(`not checked: Chromium does not start here: ${error.message.split('\n')[0]}`), process.exit(2)));
console.log('Chromium', browser.version());
const server = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html><title>frames</title>'));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
let same = true;
for (const rotation of [0, 90, 180, 270]) {
  const [drawn, bitmap] = await page.evaluate(async (rotation) => {
    const [width, height, grays] = [128, 96, [0, 80, 160, 240]]; // of the quarters, those at the top first
    const data = new Uint8Array(1.5 * width * height).fill(128);
    for (let at = 0; at < width * height; at++) {
      data[at] = grays[2 * Math.floor(at / width / (height / 2)) + Math.floor((at % width) / (width / 2))];
    }
    const frame = new VideoFrame(data, {
      format: 'I420', codedWidth: width, codedHeight: height, timestamp: 0, rotation, colorSpace: { matrix: 'bt709', fullRange: true },
    });
    const told = (source, width, height) => {
      const pen = new OffscreenCanvas(width, height).getContext('2d');
      pen.drawImage(source, 0, 0);
      const corners = [[8, 8], [width - 9, 8], [8, height - 9], [width - 9, height - 9]];
      const seen = corners.map(([x, y]) => Math.round(pen.getImageData(x, y, 1, 1).data[0] / 80));
      return `${width} x ${height}, corners ${seen.join(' ')}`;
    };
    const made = await createImageBitmap(frame);
    return [told(frame, frame.displayWidth, frame.displayHeight), told(made, made.width, made.height)];
  }, rotation);
  console.log(`to be turned by ${rotation}: drawn ${drawn}; bitmap ${bitmap}`);
  same &&= rotation % 180 ? drawn.startsWith('96 x 128') && bitmap === drawn.replace('96 x 128', '128 x 96') : drawn === bitmap;
}
console.log(same ? 'as described' : 'changed: see above');
process.exit(same ? 0 : 1);
JS
TMPDIR=$work node look.mjs
