// Preference labelling: two trajectories of one episode side by side, and which is better.

import { ask, send, videoAddress } from "./api.js";
import { el, fill, toast } from "./dom.js";

const CHOICES = [["first", "Left is better", "1"], ["equal", "Equally good", "0"], ["second", "Right is better", "2"]];

export async function showLabels(place, name) {
  document.title = `Which is better? · ${name}`;
  let pairs = (await ask("labels", { run: name })).pairs;
  let now = Math.max(0, pairs.findIndex((pair) => !pair.choice));
  const stamp = Date.now(); // videos of new pairs have the names of the old ones
  const body = el("div");
  fill(place, el("div.headline", {}, el("div", {}, el("h1", {}, "Which is better?"),
    el("p.about", {}, `Pairs of trajectories of ${name}: the same episode, played twice. What you prefer trains a reward or an agent.`)),
  el("a.button", { href: `#/run/${encodeURIComponent(name)}` }, "The run")), body);

  async function make() {
    fill(body, el("section.card", {}, el("p.loading", { role: "status" }, "Playing ten pairs …")));
    try {
      pairs = (await send("labels", { run: name, seed: Math.floor(Math.random() * 1e6) })).pairs;
      now = 0;
      draw();
    } catch (error) {
      fill(body, el("section.card", {}, el("p.bad", {}, error.message)));
    }
  }

  async function choose(choice) {
    if (!pairs.length) return;
    try {
      const found = await send("labels", { run: name, pair: now, choice });
      pairs = found.pairs;
      toast(`Noted, in ${found.output}.`);
    } catch (error) {
      toast(error.message, true);
      return;
    }
    now = Math.min(now + 1, pairs.length - 1);
    draw();
  }

  function draw() {
    const again = el("button", { type: "button", onclick: make }, pairs.length ? "Make ten new pairs" : "Make ten pairs");
    if (!pairs.length) {
      fill(body, el("section.card", {}, el("p", {}, "No pairs were made of this run yet."), again));
      return;
    }
    const pair = pairs[now];
    const video = (side, title) => el(`figure${pair.choice === (side === "a" ? "first" : "second") ? ".chosen" : ""}`, {},
      el("video", { src: videoAddress("labels/video", { run: name, pair: now, side, stamp: `${stamp}${pair.text.length}` }), autoplay: true, loop: true, muted: true, playsinline: true, "aria-label": title }),
      el("figcaption", {}, `${title}, ${pair.lengths[side === "a" ? 0 : 1]} steps`));
    fill(body, el("section.card", {},
      el("h2", {}, `“${pair.text}”`),
      el("div.pair", {}, video("a", "Left"), video("b", "Right")),
      el("div.controls", {}, CHOICES.map(([choice, title, key]) => el("button.primary", { type: "button", "aria-pressed": String(pair.choice === choice), onclick: () => choose(choice) }, title, " ", el("kbd", {}, key)))),
      el("div.row.small", {},
        el("button.quiet", { type: "button", disabled: now === 0, onclick: () => { now -= 1; draw(); } }, "Back"),
        el("span", {}, `pair ${now + 1} of ${pairs.length}, ${pairs.filter((one) => one.choice).length} compared`),
        el("button.quiet", { type: "button", disabled: now === pairs.length - 1, onclick: () => { now += 1; draw(); } }, "Next"), again)),
    el("p.note", {}, "They train a reward: groundling train --reward preferences --preferences.comparisons ", el("code", {}, `${name}/comparisons.npz`)));
  }

  const keys = (event) => {
    const found = CHOICES.find(([, , key]) => key === event.key);
    if (found && !event.target.closest("input, select, textarea")) choose(found[0]);
  };
  document.addEventListener("keydown", keys);
  draw();
  return () => document.removeEventListener("keydown", keys);
}
