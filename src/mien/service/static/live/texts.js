// The page's texts, in its language: the page holds them as JSON.

const NUMBER = /\d+(?:[.,]\d+)*(?:e[+-]\d+)?/g;
const texts = JSON.parse(document.getElementById("texts").textContent);

/** A text by its name, its `{...}` filled in. */
export function say(name, values = {}) {
  return texts.words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** The title and the sentence of a state. */
export function state(name) {
  return texts.states[name];
}

/** An expression's word. */
export function word(label) {
  return texts.labels[label] ? texts.labels[label].word : label;
}

/** An expression's colour, `#rrggbb`. */
export function colour(label) {
  return texts.labels[label] ? texts.labels[label].colour : "#dddddd";
}

/** A face's word with its share, `?` where it is uncertain. */
export function told(face) {
  return `${named(face)} ${share(face)}`;
}

/** A face's word, `?` where it is uncertain. */
export function named(face) {
  return `${word(face.label)}${face.uncertain ? "?" : ""}`;
}

/** A face's share in whole percent. */
export function share(face) {
  return `${Math.floor(face.share * 100 + 1e-9)}%`;
}

/** A reason to doubt, in the page's language where it is known; numbers are kept. */
export function reason(sentence) {
  const numbers = sentence.match(NUMBER) || [];
  const known = texts.reasons[sentence.replace(NUMBER, "#")];
  return known ? known.replace(/#/g, () => numbers.shift()) : sentence;
}

/** The state that a refusal of the service means; empty where we do not know it. */
export function problem(said) {
  const title = Object.keys(texts.problems).find((each) => said.startsWith(each));
  return title ? texts.problems[title] : "";
}
