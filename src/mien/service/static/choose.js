// Choosing photos: picked, dropped or pasted; shown small; and checked against the limits before anything is sent.
import { filled, texts } from "./texts.js";

const PHOTO = /^image\/|^$/; // systems that do not know a type give none
const mega = (count) => String(Math.ceil(count / 1e4) / 100);

export function choosing(form) {
  const words = texts("texts");
  const input = form.querySelector("#files");
  const list = form.querySelector(".chosen");
  const area = form.querySelector(".drop");
  const limits = Object.fromEntries(Object.entries(form.dataset).map(([name, value]) => [name, Number(value)]));
  let entries = [];

  input.addEventListener("change", () => add([...input.files]));
  area.addEventListener("click", (event) => event.target === area && input.click());
  const model = form.querySelector("#model");
  if (model) {
    const fit = () => fitting(model, form.querySelector("#labels"));
    model.addEventListener("change", fit);
    fit();
  }
  arriving(form, area, add);

  function add(files) {
    const known = new Set(entries.map((each) => identity(each.file)));
    for (const file of files) {
      if (known.has(identity(file))) continue;
      const made = entry(file);
      entries.push(made);
      list.append(made.item);
    }
    settle();
  }

  function entry(file) {
    const item = document.createElement("li");
    const made = { file, item, pixels: 0, address: URL.createObjectURL(file) };
    const picture = document.createElement("img");
    picture.alt = "";
    picture.decoding = "async";
    picture.onload = () => {
      made.pixels = picture.naturalWidth * picture.naturalHeight;
      judge();
    };
    picture.onerror = () => picture.replaceWith(placeholder(file));
    picture.src = made.address;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", filled(words.remove, { name: file.name }));
    remove.onclick = () => {
      const at = entries.indexOf(made);
      URL.revokeObjectURL(made.address);
      entries.splice(at, 1);
      made.item.remove();
      settle();
      (entries[Math.min(at, entries.length - 1)]?.item.querySelector("button") || input).focus();
    };
    item.append(picture, element("span", file.name, "name"), element("span", `${mega(file.size)} MB`, "small"), remove);
    return made;
  }

  // Give the form what is chosen.
  function settle() {
    const kept = new DataTransfer();
    for (const each of entries) kept.items.add(each.file);
    input.files = kept.files;
    list.hidden = !entries.length;
    judge();
  }

  // Show what is wrong with it.
  function judge() {
    for (const each of entries) each.item.classList.toggle("bad", fault(each) !== null);
    tell(form, faults());
  }

  function fault({ file, pixels }) {
    const named = { name: file.name };
    if (!PHOTO.test(file.type)) return filled(words.other, named);
    if (!file.size) return filled(words.empty, named);
    if (file.size > limits.mostBytes) {
      return filled(words.large, { ...named, n: mega(file.size), most: mega(limits.mostBytes) });
    }
    if (pixels > limits.mostPixels) {
      return filled(words.fine, { ...named, n: mega(pixels), most: mega(limits.mostPixels) });
    }
    return null;
  }

  function faults() {
    const all = entries.map(fault).filter((each) => each !== null);
    const size = entries.reduce((sum, each) => sum + each.file.size, 0);
    if (entries.length > limits.mostFiles) all.push(filled(words.many, { n: entries.length }));
    if (size > limits.mostTogether) {
      all.push(filled(words.together, { n: mega(size), most: mega(limits.mostTogether) }));
    }
    return all;
  }

  return { form, faults };
}

// Tell what is wrong, by paragraphs or by their texts; or that nothing is.
export function tell(form, faults) {
  const region = form.querySelector(".faults");
  region.replaceChildren(...faults.map((each) => (typeof each === "string" ? element("p", each) : each)));
  region.hidden = !faults.length;
}

// Files that are dropped on the page or pasted into it, as long as the form is there.
function arriving(form, area, add) {
  const stop = new AbortController();
  const on = (name, act) =>
    addEventListener(name, (event) => (form.isConnected ? act(event) : stop.abort()), { signal: stop.signal });
  on("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  on("dragleave", (event) => event.relatedTarget || area.classList.remove("over"));
  on("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    add([...event.dataTransfer.files]);
  });
  on("paste", (event) => event.clipboardData.files.length && add([...event.clipboardData.files]));
}

// Leave the label sets that a model speaks.
function fitting(model, labels) {
  for (const option of labels.options) {
    option.hidden = option.disabled = !JSON.parse(option.dataset.models).includes(model.value);
  }
  if (labels.selectedOptions[0]?.disabled) labels.value = [...labels.options].find((each) => !each.disabled).value;
}

const identity = (file) => JSON.stringify([file.name, file.size, file.lastModified]);

function placeholder(file) {
  const kind = file.name.split(".").pop().slice(0, 5).toUpperCase();
  return element("span", kind, "kind");
}

function element(tag, text, name = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}
