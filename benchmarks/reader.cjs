// One reader of expressions in Node, with TensorFlow.js's wasm backend: `reader.py` says what it is asked and answers.
//
//     node reader.cjs face-api|human FOLDER [PHOTO]      FOLDER holds node_modules
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const [name, folder, photo] = process.argv.slice(2);
const modules = path.resolve(folder, 'node_modules');
const library = (...parts) => require(path.join(modules, ...parts));
console.log = console.info = console.error;

// RGB (H, W, 3), as in face-api's demo for wasm
async function decoded(file) {
  const image = library('@canvas', 'image');
  const canvas = await image.imageFromBuffer(fs.readFileSync(file));
  const { data } = image.getImageData(canvas);
  const rgb = new Int32Array(canvas.width * canvas.height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    rgb[to++] = data[from];
    rgb[to++] = data[from + 1];
    rgb[to++] = data[from + 2];
  }
  return library('@tensorflow', 'tfjs').tensor3d(rgb, [canvas.height, canvas.width, 3], 'int32');
}

const most = (scores) => Object.entries(scores).reduce((best, each) => (each[1] > best[1] ? each : best))[0];
const wasmFiles = path.join(modules, '@tensorflow', 'tfjs-backend-wasm', 'dist') + path.sep;

async function faceApi() {
  const tf = library('@tensorflow', 'tfjs');
  const wasm = library('@tensorflow', 'tfjs-backend-wasm');
  const api = library('@vladmandic', 'face-api', 'dist', 'face-api.node-wasm.js');
  wasm.setWasmPaths(wasmFiles);
  await tf.setBackend('wasm');
  await tf.ready();
  const weights = path.join(modules, '@vladmandic', 'face-api', 'model');
  for (const net of ['ssdMobilenetv1', 'faceLandmark68Net', 'faceExpressionNet']) await api.nets[net].loadFromDisk(weights);
  const options = new api.SsdMobilenetv1Options({ minConfidence: 0.15, maxResults: 5 }); // as in its demo for Node
  return {
    crop: async (tensor) => most(await api.nets.faceExpressionNet.predictExpressions(tensor)),
    photo: async (tensor) => {
      const found = await api.detectAllFaces(tensor, options).withFaceLandmarks().withFaceExpressions();
      return found.map((each) => [each.detection.box.area, most(each.expressions)]);
    },
  };
}

async function human() {
  const files = path.join(modules, '@vladmandic', 'human');
  // Its wasm build reads weights by fetch, and Node's fetch reads no files.
  globalThis.fetch = async (url) => new Response(fs.readFileSync(new URL(url)));
  const { Human } = require(path.join(files, 'dist', 'human.node-wasm.js')); // by path: its `exports` name no such file
  const off = { enabled: false };
  const reader = new Human({
    backend: 'wasm',
    wasmPath: wasmFiles,
    modelBasePath: `file://${files}/models/`,
    cacheSensitivity: 0, // photos: what it found in the one before is nothing to this one
    face: { iris: off, description: off, antispoof: off, liveness: off },
    body: off,
    hand: off,
    object: off,
    gesture: off,
    segmentation: off,
  });
  await reader.load();
  const { tf } = reader;
  const names = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'];
  return {
    // No documented way: its network alone, fed as its source feeds it (src/gear/emotion.ts). Crops are gray.
    crop: async (tensor) => {
      const scores = tf.tidy(() => {
        const gray = tf.mean(tf.image.resizeBilinear(tf.expandDims(tf.cast(tensor, 'float32')), [64, 64]), 3, true);
        return reader.models.models.emotion.execute(tf.sub(tf.div(gray, 127.5), 1)).dataSync();
      });
      return names[scores.indexOf(Math.max(...scores))];
    },
    photo: async (tensor) => {
      const { face } = await reader.detect(tensor);
      return face.filter((each) => each.emotion.length).map((each) => [each.size[0] * each.size[1], each.emotion[0].emotion]);
    },
  };
}

async function answer(reader, file, crop) {
  let begun = process.cpuUsage();
  const tensor = await decoded(file);
  if (crop) begun = process.cpuUsage();
  const said = crop ? [[1, await reader.crop(tensor)]] : await reader.photo(tensor);
  tensor.dispose();
  const { user, system } = process.cpuUsage(begun);
  said.sort((one, other) => other[0] - one[0]);
  return { word: said.length ? said[0][1] : null, faces: said.length, ms: (user + system) / 1000 };
}

async function main() {
  const reader = await { 'face-api': faceApi, human }[name]();
  if (photo) {
    await answer(reader, photo, false);
    return;
  }
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { path: file, crop } = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(await answer(reader, file, crop))}\n`);
  }
}

main();
