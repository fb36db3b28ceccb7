// The calls: a list of which only the rows in sight are in the document, its filter, and the details of a call.

import { $, badge, button, copy, detailTop, element, isStale, json, link, note, pairs, sayEmpty } from "./dom.js";
import { refresh, showTab, views } from "./frame.js";
import { isLive, model } from "./model.js";
import { asCurl, bearer, moment, plural, quoted, resultOf, seconds, statusOf } from "./words.js";

const list = {
  chosen: null, isFollowing: isLive, isPaused: false, paused: 0, series: null, filtered: [], filterKey: "", filterDone: 0, top: 0,
};

const haystack = new WeakMap();

function textOf(call) {
  let text = haystack.get(call);
  if (text === undefined) {
    text = [call.number, call.line, call.method, call.status, call.note, call.fault, call.operation_id, call.image_id, call.grpc?.rpc, JSON.stringify(call.message)].join(" ").toLowerCase();
    haystack.set(call, text);
  }
  return text;
}

function matches(call, words, method, result) {
  if (method && call.method !== method) return false;
  if (list.series !== null && call.series !== list.series) return false;
  if (result === "ok" && call.status !== "OK") return false;
  if (result === "error" && call.status === "OK") return false;
  if (result === "fault" && !call.fault) return false;
  if (result === "retry" && !(call.attempt > 1 && !call.method.startsWith("operations."))) return false;
  return words.every((word) => textOf(call).includes(word));
}

function filterCalls() {
  const [text, method, result] = [$("filter-text").value.trim().toLowerCase(), $("filter-method").value, $("filter-result").value];
  const key = JSON.stringify([text, method, result, list.series, model.generation]);
  if (key !== list.filterKey) Object.assign(list, { filterKey: key, filtered: [], filterDone: 0 });
  const words = text.split(/\s+/).filter(Boolean);
  for (const call of model.calls) {
    if (call.number <= list.filterDone) continue;
    if (list.isPaused && call.number > list.paused) break;
    list.filterDone = call.number;
    if (matches(call, words, method, result)) list.filtered.push(call);
  }
  return text || method || result || list.series !== null;
}

// Show the calls with a text and a result, or the attempts of one call.
function showCalls({ text = "", method = "", result = "", series = null }) {
  showTab("calls");
  $("filter-text").value = text;
  $("filter-method").value = method;
  $("filter-result").value = result;
  list.series = series;
  refresh();
}

const rowHeight = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
let rows = new Map();

function renderCalls() {
  const isFiltered = filterCalls();
  updateMethods();
  const box = $("call-list");
  const shown = list.filtered;
  const waiting = list.isPaused ? model.last - list.paused : 0;
  $("filter-count").textContent = [isFiltered ? `${shown.length.toLocaleString("en")} of ${model.calls.length.toLocaleString("en")}` : "", waiting ? `${plural(waiting, "new call")}` : "", model.dropped ? `${plural(model.dropped, "earlier call")} dropped` : ""].filter(Boolean).join(" · ");
  box.hidden = shown.length === 0;
  renderNoCalls(isFiltered);
  const height = rowHeight();
  const spacer = box.firstElementChild;
  spacer.style.height = `${shown.length * height}px`;
  if (list.isFollowing && !list.isPaused) box.scrollTop = box.scrollHeight;
  const first = Math.max(0, Math.floor(box.scrollTop / height) - 8);
  const last = Math.min(shown.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + 8);
  const kept = new Map();
  for (let index = first; index < last; index += 1) {
    const call = shown[index];
    const row = rows.get(call) ?? rowOf(call);
    rows.delete(call);
    kept.set(call, row);
    row.style.transform = `translateY(${index * height}px)`;
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", shown.length);
    row.setAttribute("aria-selected", String(call === list.chosen));
    if (row.parentNode !== spacer) spacer.append(row);
  }
  for (const row of rows.values()) row.remove();
  rows = kept;
  const active = list.chosen && kept.get(list.chosen);
  if (active) box.setAttribute("aria-activedescendant", active.id);
  else box.removeAttribute("aria-activedescendant");
}

