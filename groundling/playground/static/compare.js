// Two runs side by side: their curves, and the difference of every suite with its interval.

import { ask } from "./api.js";
import { chart } from "./chart.js";
import { el, fill, percent } from "./dom.js";

export async function showCompare(place, [first, second]) {
  document.title = "Compare two runs · Groundling playground";
  const curves = el("div");
  const table = el("div");
  fill(place,
    el("div.headline", {}, el("div", {}, el("h1", {}, "Two runs"), el("p.about", {}, "A: ", first, " · B: ", second)), el("a.button", { href: "#/runs" }, "Choose others")),
    el("section.card", {}, el("h2", {}, "Learning curves"), curves),
    el("section.card", {}, el("h2", {}, "Suite by suite"), table));
  await Promise.all([
    ask("curves", { run: [first, second], apart: 1 }).then((found) => fill(curves, chart(found)), (error) => fill(curves, el("p.note", {}, error.message))),
    ask("compare", { a: first, b: second }).then((found) => fill(table, differences(found)), (error) => fill(table, el("p.note", {}, error.message))),
  ]);
}

function differences({ rows, marks, notes }) {
  const cell = ({ value, interval }) => [percent(value), interval ? el("small", {}, ` ${percent(interval[0])} – ${percent(interval[1])}`) : null];
  return [
    el("div.scroll", { tabindex: "0", role: "region", "aria-label": "Suite by suite" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Suite", "A", "B", "B − A", ""].map((name, place) => el(place % 4 ? "th.number" : "th", { scope: "col" }, name)))),
      el("tbody", {}, rows.map((row, number) => el("tr", {}, el("th", { scope: "row" }, row.name),
        el("td.number", {}, cell(row.a)), el("td.number", {}, cell(row.b)), el("td.number", {}, cell(row.difference)),
        el("td", {}, marks[number] ? el("span.badge", {}, row.difference.value > 0 ? "B is better" : "A is better") : "no difference shown")))))),
    notes.map((note) => el("p.note", {}, note)),
  ];
}
