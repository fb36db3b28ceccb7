// Elements of the document. A text is put in as text, and never as markup.

const SVG = "http://www.w3.org/2000/svg";
export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name === "text") made.textContent = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function drawn(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

export const button = (text, action, attributes = {}) => element("button", { type: "button", text, on: { click: action }, ...attributes });
export const link = (text, action, attributes = {}) => button(text, action, { class: "link", ...attributes });
export const badge = (text, kind = "") => element("span", { class: `badge ${kind}`, text });
export const note = (text) => element("p", { class: "note", text });

export function pairs(entries, isMono = false) {
  const list = element("dl", { class: isMono ? "pairs mono-values" : "pairs" });
  for (const [name, value] of entries) {
    if (value === "" || value === null || value === undefined) continue;
    list.append(element("dt", { text: name }), value instanceof Node ? element("dd", {}, value) : element("dd", { text: value }));
  }
  return list;
}

export const json = (value) => element("pre", { text: JSON.stringify(value, null, 2), dir: "auto" });

// The head of the details of something, with a button that closes them.
export const detailTop = (text, close) => element("div", { class: "detail-top" }, element("h2", { text }), button("Close", close, { title: "Close (Esc)" }));

// The facts that have a value, each with its name.
export function showFacts(list, facts) {
  const known = facts.filter(([, value]) => value !== undefined && value !== "");
  list.replaceChildren(...known.map(([name, value]) => element("li", {}, element("b", { text: name }), element("span", { text: value }))));
}

// What stands in the place of a list without rows.
export function sayEmpty(box, isEmpty, title, ...others) {
  box.replaceChildren(...(isEmpty ? [element("h2", { text: title }), ...others.filter(Boolean)] : []));
}

export function offerMore(action, count, limit) {
  action.hidden = count <= limit;
  action.textContent = `Show more of ${count.toLocaleString("en")}`;
}

// Whether a node has to be drawn anew, because what it shows has changed.
export function isStale(node, ...shown) {
  const key = JSON.stringify(shown);
  if (node.dataset.key === key) return false;
  node.dataset.key = key;
  return true;
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not allowed, as over plain HTTP from another machine
    const field = element("textarea", { class: "hidden", "aria-hidden": "true" });
    field.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  say(`${what} copied`);
}

let quiet;

export function say(text) {
  $("toast").textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("toast").textContent = ""; }, 3000);
}

export function announce(text) { $("live").textContent = text; }
