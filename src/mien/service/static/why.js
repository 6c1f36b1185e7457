// Why a face got its word: its crop goes back to the service, which hides parts of it in turn; the answer lies over it.
import { filled, texts } from "./texts.js";

const LEAST = 0.01; // of confidence; less is not worth a word
const LOWERS = "230, 97, 0";
const RAISES = "0, 110, 220";

export function asking(root) {
  for (const button of root.querySelectorAll("[data-why]")) {
    const panel = root.querySelector(`#${button.getAttribute("aria-controls")}`);
    let asked = false;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const open = panel.hidden;
      panel.hidden = !open;
      button.setAttribute("aria-expanded", open);
      if (!open || asked) return;
      asked = true;
      asked = await explain(button.closest(".face"), panel);
    });
  }
}

// Whether there is an answer now.
async function explain(card, panel) {
  const words = texts("why");
  const crop = card.querySelector(".crop img");
  const told = panel.querySelector("p");
  const top = card.querySelector(".top th");
  panel.querySelector("img").src = crop.src;
  told.textContent = words.asking;
  try {
    const face = await read(words.address, crop.src);
    if (face.label !== top.dataset.label) {
      told.textContent = words.other;
    } else {
      told.textContent = legend(face, top.textContent, words);
      paint(panel.querySelector("canvas"), face.explanation);
    }
    return true;
  } catch {
    told.textContent = words.failed;
    return false;
  }
}

async function read(address, picture) {
  const bytes = Uint8Array.from(atob(picture.split(",")[1]), (letter) => letter.charCodeAt(0));
  const { model, labels } = document.querySelector("[data-read-with]").dataset;
  const query = new URLSearchParams({ model, labels, crop: "whole", explain: "true" });
  const answer = await fetch(`${address}?${query}`, { method: "POST", headers: { "Content-Type": "image/jpeg" }, body: bytes });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).faces[0];
}

function legend(face, label, words) {
  const lost = face.explanation.flat();
  const most = Math.max(...lost);
  if (most < LEAST) return filled(words.none, { label });
  const size = face.explanation.length;
  const third = (at) => Math.floor(3 * (1 / 8 + (3 / 4) * (at / (size - 1)))); // by the middle of what was hidden
  const place = 3 * third(Math.floor(lost.indexOf(most) / size)) + third(lost.indexOf(most) % size);
  const share = (value) => Math.floor(100 * value + 1e-9);
  const [before, after] = [share(face.confidence), share(Math.max(0, face.confidence - most))];
  const text = filled(words.most, { label, where: words.places[place], before, after });
  return Math.min(...lost) <= -LEAST ? `${text} ${words.rises}` : text;
}

function paint(canvas, explanation) {
  const most = Math.max(LEAST, ...explanation.flat().map(Math.abs));
  const pen = canvas.getContext("2d");
  explanation.forEach((row, y) =>
    row.forEach((lost, x) => {
      pen.fillStyle = `rgba(${lost > 0 ? LOWERS : RAISES}, ${(0.85 * Math.abs(lost)) / most})`;
      pen.fillRect(x, y, 1, 1);
    }),
  );
}
