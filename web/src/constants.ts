// Made by tools/web_constants.py from the Python sources: change those, and run it again.

export const FILES = {
  "manifest": "model.json",
  "network": "model.onnx",
  "fullRange": "blazeface_full_range.onnx",
  "shortRange": "blazeface_short_range.onnx",
  "covers": "covers.onnx"
} as const;

export const RUNTIME = "ort-wasm-simd-threaded.wasm" as const;

export const FRAMING = {
  "sideByLandmarks": 3.5,
  "liftByLandmarks": 0.012,
  "sideByBox": 1.16,
  "liftByBox": 0.07
} as const;

export const VIEWS = {
  "border": 0.5,
  "long": 4,
  "mostSquares": 64,
  "quarter": 0.5625
} as const;

export const LOOKS = {
  "whole": {
    "px": 192,
    "step": 32,
    "gap": 2,
    "over": false
  },
  "square": {
    "px": 192,
    "step": 192,
    "gap": 2,
    "over": false
  },
  "short": {
    "px": 128,
    "step": 128,
    "gap": 2,
    "over": false
  },
  "glance": {
    "px": 384,
    "step": 32,
    "gap": 1.3,
    "over": false
  },
  "closeUp": {
    "px": 96,
    "step": 96,
    "gap": 1.3,
    "over": false
  }
} as const;

export const DETECTOR = {
  "fullCells": [
    [
      4,
      1
    ]
  ],
  "shortCells": [
    [
      8,
      2
    ],
    [
      16,
      6
    ]
  ],
  "minScore": 0.62,
  "large": 0.5,
  "small": 0.125,
  "leastPx": 512,
  "perhaps": 0.1,
  "hint": 0.15,
  "most": 256,
  "close": 0.4,
  "plain": 0.05,
  "tiny": 0.020833333333333332,
  "unsure": 0.85,
  "surer": 0.8,
  "doubtful": 0.7,
  "around": 0.5,
  "inverted": 0.05,
  "sameFace": 0.3
} as const;

export const DOUBT = {
  "smallFace": 24,
  "blurred": 0.2,
  "turned": 0.9,
  "notAFace": 0.5,
  "low": "low confidence",
  "noFace": "no face was found"
} as const;

export const COVERS = {
  "side": 48,
  "limit": 0.608,
  "parts": [
    "clear",
    "eyes",
    "mouth",
    "half"
  ],
  "words": {
    "eyes": "eyes covered",
    "mouth": "mouth covered",
    "half": "half of the face covered"
  }
} as const;

export const STEADY = {
  "sigmaS": 0.08,
  "reachS": 0.5,
  "least": 0.0001,
  "same": 0.3
} as const;

export const DIGITS = {
  "box": 2,
  "share": 6
} as const;

export const SHOWN = {
  "atOnce": 3,
  "least": 0.01
} as const;

export const LIMITS = {
  "maxBytes": 20000000,
  "maxPixels": 50000000
} as const;

export const CROP_SIDE = 96 as const;

export const BATCH = 32 as const;

export const LABEL_SETS = {
  "fer7": [
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral"
  ],
  "ferplus8": [
    "neutral",
    "happy",
    "surprise",
    "sad",
    "angry",
    "disgust",
    "fear",
    "contempt"
  ],
  "ckplus7": [
    "angry",
    "contempt",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise"
  ],
  "happy-sad": [
    "happy",
    "sad"
  ]
} as const;
