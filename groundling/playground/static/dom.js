// Small helpers to build the page.

/** An element: el("button.primary", {onclick, "aria-label": "..."}, "text", otherElement). */
export function el(told, attributes = {}, ...children) {
  const [name, ...classes] = told.split(".");
  const made = document.createElement(name || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const svg = (name, attributes = {}, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/** Put children into an element in place of those it has. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

let hide = 0;

/** Say something in passing. */
export function toast(text, isBad = false) {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.className = isBad ? "shown bad" : "shown";
  clearTimeout(hide);
  hide = setTimeout(() => { place.className = ""; }, 6000);
}

export const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)} %`);
export const many = (number) => Number(number).toLocaleString("en");
