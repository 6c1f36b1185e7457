// Why a face got its word: its crop goes back to the service, which says what each part of it does; that lies over it.
import { filled, texts } from "./texts.js";

const LEAST = 0.01; // of confidence; less is not worth a word
const FOR = "230, 97, 0";
const AGAINST = "0, 110, 220";

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
  const { model, labels, prior } = document.querySelector("[data-read-with]").dataset;
  const query = new URLSearchParams({ model, labels, prior, crop: "whole", explain: "true" });
  const answer = await fetch(`${address}?${query}`, { method: "POST", headers: { "Content-Type": "image/jpeg" }, body: bytes });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).faces[0];
}

function legend(face, label, words) {
  const { method, where, lost } = face.explanation;
  const told = words[method];
  const most = Math.max(...lost.flat());
  if (most < LEAST) return filled(told.none, { label });
  const share = (value) => Math.floor(100 * value + 1e-9);
  const [before, after] = [share(face.confidence), share(Math.max(0, face.confidence - most))];
  const text = filled(told.most, { label, where: words.places[where], before, after });
  return Math.min(...lost.flat()) <= -LEAST ? `${text} ${told.rises}` : text;
}

function paint(canvas, { lost }) {
  const most = Math.max(LEAST, ...lost.flat().map(Math.abs));
  canvas.width = canvas.height = lost.length;
  const pen = canvas.getContext("2d");
  lost.forEach((row, y) =>
    row.forEach((share, x) => {
      pen.fillStyle = `rgba(${share > 0 ? FOR : AGAINST}, ${(0.85 * Math.abs(share)) / most})`;
      pen.fillRect(x, y, 1, 1);
    }),
  );
}
