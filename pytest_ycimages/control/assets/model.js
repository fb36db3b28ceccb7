// What the page knows of a double: from its events, or from the data in the file.

import { $ } from "./dom.js";

export const embedded = $("data") ? JSON.parse($("data").textContent) : null;
export const isLive = embedded === null;
const MOST = 20000; // calls that are kept

export const model = {
  calls: [], last: 0, dropped: 0, parts: new Map(), operations: new Map(), images: new Map(), faults: new Map(),
  callsOf: new Map(), clockAt: 0, methods: new Set(), generation: 0, // which changes when calls are gone
};

export function forget() {
  model.calls = [];
  for (const map of [model.parts, model.operations, model.images, model.faults, model.callsOf]) map.clear();
  Object.assign(model, { last: 0, dropped: 0, generation: model.generation + 1 });
}

export function takeCalls({ calls, last, dropped }) {
  for (const call of calls) {
    model.calls.push(call);
    model.methods.add(call.method);
    const id = operationOf(call);
    if (id) {
      if (!model.callsOf.has(id)) model.callsOf.set(id, []);
      model.callsOf.get(id).push(call);
    }
  }
  if (model.calls.length > MOST + 1000) {
    model.calls.splice(0, model.calls.length - MOST);
    model.generation += 1;
  }
  Object.assign(model, { last, dropped: Math.max(dropped, (model.calls[0]?.number ?? 1) - 1) });
}

export function takeState(changes) {
  const maps = { operation: model.operations, image: model.images, fault: model.faults };
  for (const [name, value] of Object.entries(changes)) {
    const [kind, id] = name.split("/");
    const map = id === undefined ? model.parts : maps[kind];
    if (value === null) map.delete(id ?? name);
    else map.set(id ?? name, value);
  }
  if (changes.clock) model.clockAt = performance.now();
}

export function now() {
  const clock = model.parts.get("clock");
  if (!clock) return 0;
  return clock.elapsed + (isLive && clock.kind === "real" ? (performance.now() - model.clockAt) / 1000 : 0);
}

export const mode = () => model.parts.get("double")?.mode ?? "fake";
const secondsOf = (text) => (Date.parse(text) - Date.parse(model.parts.get("clock")?.began ?? text)) / 1000;

export function phasesOf(operation) {
  if (operation.phases?.length) return operation.phases;
  const began = secondsOf(operation.createdAt);
  const ended = secondsOf(operation.modifiedAt);
  return operation.done ? [["running", began], [operation.error ? "failed" : "succeeded", ended]] : [["running", began]];
}

export function stateOf(operation) {
  const reached = phasesOf(operation).filter(([, at]) => at <= now() + 1e-6);
  if (operation.done) return operation.error ? "failed" : "succeeded";
  return operation.error ? "rolling back" : reached.at(-1)?.[0] === "rolling back" ? "rolling back" : "running";
}

const operationOf = (call) => call.operation_id ?? (call.method === "operations.get" ? call.message?.operationId : null);

// A client that never asks for the operation polls its image.
export function pollsOf(id) {
  const calls = model.callsOf.get(id) ?? [];
  const polls = calls.filter((call) => call.method === "operations.get");
  return polls.length ? polls : calls.filter((call) => call.method === "images.get");
}
