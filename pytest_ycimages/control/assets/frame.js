// The frame of the page: its head, its tabs, and when they are drawn: once a frame, and only what is in sight.

import { $, showFacts } from "./dom.js";
import { embedded, mode, model, now } from "./model.js";
import { seconds } from "./words.js";

export const TABS = ["calls", "operations", "images", "faults", "problems", "steer"];

// What each tab can do: its module adds `render`, which draws it, `enter`, called when it is shown, and what others lead to.
export const views = {};
export const view = { tab: "calls" };
let isDue = false;

export function refresh() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; render(); });
}

function render() {
  renderTop();
  views[view.tab].render();
}

export function renderTop() {
  const double = model.parts.get("double") ?? {};
  const clock = model.parts.get("clock");
  const title = embedded?.title || double.name || "";
  $("title").textContent = title;
  document.title = title ? `${title} – ycimages` : "ycimages";
  showFacts($("facts"), [["mode", double.mode], ["contract", double.contract], ["seed", double.seed], ["clock", clock ? `${clock.kind}, ${seconds(now())}` : ""], ["folder", double.folder_id]]);
  const inForce = [...model.faults.values()].filter((fault) => fault.in_force).length;
  const problems = model.parts.get("problems") ?? [];
  for (const [name, count] of Object.entries({ calls: model.last, operations: model.operations.size, images: model.images.size, faults: inForce, problems: problems.length })) {
    const shown = $(`count-${name}`);
    shown.textContent = count.toLocaleString("en");
    shown.classList.toggle("zero", count === 0);
  }
  $("count-problems").classList.add("bad");
  $("problems-name").textContent = { replay: "Replay", record: "Recording", verify: "Verification" }[double.mode] ?? "Problems";
  $("tab-problems").hidden = problems.length === 0 && mode() === "fake";
}

export function showTab(name) {
  view.tab = name;
  for (const each of TABS) {
    const isShown = each === name;
    $(each).hidden = !isShown;
    $(`tab-${each}`).setAttribute("aria-selected", String(isShown));
    $(`tab-${each}`).tabIndex = isShown ? 0 : -1;
  }
  history.replaceState(null, "", `#view=${name}`);
  views[name].enter?.();
  render();
}

export const visibleTabs = () => TABS.filter((name) => !$(`tab-${name}`).hidden);

export function moveTab(event) {
  const names = visibleTabs();
  const at = names.indexOf(view.tab);
  const next = { ArrowRight: (at + 1) % names.length, ArrowLeft: (at + names.length - 1) % names.length, Home: 0, End: names.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  showTab(names[next]);
  $(`tab-${names[next]}`).focus();
}
