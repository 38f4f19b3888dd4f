// A world: its map, what the agent sees and thinks, what it is told, and all that drives it.

import { Tab, ask } from "./api.js";
import { el, fill, toast } from "./dom.js";
import { toLink } from "./links.js";
import { WorldMap } from "./map.js";
import { Manual, View, actionBars, keysOf, valueLine, wordBars } from "./mind.js";

const SPEEDS = [[800, "slow"], [250, "normal"], [60, "fast"]];

export async function showWorld(place, what) {
  const page = new WorldPage(place);
  await page.open(what);
  return () => page.close();
}

class WorldPage {
  constructor(place) {
    this.place = place;
    this.tab = new Tab(() => this.lost());
    this.isRunning = false;
    this.map = new WorldMap((edit) => this.do("edit", { what: edit }));
    this.view = new View((isOn) => this.do("first_person", { what: isOn }));
    this.manual = new Manual(async (lines) => { if (await this.do("manual", { text: lines })) { this.manual.edit(false); toast("The agent has the new manual."); } });
    this.keys = (event) => this.key(event);
    document.addEventListener("keydown", this.keys);
  }

  async open(what) {
    const { entries } = await ask("gallery");
    if (what.scene === null) throw new Error("This link holds no world: it may have been cut off.");
    fill(this.place, el("p.loading", { role: "status" }, "Opening the world …"));
    const answer = await this.tab.do("open", what);
    if (answer.kind === "refusal") throw new Error(answer.message);
    this.entry = entries.find((entry) => entry.task === answer.scene.task);
    this.build(entries);
    this.show(answer);
  }

  build(entries) {
    const title = this.entry?.title || "A world";
    document.title = `${title} · Groundling playground`;
    this.field = el("input", { id: "sentence", type: "text", maxlength: 400, autocomplete: "off", spellcheck: false });
    this.understood = el("div.understood", { "aria-live": "polite" });
    this.chips = el("div.chips", { role: "group", "aria-label": "Sentences to try" });
    this.told = el("p.told", { role: "status" });
    this.about = el("p.about");
    this.actions = el("div");
    this.value = el("div");
    this.judged = el("p.note");
    this.run = el("button.primary", { type: "button", onclick: () => this.toggleRun() }, "▶ Run");
    this.stepButton = el("button", { type: "button", onclick: () => this.step() }, "Step");
    this.seed = el("input", { id: "seed", type: "number", min: 0, inputmode: "numeric" });
    this.speed = el("select", { id: "speed" }, SPEEDS.map(([ms, name]) => el("option", { value: String(ms), selected: name === "normal" }, name)));
    this.agent = el("select", { id: "agent", onchange: () => this.do("agent", { what: this.agent.value }) });
    const say = (event) => { event.preventDefault(); this.say(this.field.value); };
    fill(this.place,
      el("div.headline", {}, el("div", {}, el("h1", {}, title), this.about)),
      el("section.card.speech", {},
        el("form.say", { onsubmit: say },
          el("label", { for: "sentence" }, "Tell the agent"), this.field, el("button.primary", { type: "submit" }, "Tell")),
        this.chips, this.understood, this.judged),
      el("div.columns", {},
        el("div", {},
  el("section.card.stage", { "aria-label": "The world" },
            this.map.frame,
            el("div.controls", {}, this.run, this.stepButton,
              el("button", { type: "button", onclick: () => this.do("expert") }, "Ask the expert"),
              el("button", { type: "button", onclick: () => this.do("undo") }, "Undo"),
              el("button", { type: "button", onclick: () => this.do("again") }, "Again")),
            this.told, this.map.tools, this.map.said,
            el("div.row.small", {},
              el("label", { for: "seed" }, "Seed"), this.seed,
              el("button.quiet", { type: "button", onclick: () => this.do("seed", { what: Number(this.seed.value) }) }, "Go"),
              el("button.quiet", { type: "button", onclick: () => this.do("seed", { what: this.state.scene.seed + 1 }) }, "New world"),
              el("label", { for: "speed" }, "Speed"), this.speed,
              el("button.quiet", { type: "button", onclick: () => this.share() }, "Copy a link"))),
          this.manual.card,
          el("section.card", {}, el("div.row", {}, el("label", { for: "agent" }, el("b", {}, "Who acts")), this.agent), el("p.note", {}, "Arrow keys, and the letters on the actions, drive the agent yourself."))),
        el("div.side", {},
          this.view.card,
          el("section.card", {}, el("h2", {}, "What it would do"), this.actions, this.value))));
    this.fillAgents(entries);
  }

  async fillAgents(entries) {
    const names = new Map([["", "you and the expert"]]);
    entries.filter((entry) => entry.agent && entry.task === this.entry?.task).forEach((entry) => names.set(entry.agent, "the agent that ships with Groundling"));
    if (this.agentName) names.set(this.agentName, names.get(this.agentName) || `the agent of ${this.agentName.replace(/^run:/, "run ")}`);
    const { runs } = await ask("runs").catch(() => ({ runs: [] }));
    runs.filter((run) => run.has_agent && run.tasks.includes(this.state?.scene.task)).slice(0, 20).forEach((run) => names.set(`run:${run.name}`, `the agent of run ${run.name}`));
    fill(this.agent, [...names].map(([value, name]) => el("option", { value }, name)));
    this.agent.value = this.agentName;
  }

