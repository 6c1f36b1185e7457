#!/usr/bin/env bash
# Subject:  Chromium 143 (and 156), a module worker that a page opened by file:// makes of a Blob
# Guess:    new Worker(URL.createObjectURL(blob), { type: "module" }) runs, or the page is told why not: without
#           { type: "module" } the same worker runs there, and from http://127.0.0.1 both do.
# Happens:  The worker does not run. Its error event has no message, no file and no line, and the console stays empty. As a
#           module from a data: URL it runs.
# Source:   https://html.spec.whatwg.org/multipage/workers.html#dom-worker: a script that cannot be fetched fires an event named
#           error, which says nothing; a page of file:// has an opaque origin, of which a blob: URL is. No report was found.
# Matters:  `mien page` writes a page that is opened by file://: its worker is built as a classic script (web/build.mjs).
set -euo pipefail
command -v node npm > /dev/null || { echo "not checked: no node or npm"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --ignore-scripts @sparticuz/chromium@143.0.4 playwright-core@1.65.1 > /dev/null 2>&1 ||
    { echo "not checked: no package"; exit 2; }
cat > page.html <<'HTML'
<!doctype html>
<title>workers</title>
<script>
function tried(type, how) {
  const text = "postMessage('runs')";
  const blob = () => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const worker = new Worker(how === 'blob' ? blob() : `data:text/javascript,${text}`, { type });
  return new Promise((done) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message, filename, lineno }) => done(`fails: message ${message}, file ${filename}, line ${lineno}`);
    setTimeout(() => done('is silent'), 20_000);
  });
}
</script>
HTML
cat > look.mjs <<'JS'
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import chromium from '@sparticuz/chromium';
import { chromium as driver } from 'playwright-core';

const browser = await driver
  .launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox', '--single-process', '--no-zygote'] })
  .catch((error) => (console.log(`not checked: Chromium does not start here: ${error.message.split('\n')[0]}`), process.exit(2)));
console.log('Chromium', browser.version());
const server = createServer(async (_, answer) => answer.setHeader('Content-Type', 'text/html').end(await readFile('page.html')));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const page = await browser.newPage();
const told = [];
page.on('console', (message) => told.push(message.text()));
page.on('pageerror', (error) => told.push(String(error)));
const seen = {};
for (const [place, address] of [['http', `http://127.0.0.1:${server.address().port}/`], ['file', `file://${process.cwd()}/page.html`]]) {
  await page.goto(address);
  for (const type of ['classic', 'module']) {
    for (const how of ['blob', 'data']) {
      const answer = (seen[`${place} ${type} ${how}`] = await page.evaluate(([type, how]) => tried(type, how), [type, how]));
      console.log(`${place}: a ${type} worker from a ${how}: URL ${answer}`);
    }
  }
}
console.log('the console says:', told.length ? told : 'nothing');
const failing = Object.keys(seen).filter((each) => seen[each] !== 'runs');
const same = failing.join() === 'file module blob' && /message undefined/.test(seen['file module blob']) && !told.length;
console.log(same ? 'as described' : 'changed: see above');
process.exit(same ? 0 : 1);
JS
TMPDIR=$work node look.mjs
