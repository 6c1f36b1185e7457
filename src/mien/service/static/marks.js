// A result: a card and its box mark each other, thumbnails show the photos, and marked photos can be saved.
import { zipped } from "./zip.js";

const TAG = 0.024; // height of letters, of the photo's longer side

export function marking(root) {
  for (const each of root.querySelectorAll("[data-pair]")) {
    const pair = root.querySelectorAll(`[data-pair="${each.dataset.pair}"]`);
    const mark = (is) => () => pair.forEach((one) => one.classList.toggle("marked", is));
    for (const name of ["pointerenter", "focusin"]) each.addEventListener(name, mark(true));
    for (const name of ["pointerleave", "focusout"]) each.addEventListener(name, mark(false));
  }
  for (const image of root.querySelectorAll("[data-from]")) {
    image.src = root.querySelector(`#${image.dataset.from}`).src;
  }
}

export function saving(root) {
  const button = root.querySelector("[data-zip]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const files = [];
    for (const photo of root.querySelectorAll("section.photo")) {
      if (photo.querySelector("[data-words]")) files.push(await marked(photo, files.length + 1));
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(zipped(files));
    link.download = "mien-marked.zip";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
}

// A photo with its boxes and words drawn on it, as a JPEG file with a name of its own.
async function marked(photo, number) {
  const picture = photo.querySelector("figure img");
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0);
  const letters = Math.max(14, Math.round(TAG * Math.max(canvas.width, canvas.height)));
  pen.font = `600 ${letters}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  for (const face of photo.querySelectorAll("[data-words]")) draw(pen, face, letters);
  const content = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
  const name = photo.querySelector("h2").textContent.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N} ._()-]/gu, "_");
  return { name: `${String(number).padStart(2, "0")} ${name}.jpg`, bytes: new Uint8Array(await content.arrayBuffer()) };
}

function draw(pen, face, letters) {
  const { width, height } = pen.canvas;
  const [edge, line] = face.querySelectorAll("rect");
  const share = (name) => parseFloat(line.getAttribute(name)) / 100;
  const [x, y, w, h] = [share("x") * width, share("y") * height, share("width") * width, share("height") * height];
  pen.setLineDash(face.classList.contains("unsure") ? [letters / 2, letters / 2] : []);
  for (const [rect, thick] of [[edge, letters / 4], [line, letters / 8]]) {
    pen.strokeStyle = rect.getAttribute("stroke");
    pen.lineWidth = Math.max(1, thick);
    pen.strokeRect(x, y, w, h);
  }
  const tall = 1.5 * letters;
  const wide = pen.measureText(face.dataset.words).width + letters;
  const left = Math.max(0, Math.min(x, width - wide));
  const top = y >= tall ? y - tall : Math.min(y + h, height - tall);
  pen.fillStyle = line.getAttribute("stroke");
  pen.fillRect(left, top, wide, tall);
  pen.fillStyle = edge.getAttribute("stroke");
  pen.fillText(face.dataset.words, left + letters / 2, top + tall / 2);
}
