// A result: a card and its box mark each other, thumbnails show the photos, and marked photos can be saved.
import { marked as drawn } from "./tags.js";
import { zipped } from "./zip.js";

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
  const unsaved = root.querySelector("[data-unsaved]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    unsaved.hidden = true;
    try {
      await save(root);
    } catch {
      unsaved.hidden = false; // most of all for want of memory
    }
  });
}

async function save(root) {
  const files = [];
  for (const photo of root.querySelectorAll("section.photo")) {
    if (photo.querySelector("[data-words]")) files.push(await marked(photo, files.length + 1));
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(zipped(files));
  link.download = "mien-marked.zip";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// A photo with its boxes and words drawn on it, as a JPEG file with a name of its own.
async function marked(photo, number) {
  const picture = photo.querySelector("figure img");
  await picture.decode();
  const sides = [picture.naturalWidth, picture.naturalHeight];
  const faces = [...photo.querySelectorAll("[data-words]")].map((face, at) => tagged(face, at + 1, sides));
  const content = await new Promise((done) => drawn(picture, sides, faces).toBlob(done, "image/jpeg", 0.9));
  const name = photo.querySelector("h2").textContent.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N} ._()-]/gu, "_");
  return { name: `${String(number).padStart(2, "0")} ${name}.jpg`, bytes: new Uint8Array(await content.arrayBuffer()) };
}

// A box of the page as `tags.js` draws it.
function tagged(face, number, [width, height]) {
  const line = face.querySelector(".line");
  const share = (name) => parseFloat(line.getAttribute(name)) / 100;
  const [x, y] = [share("x") * width, share("y") * height];
  return {
    key: number,
    box: [x, y, x + share("width") * width, y + share("height") * height],
    words: face.dataset.words,
    number: String(number),
    line: `${number}: ${face.dataset.words}`,
    fill: line.getAttribute("stroke"),
    dashed: face.classList.contains("unsure"),
  };
}
