// Runs: the list, curves over each other while they train, and one run with its suites, failures and videos.

import { ask, send, videoAddress } from "./api.js";
import { chart } from "./chart.js";
import { el, fill, many, percent } from "./dom.js";
import { toLink } from "./links.js";

const REFRESH = 2500;

export async function showRuns(place, chosenNames) {
  document.title = "Runs · Groundling playground";
  const chosen = new Set(chosenNames);
  let metric = "";
  const curves = el("div", { "aria-live": "off" });
  const list = el("div");
  const note = el("p.note");
  const metrics = el("select", { id: "metric", onchange: () => { metric = metrics.value; drawCurves(); } });
  const compare = el("a.button", { href: "#/runs", "aria-disabled": "true" }, "Compare two");
  fill(place,
    el("div.headline", {}, el("div", {}, el("h1", {}, "Runs"), note)),
    el("section.card", {}, el("div.row", {}, el("h2", {}, "Learning curves"), el("label", { for: "metric" }, "Metric"), metrics, compare), curves),
    el("section.card", {}, el("h2", {}, "All runs"), list));

  async function drawCurves() {
    const names = [...chosen];
    const isPair = names.length === 2;
    compare.setAttribute("aria-disabled", String(!isPair));
    compare.href = isPair ? `#/compare/${names.map(encodeURIComponent).join("/")}` : "#/runs";
    compare.title = isPair ? "" : "Choose exactly two runs below";
    if (!names.length) { fill(curves, el("p.note", {}, "Choose runs below: their curves are drawn over each other, seeds of one configuration with their interval.")); return; }
    try {
      const found = await ask("curves", { run: names, ...(metric ? { metric } : {}) });
      metric = found.metric;
      if (metrics.options.length !== found.metrics.length) fill(metrics, found.metrics.map((one) => el("option", { value: one }, one)));
      metrics.value = found.metric;
      fill(curves, found.curves.length ? chart(found) : el("p.note", {}, "These runs have no value of this metric yet."));
    } catch (error) {
      fill(curves, el("p.bad", {}, error.message));
    }
  }

  const toggle = (name, isOn) => {
    if (isOn) chosen.add(name); else chosen.delete(name);
    history.replaceState(null, "", `#/runs/${[...chosen].map(encodeURIComponent).join("/")}`);
    drawCurves();
  };

  async function drawList() {
    const { runs, root } = await ask("runs");
    note.textContent = root ? `Those below ${root}. Curves of runs that are training grow while you watch.` : "No folder of runs was named: groundling playground RUNS";
    if (!chosenNames.length && !chosen.size && runs.length) chosen.add((runs.find((run) => !run.damage) || runs[0]).name);
    const isSame = list.dataset.shown === JSON.stringify(runs.map((run) => [run.name, run.frames, run.is_live, run.damage]));
    if (isSame) return runs;
    list.dataset.shown = JSON.stringify(runs.map((run) => [run.name, run.frames, run.is_live, run.damage]));
    fill(list, runs.length ? el("div.scroll", { tabindex: "0", role: "region", "aria-label": "All runs" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Show", "Run", "Task", "Frames", "Success", ""].map((name) => el(["Frames", "Success"].includes(name) ? "th.number" : "th", { scope: "col" }, name)))),
      el("tbody", {}, runs.map((run) => el("tr", {},
        el("td", {}, el("input", { type: "checkbox", "aria-label": `Show the curve of ${run.name}`, checked: chosen.has(run.name), onchange: (event) => toggle(run.name, event.target.checked) })),
        el("th", { scope: "row" }, el("a", { href: `#/run/${encodeURIComponent(run.name)}` }, run.name), run.is_live ? el("span.badge.live", {}, "training") : null),
        el("td", {}, run.tasks.join(", ")),
        el("td.number", {}, run.total ? `${many(run.frames)} of ${many(run.total)}` : many(run.frames)),
        el("td.number", {}, percent(run.success)),
        el("td", {}, run.damage ? el("span.badge.bad", {}, `damaged: ${run.damage}`) : null, run.is_evaluated ? el("span.badge", {}, "evaluated") : null)))))) : el("p.note", {}, "There is no run yet: groundling train makes one."));
    return runs;
  }

  await drawList();
  await drawCurves();
  const timer = setInterval(async () => {
    const runs = await drawList().catch(() => []);
    if (runs.some((run) => run.is_live && chosen.has(run.name))) drawCurves();
  }, REFRESH);
  return () => clearInterval(timer);
}

