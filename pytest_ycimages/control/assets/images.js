// The table of images.

import { $, badge, button, element, isStale, link, offerMore, sayEmpty } from "./dom.js";
import { refresh, showTab, views } from "./frame.js";
import { isLive, mode, model } from "./model.js";
import { gib, plural } from "./words.js";

let most = 100; // images that are shown

function renderImages() {
  const all = [...model.images].reverse();
  $("images-scroll").hidden = all.length === 0;
  offerMore($("more-images"), all.length, most);
  const canSeed = isLive && mode() === "fake";
  sayEmpty($("images-empty"), all.length === 0, "No image yet", element("p", { text: "A client creates one, or it is seeded." }), canSeed && element("p", {}, button("Seed an image", () => showTab("steer"))));
  const body = $("image-table").tBodies[0];
  const counts = new Map();
  for (const { metadata } of model.operations.values()) counts.set(metadata?.imageId, (counts.get(metadata?.imageId) ?? 0) + 1);
  const rows = all.slice(0, most).map(([id, image]) => [id, image, counts.get(id) ?? 0]);
  if (isStale(body, rows)) body.replaceChildren(...rows.map((row) => rowOfImage(...row)));
}

function rowOfImage(id, image, count) {
  const kind = { READY: "ok", ERROR: "bad", CREATING: "", DELETING: "warn" }[image.status] ?? "";
  const words = plural(count, "operation");
  const open = count ? link(words, () => views.operations.show(id), { "aria-label": `${words} of ${image.name || id}` }) : "";
  return element("tr", {},
    element("td", {}, element("code", { text: id })),
    element("td", { class: "wrap", dir: "auto", text: image.name ?? "" }),
    element("td", { class: "wrap", dir: "auto", text: image.family ?? "" }),
    element("td", {}, badge(image.status ?? "", kind)),
    element("td", { text: gib(image.storageSize) }),
    element("td", { text: (image.createdAt ?? "").replace("T", " ").replace(/(\.\d+)?Z$/, "") }),
    element("td", {}, open));
}

export function beginImages() {
  $("more-images").addEventListener("click", () => { most += 100; refresh(); });
}

views.images = { render: renderImages };
