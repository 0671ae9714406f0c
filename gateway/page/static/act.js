// Asking for something to be done: a nonce for each action, a plan first where the verb is dangerous, the answer in words.
import { t, getLanguage } from "./format.js";

async function post(path, body, headers = {}) {
  const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
  return [reply.status, await reply.json().catch(() => ({}))];
}

// {ok, code, message, data}; never throws.
export async function act(verb, target = "", args = {}, more = {}) {
  try {
    const given = await fetch("/api/v1/nonce");
    const { nonce = "" } = given.ok ? await given.json() : {};
    const body = { verb, target, args, language: getLanguage(), ...more };
    const [status, said] = await post("/api/v1/act", body, { "X-Gatehouse-Nonce": nonce });
    return { ok: status === 200, code: said.code ?? 1, message: said.message ?? "", data: said.data };
  } catch {
    return { ok: false, code: 3, message: t("act.unheard"), data: null };
  }
}

// [status, {why, left_s, fresh, detail}]; status 0 where the gateway was not heard.
export async function enter(path, body) {
  try { return await post(path, body); } catch { return [0, { why: "unheard" }]; }
}
