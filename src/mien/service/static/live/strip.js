// The last minute of one face: a bar that runs to the left, coloured by expression, hatched where it was uncertain.
//
// It lies on black in light and dark alike: each colour contrasts with it at 3:1 or more, and black parts neighbours.

import { ink, write } from "../tags.js";
import { colour, say, word } from "./texts.js";

const LENGTH_MS = 60_000;
const JOINED_MS = 1500; // answers that are further apart have a gap between them
const GROUND = "#0b0d0f";
const GAP = 1; // px on either side of a part
const HATCH = 7; // px between lines

export class Strip {
  #parts = [];

  /** Add what was shown of the face at a time in ms; null where there was none. */
  add(face, now) {
    const last = this.#parts.at(-1);
    const label = face && face.label;
    const uncertain = Boolean(face && face.uncertain);
    const joined = last && now - last.to <= JOINED_MS;
    if (joined) last.to = now;
    if (!joined || last.label !== label || last.uncertain !== uncertain) {
      this.#parts.push({ from: now, to: now, label, uncertain });
    }
    while (this.#parts.length && this.#parts[0].to < now - LENGTH_MS) this.#parts.shift();
  }

  clear() {
    this.#parts = [];
  }

  /** Seconds of each, the longest first: `happy 42 s, uncertain 5 s`; empty where nothing was seen. */
  told(now) {
    const seconds = new Map();
    for (const part of this.#parts) {
      const name = part.label === null ? say("no_face") : part.uncertain ? say("uncertain") : word(part.label);
      const from = Math.max(part.from, now - LENGTH_MS);
      seconds.set(name, (seconds.get(name) || 0) + Math.max(0, part.to - from) / 1000);
    }
    const sorted = [...seconds].sort((a, b) => b[1] - a[1]).filter((each) => each[1] >= 0.5);
    return sorted.map(([name, count]) => say("for_seconds", { name, seconds: Math.round(count) })).join(", ");
  }

  /** Draw it on a canvas as wide as it is shown. */
  draw(canvas, now) {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const fine = devicePixelRatio || 1;
    canvas.width = Math.round(width * fine);
    canvas.height = Math.round(height * fine);
    const pen = canvas.getContext("2d");
    pen.scale(fine, fine);
    pen.fillStyle = GROUND;
    pen.fillRect(0, 0, width, height);
    write(pen, 14);
    const x = (time) => Math.max(0, width * (1 - (now - time) / LENGTH_MS));
    for (const part of this.#parts.filter((each) => each.label !== null)) {
      bar(pen, part, x(part.from) + GAP, x(part.to) - GAP, height);
    }
  }
}

function bar(pen, part, from, to, height) {
  const wide = Math.max(1, to - from);
  const fill = colour(part.label);
  pen.save();
  pen.beginPath();
  pen.rect(from, 4, wide, height - 8);
  pen.clip();
  pen.fillStyle = fill;
  pen.fillRect(from, 4, wide, height - 8);
  if (part.uncertain) {
    pen.strokeStyle = GROUND;
    pen.lineWidth = 2.5;
    pen.beginPath();
    for (let x = from - height; x < to; x += HATCH) {
      pen.moveTo(x, height);
      pen.lineTo(x + height, 0);
    }
    pen.stroke();
  } else if (pen.measureText(word(part.label)).width + 8 < wide) {
    pen.fillStyle = ink(fill);
    pen.fillText(word(part.label), from + 5, height / 2 + 1);
  }
  pen.restore();
}
