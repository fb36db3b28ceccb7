// The live page: what comes from the double, the keys, and the beginning.
// Live, it reads the server-sent events of the double; in a file, the data that the file has.

import { beginCalls } from "./calls.js";
import { connected, listen, openToken } from "./control.js";
import { $, announce } from "./dom.js";
import { beginFaults } from "./faults.js";
import { TABS, moveTab, refresh, renderTop, showTab, view, views, visibleTabs } from "./frame.js";
import { beginImages } from "./images.js";
import { embedded, forget, isLive, model, takeCalls, takeState } from "./model.js";
import { beginOperations } from "./operations.js";
import "./problems.js";
import "./steer.js";
import { plural } from "./words.js";

function take(kind, data) {
  if (kind === "reset") {
    forget();
    views.calls.reset();
    views.operations.reset();
  } else if (kind === "calls") {
    takeCalls(data);
    arrived(data.calls);
  } else takeState(data);
  refresh();
}

// What a screen reader hears: at most one sentence in five seconds.
let heard = { calls: 0, errors: 0 };
let nextSentence = null;

function arrived(calls) {
  heard.calls += calls.length;
  heard.errors += calls.filter((call) => call.status !== "OK").length;
  nextSentence ??= setTimeout(() => {
    nextSentence = null;
    announce(`${plural(heard.calls, "new call")}${heard.errors ? `, ${plural(heard.errors, "error")}` : ""}`);
    heard = { calls: 0, errors: 0 };
  }, 5000);
}

const KEYS = {
  "/": () => { showTab("calls"); $("filter-text").focus(); }, "?": () => $("shortcuts").showModal(), f: () => views.calls.follow(), p: () => views.calls.pause(),
  j: () => views.calls.move(1), k: () => views.calls.move(-1), c: () => views.calls.copy(), i: () => isLive && views.faults.inject(),
};

function goToTab(name) {
  showTab(name);
  $(`tab-${name}`).focus();
}

function pressed(event) {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) return views[view.tab].close?.();
  const isTyping = event.target.closest("input, textarea, select, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !$("single-keys").checked) return undefined;
  const tab = /^[1-6]$/.test(event.key) && visibleTabs()[event.key - 1];
  const action = tab ? () => goToTab(tab) : KEYS[event.key];
  if (!action) return undefined;
  event.preventDefault();
  return action();
}

function begin() {
  for (const name of TABS) $(`tab-${name}`).addEventListener("click", () => showTab(name));
  $("tabs").addEventListener("keydown", moveTab);
  document.addEventListener("keydown", pressed);
  $("help").addEventListener("click", KEYS["?"]);
  for (const id of ["filters", "operation-filters"]) $(id).addEventListener("submit", (event) => event.preventDefault());
  beginCalls();
  beginOperations();
  beginImages();
  new ResizeObserver(refresh).observe($("main"));
  const tab = location.hash.replace("#view=", "");
  if (isLive) beginLive(tab);
  else beginStill(tab);
}

function beginLive(tab) {
  beginFaults();
  openToken();
  showTab(TABS.includes(tab) ? tab : "calls");
  setInterval(() => { if (!document.hidden && model.parts.get("clock")?.kind === "real") { renderTop(); if (view.tab === "operations" && [...model.operations.values()].some((operation) => !operation.done)) refresh(); } }, 1000);
  listen(take);
}

function beginStill(tab) {
  connected("still", "As it was");
  for (const each of document.querySelectorAll(".steers")) each.hidden = true;
  $("tab-steer").hidden = true;
  for (const id of ["pause", "follow"]) $(id).hidden = true;
  takeState(embedded.state);
  takeCalls(embedded);
  model.dropped = embedded.dropped;
  showTab(TABS.includes(tab) && tab !== "steer" ? tab : "calls");
}

begin();
