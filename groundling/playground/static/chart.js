// Curves with intervals, as SVG: no library.

import { el, many, svg } from "./dom.js";

const [WIDE, HIGH, LEFT, BOTTOM, TOP, RIGHT] = [760, 320, 52, 34, 12, 14];

/** Learning curves: of each group the mean and its interval, thin lines for its runs. */
export function chart({ curves, singles, limits, metric }) {
  const last = Math.max(1, ...curves.flatMap((curve) => curve.frames));
  const [low, high] = limits;
  const x = (frames) => LEFT + frames / last * (WIDE - LEFT - RIGHT);
  const y = (value) => HIGH - BOTTOM - (Math.min(Math.max(value, low), high) - low) / (high - low) * (HIGH - BOTTOM - TOP);
  const path = (frames, values) => frames.map((f, i) => (values[i] === null ? "" : `${x(f).toFixed(1)},${y(values[i]).toFixed(1)}`)).filter(Boolean).join(" ");
  const names = curves.map((curve) => curve.name);
  const color = (name) => `c${names.indexOf(name) % 6}`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (high - low));
  const drawn = svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": `${metric} over frames: ${curves.map((c) => `${c.name} ends at ${last_(c.mean).toFixed(3)}`).join("; ")}` },
    ...grid.flatMap((value) => [
      svg("line", { x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value), class: "gridline" }),
      text(LEFT - 8, y(value) + 4, short(value), "end")]),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => text(x(share * last), HIGH - 12, frames_(share * last), share === 1 ? "end" : "middle")),
    ...singles.map((one) => svg("polyline", { points: path(one.frames, one.mean), class: `single ${color(one.group)}` })),
    ...curves.filter((curve) => curve.runs > 1).map((curve) => svg("polygon", {
      points: `${path(curve.frames, curve.high)} ${path([...curve.frames].reverse(), [...curve.low].reverse())}`, class: `band ${color(curve.name)}` })),
    ...curves.map((curve) => svg("polyline", { points: path(curve.frames, curve.mean), class: `mean ${color(curve.name)}` })));
  const legend = el("ul.legend", {}, curves.map((curve) => el("li", {}, el(`i.${color(curve.name)}`, { "aria-hidden": "true" }),
    `${curve.name}${curve.runs > 1 ? ` (${curve.runs} seeds, 95 % interval)` : ""}: ${short(last_(curve.mean))}`)));
  return el("figure.chart", {}, drawn, legend);
}

const last_ = (values) => values.filter((value) => value !== null).at(-1) ?? 0;
const short = (value) => (Math.abs(value) >= 100 ? many(Math.round(value)) : Number(value.toPrecision(3)).toString());
const frames_ = (frames) => (frames >= 1e6 ? `${Number((frames / 1e6).toPrecision(3))} M` : frames >= 1e3 ? `${Math.round(frames / 1e3)} k` : String(Math.round(frames)));

function text(x, y, told, anchor) {
  return svg("text", { x, y, "text-anchor": anchor }, told);
}
