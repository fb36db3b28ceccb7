// The form that injects a fault: made from the catalogue, with the line of Python that does the same.

import { control, submitted } from "./control.js";
import { $, copy, element, say } from "./dom.js";
import { showTab } from "./frame.js";
import { isLive } from "./model.js";

let catalogue = null;

export function enterInject() {
  if (isLive) loadCatalogue().catch((error) => say(error.message));
}

async function loadCatalogue() {
  if (catalogue) return;
  catalogue = await control("GET", "catalogue");
  $("inject-fault").replaceChildren(...catalogue.faults.map(({ name }) => element("option", { value: name, text: name })));
  $("inject-fault").value = "unavailable";
  $("methods").replaceChildren(...["*", "images.*", ...catalogue.methods].map((value) => element("option", { value })));
  const example = { n: "2", numbers: "1, 3", probability: "0.3", start: "0", end: "60", steps: "[True, False]", calls: "10" };
  $("schedules").replaceChildren(...catalogue.schedules.map(({ name, help, arguments: given }) => element("option", { value: `${name}(${given.filter((each) => example[each.name]).map((each) => example[each.name]).join(", ")})`, label: help })));
  $("inject-per").replaceChildren(...catalogue.per.map((value) => element("option", { value, text: value })));
  chooseFault();
}

const faultChosen = () => catalogue.faults.find(({ name }) => name === $("inject-fault").value);

function chooseFault() {
  const fault = faultChosen();
  $("inject-help").textContent = fault.help;
  $("inject-arguments").replaceChildren(...fault.arguments.map(argumentField));
  preview();
}

function argumentField(argument) {
  const common = { "data-argument": argument.name, required: argument.required };
  let field;
  if (argument.type === "choice" || argument.type === "flag") {
    const values = argument.type === "flag" ? ["False", "True"] : argument.values;
    field = element("select", common, ...(argument.required || argument.default ? [] : [element("option", { value: "", text: "" })]), ...values.map((value) => element("option", { value, text: value })));
    field.value = argument.default || (argument.required ? values[0] : "");
  } else {
    field = element("input", { ...common, list: `values-${argument.name}`, placeholder: argument.default || (argument.required ? "" : "none"), spellcheck: "false", autocomplete: "off" });
    if (argument.required) field.value = argument.values.find((value) => Number(value) > 0) ?? argument.values[0] ?? "";
  }
  const options = field.tagName === "INPUT" ? element("datalist", { id: `values-${argument.name}` }, ...argument.values.filter(Boolean).map((value) => element("option", { value }))) : null;
  return element("label", {}, element("span", { class: argument.required ? "required" : "", text: argument.name }), field, options, argument.help ? element("span", { class: "note", text: argument.help }) : null);
}

function literal(text, type) {
  if (type === "flag" || (["integer", "number"].includes(type) && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text))) return text;
  if (type === "list") return text;
  if (type === "timing" && /^(\d+(\.\d+)?|[A-Za-z]+\(.*\))$/.test(text)) return text;
  return JSON.stringify(text);
}

function ruleGiven() {
  const fault = faultChosen();
  const given = fault.arguments.flatMap((argument) => {
    const text = $("inject-arguments").querySelector(`[data-argument="${argument.name}"]`).value.trim();
    return text === "" || text === argument.default || (argument.type === "flag" && text === "False") ? [] : [`${argument.name}=${literal(text, argument.type)}`];
  });
  const rule = { fault: `${fault.name}(${given.join(", ")})`, on: $("inject-on").value.trim() || "*", expect: $("inject-expect").checked };
  if ($("inject-when").value.trim()) rule.when = $("inject-when").value.trim();
  if ($("inject-commit").value) rule.commit = $("inject-commit").value;
  if ($("inject-per").value !== "rule") rule.per = $("inject-per").value;
  const where = $("inject-where").value.split("\n").map((line) => line.split("=")).filter(([name, ...rest]) => name.trim() && rest.length).map(([name, ...rest]) => [name.trim(), rest.join("=").trim()]);
  if (where.length) rule.where = Object.fromEntries(where);
  return rule;
}

function preview() {
  if (!catalogue) return;
  const { fault, on, expect, when, commit, per, where } = ruleGiven();
  const parts = [fault, on === "*" ? "" : `on=${JSON.stringify(on)}`, when ? `when=${when}` : "", commit ? `commit="${commit}"` : "", per ? `per="${per}"` : "", where ? `where=${JSON.stringify(where)}` : "", expect ? "" : "expect=False"];
  $("inject-preview").textContent = `ycimages.inject(${parts.filter(Boolean).join(", ")})`;
}

export function openInject(method = $("inject-on").value) {
  showTab("faults");
  $("inject-on").value = method;
  preview();
  $("inject-fault").focus();
}

export function beginInject() {
  $("inject").addEventListener("input", (event) => (event.target === $("inject-fault") ? chooseFault() : preview()));
  $("inject").addEventListener("submit", (event) => {
    event.preventDefault();
    submitted($("inject"), control("POST", "faults", ruleGiven()), ({ faults: [fault] }) => `Fault ${fault.number} is in force.`);
  });
  $("copy-preview").addEventListener("click", () => copy($("inject-preview").textContent, "Python"));
}
