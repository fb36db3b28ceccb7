// Steering: forms that are made from the document of the control API.

import { act, control, submitted } from "./control.js";
import { $, button, element, note } from "./dom.js";
import { views } from "./frame.js";
import { mode, model } from "./model.js";
import { seconds } from "./words.js";

const FORMS = [
  ["PUT", "timing", "Timing and latency", "Set", ["timing", "latency", "outcome"]],
  ["POST", "next-operation", "The next operation", "Plan", ["on", "timing", "outcome"]],
  ["POST", "clock/advance", "The clock", "Advance", ["seconds"]],
  ["POST", "images", "Seed an image", "Add image", ["name", "family", "status"]],
  ["POST", "images/several", "Seed several images", "Add images", ["images", "every", "family", "name"]],
  ["POST", "operations", "Seed an operation", "Add operation", ["name", "age"]],
  ["POST", "disks", "Seed a disk", "Add disk", ["size"]],
  ["POST", "snapshots", "Seed a snapshot", "Add snapshot", ["size", "os"]],
  ["POST", "folders", "Seed a folder", "Add folder", []],
  ["POST", "objects", "Seed an object in storage", "Add object", ["uri"]],
  ["POST", "disks/remove", "Remove a disk", "Remove disk", ["disk_id"]],
];

const OPEN = { anyOf: [{ type: "string" }, { type: "object" }] };
let hasForms = false;

async function renderSteer() {
  if (hasForms) return;
  hasForms = true;
  try {
    const document_ = await control("GET", "control.json");
    $("forms").replaceChildren(...FORMS.map((form) => formOf(document_, ...form)), resetCard(), exportCard());
    showTimingNow();
  } catch (error) {
    hasForms = false;
    $("forms").replaceChildren(element("p", { class: "result bad", text: error.message }));
  }
}

function card(route, title, text, action, ...middle) {
  const form = element("form", { class: "card", "data-route": route, "aria-label": title },
    element("h2", { text: title }), note(text), ...middle,
    element("div", { class: "actions" }, element("button", { type: "submit", ...action })),
    element("p", { class: "result", role: "alert" }));
  form.addEventListener("submit", (event) => event.preventDefault());
  return form;
}

function formOf(document_, verb, path, title, action, first) {
  const operation = document_.paths[`/_ycimages/${path}`][verb.toLowerCase()];
  const { schema, example } = operation.requestBody.content["application/json"];
  const resolved = document_.components.schemas[schema.$ref.split("/").at(-1)];
  const isOpen = resolved.additionalProperties === true; // it takes fields of images that it does not name
  const known = resolved.properties ?? {};
  const more = isOpen ? Object.fromEntries([...first, "description", "labels"].filter((name) => !known[name]).map((name) => [name, OPEN])) : {};
  const properties = Object.entries({ ...known, ...more });
  const chosen = properties.filter(([name]) => first.includes(name) || resolved.required?.includes(name)).sort((one, other) => first.indexOf(one[0]) - first.indexOf(other[0]));
  const others = properties.filter((entry) => !chosen.includes(entry));
  const inputs = new Map();
  const field = ([name, property]) => {
    const made = inputFor(name, property, resolved.required?.includes(name), example?.[name]);
    inputs.set(name, [made.input, property]);
    return made.label;
  };
  const fields = (some) => element("div", { class: "fields" }, ...some.map(field));
  const middle = [fields(chosen), others.length ? element("details", {}, element("summary", { text: chosen.length ? `${others.length} more fields` : "Fields" }), fields(others)) : null];
  const form = card(`${verb} ${path}`, title, `${operation.summary}.`, { class: "primary", text: action }, ...middle);
  form.addEventListener("submit", () => submitted(form, bodyOf(inputs).then((body) => control(verb, path, body)), (found) => doneText(path, found)));
  return form;
}

function doneText(path, found) {
  if (path === "clock/advance") return `It is ${found.now} now, ${seconds(found.elapsed)} after the beginning.`;
  if (path === "timing") return "In force from now on.";
  if (path === "next-operation") return `To come: ${found.upcoming.join("; ")}`;
  return path === "disks/remove" ? `Removed ${found.id}` : `Added ${found.id ?? found.ids.join(", ")}`;
}

