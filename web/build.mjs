// Builds what is shipped: `dist/index.js` for npm, and the page's two scripts for the Python package.
//
//     node build.mjs            write them
//     node build.mjs --check    change nothing; fail where the page's scripts are stale
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const assets = join(here, '..', 'src', 'mien', 'assets', 'page');
const shared = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'inline',
};

// A worker that a page opened from a file makes of its own text can be no module, in Chromium.
const classic = { format: 'iife', define: { 'import.meta.url': 'self.location.href' } };
const targets = [
  { entry: 'src/index.ts', out: join(here, 'dist', 'index.js'), shipped: false, external: ['onnxruntime-web'] },
  { entry: 'page/main.ts', out: join(assets, 'page.js'), shipped: true, minify: true },
  { entry: 'page/worker.ts', out: join(assets, 'worker.js'), shipped: true, minify: true, ...classic },
];

const check = process.argv.includes('--check');
for (const { entry, out, shipped, ...options } of targets) {
  const { outputFiles } = await build({ ...shared, ...options, write: !check, entryPoints: [entry], outfile: out });
  if (check && shipped && outputFiles[0].text !== (await readFile(out, 'utf8').catch(() => ''))) {
    console.error(`${out} is stale: run npm run build in web/`);
    process.exitCode = 1;
  }
}
