// The map: the world from above, on which things are dragged, added and walls drawn, by mouse, finger or keys.

import { el } from "./dom.js";

const TOOLS = { move: "Move", add: "Add a copy", wall: "Wall", remove: "Take away" };

/** A map. onedit is given a change; onkey a key that drives the agent. */
export class WorldMap {
  constructor(onedit) {
    this.onedit = onedit;
    this.tool = "";
    this.color = "";
    this.cursor = null;
    this.held = null;
    this.image = el("img", { alt: "The world from above" });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.frame = el("div.map", { tabindex: "0", role: "group", "aria-label": "Map of the world" }, this.image, this.canvas);
    this.said = el("p.note", { role: "status" });
    this.colors = el("select", { "aria-label": "Color of what is added", onchange: () => { this.color = this.colors.value; } });
    this.tools = el("div.tools", { role: "group", "aria-label": "Change the world" },
      Object.entries(TOOLS).map(([tool, name]) => el("button.tool", {
        type: "button", "data-tool": tool, "aria-pressed": "false", onclick: () => this.choose(this.tool === tool ? "" : tool),
      }, name)), this.colors);
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", (event) => this.up(event));
    this.canvas.addEventListener("pointercancel", () => { this.held = null; this.draw(); });
    this.frame.addEventListener("keydown", (event) => this.key(event));
    this.image.addEventListener("load", () => this.draw());
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.frame);
  }

  show(state) {
    this.state = state;
    if (state.above) this.image.src = state.above;
    const thing = state.things.find((one) => one.name === "agent");
    this.image.alt = state.things.length
      ? `The world from above: ${state.things.filter((one) => one !== thing).map((one) => one.name).join(", ")}`
      : "The world from above";
    this.tools.hidden = !state.is_editable;
    const colors = ["", ...state.colors];
    if (this.colors.options.length !== colors.length) {
      this.colors.replaceChildren(...colors.map((color) => el("option", { value: color }, color || "same color")));
    }
    if (!state.is_editable) this.choose("");
  }

  choose(tool) {
    this.tool = tool;
    this.held = null;
    this.tools.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.tool === tool)));
    this.frame.classList.toggle("editing", Boolean(tool));
    const agent = this.state?.things.find((one) => one.name === "agent");
    this.cursor = tool && agent ? [agent.x, agent.y] : null;
    this.say({
      "": "", move: "Drag a thing, or the agent, to another tile. With keys: arrows, Enter takes and puts.",
      add: "Drag a thing: a copy in the chosen color appears where you drop it.",
      wall: "Click a tile: a wall is drawn, or taken away.", remove: "Click a thing to take it away.",
    }[tool]);
    this.draw();
  }

  say(text) { this.said.textContent = text; }

  tileOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const [across, down] = this.state.size;
    const x = Math.floor((event.clientX - box.left) / box.width * across);
    const y = Math.floor((event.clientY - box.top) / box.height * down);
    return [Math.min(Math.max(x, 0), across - 1), Math.min(Math.max(y, 0), down - 1)];
  }

  thingAt([x, y]) { return this.state.things.find((one) => one.x === x && one.y === y); }

  down(event) {
    if (!this.state?.size) return;
    const tile = this.tileOf(event);
    if (!this.tool && this.thingAt(tile)?.moves && this.state.is_editable) this.choose("move"); // dragging needs no tool
    if (!this.tool) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.begin(tile);
  }

  begin(tile) {
    this.cursor = tile;
    if (this.tool === "wall" || this.tool === "remove") this.held = { from: tile, to: tile };
    else if (this.thingAt(tile)?.moves) this.held = { from: tile, to: tile };
    else this.say(this.thingAt(tile) ? "This stays where it is." : "There is nothing on this tile.");
    this.draw();
  }

  move(event) {
    if (!this.state?.size) return;
    if (!this.held) {
      const thing = this.thingAt(this.tileOf(event));
      this.canvas.title = thing ? thing.name : "";
      this.canvas.style.cursor = thing?.moves || this.tool === "wall" ? "grab" : "";
      return;
    }
    this.held.to = this.tileOf(event);
    this.cursor = this.held.to;
    this.draw();
  }

  up() { if (this.held) this.finish(); }

  finish() {
    const { from, to } = this.held;
    this.held = null;
    this.draw();
    const isSame = from[0] === to[0] && from[1] === to[1];
    if (this.tool === "wall") this.onedit({ kind: "wall", tile: to });
    else if (this.tool === "remove") this.onedit({ kind: "remove", tile: to });
    else if (!isSame && this.tool === "add") this.onedit({ kind: "add", tile: from, to, color: this.color });
    else if (!isSame) this.onedit({ kind: "move", tile: from, to });
  }

  key(event) {
    if (!this.tool || !this.cursor) return;
    const [across, down] = this.state.size;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      this.cursor = [Math.min(Math.max(this.cursor[0] + step[0], 0), across - 1), Math.min(Math.max(this.cursor[1] + step[1], 0), down - 1)];
      if (this.held) this.held.to = this.cursor;
      this.say(this.thingAt(this.cursor)?.name || `column ${this.cursor[0]}, row ${this.cursor[1]}`);
    } else if (event.key === "Enter" || event.key === " ") {
      if (!this.held) this.begin(this.cursor);
      if (this.held && (this.tool === "wall" || this.tool === "remove" || this.held.isTaken)) this.finish();
      else if (this.held) { this.held.isTaken = true; this.say(`${this.thingAt(this.cursor)?.name} taken: arrows, then Enter`); }
    } else if (event.key === "Escape") this.choose("");
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.draw();
  }

  draw() {
    const box = this.image.getBoundingClientRect();
    if (!box.width || !this.state?.size) return;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = box.width * scale;
    this.canvas.height = box.height * scale;
    const [across, down] = this.state.size;
    const paint = this.canvas.getContext("2d");
    const [wide, high] = [this.canvas.width / across, this.canvas.height / down];
    const outline = ([x, y], color) => {
      paint.strokeStyle = color;
      paint.lineWidth = 3 * scale;
      paint.strokeRect(x * wide + 2 * scale, y * high + 2 * scale, wide - 4 * scale, high - 4 * scale);
    };
    if (this.tool) {
      paint.strokeStyle = "rgba(255,255,255,.14)";
      for (let x = 1; x < across; x++) { paint.beginPath(); paint.moveTo(x * wide, 0); paint.lineTo(x * wide, this.canvas.height); paint.stroke(); }
      for (let y = 1; y < down; y++) { paint.beginPath(); paint.moveTo(0, y * high); paint.lineTo(this.canvas.width, y * high); paint.stroke(); }
    }
    if (this.held) {
      const [x, y] = this.held.from;
      const [toX, toY] = this.held.to;
      const [tileWide, tileHigh] = [this.image.naturalWidth / across, this.image.naturalHeight / down];
      if (this.tool !== "wall" && this.tool !== "remove") {
        paint.globalAlpha = 0.85;
        paint.drawImage(this.image, x * tileWide, y * tileHigh, tileWide, tileHigh, toX * wide, toY * high, wide, high);
        paint.globalAlpha = 1;
      }
      outline(this.held.from, "#fbbf24");
    }
    if (this.cursor && this.tool) outline(this.cursor, "#38bdf8");
  }

  close() { this.observer.disconnect(); }
}
