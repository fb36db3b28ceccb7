// The operations: which are shown, each on its track of the time axis, and the details of one.

import { control } from "./control.js";
import { $, badge, button, detailTop, element, link, note, offerMore, pairs, say, sayEmpty } from "./dom.js";
import { refresh, showTab, views } from "./frame.js";
import { isLive, model, now, phasesOf, pollsOf, stateOf } from "./model.js";
import { renderAxis, scaleOf, trackDrawing } from "./timeline.js";
import { moment, plural, seconds } from "./words.js";

let limit = 100; // operations that are shown
let chosen = null;

function chosenOperations() {
  const words = $("operation-text").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = $("operation-state").value;
  return [...model.operations].reverse().filter(([id, operation]) => {
    const state = stateOf(operation);
    if (wanted && !(state === wanted || (wanted === "running" && state === "rolling back"))) return false;
    const image = operation.metadata?.imageId ?? "";
    const text = [id, image, operation.description, model.images.get(image)?.name, operation.error?.message].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function renderOperations() {
  const found = chosenOperations();
  const shown = found.slice(0, limit);
  const isEmpty = found.length === 0;
  for (const id of ["axis", "tracks"]) $(id).hidden = isEmpty;
  offerMore($("more-tracks"), found.length, limit);
  const hasOthers = model.operations.size > 0;
  sayEmpty($("operations-empty"), isEmpty, hasOthers ? "No operation matches" : "No operation yet", element("p", { text: hasOthers ? "Change the filter." : "An operation starts when a client creates, updates or deletes an image. Its polls are marks on the time axis." }));
  if (isEmpty) return;
  const scale = scaleOf(shown);
  renderAxis(scale);
  const focused = document.activeElement?.dataset?.operation;
  $("tracks").replaceChildren(...shown.map(([id, operation]) => trackOf(id, operation, scale)));
  if (focused) document.querySelector(`[data-operation="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function trackOf(id, operation, scale) {
  const image = operation.metadata?.imageId ?? "";
  const state = stateOf(operation);
  const phases = phasesOf(operation);
  const kind = { succeeded: "ok", failed: "bad", "rolling back": "warn", running: "" }[state];
  const took = operation.done ? seconds(phases.at(-1)[1] - phases[0][1]) : `since ${seconds(Math.max(0, now() - phases[0][1]))}`;
  const row = element("button", { type: "button", class: "track track-row", "data-operation": id, "aria-pressed": String(id === chosen), on: { click: () => openOperation(id) } },
    element("span", { class: "who" }, element("b", { dir: "auto", text: model.images.get(image)?.name || image || id }), element("small", { text: operation.description })),
    trackDrawing(id, operation, scale),
    element("span", { class: "how" }, badge(state, kind), element("br"), element("small", { text: `${took}, ${plural(pollsOf(id).length, "poll")}` })));
  return element("li", {}, row);
}

function openOperation(id) {
  chosen = id;
  showTab("operations");
}

function showOperation(id) {
  const panel = $("operation-detail");
  const operation = id && model.operations.get(id);
  panel.hidden = !id;
  $("operations-split").classList.toggle("has-detail", Boolean(id));
  if (!id) return panel.replaceChildren();
  const calls = model.callsOf.get(id) ?? [];
  const polls = pollsOf(id);
  const image = operation?.metadata?.imageId ?? calls[0]?.image_id ?? "";
  const rowsOfPolls = polls.slice(-200).map((call, index, all) => {
    const before = all[index - 1];
    const open = link(call.number, () => views.calls.open(call), { "aria-label": `Call ${call.number}` });
    return element("tr", {}, element("td", {}, open), element("td", { text: moment(call.came_at) }), element("td", { text: before ? seconds(call.came_at - before.answered_at) : "" }), element("td", {}, badge(call.status, call.status === "OK" ? "ok" : "bad")), element("td", { class: "wrap", dir: "auto", text: call.note }));
  });
  const report = element("pre", { hidden: true, id: "pacing-report", tabindex: "0", role: "region", "aria-label": "Pacing report" });
  panel.replaceChildren(
    detailTop(operation?.description ?? "An operation that is gone", closeOperation),
    pairs([["Operation", id], ["Image", image], ["Name", model.images.get(image)?.name], ["Error", operation?.error ? `${operation.error.code}: ${operation.error.message}` : ""]]),
    element("div", { class: "actions" }, button("Show its calls", () => views.calls.show({ text: id })),
      isLive ? button("Pacing report", () => showReport(report, id), { "data-route": "GET pacing" }) : null),
    report,
    element("h3", { text: "Phases" }), pairs(operation ? phasesOf(operation).map(([phase, at]) => [phase, `${at > now() + 1e-6 && !operation.done ? "expected at " : ""}${moment(at)}`]) : []),
    element("h3", { text: `Polls, ${polls.length}` }),
    polls.length ? element("table", {}, element("caption", { class: "hidden", text: "Polls, oldest first" }), element("thead", {}, element("tr", {}, ...["Call", "At", "Pause before", "Status", "Showed"].map((text) => element("th", { scope: "col", text })))), element("tbody", {}, ...rowsOfPolls)) : note("The client has not asked for it yet."),
  );
}

async function showReport(box, id) {
  try {
    const { operations } = await control("GET", "pacing");
    box.hidden = false;
    box.textContent = operations[id]?.report ?? "The journal has no poll of it.";
  } catch (error) {
    say(error.message);
  }
}

function closeOperation() {
  if (chosen === null) return;
  chosen = null;
  showOperation(null);
  refresh();
}

export function beginOperations() {
  $("operation-filters").addEventListener("input", refresh);
  $("more-tracks").addEventListener("click", () => { limit += 100; refresh(); });
}

views.operations = {
  render: renderOperations,
  enter: () => showOperation(chosen),
  open: openOperation,
  close: closeOperation,
  reset: closeOperation,
  show(text) { showTab("operations"); $("operation-text").value = text; refresh(); },
};
