// What has gone wrong in a double, and its cassette.

import { $, element, isStale, sayEmpty, showFacts } from "./dom.js";
import { views } from "./frame.js";
import { mode, model } from "./model.js";

const NONE = {
  replay: "Every request so far was in the cassette", verify: "Every request so far was in the cassette",
  record: "Every request so far was recorded", fake: "Nothing has gone wrong",
};

function renderProblems() {
  const cassette = model.parts.get("cassette");
  const problems = model.parts.get("problems") ?? [];
  $("cassette-facts").hidden = !cassette;
  if (cassette) {
    showFacts($("cassette-facts"), [["cassette", cassette.path], ["answers from", cassette.origin], ["interactions", cassette.interactions], ["not used yet", mode() === "record" ? "" : cassette.unused]]);
  }
  if (isStale($("problem-list"), problems)) {
    $("problem-list").replaceChildren(...problems.map((text) => element("li", {}, element("pre", { text, dir: "auto" }))));
  }
  sayEmpty($("problems-empty"), problems.length === 0, NONE[mode()]);
}

views.problems = { render: renderProblems };
