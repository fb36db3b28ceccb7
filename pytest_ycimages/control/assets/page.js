// The live page. What a client sent is put into the document as text, and never as markup.
// Live, it reads the server-sent events of the double; in a file, the data that the file has.

const $ = (id) => document.getElementById(id);
const embedded = $("data") ? JSON.parse($("data").textContent) : null;
const isLive = embedded === null;
const BASE = isLive ? new URL(".", location.href) : null;
const MOST = 20000; // calls that the page keeps
const PAGE = 100; // rows of images and operations that are shown at first
const SVG = "http://www.w3.org/2000/svg";
const HTTP = {
  OK: 200, CANCELLED: 499, UNKNOWN: 500, INVALID_ARGUMENT: 400, DEADLINE_EXCEEDED: 504, NOT_FOUND: 404, ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403, RESOURCE_EXHAUSTED: 429, FAILED_PRECONDITION: 400, ABORTED: 409, OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501, INTERNAL: 500, UNAVAILABLE: 503, DATA_LOSS: 500, UNAUTHENTICATED: 401,
};

const model = {
  calls: [], last: 0, dropped: 0, parts: new Map(), operations: new Map(), images: new Map(), faults: new Map(),
  callsOf: new Map(), clockAt: 0,
};
const view = {
  tab: "calls", call: null, operation: null, follow: true, paused: 0, isPaused: false, filtered: [], filterKey: "",
  filterDone: 0, tracks: PAGE, images: PAGE,
};

// Building elements.