  /** Ask the server for something; whether it was done. */
  async do(what, more = {}) {
    let answer;
    try {
      answer = await this.tab.do(what, more);
    } catch (error) {
      this.lost(error);
      return false;
    }
    if (answer.kind === "refusal") {
      this.refuse(answer, what);
      return false;
    }
    this.show(answer);
    return true;
  }

  refuse(answer, what) {
    this.stop();
    if (what !== "say") { toast(answer.message, true); return; }
    fill(this.understood, el("p.bad", {}, el("b", {}, "Not understood. "), answer.message),
      answer.unknown.map(([word, close]) => el("p.unknown", {}, "“", el("b", {}, word), "” is unknown.",
        close.length ? [" Did you mean ", close.map((other) => el("button.chip", { type: "button", onclick: () => this.swap(word, other) }, other)), "?"] : null)));
  }

  swap(word, other) {
    const found = new RegExp(`\\b${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\b`, "i");
    this.field.value = this.field.value.replace(found, other);
    this.field.focus();
  }

  show(state) {
    const isNew = !this.state || this.state.scene.seed !== state.scene.seed || this.state.scene.events.length > state.scene.events.length;
    this.state = state;
    this.agentName = state.scene.agent;
    if (this.agent.value !== this.agentName) this.agent.value = this.agentName;
    this.about.textContent = state.description;
    this.map.show(state);
    this.view.show(state);
    this.manual.show(state);
    if (isNew) { this.field.value = state.sentence; this.seed.value = state.scene.seed; }
    const others = state.suggestions.filter((one) => one !== state.sentence).slice(0, 4);
    fill(this.chips, others.map((one) => el("button.chip", { type: "button", onclick: () => this.say(one) }, one)));
    fill(this.understood,
      state.meaning ? el("p.good", {}, el("b", {}, "Understood: "), state.meaning) : el("p.good", {}, el("b", {}, "The agent is told: "), state.sentence),
      state.thought ? wordBars(state.thought, state.sentence) : null);
    this.judged.textContent = state.judges_own_words ? "" : "Here success is judged by the episode's own goal, whatever you say.";
    fill(this.actions, actionBars(state, (number) => this.act(number)));
    fill(this.value, state.thought ? el("h3", {}, "How much it expects to gain") : null, valueLine(state.thought));
    const hasAgent = Boolean(state.thought);
    this.run.disabled = this.stepButton.disabled = Boolean(state.ending);
    this.driver = hasAgent ? "step" : "expert_step";
    if (!this.isRunning) this.run.textContent = this.runName();
    this.tellSteps(state);
    if (state.ending) this.stop();
  }

  tellSteps(state) {
    const steps = `step ${state.steps}${state.limit ? ` of ${state.limit}` : ""}`;
    const carried = state.carried ? ` · carries the ${state.carried}` : "";
    const hint = state.hint === null ? "" : ` · the expert would take “${state.actions[state.hint]}”`;
    if (!state.ending) {
      fill(this.told, `${steps}${carried}${hint}`);
      return;
    }
    const { told, success, reward } = state.ending;
    const last = state.last === null ? "" : ` with “${state.actions[state.last]}”`;
    const word = { reached: "✓ Done", failed: "✗ Wrong", "out of time": "⏱ Out of time" }[told] || "Over";
    fill(this.told, el(`span.badge.${success ? "good" : "bad"}`, {}, word), ` ${steps}${last} · reward ${reward.toFixed(2)} · “Again” begins anew`);
  }

  async say(text) {
    this.stop();
    this.field.value = text;
    if (await this.do("say", { text }) && this.state.thought) this.toggleRun();
  }

  act(number) { this.stop(); return this.do("act", { what: number }); }

  step() { this.stop(); return this.do(this.driver); }

  runName() { return this.driver === "step" ? "▶ Run" : "▶ Let the expert run"; }

  toggleRun() {
    if (this.isRunning) { this.stop(); return; }
    this.isRunning = true;
    this.run.textContent = "❚❚ Pause";
    this.go();
  }

  async go() {
    while (this.isRunning) {
      if (!await this.do(this.driver)) break;
      await new Promise((resolve) => { setTimeout(resolve, Number(this.speed.value)); });
    }
    this.stop();
  }

  stop() {
    this.isRunning = false;
    if (this.run) this.run.textContent = this.runName();
  }

  key(event) {
    if (event.key === "Escape") this.map.choose("");
    if (!this.state || event.ctrlKey || event.metaKey || event.altKey || this.map.tool) return;
    const target = event.target;
    if (target.closest?.("input, select, textarea, button, a, dialog") && !(target.closest("button") && event.key.startsWith("Arrow"))) return;
    const number = keysOf(this.state.actions).findIndex(([key]) => key && key === event.key);
    if (number < 0 || this.state.ending) return;
    event.preventDefault();
    this.act(number);
  }

  async share() {
    const address = `${location.origin}${location.pathname}${toLink(this.state.scene)}`;
    history.replaceState(null, "", toLink(this.state.scene));
    try {
      await navigator.clipboard.writeText(address);
      toast("The link is copied: it holds the world, your changes, your words and every action.");
    } catch {
      toast("The link is in the address bar: it holds the world, your changes, your words and every action.");
    }
  }

  lost(error) {
    this.stop();
    toast(error?.message || "The connection to the playground is lost: start it again, then reload the page.", true);
  }

  close() {
    this.stop();
    document.removeEventListener("keydown", this.keys);
    this.map.close();
    this.view.close();
    this.tab.close();
  }
}
