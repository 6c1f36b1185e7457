#!/usr/bin/env bash
# Subject:  onnxruntime-web 1.30.0, `Tensor.fromImage()` of an ImageData and of an ImageBitmap (in Chromium 153)
# Guess:    It does what its options say: `resizedWidth` and `resizedHeight` are the size that the picture is resized to, `dataType`
#           "float32" or "uint8" is the tensor's, and `norm.mean` is taken away, as a mean is.
# Happens:  Of an ImageData the upper left corner is cut out, at its old scale; of an ImageBitmap, and of an address, the two sizes are
#           passed over. The tensor is of float32 whatever was asked for, divided by 255. `mean` is what is divided by: a value becomes
#           (value + bias) / mean. And the caller's object of options is written into.
# Source:   https://onnxruntime.ai/docs/api/js/interfaces/TensorFromImageBitmapOptions.html;
#           https://github.com/microsoft/onnxruntime/issues/24050 (it crops; closed as stale) and
#           https://github.com/microsoft/onnxruntime/issues/17094 (`tensorFormat` of an <img>); js/common/lib/tensor-factory-impl.ts
# Matters:  A crop of a face that is to be made smaller becomes a piece of forehead, which a network reads all the same. mien's page and
#           library fill their tensors themselves (web/src/reader.ts).
set -euo pipefail
command -v node npm > /dev/null || { echo "not checked: no node or npm"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --ignore-scripts \
    onnxruntime-web@1.30.0 @sparticuz/chromium@153.0.0 playwright-core@1.65.1 > /dev/null 2>&1 || { echo "not checked: no package"; exit 2; }
cat > look.mjs <<'JS'
import { createServer } from 'node:http';
import chromium from '@sparticuz/chromium';
import { chromium as driver } from 'playwright-core';

const browser = await driver
  .launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox', '--single-process', '--no-zygote'] })
  .catch((error) => (console.log(`not checked: Chromium does not start here: ${error.message.split('\n')[0]}`), process.exit(2)));
const server = createServer((_, answer) => answer.setHeader('Content-Type', 'text/html').end('<!doctype html><title>tensors</title>'));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const page = await browser.newPage();
page.setDefaultTimeout(120_000);
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.addScriptTag({ path: 'node_modules/onnxruntime-web/dist/ort.wasm.min.js' });
console.log(`onnxruntime-web ${await page.evaluate(() => ort.env.versions.web)}, Chromium ${browser.version()}`);
const found = [];
for (const [kind, options] of [
  ['ImageData', { resizedWidth: 48, resizedHeight: 48 }],
  ['ImageBitmap', { resizedWidth: 48, resizedHeight: 48 }],
  ['ImageData', { dataType: 'uint8' }],
  ['ImageData', { norm: { mean: 100, bias: 50 } }],
]) {
  const seen = await page.evaluate(async ([kind, options]) => {
    const data = new ImageData(96, 96); // red tells the column, 0 to 190
    for (let at = 0; at < 96 * 96; at++) data.data.set([2 * (at % 96), 0, 0, 255], 4 * at);
    const { type, dims, data: values } = await ort.Tensor.fromImage(kind === 'ImageData' ? data : await createImageBitmap(data), options);
    const red = (value) => Math.round(1000 * value) / 1000;
    return { type, size: `${dims[3]} x ${dims[2]}`, first: red(values[0]), last: red(values[dims[3] - 1]), options };
  }, [kind, options]);
  console.log(`${kind} of 96 x 96, red 0 to 190, ${JSON.stringify(options)}:`);
  console.log(`  ${seen.type}, ${seen.size}, red ${seen.first} to ${seen.last}; options now ${JSON.stringify(seen.options)}`);
  found.push(`${seen.type} ${seen.size} ${seen.first} ${seen.last} ${seen.options.width}`);
}
const described = ['float32 48 x 48 0 0.369 48', 'float32 96 x 96 0 0.745 96', 'float32 96 x 96 0 0.745 96', 'float32 96 x 96 0.5 2.4 96'];
const same = found.join() === described.join();
console.log(same ? 'as described' : 'changed: see above');
process.exit(same ? 0 : 1);
JS
TMPDIR=$work node look.mjs
