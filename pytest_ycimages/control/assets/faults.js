// The faults that were injected, and what they have done.

import { act, control } from "./control.js";
import { $, badge, button, copy, element, isStale, pairs, sayEmpty } from "./dom.js";
import { views } from "./frame.js";
import { beginInject, enterInject, openInject } from "./inject.js";
import { isLive, model } from "./model.js";

function renderFaults() {
  const list = $("fault-list");
  const all = [...model.faults.values()].reverse();
  if (isStale(list, all)) {
    const focused = document.activeElement?.dataset?.key;
    list.replaceChildren(...all.map(faultCard));
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
  sayEmpty($("faults-empty"), all.length === 0, "No fault was injected", element("p", { text: isLive ? "Choose one in the form: its effect shows on the next call that matches." : "All went as the settings say." }));
  $("remove-faults").disabled = !all.some((fault) => fault.in_force);
}

function faultCard(fault) {
  const { number } = fault;
  const isIdle = fault.expect && !fault.struck;
  const lines = [...Object.entries(fault.passed).map(([why, count]) => [`Passed ${count}`, why.replaceAll("`", "")]), ["Nearest", fault.nearest]];
  const action = (text, key, run, attributes) => button(text, run, { "data-key": `${key} ${number}`, "aria-label": `${text}: fault ${number}`, ...attributes });
  const calls = () => views.calls.show({ result: "fault", text: fault.rule.slice(7).split("(")[0] });
  const remove = () => act(control("DELETE", `faults/${number}`), `Fault ${number} removed`);
  return element("li", { class: fault.in_force ? "" : "off", "data-route": "GET faults/<int:number>" },
    element("span", {}, element("b", { text: `${number} ` }), fault.in_force ? badge("in force", "fault") : badge("removed"), " ", badge(`struck ${fault.struck} of ${fault.considered}`, fault.struck ? "ok" : isIdle ? "warn" : ""), isIdle ? " " : null, isIdle ? badge("has to strike", "warn") : null),
    element("code", { class: "rule", dir: "auto", text: fault.rule }), pairs(lines),
    element("div", { class: "actions" },
      action("Copy as Python", "python", () => copy(`ycimages.${fault.rule}`, "Python")),
      fault.ini ? action("Copy as ini line", "ini", () => copy(fault.ini, "ini line")) : null,
      fault.struck ? action("Calls that it struck", "calls", calls, { "aria-label": null }) : null,
      isLive && fault.in_force ? action("Remove", "remove", remove, { "data-route": "DELETE faults/<int:number>" }) : null));
}

export function beginFaults() {
  beginInject();
  $("remove-faults").addEventListener("click", () => act(control("DELETE", "faults"), "All faults removed"));
  $("check-faults").addEventListener("click", () => act(control("GET", "faults/check"), "").then((found) => {
    $("check-result").hidden = !found;
    $("check-result").textContent = found?.never_struck.length ? `Never struck, and had to:\n${found.report}` : "Every fault that had to strike has struck.";
  }));
}

views.faults = { render: renderFaults, enter: enterInject, inject: openInject };
