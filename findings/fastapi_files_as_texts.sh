#!/usr/bin/env bash
# Subject:  FastAPI 0.165.0 with Swagger UI 5.35.0, which is what its /docs page loads: an endpoint that takes several files
# Guess:    `files: list[UploadFile]` has buttons to choose files by there, as `file: UploadFile` has one, and as both had with older
#           versions of FastAPI.
# Happens:  It has lines of text, and what they send is refused (422): FastAPI writes `contentMediaType: application/octet-stream` where it
#           wrote `format: binary`, and Swagger UI knows that of one file, and not of a list's. By `format: binary` both are right.
# Source:   https://github.com/swagger-api/swagger-ui/issues/10825 (open); https://github.com/fastapi/fastapi/pull/15069 (open)
# Matters:  Photos come one by one or several at once. mien describes the bodies of its requests itself, as `format: binary`
#           (src/mien/service/openapi.py: `body`): whoever opens its openapi.json there can try it.
set -euo pipefail
command -v node npm > /dev/null || { echo "not checked: no node or npm"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check fastapi==0.165.0 python-multipart==0.0.34 httpx==0.28.1 ||
    { echo "not checked: no package"; exit 2; }
npm install --silent --no-fund --no-audit --ignore-scripts \
    swagger-ui-dist@5.35.0 @sparticuz/chromium@153.0.0 playwright-core@1.65.1 > /dev/null 2>&1 || { echo "not checked: no package"; exit 2; }
env/bin/python -W ignore - <<'PY'
import json

import fastapi
from fastapi import FastAPI, UploadFile
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.testclient import TestClient

app = FastAPI()


@app.post("/one")
def one(file: UploadFile) -> str:
    return "read"


@app.post("/files")
def files(files: list[UploadFile]) -> str:
    return "read"


said = json.dumps(app.openapi())
with open("now.json", "w") as file:
    file.write(said)
with open("binary.json", "w") as file:
    file.write(said.replace('"contentMediaType": "application/octet-stream"', '"format": "binary"'))
with open("docs.html", "wb") as file:
    opened = {"docExpansion": "full", "tryItOutEnabled": True}
    names = {"openapi_url": "api.json", "swagger_js_url": "ui.js", "swagger_css_url": "ui.css"}
    file.write(get_swagger_ui_html(title="docs", swagger_ui_parameters=opened, **names).body)
refused = TestClient(app).post("/files", files={"files": (None, "photo.jpg")})  # as a line of text is sent
print(f"FastAPI {fastapi.__version__}: a text in place of a file is answered with {refused.status_code}")
PY
cat > look.mjs <<'JS'
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import chromium from '@sparticuz/chromium';
import { chromium as driver } from 'playwright-core';

const browser = await driver
  .launch({ executablePath: await chromium.executablePath(), args: ['--no-sandbox', '--single-process', '--no-zygote'] })
  .catch((error) => (console.log(`not checked: Chromium does not start here: ${error.message.split('\n')[0]}`), process.exit(2)));
const kinds = { js: 'text/javascript; charset=utf-8', css: 'text/css', html: 'text/html', json: 'application/json' };
const files = { 'ui.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js', 'ui.css': 'node_modules/swagger-ui-dist/swagger-ui.css' };
const server = createServer(async (request, answer) => {
  const [name, version] = [request.url.split('/')[2], request.url.split('/')[1]];
  const text = await readFile(files[name] ?? (name === 'api.json' ? `${version}.json` : 'docs.html'));
  answer.setHeader('Content-Type', kinds[name.split('.')[1]]).end(text);
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const found = [];
for (const version of ['now', 'binary']) {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  await page.goto(`http://127.0.0.1:${server.address().port}/${version}/docs.html`);
  for (const [path, several] of [['one', false], ['files', true]]) {
    const kind = await page.waitForFunction(([path, several]) => {
      const body = document.querySelector(`[id$="${path}_post"] .opblock-section-request-body`);
      if (several && !body?.querySelector('input')) body?.querySelector('.json-schema-form-item-add')?.click();
      return body?.querySelector('input')?.type;
    }, [path, several]);
    found.push(await kind.jsonValue());
    console.log(`${version === 'now' ? 'as FastAPI writes it' : 'as format: binary'}, /${path}: an input of the kind ${found.at(-1)}`);
  }
}
const same = found.join() === 'file,text,file,file';
console.log(same ? 'as described' : 'changed: see above');
process.exit(same ? 0 : 1);
JS
TMPDIR=$work node look.mjs
