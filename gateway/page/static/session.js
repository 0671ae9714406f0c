// Who is at this page: asked of the gateway, renewed while a person works, never kept in the browser.
import { enter } from "./act.js";

const ASK_MS = 10000;
const ACTIVE_MS = 15000; // a touch is told to the gateway this often at most

export const session = { known: false, place: "box", acts: false, may_read: true, person: null, roles: [], left_s: 0, people: [], open: [], nouns: [] };
let changed = () => {};
let told = 0;

export async function ask(active = false) {
  try {
    const reply = await fetch(`/api/v1/session${active ? "?active=1" : ""}`);
    if (reply.ok) Object.assign(session, await reply.json(), { known: true });
  } catch { /* the page shows by itself that the gateway is not heard */ }
  changed();
}

// The kiosk is opened with a token behind the #: it is taken for a cookie and disappears from the address.
export async function start(onChange) {
  changed = onChange;
  const token = /^#kiosk=([\w-]+)$/.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", "/");
    await enter("/api/v1/kiosk", { token });
  }
  await ask();
  setInterval(ask, ASK_MS);
  setInterval(() => { if (session.left_s > 0) { session.left_s--; changed(); if (session.left_s === 0) ask(); } }, 1000);
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => {
    if (session.left_s > 0 && performance.now() - told > ACTIVE_MS) { told = performance.now(); ask(true); }
  });
}

export async function signOut() {
  await enter("/api/v1/signout", {});
  await ask();
}

// Whether `verb` may be tried now without signing in; what a role may is said by the gateway, not guessed here.
export function entered(verb) { return session.person !== null || session.open.includes(verb); }
