#!/usr/bin/env bash
# Subject:  @vladmandic/human 3.3.6 (npm), its builds beside the main one
# Guess:    require('@vladmandic/human/dist/human.node-wasm.js') loads the build without native binaries: package.json lists
#           that file under "exports".
# Happens:  Node refuses it, and every other listed file, with ERR_PACKAGE_PATH_NOT_EXPORTED. Only the package's bare name is
#           found, whose build needs the native TensorFlow. The file's absolute path works.
# Source:   Keys of "exports" without a leading "./" are no paths but names of conditions:
#           https://nodejs.org/docs/latest-v20.x/api/packages.html#exports. The package writes "dist/human.node-wasm.js"; no
#           report was found.
# Matters:  benchmarks/reader.cjs loads the build by its absolute path.
set -euo pipefail
command -v node npm > /dev/null || { echo "not checked: no node or npm"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --ignore-scripts @vladmandic/human@3.3.6 > /dev/null 2>&1 ||
    { echo "not checked: no package"; exit 2; }
cat > find.cjs <<'JS'
const fs = require('fs');
const root = `${process.cwd()}/node_modules/@vladmandic/human`;
const { version, exports: listed } = JSON.parse(fs.readFileSync(`${root}/package.json`));
console.log('human', version, '- node', process.versions.node);
const files = Object.keys(listed).filter((key) => key.endsWith('.js'));
const refused = files.filter((file) => {
  try {
    require.resolve(`@vladmandic/human/${file}`);
    return false;
  } catch (error) {
    return error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED';
  }
});
const there = files.filter((file) => fs.existsSync(`${root}/${file}`));
console.log(`files under "exports": ${files.length}; in the package: ${there.length}; refused: ${refused.length}`);
console.log('the bare name is', require.resolve('@vladmandic/human').slice(root.length + 1));
const wanted = 'dist/human.node-wasm.js';
const same = files.includes(wanted) && refused.length === files.length && there.length === files.length &&
  require.resolve(`${root}/${wanted}`) !== '';
console.log(same ? 'as described' : 'changed: see above');
process.exit(same ? 0 : 1);
JS
node find.cjs
