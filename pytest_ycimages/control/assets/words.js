// Words and numbers, and calls as commands to copy.

import { isLive, model } from "./model.js";

const HTTP = {
  OK: 200, CANCELLED: 499, UNKNOWN: 500, INVALID_ARGUMENT: 400, DEADLINE_EXCEEDED: 504, NOT_FOUND: 404, ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403, RESOURCE_EXHAUSTED: 429, FAILED_PRECONDITION: 400, ABORTED: 409, OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501, INTERNAL: 500, UNAVAILABLE: 503, DATA_LOSS: 500, UNAUTHENTICATED: 401,
};

export function seconds(value) {
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

export const moment = (value) => `+${value.toFixed(3)}s`;
export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
export const gib = (bytes) => { const size = Number(bytes || 0) / 2 ** 30; return size ? `${size < 10 ? +size.toFixed(2) : Math.round(size)} GiB` : ""; };

export function statusOf(call) {
  const isGiven = call.fault || call.method === "unrouted" || call.grpc || !HTTP[call.status];
  return isGiven ? call.status : `${HTTP[call.status]} ${call.status}`;
}

export function resultOf(call) {
  const note = call.fault && call.note.startsWith(`${call.fault}: `) ? call.note.slice(call.fault.length + 2) : call.note;
  return call.method === "unrouted" ? `${call.line}: ${note}` : note;
}

export const quoted = (text) => `'${String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "").replaceAll("'", `'\\''`)}'`;
const isKept = (name) => !/^(host|user-agent|accept|accept-encoding|connection|content-length|content-type|authorization|te|grpc-.*|traceparent|transfer-encoding|:.*)$/.test(name);

// The header with the double's own token, or else with that of a variable of the shell.
export function bearer() {
  const { mode, token } = model.parts.get("double") ?? {};
  return mode === "fake" && token ? `-H ${quoted(`authorization: Bearer ${token}`)}` : '-H "authorization: Bearer $YC_TOKEN"';
}

export function asCurl(call) {
  const headers = Object.entries(call.metadata).filter(([name]) => isKept(name)).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  if (call.metadata.authorization) headers.unshift(bearer());
  const host = isLive ? location.host : call.metadata.host ?? "HOST:PORT";
  if (call.grpc) {
    return ["grpcurl -plaintext", ...headers, `-d ${quoted(JSON.stringify(call.message ?? {}))}`, quoted(host), quoted(call.grpc.rpc)].join(" \\\n  ");
  }
  const [verb, ...rest] = call.line.split(" ");
  const target = rest.join(" ");
  const parts = [`curl${verb === "GET" ? "" : ` -X ${verb}`} ${quoted(`${isLive ? location.protocol : "http:"}//${host}${target}`)}`, ...headers];
  if (call.message && ["POST", "PATCH", "PUT"].includes(verb)) {
    const body = Object.fromEntries(Object.entries(call.message).filter(([, value]) => typeof value !== "string" || !target.split(/[/:?]/).includes(value)));
    parts.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  }
  return parts.join(" \\\n  ");
}
