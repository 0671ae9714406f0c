// The stream of changes. It keeps the last state of everything and says when the gateway is no longer heard.
const STALE_MS = 1800; // after this long without a word nothing on the page may pass for live: with a look in between, within 2 s
const CHECK_MS = 100;
const RETRY_MS = 5000; // a connection that says nothing for so long is opened again

const SECTIONS = ["interlocks", "alarms", "sources", "bypasses"];

export class Stream {
  constructor(changed) {
    this.changed = changed;
    this.seq = 0;
    this.heard = 0;
    this.opened = 0;
    this.stale = true;
    this.state = null;
  }

  start() {
    this.open();
    setInterval(() => this.check(), CHECK_MS);
    document.addEventListener("visibilitychange", () => this.check());
  }

  open() {
    this.source?.close();
    this.opened = performance.now();
    this.source = new EventSource("/events");
    this.source.addEventListener("full", (event) => this.take(JSON.parse(event.data), true));
    this.source.addEventListener("delta", (event) => this.take(JSON.parse(event.data), false));
  }

  take(event, full) {
    if (!full && (this.state === null || event.seq !== this.seq + 1)) {
      this.open(); // something was missed: a new connection begins with everything
      return;
    }
    const version = this.state?.overview.version;
    if (version && version !== event.overview.version) location.reload(); // the page belongs to its gateway
    const next = { overview: event.overview };
    for (const name of SECTIONS) {
      next[name] = merge(full ? null : this.state[name], event[name]);
    }
    this.seq = event.seq;
    this.state = next;
    this.heard = performance.now();
    this.stale = false;
    this.changed();
  }

  check() {
    const now = performance.now();
    if (!this.stale && now - this.heard > STALE_MS) {
      this.stale = true;
      this.changed();
    }
    if (this.stale && now - Math.max(this.opened, this.heard) > RETRY_MS) this.open();
  }
}

function merge(before, difference) {
  if (!difference) return before ?? { order: [], items: {} };
  const order = difference.order ?? before?.order ?? [];
  const all = { ...before?.items, ...difference.set };
  return { order, items: Object.fromEntries(order.map((key) => [key, all[key]])) };
}

export function list(section) { return section.order.map((key) => section.items[key]); }