function rowOf(call) {
  const isOk = call.status === "OK";
  const status = element("span", { class: "status" }, badge(statusOf(call), isOk ? "ok" : "bad"));
  if (call.fault) status.append(" ", badge("fault", "fault"));
  const attempt = call.attempt > 1 ? `×${call.attempt} ` : "";
  return element("div", { class: "row", role: "option", id: `call-${call.number}`, on: { click: () => { chooseCall(call); $("call-list").focus({ preventScroll: true }); } } },
    element("span", { class: "number", text: call.number }), element("span", { class: "time", text: moment(call.at) }),
    element("span", { class: "via" }, badge(call.grpc ? "gRPC" : "REST", "via")), element("span", { class: "method", text: call.method }), status,
    element("span", { class: "latency", text: call.latency ? seconds(call.latency) : "" }),
    element("span", { class: "text", dir: "auto", text: attempt + (call.fault ? `${call.fault}: ` : "") + resultOf(call) }));
}

function updateMethods() {
  const select = $("filter-method");
  const added = [...model.methods].slice(select.options.length - 1);
  select.append(...added.map((method) => element("option", { value: method, text: method })));
}

function renderNoCalls(isFiltered) {
  const box = $("calls-empty");
  const isEmpty = list.filtered.length === 0;
  const isHidden = isFiltered && model.calls.length > 0;
  const double = model.parts.get("double") ?? {};
  if (!isStale(box, isEmpty, isHidden, double.token)) return;
  if (isHidden) return sayEmpty(box, isEmpty, "No call matches the filter", button("Show all calls", () => showCalls({})));
  if (!isLive) return sayEmpty(box, isEmpty, "The client made no call");
  const body = JSON.stringify({ folderId: double.folder_id ?? "", name: "first-image", diskId: "epd0000000000000000a" });
  const line = ["curl", bearer(), "\\\n  -d", quoted(body), `\\\n  ${location.origin}/compute/v1/images`].join(" ");
  sayEmpty(box, isEmpty, "Waiting for the first call", element("p", { text: "Point a client at this address, or create an image by hand:" }), element("pre", { text: line, tabindex: "0", role: "region", "aria-label": "A first call with curl" }), button("Copy", () => copy(line, "curl line")));
}

function chooseCall(call) {
  list.chosen = call;
  if (call !== list.filtered.at(-1)) setFollow(false);
  showCall(call);
  const index = list.filtered.indexOf(call);
  const box = $("call-list");
  const height = rowHeight();
  if (index >= 0 && (index * height < box.scrollTop || (index + 1) * height > box.scrollTop + box.clientHeight)) box.scrollTop = index * height - box.clientHeight / 2;
  refresh();
}

function setFollow(isOn) {
  list.isFollowing = isOn;
  $("follow").setAttribute("aria-pressed", String(isOn));
  if (isOn) refresh();
}

function setPaused(isOn) {
  list.isPaused = isOn;
  list.paused = model.last;
  $("pause").setAttribute("aria-pressed", String(isOn));
  $("pause").textContent = isOn ? "Go on" : "Pause";
  refresh();
}

