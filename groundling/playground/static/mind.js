// What goes on in the agent: its view with attention, the words, the manual, actions and value.

import { el, fill, svg } from "./dom.js";

const KEYS = {
  left: ["ArrowLeft", "←"], right: ["ArrowRight", "→"], forward: ["ArrowUp", "↑"], up: ["ArrowUp", "↑"], down: ["ArrowDown", "↓"],
  pickup: ["p", "P"], drop: ["d", "D"], toggle: [" ", "Space"], done: ["Enter", "Enter"], stay: ["s", "S"],
};
const MOST_BARS = 8;

/** The key that takes each action: [key, what is written on it], by the number of the action. */
export function keysOf(actions) {
  const taken = new Set();
  return actions.map((name, number) => {
    const own = KEYS[name];
    if (own && !taken.has(own[0])) { taken.add(own[0]); return own; }
    const digit = String((number + 1) % 10);
    return number < 10 && !taken.has(digit) ? [digit, digit] : ["", ""];
  });
}

export class View {
  constructor(onFirstPerson) {
    this.image = el("img", { alt: "What the agent sees" });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.frame = el("div.view", {}, this.image, this.canvas);
    this.attends = el("input", { type: "checkbox", id: "attends", checked: true, onchange: () => this.draw() });
    this.walks = el("input", { type: "checkbox", id: "walks", onchange: () => onFirstPerson(this.walks.checked) });
    this.hasWalk = el("span", {}, this.walks, " ", el("label", { for: "walks" }, "through its eyes"));
    this.options = el("div.row.small", {}, el("span", {}, this.attends, " ", el("label", { for: "attends" }, "attention")), this.hasWalk);
    this.card = el("section.card", {}, el("h2", {}, "What it sees"), this.frame, this.options);
    this.image.addEventListener("load", () => this.draw());
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.frame);
  }

  show(state) {
    this.state = state;
    this.card.hidden = !state.inside;
    if (state.inside) this.image.src = state.inside;
    this.image.classList.toggle("sharp", !state.is_first_person);
    this.frame.classList.toggle("square", Boolean(state.is_square));
    this.attends.parentElement.hidden = !state.thought?.attention || state.is_first_person;
    this.hasWalk.hidden = !state.is_editable;
    this.walks.checked = state.is_first_person;
    this.draw();
  }

  draw() {
    const attention = this.state?.thought?.attention;
    const box = this.image.getBoundingClientRect();
    this.canvas.width = box.width;
    this.canvas.height = box.height;
    if (!attention || !this.attends.checked || this.state.is_first_person || !box.width) return;
    const [rows, columns] = [attention.length, attention[0].length];
    const small = document.createElement("canvas");
    [small.width, small.height] = [columns, rows];
    const pixels = new ImageData(columns, rows);
    attention.flat().forEach((strength, place) => {
      pixels.data.set([255, 196, 0, Math.round(150 * strength)], 4 * place);
    });
    small.getContext("2d").putImageData(pixels, 0, 0);
    const paint = this.canvas.getContext("2d");
    paint.fillStyle = "rgba(8, 10, 30, .4)";
    paint.fillRect(0, 0, box.width, box.height);
    paint.imageSmoothingEnabled = rows * columns > 60;
    paint.globalCompositeOperation = "destination-out"; // what is attended to is not dimmed
    paint.drawImage(small, 0, 0, box.width, box.height);
    paint.globalCompositeOperation = "source-over";
    paint.globalAlpha = 0.45;
    paint.drawImage(small, 0, 0, box.width, box.height);
    paint.globalAlpha = 1;
  }

  close() { this.observer.disconnect(); }
}

/** The sentence that the agent reads, a bar under each word as long as it opens the gates. */
export function wordBars(thought, sentence) {
  const words = thought?.words?.length ? thought.words : sentence.split(/\s+/).map((word) => [word, 0]);
  const hasBars = words.some(([, strength]) => strength > 0);
  return el("ol.words", { "aria-label": hasBars ? "How much each word changes the gates" : "The words" },
    words.map(([word, strength]) => el("li", hasBars ? { title: `${word}: ${Math.round(100 * strength)} % of the strongest word` } : {}, word,
      hasBars ? bar(strength, "word") : null)));
}

function bar(share, kind) {
  const inner = el("i");
  inner.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return el(`span.bar.${kind}`, { "aria-hidden": "true" }, inner);
}

