// The pages, chosen by what stands behind the # of the address.

import { showCompare } from "./compare.js";
import { el, fill } from "./dom.js";
import { showGallery } from "./gallery.js";
import { showLabels } from "./labels.js";
import { fromLink } from "./links.js";
import { showRun, showRuns } from "./runs.js";
import { showWorld } from "./world.js";

const main = document.getElementById("main");
let leave = null;

const PAGES = {
  "": (place) => showGallery(place),
  world: (place, [key]) => showWorld(place, { entry: decodeURIComponent(key || "") }),
  scene: (place, [told]) => showWorld(place, { scene: fromLink(told || "") }),
  runs: (place, names) => showRuns(place, names.map(decodeURIComponent)),
  run: (place, [name]) => showRun(place, decodeURIComponent(name || "")),
  compare: (place, names) => showCompare(place, names.map(decodeURIComponent)),
  label: (place, [name]) => showLabels(place, decodeURIComponent(name || "")),
};

async function show() {
  leave?.();
  leave = null;
  const [page, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const shown = PAGES[page] || PAGES[""];
  const nav = ["runs", "run", "compare", "label"].includes(page) ? "runs" : "gallery";
  document.querySelectorAll("nav a").forEach((link) => {
    if (link.dataset.page === nav) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  const place = el("div.page");
  fill(main, place);
  window.scrollTo(0, 0);
  try {
    leave = await shown(place, rest);
  } catch (error) {
    fill(place, el("section.card.bad", {}, el("h1", {}, "That did not work"), el("p", {}, error.message),
      el("p", {}, el("a.button", { href: "#/" }, "Back to the worlds"))));
  }
}

const theme = localStorage.getItem("groundling-theme");
if (theme) document.documentElement.dataset.theme = theme;
document.getElementById("theme").addEventListener("click", () => {
  const isDark = getComputedStyle(document.documentElement).colorScheme === "dark";
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("groundling-theme", document.documentElement.dataset.theme);
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
window.addEventListener("hashchange", show);
show();