function showCall(call) {
  const panel = $("call-detail");
  panel.hidden = !call;
  $("calls-split").classList.toggle("has-detail", Boolean(call));
  if (!call) return panel.replaceChildren();
  const { grpc } = call;
  const gap = call.gap === null ? "" : `, ${seconds(call.gap)} after the one before`;
  const operation = call.operation_id && link(call.operation_id, () => views.operations.open(call.operation_id));
  const rpc = grpc ? [["RPC", grpc.rpc], ["Deadline", grpc.deadline === null ? "" : seconds(grpc.deadline)], ["Attempts before", grpc.previous_attempts || ""], ["Client gave up", grpc.gave_up]] : [];
  panel.replaceChildren(
    detailTop(`${call.number} · ${call.method}`, closeCall),
    element("p", {}, badge(statusOf(call), call.status === "OK" ? "ok" : "bad"), " ", badge(grpc ? "gRPC" : "REST", "via"), call.fault ? " " : null, call.fault ? badge(call.fault, "fault") : null),
    element("div", { class: "actions" },
      button(grpc ? "Copy as grpcurl" : "Copy as curl", () => copy(asCurl(call), grpc ? "grpcurl line" : "curl line")),
      button("Copy as JSON", () => copy(JSON.stringify(call, null, 2), "JSON")),
      isLive ? button("Inject a fault on such calls", () => views.faults.inject(call.method)) : null,
      call.attempt > 1 ? button("All attempts", () => showCalls({ method: call.method, series: call.series })) : null),
    element("h3", { text: "Answer" }),
    pairs([["Result", resultOf(call)], ["Fault", call.fault], ["Operation", operation], ["Image", call.image_id], ["Shows the end", call.done === null ? "" : call.done ? "yes" : "not yet"]]),
    element("h3", { text: "Request" }),
    pairs([["Line", element("code", { text: call.line })], ...rpc, ["Attempt", call.attempt > 1 ? `${call.attempt}${gap}` : ""], ["Unknown fields", call.unknown_fields.join(", ")]]),
    call.message ? json(call.message) : note("The request breaks the contract, so there is not a message."),
    element("h3", { text: "Time" }),
    pairs([["Came in", moment(call.came_at)], ["Happened", call.at === call.came_at ? "" : moment(call.at)], ["Answered", moment(call.answered_at)], ["Latency", seconds(call.latency)]]),
    element("h3", { text: "Headers" }),
    headers("Request", call.metadata, true),
    headers("Answer", call.reply_metadata, false),
  );
}

function headers(what, given, open) {
  const entries = Object.entries(given);
  return element("details", { open }, element("summary", { text: `${what}, ${entries.length}` }), pairs(entries, true));
}

function closeCall() {
  if (!list.chosen) return;
  list.chosen = null;
  showCall(null);
  $("call-list").focus({ preventScroll: true });
  refresh();
}

function moveCall(step) {
  const shown = list.filtered;
  if (!shown.length) return;
  const at = list.chosen ? shown.indexOf(list.chosen) : -1;
  const page = Math.max(1, Math.floor($("call-list").clientHeight / rowHeight()) - 1);
  const next = { first: 0, last: shown.length - 1, pageup: at - page, pagedown: at + page }[step] ?? at + step;
  chooseCall(shown[Math.max(0, Math.min(shown.length - 1, next))]);
}

const OF_LIST = { ArrowDown: 1, ArrowUp: -1, Home: "first", End: "last", PageUp: "pageup", PageDown: "pagedown" };

function pressedInList(event) {
  if (event.key in OF_LIST) moveCall(OF_LIST[event.key]);
  else if (event.key === "Enter" && list.chosen) $("call-detail").focus();
  else return;
  event.preventDefault();
}

export function beginCalls() {
  $("call-list").addEventListener("keydown", pressedInList);
  $("call-list").addEventListener("scroll", ({ target }) => {
    const isAtEnd = target.scrollTop + target.clientHeight >= target.scrollHeight - 4;
    if (!isAtEnd && list.isFollowing && target.scrollTop < list.top) setFollow(false);
    list.top = target.scrollTop;
    refresh();
  });
  $("filters").addEventListener("input", () => { list.series = null; refresh(); });
  $("follow").addEventListener("click", views.calls.follow);
  $("pause").addEventListener("click", views.calls.pause);
}

views.calls = {
  render: renderCalls,
  show: showCalls,
  open(call) { showTab("calls"); chooseCall(call); },
  close: closeCall,
  reset() { Object.assign(list, { chosen: null, paused: 0 }); showCall(null); },
  follow: () => setFollow(!list.isFollowing),
  pause: () => setPaused(!list.isPaused),
  move: moveCall,
  copy: () => list.chosen && copy(asCurl(list.chosen), "curl line"),
};