const typesOf = (schema) => [schema.type, ...(schema.anyOf ?? []).flatMap(typesOf)].flat().filter(Boolean);
const wordsOf = (schema) => schema.enum ?? (schema.anyOf ?? []).flatMap((each) => wordsOf(each) ?? []);

function inputFor(name, schema, isRequired, example) {
  const types = typesOf(schema);
  const words = wordsOf(schema);
  const shown = example === undefined ? "" : typeof example === "object" ? JSON.stringify(example) : String(example);
  let input;
  if (words?.length) input = element("select", { required: isRequired }, element("option", { value: "", text: schema.default ?? "" }), ...words.map((value) => element("option", { value, text: value })));
  else if (types.includes("boolean")) input = element("select", {}, ...["", "true", "false"].map((value) => element("option", { value, text: value })));
  else input = element("input", { placeholder: shown || (schema.default === null || schema.default === undefined ? "" : String(schema.default)), required: isRequired, spellcheck: "false", autocomplete: "off" });
  input.name = name;
  const help = schema.description?.replaceAll("`", "") ?? "";
  const label = element("label", {}, element("span", { class: isRequired ? "required" : "", text: name }), input, help ? element("span", { class: "note", text: help }) : null);
  return { input, label };
}

async function bodyOf(inputs) {
  const body = {};
  for (const [name, [input, schema]] of inputs) {
    const text = input.value.trim();
    if (text === "" || text === input.dataset.was) continue;
    body[name] = valueOf(name, text, typesOf(schema));
  }
  return body;
}

function valueOf(name, text, types) {
  const isNumeric = types.includes("number") || types.includes("integer");
  if (isNumeric && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (types.includes("boolean") && ["true", "false"].includes(text)) return text === "true";
  if (/^[[{]/.test(text) && (types.includes("object") || types.includes("array"))) {
    try { return JSON.parse(text); } catch { throw new Error(`${name} is not valid JSON: ${text}`); }
  }
  return text;
}

function showTimingNow() {
  const timing = model.parts.get("timing") ?? {};
  for (const input of document.querySelectorAll('form[data-route="PUT timing"] [name]')) {
    const value = timing[input.name];
    const text = value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    input.dataset.was = text;
    input.value = text;
    input.disabled = value === undefined;
  }
  for (const form of document.querySelectorAll("#forms form")) {
    const isOff = mode() !== "fake" && !["PUT timing", "POST clock/advance", "POST reset"].includes(form.dataset.route);
    form.querySelector('[type="submit"]')?.toggleAttribute("disabled", isOff);
    if (isOff) form.querySelector(".note").textContent = `Only the fake can be told this: here, a cassette answers (mode ${mode()}).`;
  }
}

function resetCard() {
  const form = card("POST reset", "Reset", "Drop images, operations, calls and faults, and take the first settings again.", { class: "danger", text: "Reset the double" });
  form.addEventListener("submit", () => {
    const dialog = $("confirm");
    dialog.returnValue = "";
    dialog.onclose = () => { if (dialog.returnValue === "yes") submitted(form, control("POST", "reset", {}), "The double is as it was at first."); };
    dialog.showModal();
  });
  return form;
}

function exportCard() {
  const parts = [["state", "State"], ["calls", "Calls"], ["timing", "Timing"], ["next-operation", "Upcoming"], ["clock", "Clock"]];
  const actions = parts.map(([path, title]) => button(title, () => act(exported(path), `${title} saved as a file`), { "data-route": `GET ${path}`, "aria-label": `Save ${title.toLowerCase()} as a file` }));
  return element("section", { class: "card", "aria-label": "Export" }, element("h2", { text: "Export" }), note("What the control API answers, as JSON."), element("div", { class: "actions" }, ...actions));
}

async function exported(path) {
  let found = await control("GET", path);
  for (let page = found; path === "calls" && page.next_page_token;) {
    page = await control("GET", `calls?page_token=${page.next_page_token}`);
    found = { ...found, calls: [...found.calls, ...page.calls], gaps: [...found.gaps, ...page.gaps], next_page_token: "" };
  }
  const url = URL.createObjectURL(new Blob([JSON.stringify(found, null, 1)], { type: "application/json" }));
  element("a", { href: url, download: `ycimages-${path}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

views.steer = { render: renderSteer, enter: () => hasForms && showTimingNow() };
