// Talking to the server: requests, and the websocket of this tab.

/** What the server answers; throws an Error with its sentence where it refuses. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) [value].flat().forEach((one) => query.append(key, one));
  return read(await fetch(`/api/${path}${query.size ? `?${query}` : ""}`));
}

export async function send(path, body) {
  const headers = { "content-type": "application/json" };
  return read(await fetch(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function read(response) {
  const found = await response.json().catch(() => ({ message: "the playground does not answer: is it still running?" }));
  if (!response.ok) throw new Error(found.message);
  return found;
}

export const videoAddress = (path, parameters) => `/api/${path}?${new URLSearchParams(parameters)}`;

/** The websocket of a tab: do() asks for something and gives the answer; answers come in the order of the questions. */
export class Tab {
  constructor(onclose) {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/tab`);
    this.waiting = [];
    this.isOpen = new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = () => reject(new Error("the playground does not answer: is it still running?"));
    });
    this.isOpen.catch(() => {});
    this.socket.onmessage = (event) => this.waiting.shift()?.resolve(JSON.parse(event.data));
    this.socket.onclose = () => {
      this.waiting.splice(0).forEach(({ reject }) => reject(new Error("the connection to the playground is lost")));
      if (!this.isClosed) onclose();
    };
  }

  async do(what, more = {}) {
    await this.isOpen;
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.socket.send(JSON.stringify({ do: what, ...more }));
    });
  }

  close() {
    this.isClosed = true;
    this.socket.close();
  }
}