export async function showRun(place, name) {
  document.title = `${name} · Groundling playground`;
  const run = await ask("run", { run: name });
  const curve = el("div");
  const failures = el("div", { "aria-live": "polite" });
  const suite = el("select", { id: "suite" }, run.suites.map((one) => el("option", { value: one }, one)));
  const button = el("button.primary", { type: "button", onclick: look }, "Look for failures");
  fill(place,
    el("div.headline", {}, el("div", {}, el("h1", {}, name), el("p.about", {}, run.task || run.note)),
      el("div.row", {}, run.task ? el("a.button", { href: toLink({ task: run.task, seed: 0, agent: `run:${name}`, events: [] }) }, "Open its world") : null,
        el("a.button", { href: `#/label/${encodeURIComponent(name)}` }, "Label preferences"))),
    el("section.card", {}, el("h2", {}, "Learning curve"), curve),
    el("section.card", {}, el("h2", {}, "Suites"), run.table ? suitesTable(run.table) : el("p.note", {}, run.table_note)),
    el("section.card", {}, el("h2", {}, "Failures"),
      run.suites.length ? el("div.row", {}, el("label", { for: "suite" }, "Suite"), suite, button) : el("p.note", {}, run.note), failures),
    run.videos.length ? el("section.card", {}, el("h2", {}, "Videos"), el("div.videos", {}, run.videos.map((path) => el("figure", {},
      el("video", { controls: true, preload: "metadata", src: videoAddress("video", { run: name, path }), "aria-label": path }), el("figcaption", {}, path))))) : null);

  async function look() {
    button.disabled = true;
    fill(failures, el("p.note", {}, "Playing 40 episodes …"));
    try {
      const found = await send("failures", { run: name, suite: suite.value });
      fill(failures, el("p", {}, `${found.failures.length} of ${found.played} episodes failed, with drawn actions.`),
        el("ul.failures", {}, found.failures.map((one) => el("li", {}, el("a", { href: toLink(replayable(one.scene)) }, `“${one.sentence}”`), ` ${one.told} after ${one.steps} steps`))));
    } catch (error) {
      fill(failures, el("p.bad", {}, error.message));
    }
    button.disabled = false;
  }

  async function drawCurve() {
    try { fill(curve, chart(await ask("curves", { run: name }))); } catch (error) { fill(curve, el("p.note", {}, error.message)); }
  }
  await drawCurve();
  const timer = setInterval(async () => {
    const { runs } = await ask("runs").catch(() => ({ runs: [] }));
    if (runs.find((one) => one.name === name)?.is_live) drawCurve();
  }, REFRESH);
  return () => clearInterval(timer);
}

/** The scene of a failed episode up to its beginning, so that the agent fails again before one's eyes. */
const replayable = (scene) => ({ ...scene, events: scene.events.filter(([kind]) => kind !== "step" && kind !== "act") });

function suitesTable({ agents, rows, greedy }) {
  const names = Object.keys(agents);
  return el("div.scroll", { tabindex: "0", role: "region", "aria-label": "Suites" }, el("table", {},
    el("caption", {}, `Success with its 95 % interval; ${greedy ? "likeliest" : "drawn"} actions`),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Suite"), names.map((name) => el("th.number", { scope: "col", title: agents[name] }, name)))),
    el("tbody", {}, rows.map(({ suite, cells }) => el("tr", {}, el("th", { scope: "row" }, suite),
      names.map((name) => el("td.number", {}, cells[name] ? [percent(cells[name].success), el("small", {}, ` ${percent(cells[name].low)} – ${percent(cells[name].high)}`)] : "–")))))));
}