function element(tag, attributes = {}, ...children) {
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

function drawn(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const button = (text, action, attributes = {}) => element("button", { type: "button", text, on: { click: action }, ...attributes });
const badge = (text, kind = "") => element("span", { class: `badge ${kind}`, text });

function pairs(entries, isMono = false) {
  const list = element("dl", { class: isMono ? "pairs mono-values" : "pairs" });
  for (const [name, value] of entries) {
    if (value === "" || value === null || value === undefined) continue;
    list.append(element("dt", { text: name }), value instanceof Node ? element("dd", {}, value) : element("dd", { text: value }));
  }
  return list;
}

// Words and numbers.

function seconds(value) {
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
  if (size < 1) return `${(value * 1e3).toFixed(size < 0.01 ? 1 : 0)} ms`;
  if (size < 120) return `${value.toFixed(size < 10 ? 2 : 1)} s`;
  const whole = Math.round(size);
  const parts = [[Math.floor(whole / 86400), "d"], [Math.floor((whole % 86400) / 3600), "h"], [Math.floor((whole % 3600) / 60), "min"], [whole % 60, "s"]];
  const first = parts.findIndex(([number]) => number > 0);
  return (value < 0 ? "-" : "") + parts.slice(first, first + 2).filter(([number]) => number > 0).map(([number, unit]) => `${number} ${unit}`).join(" ");
}

const moment = (value) => `+${value.toFixed(3)}s`;
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
const gib = (bytes) => { const size = Number(bytes || 0) / 2 ** 30; return size ? `${size < 10 ? +size.toFixed(2) : Math.round(size)} GiB` : ""; };

function statusOf(call) {
  const isGiven = call.fault || call.method === "unrouted" || call.grpc || !HTTP[call.status];
  return isGiven ? call.status : `${HTTP[call.status]} ${call.status}`;
}

function resultOf(call) {
  const note = call.fault && call.note.startsWith(`${call.fault}: `) ? call.note.slice(call.fault.length + 2) : call.note;
  return call.method === "unrouted" ? `${call.line}: ${note}` : note;
}

// Copying: as curl, as Python, as a line of an ini file.

const quoted = (text) => `'${String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "").replaceAll("'", `'\\''`)}'`;
const KEPT = (name) => !/^(host|user-agent|accept|accept-encoding|connection|content-length|content-type|authorization|te|grpc-.*|traceparent|transfer-encoding|:.*)$/.test(name);

function tokenFor(call) {
  if (!call.metadata.authorization) return null;
  const { mode, token } = model.parts.get("double") ?? {};
  return mode === "fake" && token ? token : null;
}

function asCurl(call) {
  const headers = Object.entries(call.metadata).filter(([name]) => KEPT(name));
  const token = tokenFor(call);
  const bearer = call.metadata.authorization ? [["authorization", `Bearer ${token ?? "$YC_TOKEN"}`]] : [];
  const spell = ([name, value]) => (value.endsWith("$YC_TOKEN") ? `-H "${name}: ${value}"` : `-H ${quoted(`${name}: ${value}`)}`);
  const host = isLive ? location.host : call.metadata.host ?? "HOST:PORT";
  if (call.grpc) {
    return ["grpcurl -plaintext", ...[...bearer, ...headers].map(spell), `-d ${quoted(JSON.stringify(call.message ?? {}))}`, quoted(host), quoted(call.grpc.rpc)].join(" \\\n  ");
  }
  const [verb, ...rest] = call.line.split(" ");
  const target = rest.join(" ");
  const parts = [`curl${verb === "GET" ? "" : ` -X ${verb}`} ${quoted(`${isLive ? location.protocol : "http:"}//${host}${target}`)}`];
  parts.push(...[...bearer, ...headers].map(spell));
  if (call.message && ["POST", "PATCH", "PUT"].includes(verb)) {
    const body = Object.fromEntries(Object.entries(call.message).filter(([, value]) => typeof value !== "string" || !target.split(/[/:?]/).includes(value)));
    parts.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ");
}

const asPython = (fault) => `ycimages.${fault.rule}`;

async function copy(text, what) {
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
function say(text) {
  $("toast").textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("toast").textContent = ""; }, 3000);
}

// The calls of the control API.

const stored = { get: () => { try { return sessionStorage.getItem("ycimages-token") ?? ""; } catch { return ""; } },
  set: (value) => { try { sessionStorage.setItem("ycimages-token", value); } catch { /* kept in memory */ } } };
let token = "";

function openToken() {
  const found = /(?:^#|&)token=([^&]*)/.exec(location.hash);
  if (found) {
    history.replaceState(null, "", location.pathname);
    stored.set(decodeURIComponent(found[1]));
  }
  token = (found && decodeURIComponent(found[1])) || stored.get();
}

let asking = null;
function askForToken(problem) {
  asking ??= new Promise((resolve) => {
    const dialog = $("token-dialog");
    const report = $("token-problem");
    report.textContent = token ? problem : "";
    report.classList.toggle("bad", Boolean(token));
    $("token-form").onsubmit = (event) => {
      event.preventDefault();
      token = $("token").value.trim();
      stored.set(token);
      dialog.close();
      asking = null;
      resolve();
    };
    dialog.oncancel = (event) => event.preventDefault();
    dialog.showModal();
  });
  return asking;
}

async function fetched(path, options = {}) {
  for (;;) {
    const headers = { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await fetch(new URL(path, BASE), { ...options, headers, cache: "no-store" });
    if (answer.status !== 401) return answer;
    await askForToken((await answer.json()).error);
  }
}

async function control(verb, path, body) {
  const given = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetched(path, { method: verb, ...given });
  const text = await answer.text();
  let found;
  try { found = JSON.parse(text); } catch { found = { error: text }; }
  if (!answer.ok && answer.status !== 409) throw new Error(found.error ?? `${answer.status} ${answer.statusText}`);
  return found;
}

// Events.

let lastEvent = "";

async function listen() {
  let pause = 500;
  for (;;) {
    try {
      const answer = await fetched("events", { headers: lastEvent ? { "last-event-id": lastEvent } : {} });
      if (!answer.ok) throw new Error((await answer.json()).error);
      connected("live", "Live");
      pause = 500;
      await readEvents(answer.body.getReader());
    } catch (error) {
      if (!(error instanceof TypeError)) console.warn(error.message);
    }
    connected("lost", "Disconnected: trying again");
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    pause = Math.min(pause * 1.6, 5000);
  }
}

async function readEvents(reader) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    if (!text.includes("\n\n")) continue;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const fields = Object.fromEntries(event.split("\n").map((line) => { const at = line.indexOf(": "); return [line.slice(0, at), line.slice(at + 2)]; }));
      if (fields.event) take(fields.event, JSON.parse(fields.data));
      if (fields.id) lastEvent = fields.id;
    }
  }
}

function connected(kind, text) {
  const shown = $("connection");
  if (shown.textContent === text) return;
  shown.className = `connection ${kind}`;
  shown.textContent = text;
  if (kind === "lost") announce("The connection to the double is lost. What the page has stays.");
}

function take(kind, data) {
  if (kind === "reset") {
    model.calls = [];
    for (const map of [model.parts, model.operations, model.images, model.faults, model.callsOf]) map.clear();
    Object.assign(model, { last: 0, dropped: 0 });
    Object.assign(view, { filterKey: null, paused: 0, call: null, operation: null });
    showCall(null);
    showOperation(null);
  } else if (kind === "calls") takeCalls(data);
  else takeState(data);
  refresh();
}

function takeCalls({ calls, last, dropped }) {
  for (const call of calls) {
    model.calls.push(call);
    const id = operationOf(call);
    if (id) {
      if (!model.callsOf.has(id)) model.callsOf.set(id, []);
      model.callsOf.get(id).push(call);
    }
  }
  if (model.calls.length > MOST + 1000) {
    model.calls.splice(0, model.calls.length - MOST);
    view.filterKey = null;
  }
  Object.assign(model, { last, dropped: Math.max(dropped, (model.calls[0]?.number ?? 1) - 1) });
  arrived(calls);
}

function takeState(changes) {
  const maps = { operation: model.operations, image: model.images, fault: model.faults };
  for (const [name, value] of Object.entries(changes)) {
    const [kind, id] = name.split("/");
    const map = id === undefined ? model.parts : maps[kind];
    if (value === null) map.delete(id ?? name);
    else map.set(id ?? name, value);
  }
  if (changes.clock) model.clockAt = performance.now();
}

function now() {
  const clock = model.parts.get("clock");
  if (!clock) return 0;
  return clock.elapsed + (isLive && clock.kind === "real" ? (performance.now() - model.clockAt) / 1000 : 0);
}

const secondsOf = (text) => (Date.parse(text) - Date.parse(model.parts.get("clock")?.began ?? text)) / 1000;

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

function announce(text) { $("live").textContent = text; }

// Rendering: once a frame, and only what is in sight.

let isDue = false;
function refresh() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; render(); });
}

function render() {
  renderTop();
  ({ calls: renderCalls, operations: renderOperations, images: renderImages, faults: renderFaults, problems: renderProblems, steer: renderSteer })[view.tab]();
}

function renderTop() {
  const double = model.parts.get("double") ?? {};
  const clock = model.parts.get("clock");
  const title = embedded?.title || double.name || "";
  $("title").textContent = title;
  document.title = title ? `${title} – ycimages` : "ycimages";
  const facts = [["mode", double.mode], ["contract", double.contract], ["seed", double.seed], ["clock", clock ? `${clock.kind}, ${seconds(now())}` : ""], ["folder", double.folder_id]];
  $("facts").replaceChildren(...facts.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => element("li", {}, element("b", { text: name }), element("span", { text: value }))));
  const inForce = [...model.faults.values()].filter((fault) => fault.in_force).length;
  const problems = model.parts.get("problems") ?? [];
  for (const [name, count] of Object.entries({ calls: model.last, operations: model.operations.size, images: model.images.size, faults: inForce, problems: problems.length })) {
    const shown = $(`count-${name}`);
    shown.textContent = count.toLocaleString("en");
    shown.classList.toggle("zero", count === 0);
  }
  $("count-problems").classList.add("bad");
  $("problems-name").textContent = { replay: "Replay", record: "Recording", verify: "Verification" }[double.mode] ?? "Problems";
  $("tab-problems").hidden = problems.length === 0 && (double.mode ?? "fake") === "fake";
}

// Calls.

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
  if (result === "ok" && call.status !== "OK") return false;
  if (result === "error" && call.status === "OK") return false;
  if (result === "fault" && !call.fault) return false;
  if (result === "retry" && !(call.attempt > 1 && !call.method.startsWith("operations."))) return false;
  return words.every((word) => textOf(call).includes(word));
}

function filterCalls() {
  const [text, method, result] = [$("filter-text").value.trim().toLowerCase(), $("filter-method").value, $("filter-result").value];
  const key = JSON.stringify([text, method, result]);
  if (key !== view.filterKey) Object.assign(view, { filterKey: key, filtered: [], filterDone: 0 });
  const words = text.split(/\s+/).filter(Boolean);
  for (const call of model.calls) {
    if (call.number <= view.filterDone) continue;
    if (view.isPaused && call.number > view.paused) break;
    view.filterDone = call.number;
    if (matches(call, words, method, result)) view.filtered.push(call);
  }
  return text || method || result;
}

const rowHeight = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
let rows = new Map();

function renderCalls() {
  const isFiltered = filterCalls();
  updateMethods();
  const list = $("call-list");
  const shown = view.filtered;
  const waiting = view.isPaused ? model.last - view.paused : 0;
  $("filter-count").textContent = [isFiltered ? `${shown.length.toLocaleString("en")} of ${model.calls.length.toLocaleString("en")}` : "", waiting ? `${plural(waiting, "new call")}` : "", model.dropped ? `${plural(model.dropped, "earlier call")} dropped` : ""].filter(Boolean).join(" · ");
  list.hidden = shown.length === 0;
  renderNoCalls(isFiltered);
  const height = rowHeight();
  const spacer = list.firstElementChild;
  spacer.style.height = `${shown.length * height}px`;
  if (view.follow && !view.isPaused) list.scrollTop = list.scrollHeight;
  const first = Math.max(0, Math.floor(list.scrollTop / height) - 8);
  const last = Math.min(shown.length, Math.ceil((list.scrollTop + list.clientHeight) / height) + 8);
  const kept = new Map();
  for (let index = first; index < last; index += 1) {
    const call = shown[index];
    const row = rows.get(call) ?? rowOf(call);
    rows.delete(call);
    kept.set(call, row);
    row.style.transform = `translateY(${index * height}px)`;
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", shown.length);
    row.setAttribute("aria-selected", String(call === view.call));
    if (row.parentNode !== spacer) spacer.append(row);
  }
  for (const row of rows.values()) row.remove();
  rows = kept;
  const active = view.call && kept.get(view.call);
  if (active) list.setAttribute("aria-activedescendant", active.id);
  else list.removeAttribute("aria-activedescendant");
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

let knownMethods = 0;
function updateMethods() {
  const known = new Set([...$("filter-method").options].map((option) => option.value));
  for (const call of model.calls.slice(-300)) {
    if (!known.has(call.method)) {
      known.add(call.method);
      $("filter-method").append(element("option", { value: call.method, text: call.method }));
    }
  }
  knownMethods = known.size;
}

function renderNoCalls(isFiltered) {
  const box = $("calls-empty");
  const kind = view.filtered.length ? "" : isFiltered && model.calls.length ? "filter" : "none";
  const key = `${kind} ${model.parts.get("double")?.token ?? ""}`;
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  if (kind === "") box.replaceChildren();
  else if (kind === "filter") box.replaceChildren(element("h2", { text: "No call matches the filter" }), button("Show all calls", clearFilters));
  else if (!isLive) box.replaceChildren(element("h2", { text: "The client made no call" }));
  else {
    const double = model.parts.get("double") ?? {};
    const bearer = double.mode === "fake" && double.token ? double.token : "$YC_TOKEN";
    const body = JSON.stringify({ folderId: double.folder_id ?? "", name: "first-image", diskId: "epd0000000000000000a" });
    const line = `curl -H ${bearer.startsWith("$") ? `"Authorization: Bearer ${bearer}"` : quoted(`Authorization: Bearer ${bearer}`)} \\\n  -d ${quoted(body)} \\\n  ${location.origin}/compute/v1/images`;
    box.replaceChildren(element("h2", { text: "Waiting for the first call" }), element("p", { text: "Point a client at this address, or create an image by hand:" }), element("pre", { text: line, tabindex: "0", role: "region", "aria-label": "A first call with curl" }), button("Copy", () => copy(line, "curl line")));
  }
}

function clearFilters() {
  for (const id of ["filter-text", "filter-method", "filter-result"]) $(id).value = "";
  refresh();
}

function chooseCall(call, isQuiet = false) {
  view.call = call;
  if (!isQuiet && call !== view.filtered.at(-1)) setFollow(false);
  showCall(call);
  const index = view.filtered.indexOf(call);
  const list = $("call-list");
  const height = rowHeight();
  if (index >= 0 && (index * height < list.scrollTop || (index + 1) * height > list.scrollTop + list.clientHeight)) list.scrollTop = index * height - list.clientHeight / 2;
  refresh();
}

function setFollow(isOn) {
  view.follow = isOn;
  $("follow").setAttribute("aria-pressed", String(isOn));
  if (isOn) refresh();
}

function setPaused(isOn) {
  view.isPaused = isOn;
  view.paused = model.last;
  $("pause").setAttribute("aria-pressed", String(isOn));
  $("pause").textContent = isOn ? "Go on" : "Pause";
  refresh();
}

const json = (value) => element("pre", { text: JSON.stringify(value, null, 2), dir: "auto" });

function showCall(call) {
  const panel = $("call-detail");
  panel.hidden = !call;
  $("calls-split").classList.toggle("has-detail", Boolean(call));
  if (!call) return panel.replaceChildren();
  const gap = call.gap === null ? "" : `, ${seconds(call.gap)} after the one before`;
  const operation = call.operation_id && element("button", { type: "button", class: "link", text: call.operation_id, on: { click: () => openOperation(call.operation_id) } });
  const actions = [button(call.grpc ? "Copy as grpcurl" : "Copy as curl", () => copy(asCurl(call), call.grpc ? "grpcurl line" : "curl line")), button("Copy as JSON", () => copy(JSON.stringify(call, null, 2), "JSON"))];
  if (isLive) actions.push(button("Inject a fault on such calls", () => openInject(call.method)));
  if (call.message?.folderId !== undefined || call.series !== undefined) actions.push(button("All attempts", () => showAttempts(call), { hidden: call.attempt === 1 }));
  const rpc = call.grpc && [["RPC", call.grpc.rpc], ["Deadline", call.grpc.deadline === null ? "" : seconds(call.grpc.deadline)], ["Attempts before", call.grpc.previous_attempts || ""], ["Client gave up", call.grpc.gave_up]];
  panel.replaceChildren(
    element("div", { class: "detail-top" }, element("h2", { text: `${call.number} · ${call.method}` }), button("Close", closeDetail, { title: "Close (Esc)" })),
    element("p", {}, badge(statusOf(call), call.status === "OK" ? "ok" : "bad"), " ", badge(call.grpc ? "gRPC" : "REST", "via"), call.fault ? " " : null, call.fault ? badge(call.fault, "fault") : null),
    element("div", { class: "actions" }, ...actions),
    element("h3", { text: "Answer" }),
    pairs([["Result", resultOf(call)], ["Fault", call.fault], ["Operation", operation], ["Image", call.image_id], ["Shows the end", call.done === null ? "" : call.done ? "yes" : "not yet"]]),
    element("h3", { text: "Request" }),
    pairs([["Line", element("code", { text: call.line })], ...(rpc ?? []), ["Attempt", call.attempt > 1 ? `${call.attempt}${gap}` : ""], ["Unknown fields", call.unknown_fields.join(", ")]]),
    call.message ? json(call.message) : element("p", { class: "note", text: "The request breaks the contract, so there is not a message." }),
    element("h3", { text: "Time" }),
    pairs([["Came in", moment(call.came_at)], ["Happened", call.at === call.came_at ? "" : moment(call.at)], ["Answered", moment(call.answered_at)], ["Latency", seconds(call.latency)]]),
    element("h3", { text: "Headers" }),
    element("details", { open: true }, element("summary", { text: `Request, ${Object.keys(call.metadata).length}` }), pairs(Object.entries(call.metadata), true)),
    element("details", {}, element("summary", { text: `Answer, ${Object.keys(call.reply_metadata).length}` }), pairs(Object.entries(call.reply_metadata), true)),
  );
}

function showAttempts(call) {
  const ids = model.calls.filter((other) => other.method === call.method && other.series === call.series);
  view.filtered = ids;
  view.filterKey = "attempts";
  $("filter-text").value = call.operation_id ?? call.image_id ?? "";
  $("filter-method").value = call.method;
  refresh();
}

function closeDetail() {
  if (view.tab === "operations") {
    showOperation(null);
    view.operation = null;
  } else {
    view.call = null;
    showCall(null);
    $("call-list").focus({ preventScroll: true });
  }
  refresh();
}

// Operations on a time axis.

function phasesOf(operation) {
  if (operation.phases?.length) return operation.phases;
  const began = secondsOf(operation.createdAt);
  const ended = secondsOf(operation.modifiedAt);
  return operation.done ? [["running", began], [operation.error ? "failed" : "succeeded", ended]] : [["running", began]];
}

function stateOf(operation) {
  const reached = phasesOf(operation).filter(([, at]) => at <= now() + 1e-6);
  if (operation.done) return operation.error ? "failed" : "succeeded";
  return operation.error ? "rolling back" : reached.at(-1)?.[0] === "rolling back" ? "rolling back" : "running";
}

const operationOf = (call) => call.operation_id ?? (call.method === "operations.get" ? call.message?.operationId : null);

// A client that never asks for the operation polls its image.
function pollsOf(id) {
  const calls = model.callsOf.get(id) ?? [];
  const polls = calls.filter((call) => call.method === "operations.get");
  return polls.length ? polls : calls.filter((call) => call.method === "images.get");
}

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
  const shown = found.slice(0, view.tracks);
  const isEmpty = found.length === 0;
  for (const id of ["axis", "tracks"]) $(id).hidden = isEmpty;
  $("more-tracks").hidden = found.length <= view.tracks;
  $("more-tracks").textContent = `Show more of ${found.length.toLocaleString("en")}`;
  const empty = model.operations.size ? element("h2", { text: "No operation matches" }) : element("h2", { text: "No operation yet" });
  $("operations-empty").replaceChildren(...(isEmpty ? [empty, element("p", { text: model.operations.size ? "Change the filter." : "An operation starts when a client creates, updates or deletes an image. Its polls are marks on the time axis." })] : []));
  if (isEmpty) return;
  const scale = scaleOf(shown);
  renderAxis(scale);
  const focused = document.activeElement?.dataset?.operation;
  $("tracks").replaceChildren(...shown.map(([id, operation]) => trackOf(id, operation, scale)));
  if (focused) document.querySelector(`[data-operation="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function scaleOf(shown) {
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

function renderAxis(scale) {
  const svg = drawn("svg", {});
  for (const at of ticksOf(scale)) {
    svg.append(drawn("line", { class: "grid", x1: scale.x(at), x2: scale.x(at), y1: 15, y2: 22 }));
    const isLast = scale.x(at) > scale.width - 20;
    svg.append(drawn("text", { x: scale.x(at), y: 12, "text-anchor": isLast ? "end" : scale.x(at) < 20 ? "start" : "middle" }, at === 0 ? "0" : seconds(+at.toFixed(6)).replace(/\.0+(?= )/, "")));
  }
  $("axis").replaceChildren(element("span", { text: scale.isAligned ? "since its start" : "since the double began" }), svg, element("span"));
}

function trackOf(id, operation, scale) {
  const image = operation.metadata?.imageId ?? "";
  const state = stateOf(operation);
  const phases = phasesOf(operation);
  const zero = scale.isAligned ? phases[0][1] : 0;
  const polls = pollsOf(id);
  const svg = drawn("svg", { "aria-hidden": "true" });
  for (const at of ticksOf(scale)) svg.append(drawn("line", { class: "grid", x1: scale.x(at), x2: scale.x(at), y1: 0, y2: 30 }));
  const present = now();
  phases.forEach(([phase, from], index) => {
    const to = phases[index + 1]?.[1] ?? (operation.done ? from : Math.max(present, from));
    bar(svg, scale, phase, from - zero, to - zero, present - zero, operation.done);
  });
  for (const call of polls.slice(-400)) mark(svg, scale, call, zero);
  const kind = { succeeded: "ok", failed: "bad", "rolling back": "warn", running: "" }[state];
  const named = model.images.get(image)?.name;
  const until = phases.at(-1)[1];
  const took = operation.done ? seconds(until - phases[0][1]) : `since ${seconds(Math.max(0, present - phases[0][1]))}`;
  const row = element("button", { type: "button", class: "track track-row", "data-operation": id, "aria-pressed": String(id === view.operation), on: { click: () => openOperation(id) } },
    element("span", { class: "who" }, element("b", { dir: "auto", text: named || image || id }), element("small", { text: operation.description })),
    svg, element("span", { class: "how" }, badge(state, kind), element("br"), element("small", { text: `${took}, ${plural(polls.length, "poll")}` })));
  return element("li", {}, row);
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

function openOperation(id) {
  showTab("operations");
  view.operation = id;
  showOperation(id);
  refresh();
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
  const rowsOf = polls.slice(-200).map((call, index, all) => {
    const before = all[index - 1];
    const open = element("button", { type: "button", class: "link", text: call.number, "aria-label": `Call ${call.number}`, on: { click: () => { showTab("calls"); chooseCall(call); } } });
    return element("tr", {}, element("td", {}, open), element("td", { text: moment(call.came_at) }), element("td", { text: before ? seconds(call.came_at - before.answered_at) : "" }), element("td", {}, badge(call.status, call.status === "OK" ? "ok" : "bad")), element("td", { class: "wrap", dir: "auto", text: call.note }));
  });
  const report = element("pre", { hidden: true, id: "pacing-report", tabindex: "0", role: "region", "aria-label": "Pacing report" });
  panel.replaceChildren(
    element("div", { class: "detail-top" }, element("h2", { text: operation?.description ?? "An operation that is gone" }), button("Close", closeDetail, { title: "Close (Esc)" })),
    pairs([["Operation", id], ["Image", image], ["Name", model.images.get(image)?.name], ["Error", operation?.error ? `${operation.error.code}: ${operation.error.message}` : ""]]),
    element("div", { class: "actions" }, button("Show its calls", () => { showTab("calls"); clearFilters(); $("filter-text").value = id; refresh(); }),
      isLive ? button("Pacing report", () => control("GET", "pacing").then(({ operations }) => { report.hidden = false; report.textContent = operations[id]?.report ?? "The journal has no poll of it."; }, (error) => say(error.message)), { "data-route": "GET pacing" }) : null),
    report,
    element("h3", { text: "Phases" }), pairs(operation ? phasesOf(operation).map(([phase, at]) => [phase, `${at > now() + 1e-6 && !operation.done ? "expected at " : ""}${moment(at)}`]) : []),
    element("h3", { text: `Polls, ${polls.length}` }),
    polls.length ? element("table", {}, element("caption", { class: "hidden", text: "Polls, oldest first" }), element("thead", {}, element("tr", {}, ...["Call", "At", "Pause before", "Status", "Showed"].map((text) => element("th", { scope: "col", text })))), element("tbody", {}, ...rowsOf)) : element("p", { class: "note", text: "The client has not asked for it yet." }),
  );
}

// Images.

function renderImages() {
  const all = [...model.images].reverse();
  $("images-scroll").hidden = all.length === 0;
  $("more-images").hidden = all.length <= view.images;
  $("more-images").textContent = `Show more of ${all.length.toLocaleString("en")}`;
  const canSeed = isLive && model.parts.get("double")?.mode === "fake";
  $("images-empty").replaceChildren(...(all.length ? [] : [element("h2", { text: "No image yet" }), element("p", { text: "A client creates one, or it is seeded." }), ...(canSeed ? [element("p", {}, button("Seed an image", () => showTab("steer")))] : [])]));
  const body = $("image-table").tBodies[0];
  const byImage = new Map();
  for (const [id, operation] of model.operations) {
    const image = operation.metadata?.imageId;
    byImage.set(image, [...(byImage.get(image) ?? []), id]);
  }
  const key = JSON.stringify([all.slice(0, view.images), all.slice(0, view.images).map(([id]) => byImage.get(id)?.length ?? 0)]);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(...all.slice(0, view.images).map(([id, image]) => {
    const kind = { READY: "ok", ERROR: "bad", CREATING: "", DELETING: "warn" }[image.status] ?? "";
    const operations = byImage.get(id) ?? [];
    const open = operations.length ? button(plural(operations.length, "operation"), () => { showTab("operations"); $("operation-text").value = id; refresh(); }, { class: "link", "aria-label": `${plural(operations.length, "operation")} of ${image.name || id}` }) : "";
    return element("tr", {}, element("td", {}, element("code", { text: id })), element("td", { class: "wrap", dir: "auto", text: image.name ?? "" }), element("td", { class: "wrap", dir: "auto", text: image.family ?? "" }), element("td", {}, badge(image.status ?? "", kind)), element("td", { text: gib(image.storageSize) }), element("td", { text: (image.createdAt ?? "").replace("T", " ").replace(/(\.\d+)?Z$/, "") }), element("td", {}, open));
  }));
}

// Faults.

function renderFaults() {
  const list = $("fault-list");
  const all = [...model.faults.values()].reverse();
  const key = JSON.stringify(all);
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    const focused = document.activeElement?.dataset?.key;
    list.replaceChildren(...all.map(faultCard));
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
  $("faults-empty").replaceChildren(...(all.length ? [] : [element("h2", { text: "No fault was injected" }), element("p", { text: isLive ? "Choose one in the form: its effect shows on the next call that matches." : "All went as the settings say." })]));
  $("remove-faults").disabled = !all.some((fault) => fault.in_force);
}

function faultCard(fault) {
  const state = fault.in_force ? badge("in force", "fault") : badge("removed");
  const isIdle = fault.expect && !fault.struck;
  const lines = [...Object.entries(fault.passed).map(([why, count]) => [`Passed ${count}`, why.replaceAll("`", "")]), ["Nearest", fault.nearest]];
  const actions = [button("Copy as Python", () => copy(asPython(fault), "Python"), { "data-key": `python ${fault.number}` })];
  if (fault.ini) actions.push(button("Copy as ini line", () => copy(fault.ini, "ini line"), { "data-key": `ini ${fault.number}` }));
  if (fault.struck) actions.push(button("Calls that it struck", () => { showTab("calls"); clearFilters(); $("filter-result").value = "fault"; $("filter-text").value = fault.rule.slice(7).split("(")[0]; refresh(); }, { "data-key": `calls ${fault.number}` }));
  if (isLive && fault.in_force) actions.push(button("Remove", () => act(control("DELETE", `faults/${fault.number}`), `Fault ${fault.number} removed`), { "data-route": "DELETE faults/<int:number>", "data-key": `remove ${fault.number}` }));
  for (const each of actions) if (each.textContent !== "Calls that it struck") each.setAttribute("aria-label", `${each.textContent}: fault ${fault.number}`);
  return element("li", { class: fault.in_force ? "" : "off", "data-route": "GET faults/<int:number>" },
    element("span", {}, element("b", { text: `${fault.number} ` }), state, " ", badge(`struck ${fault.struck} of ${fault.considered}`, fault.struck ? "ok" : isIdle ? "warn" : ""), isIdle ? " " : null, isIdle ? badge("has to strike", "warn") : null),
    element("code", { class: "rule", dir: "auto", text: fault.rule }), pairs(lines), element("div", { class: "actions" }, ...actions));
}

async function act(promise, text) {
  try {
    const found = await promise;
    say(text);
    return found;
  } catch (error) {
    say(error.message);
    return null;
  }
}

let catalogue = null;

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

function chooseFault() {
  const fault = catalogue.faults.find(({ name }) => name === $("inject-fault").value);
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
  const fault = catalogue.faults.find(({ name }) => name === $("inject-fault").value);
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

function openInject(method) {
  showTab("faults");
  $("inject-on").value = method;
  preview();
  $("inject-fault").focus();
}

async function submitted(form, promise, text) {
  const result = form.querySelector(".result");
  result.className = "result";
  result.textContent = "";
  try {
    const found = await promise;
    result.classList.add("ok");
    result.textContent = typeof text === "function" ? text(found) : text;
  } catch (error) {
    result.classList.add("bad");
    result.textContent = error.message;
  }
}

// Problems of a double, and its cassette.

function renderProblems() {
  const cassette = model.parts.get("cassette");
  const problems = model.parts.get("problems") ?? [];
  const facts = cassette ? [["cassette", cassette.path], ["answers from", cassette.origin], ["interactions", cassette.interactions], ["not used yet", model.parts.get("double")?.mode === "record" ? undefined : cassette.unused]] : [];
  $("cassette-facts").hidden = !cassette;
  $("cassette-facts").replaceChildren(...facts.filter(([, value]) => value !== undefined).map(([name, value]) => element("li", {}, element("b", { text: name }), element("span", { text: value }))));
  const list = $("problem-list");
  const key = JSON.stringify(problems);
  if (list.dataset.key !== key) {
    list.dataset.key = key;
    list.replaceChildren(...problems.map((text) => element("li", {}, element("pre", { text, dir: "auto" }))));
  }
  const none = { replay: "Every request so far was in the cassette", verify: "Every request so far was in the cassette", record: "Every request so far was recorded" }[model.parts.get("double")?.mode] ?? "Nothing has gone wrong";
  $("problems-empty").replaceChildren(...(problems.length ? [] : [element("h2", { text: none })]));
}

// Steering: forms that are made from the document of the control API.

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
  const form = element("form", { class: "card", "data-route": `${verb} ${path}`, "aria-label": title },
    element("h2", { text: title }), element("p", { class: "note", text: `${operation.summary}.` }),
    element("div", { class: "fields" }, ...chosen.map(field)),
    others.length ? element("details", {}, element("summary", { text: chosen.length ? `${others.length} more fields` : "Fields" }), element("div", { class: "fields" }, ...others.map(field))) : null,
    element("div", { class: "actions" }, element("button", { type: "submit", class: "primary", text: action })),
    element("p", { class: "result", role: "alert" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted(form, bodyOf(inputs).then((body) => control(verb, path, body)), (found) => doneText(path, found));
  });
  return form;
}

const OPEN = { anyOf: [{ type: "string" }, { type: "object" }] };

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
  const isFake = (model.parts.get("double")?.mode ?? "fake") === "fake";
  for (const form of document.querySelectorAll("#forms form")) {
    const isOff = !isFake && !["PUT timing", "POST clock/advance", "POST reset"].includes(form.dataset.route);
    form.querySelector('[type="submit"]')?.toggleAttribute("disabled", isOff);
    if (isOff) form.querySelector(".note").textContent = `Only the fake can be told this: here, a cassette answers (mode ${model.parts.get("double").mode}).`;
  }
}

function resetCard() {
  const form = element("form", { class: "card", "data-route": "POST reset", "aria-label": "Reset" }, element("h2", { text: "Reset" }), element("p", { class: "note", text: "Drop images, operations, calls and faults, and take the first settings again." }),
    element("div", { class: "actions" }, element("button", { type: "submit", class: "danger", text: "Reset the double" })), element("p", { class: "result", role: "alert" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const dialog = $("confirm");
    dialog.returnValue = "";
    dialog.onclose = () => { if (dialog.returnValue === "yes") submitted(form, control("POST", "reset", {}), "The double is as it was at first."); };
    dialog.showModal();
  });
  return form;
}

function exportCard() {
  const card = element("section", { class: "card", "aria-label": "Export" }, element("h2", { text: "Export" }), element("p", { class: "note", text: "What the control API answers, as JSON." }));
  const actions = element("div", { class: "actions" });
  for (const [path, title] of [["state", "State"], ["calls", "Calls"], ["timing", "Timing"], ["next-operation", "Upcoming"], ["clock", "Clock"]]) {
    actions.append(button(`${title}`, () => act(exported(path), `${title} saved as a file`), { "data-route": `GET ${path}`, "aria-label": `Save ${title.toLowerCase()} as a file` }));
  }
  card.append(actions);
  return card;
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

// Tabs, keys, and the beginning.

const TABS = ["calls", "operations", "images", "faults", "problems", "steer"];

function showTab(name) {
  view.tab = name;
  for (const each of TABS) {
    const isShown = each === name;
    $(each).hidden = !isShown;
    $(`tab-${each}`).setAttribute("aria-selected", String(isShown));
    $(`tab-${each}`).tabIndex = isShown ? 0 : -1;
  }
  history.replaceState(null, "", `#view=${name}`);
  if (name === "faults" && isLive) loadCatalogue().catch((error) => say(error.message));
  if (name === "operations") showOperation(view.operation);
  if (name === "steer" && hasForms) showTimingNow();
  render();
}

const visibleTabs = () => TABS.filter((name) => !$(`tab-${name}`).hidden);

function moveTab(event) {
  const names = visibleTabs();
  const at = names.indexOf(view.tab);
  const next = { ArrowRight: (at + 1) % names.length, ArrowLeft: (at + names.length - 1) % names.length, Home: 0, End: names.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  showTab(names[next]);
  $(`tab-${names[next]}`).focus();
}

function moveCall(step) {
  const shown = view.filtered;
  if (!shown.length) return;
  const at = view.call ? shown.indexOf(view.call) : -1;
  const page = Math.max(1, Math.floor($("call-list").clientHeight / rowHeight()) - 1);
  const next = { first: 0, last: shown.length - 1, pageup: at - page, pagedown: at + page }[step] ?? at + step;
  chooseCall(shown[Math.max(0, Math.min(shown.length - 1, next))]);
}

const OF_LIST = { ArrowDown: 1, ArrowUp: -1, Home: "first", End: "last", PageUp: "pageup", PageDown: "pagedown" };

function pressedInList(event) {
  if (event.key in OF_LIST) moveCall(OF_LIST[event.key]);
  else if (event.key === "Enter" && view.call) $("call-detail").focus();
  else return;
  event.preventDefault();
}

const KEYS = {
  "/": () => { showTab("calls"); $("filter-text").focus(); }, "?": () => $("shortcuts").showModal(), f: () => setFollow(!view.follow), p: () => setPaused(!view.isPaused),
  j: () => moveCall(1), k: () => moveCall(-1), c: () => view.call && copy(asCurl(view.call), "curl line"), i: () => isLive && openInject($("inject-on").value),
};

function pressed(event) {
  if (event.key === "Escape" && !document.querySelector("dialog[open]") && (!$("call-detail").hidden || !$("operation-detail").hidden)) return closeDetail();
  const isTyping = event.target.closest("input, textarea, select, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !$("single-keys").checked) return undefined;
  const action = KEYS[event.key] ?? (/^[1-6]$/.test(event.key) && visibleTabs()[event.key - 1] ? () => { const name = visibleTabs()[event.key - 1]; showTab(name); $(`tab-${name}`).focus(); } : null);
  if (!action) return undefined;
  event.preventDefault();
  return action();
}

function begin() {
  for (const name of TABS) $(`tab-${name}`).addEventListener("click", () => showTab(name));
  $("tabs").addEventListener("keydown", moveTab);
  document.addEventListener("keydown", pressed);
  $("help").addEventListener("click", KEYS["?"]);
  $("call-list").addEventListener("keydown", pressedInList);
  $("call-list").addEventListener("scroll", () => {
    const list = $("call-list");
    const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
    if (!isAtEnd && view.follow && list.scrollTop < lastTop) setFollow(false);
    lastTop = list.scrollTop;
    refresh();
  });
  for (const id of ["filters", "operation-filters", "inject"]) $(id).addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["filters", "operation-filters"]) $(id).addEventListener("input", refresh);
  $("follow").addEventListener("click", () => setFollow(!view.follow));
  $("pause").addEventListener("click", () => setPaused(!view.isPaused));
  $("more-tracks").addEventListener("click", () => { view.tracks += PAGE; refresh(); });
  $("more-images").addEventListener("click", () => { view.images += PAGE; refresh(); });
  new ResizeObserver(refresh).observe($("main"));
  if (isLive) beginLive();
  else beginStill();
}

let lastTop = 0;

function beginLive() {
  $("inject").addEventListener("input", (event) => (event.target === $("inject-fault") ? chooseFault() : preview()));
  $("inject").addEventListener("submit", () => submitted($("inject"), control("POST", "faults", ruleGiven()), ({ faults: [fault] }) => `Fault ${fault.number} is in force.`));
  $("copy-preview").addEventListener("click", () => copy($("inject-preview").textContent, "Python"));
  $("remove-faults").addEventListener("click", () => act(control("DELETE", "faults"), "All faults removed"));
  $("check-faults").addEventListener("click", () => act(control("GET", "faults/check"), "").then((found) => {
    $("check-result").hidden = !found;
    $("check-result").textContent = found?.never_struck.length ? `Never struck, and had to:\n${found.report}` : "Every fault that had to strike has struck.";
  }));
  openToken();
  const tab = location.hash.replace("#view=", "");
  showTab(TABS.includes(tab) ? tab : "calls");
  setInterval(() => { if (!document.hidden && model.parts.get("clock")?.kind === "real") { renderTop(); if (view.tab === "operations" && [...model.operations.values()].some((operation) => !operation.done)) refresh(); } }, 1000);
  listen();
}

function beginStill() {
  connected("still", "As it was");
  for (const each of document.querySelectorAll(".steers")) each.hidden = true;
  $("tab-steer").hidden = true;
  for (const id of ["pause", "follow"]) $(id).hidden = true;
  setFollow(false);
  takeState(embedded.state);
  takeCalls(embedded);
  clearTimeout(nextSentence);
  model.dropped = embedded.dropped;
  const tab = location.hash.replace("#view=", "");
  showTab(TABS.includes(tab) && tab !== "steer" ? tab : "calls");
}

begin();
