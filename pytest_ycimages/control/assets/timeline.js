// Operations on a time axis: their phases are bars, and their polls are marks.

import { $, drawn, element } from "./dom.js";
import { now, phasesOf, pollsOf } from "./model.js";
import { moment, seconds } from "./words.js";

export function scaleOf(shown) {
  const isAligned = $("operation-axis").value === "start";
  let [low, high] = [Infinity, -Infinity];
  for (const [id, operation] of shown) {
    const phases = phasesOf(operation);
    const began = phases[0][1];
    const ends = [operation.done ? phases.at(-1)[1] : Math.max(now(), began), phases.at(-1)[1], ...pollsOf(id).map((call) => call.answered_at)];
    low = Math.min(low, isAligned ? 0 : began);
    high = Math.max(high, ...ends.map((at) => (isAligned ? at - began : at)));
  }
  if (!(high > low)) high = low + 1;
  const width = Math.max(120, $("axis").clientWidth - (matchMedia("(max-width: 720px)").matches ? 24 : 220 + 120 + 24 + 28));
  const pad = 6;
  return { low, high, width, isAligned, x: (at) => pad + ((at - low) / (high - low)) * (width - 2 * pad) };
}

function stepFor(span) {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400, 604800];
  return steps.find((step) => step >= span) ?? Math.ceil(span / 604800) * 604800;
}

function ticksOf({ low, high, width }) {
  const step = stepFor(((high - low) * 90) / width);
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6; at += step) ticks.push(at);
  return ticks;
}

export function renderAxis(scale) {
  const svg = drawn("svg", {});
  for (const at of ticksOf(scale)) {
    svg.append(drawn("line", { class: "grid", x1: scale.x(at), x2: scale.x(at), y1: 15, y2: 22 }));
    const isLast = scale.x(at) > scale.width - 20;
    svg.append(drawn("text", { x: scale.x(at), y: 12, "text-anchor": isLast ? "end" : scale.x(at) < 20 ? "start" : "middle" }, at === 0 ? "0" : seconds(+at.toFixed(6)).replace(/\.0+(?= )/, "")));
  }
  $("axis").replaceChildren(element("span", { text: scale.isAligned ? "since its start" : "since the double began" }), svg, element("span"));
}

export function trackDrawing(id, operation, scale) {
  const svg = drawn("svg", { "aria-hidden": "true" });
  for (const at of ticksOf(scale)) svg.append(drawn("line", { class: "grid", x1: scale.x(at), x2: scale.x(at), y1: 0, y2: 30 }));
  const phases = phasesOf(operation);
  const zero = scale.isAligned ? phases[0][1] : 0;
  const present = now();
  phases.forEach(([phase, from], index) => {
    const to = phases[index + 1]?.[1] ?? (operation.done ? from : Math.max(present, from));
    bar(svg, scale, phase, from - zero, to - zero, present - zero, operation.done);
  });
  for (const call of pollsOf(id).slice(-400)) mark(svg, scale, call, zero);
  return svg;
}

function bar(svg, scale, phase, from, to, present, isDone) {
  if (phase === "succeeded" || phase === "failed") {
    const isComing = !isDone && from > present;
    svg.append(drawn("rect", { class: phase === "failed" ? "failed" : "ended", x: scale.x(from) - 2, y: 5, width: 4, height: 20, rx: 1, opacity: isComing ? 0.4 : 1 }));
    return;
  }
  const split = isDone ? to : Math.min(Math.max(present, from), to);
  const kind = phase === "rolling back" ? "rolling" : "running";
  if (split > from) svg.append(drawn("rect", { class: kind, x: scale.x(from), y: 10, width: Math.max(1, scale.x(split) - scale.x(from)), height: 10, rx: 2 }));
  if (to > split) svg.append(drawn("rect", { class: "planned", x: scale.x(split), y: 10, width: Math.max(1, scale.x(to) - scale.x(split)), height: 10, rx: 2 }));
}

function mark(svg, scale, call, zero) {
  const [from, to] = [scale.x(call.came_at - zero), scale.x(call.answered_at - zero)];
  if (to - from > 1.5) svg.append(drawn("rect", { class: "late", x: from, y: 3, width: to - from, height: 24 }));
  const line = drawn("line", { class: `poll${call.status === "OK" ? "" : " bad"}${call.done ? " done" : ""}`, x1: from, x2: from, y1: 2, y2: 28 });
  line.append(drawn("title", {}, `${call.method} at ${moment(call.came_at)}: ${call.status}, ${call.note}`));
  svg.append(line);
}
