// The texts that scripts show: the page holds them, in its language.
export const texts = (id) => JSON.parse(document.getElementById(id).textContent);
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
