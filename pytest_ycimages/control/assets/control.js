// The control API of the double: its token, its calls, its events, and what a form says of an answer.

import { $, announce, say } from "./dom.js";
import { isLive } from "./model.js";

const BASE = isLive ? new URL(".", location.href) : null;

const stored = { get: () => { try { return sessionStorage.getItem("ycimages-token") ?? ""; } catch { return ""; } },
  set: (value) => { try { sessionStorage.setItem("ycimages-token", value); } catch { /* kept in memory */ } } };

let token = "";

export function openToken() {
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

export async function control(verb, path, body) {
  const given = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetched(path, { method: verb, ...given });
  const text = await answer.text();
  let found;
  try { found = JSON.parse(text); } catch { found = { error: text }; }
  if (!answer.ok && answer.status !== 409) throw new Error(found.error ?? `${answer.status} ${answer.statusText}`);
  return found;
}

export async function act(promise, text) {
  try {
    const found = await promise;
    say(text);
    return found;
  } catch (error) {
    say(error.message);
    return null;
  }
}

export async function submitted(form, promise, text) {
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

let lastEvent = "";

export async function listen(take) {
  let pause = 500;
  for (;;) {
    try {
      const answer = await fetched("events", { headers: lastEvent ? { "last-event-id": lastEvent } : {} });
      if (!answer.ok) throw new Error((await answer.json()).error);
      connected("live", "Live");
      pause = 500;
      await readEvents(answer.body.getReader(), take);
    } catch (error) {
      if (!(error instanceof TypeError)) console.warn(error.message);
    }
    connected("lost", "Disconnected: trying again");
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    pause = Math.min(pause * 1.6, 5000);
  }
}

async function readEvents(reader, take) {
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

export function connected(kind, text) {
  const shown = $("connection");
  if (shown.textContent === text) return;
  shown.className = `connection ${kind}`;
  shown.textContent = text;
  if (kind === "lost") announce("The connection to the double is lost. What the page has stays.");
}
