/** mien in the browser: reads facial expressions in images, and sends nothing. `load` a model, then `predict`. */

export type { Head, LabelSet, Manifest, Prior } from './heads.js';
export type { Image } from './pixels.js';
export type { Prediction, Reading } from './prediction.js';
export { type Files, type LoadOptions, type PredictOptions, Reader, load } from './reader.js';
export type { Source } from './source.js';
export { Steady } from './steady.js';
