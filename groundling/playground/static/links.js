// Links that hold a whole world: its task, seed, agent, and all that happened.

export function toLink(scene) {
  const bytes = new TextEncoder().encode(JSON.stringify([scene.task, scene.seed, scene.agent, scene.events]));
  let text = "";
  bytes.forEach((byte) => { text += String.fromCharCode(byte); });
  return `#/scene/${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

export function fromLink(told) {
  try {
    const text = atob(told.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const [task, seed, agent, events] = JSON.parse(new TextDecoder().decode(bytes));
    return { task, seed, agent, events };
  } catch {
    return null;
  }
}