/** A button for each action, with its probability. */
export function actionBars(state, onact) {
  const { actions, thought, hint, ending } = state;
  const keys = keysOf(actions);
  const likely = (number) => thought?.probabilities[number] ?? 0;
  const best = thought ? thought.probabilities.indexOf(Math.max(...thought.probabilities)) : -1;
  let shown = actions.map((_, number) => number);
  if (shown.length > MOST_BARS + 2) {
    shown = shown.sort((a, b) => likely(b) - likely(a) || a - b).slice(0, MOST_BARS);
    if (hint !== null && !shown.includes(hint)) shown.push(hint);
  }
  const rest = actions.length - shown.length;
  return [
    el("ul.actions", {}, shown.map((number) => el("li", {}, el(
      `button.action${number === best && !ending ? ".best" : ""}${number === hint ? ".hint" : ""}`,
      { type: "button", disabled: Boolean(ending), onclick: () => onact(number) },
      el("span.name", {}, actions[number], number === hint ? el("em", {}, "expert") : null),
      keys[number][1] ? el("kbd", {}, keys[number][1]) : el("span"),
      thought ? bar(likely(number), "chance") : el("span"),
      el("span.number", {}, thought ? `${Math.round(100 * likely(number))} %` : ""))))),
    rest > 0 ? otherActions(actions, shown, onact, rest) : null,
  ];
}

function otherActions(actions, shown, onact, rest) {
  const select = el("select", { id: "other-action" }, el("option", { value: "" }, `${rest} more …`),
    actions.map((name, number) => (shown.includes(number) ? null : el("option", { value: String(number) }, name))));
  select.addEventListener("change", () => { if (select.value) onact(Number(select.value)); });
  return el("p.row.small", {}, el("label", { for: "other-action" }, "Other actions"), select);
}

/** The value of each step so far. */
export function valueLine(thought) {
  if (!thought) return null;
  const { values, value } = thought;
  const [wide, high] = [260, 56];
  const top = Math.max(1, ...values);
  const low = Math.min(0, ...values);
  const at = (v, i) => [values.length > 1 ? i / (values.length - 1) * (wide - 8) + 4 : 4, high - 4 - (v - low) / (top - low) * (high - 8)];
  const points = values.map((v, i) => at(v, i).map((number) => number.toFixed(1)).join(",")).join(" ");
  const [x, y] = at(value, values.length - 1);
  return el("div.value", {},
    svg("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "xMinYMid meet", role: "img", "aria-label": `Value ${value.toFixed(2)}` },
      svg("line", { x1: 0, x2: wide, y1: at(0, 0)[1], y2: at(0, 0)[1], class: "axis" }),
      svg("polyline", { points, class: "line" }), svg("circle", { cx: x, cy: y, r: 4, class: "dot" })),
    el("span.number", {}, value.toFixed(2)));
}

/** The manual: sentences with their weights, and a form to write others. */
export class Manual {
  constructor(onwrite) {
    this.list = el("ol.manual");
    this.field = el("textarea", { id: "manual", rows: 6, spellcheck: false });
    this.form = el("form", {
      hidden: true,
      onsubmit: (event) => { event.preventDefault(); onwrite(this.field.value.split("\n").filter((line) => line.trim())); },
    }, el("label", { for: "manual" }, "One sentence a line"), this.field,
    el("div.row", {}, el("button.primary", { type: "submit" }, "Hand it over"), el("button.quiet", { type: "button", onclick: () => this.edit(false) }, "Cancel")));
    this.button = el("button.quiet", { type: "button", onclick: () => this.edit(true) }, "Rewrite the manual");
    this.card = el("section.card", {}, el("h2", {}, "Manual"), this.list, this.form, this.button);
  }

  edit(isOn) {
    this.form.hidden = !isOn;
    this.list.hidden = this.button.hidden = isOn;
    if (isOn) { this.field.value = this.lines.join("\n"); this.field.focus(); }
  }

  show(state) {
    this.lines = state.manual;
    this.card.hidden = !state.has_manual;
    const weights = state.thought?.sentences || [];
    const top = Math.max(...weights, 1e-9);
    fill(this.list, state.manual.map((line, row) => {
      const isRead = weights.length > 0;
      const item = el(`li${isRead && weights[row] === top ? ".read" : ""}`, {}, el("span", {}, line),
        isRead ? el("span.weight", {}, bar(weights[row] || 0, "sentence"), el("span.number", {}, `${Math.round(100 * (weights[row] || 0))} %`)) : null);
      return item;
    }));
  }
}
