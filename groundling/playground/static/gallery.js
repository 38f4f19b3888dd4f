// The gallery: what there is to try, a card each, and all other tasks.

import { ask } from "./api.js";
import { el, fill } from "./dom.js";
import { toLink } from "./links.js";

export async function showGallery(place) {
  document.title = "Groundling playground";
  const { entries, tasks } = await ask("gallery");
  fill(place,
    el("section.hero", {},
      el("h1", {}, "Say it in your own words."),
      el("p", {}, "Small agents that read what you write and act on it. Pick a world, tell its agent what to do, change the world, and look at what the words do inside.")),
    el("ul.cards", {}, entries.map(card)),
    otherTasks(tasks));
}

function card(entry) {
  return el("li", {}, el("a.card.entry", { href: `#/world/${encodeURIComponent(entry.key)}` },
    el("div.shot", {}, el("img", { src: `/api/gallery/${encodeURIComponent(entry.key)}.png`, alt: "", loading: "lazy" })),
    el("div.text", {},
      el("span.tag", {}, entry.kind),
      el("h2", {}, entry.title),
      el("p", {}, entry.about),
      el("p.example", {}, `“${entry.examples[0]}”`),
      el("p.who", {}, entry.agent ? "An agent that ships with Groundling acts." : "No agent ships for it: you drive, or the expert."))));
}

function otherTasks(tasks) {
  const field = el("input", { id: "task", list: "tasks", placeholder: "BabyAI-GoToLocal-v0", autocomplete: "off", spellcheck: false });
  const open = (event) => {
    event.preventDefault();
    if (field.value.trim()) location.hash = toLink({ task: field.value.trim(), seed: 0, agent: "", events: [] });
  };
  return el("section.card.others", {},
    el("h2", {}, "Any other task"),
    el("p", {}, `${tasks.length} tasks can be opened. You drive, or the expert does, where there is one.`),
    el("form.row", { onsubmit: open },
      el("label", { for: "task" }, "Task"), field,
      el("datalist", { id: "tasks" }, tasks.map((task) => el("option", { value: task }))),
      el("button.primary", { type: "submit" }, "Open")));
}
