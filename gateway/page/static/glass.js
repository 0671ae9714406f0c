// What medics and safety officers may ask of others: events without values, and the latest values in need, which two people open for 15 min.
// Every answer here is told to the worker by the gateway before it is given; nothing of it stays when the person has gone.
import { html, useState } from "./vendor/preact.js";
import { getLanguage, number } from "./format.js";
import { act } from "./act.js";
import words from "./people_words.js";

const say = (key, ...args) => words[getLanguage()][key].replace(/\{(\d)\}/g, (_, n) => args[n]);
const minute = (ms) => new Date(ms).toLocaleString(getLanguage(), { dateStyle: "short", timeStyle: "short" });

function Vitals({ of: seen }) {
  const place = seen.position && say("glass.place", number(seen.position.x), number(seen.position.y), number(seen.position.error_m));
  return html`<p role="status">${seen.worker}: ${say("latest", number(seen.heart_rate), number(seen.skin_temperature))} ${place ?? ""}
    ${seen.heard_utc_ms ? say("glass.heard", minute(seen.heard_utc_ms)) : say("glass.unheard")}</p>`;
}

function Field({ name, value, change }) {
  return html`<label>${say(name)} <input value=${value} maxlength="200" onInput=${(event) => change(event.target.value)} /></label>`;
}

export function Others({ roles }) {
  const [worker, setWorker] = useState("");
  const [reason, setReason] = useState("");
  const [answer, setAnswer] = useState({});
  const medic = roles.includes("medic"), officer = roles.includes("safety-officer");
  if (!medic && !officer) return null;
  const ask = async (verb, target, args, kind) => {
    const reply = await act(verb, target, args);
    setAnswer({ message: reply.message, [kind]: reply.ok ? reply.data : null });
  };
  const button = (key, ready, press) => html`<button type="button" class="tool" disabled=${!ready} onClick=${press}>${say(key)}</button> `;
  return html`<section class="panel"><h3>${say("others")}</h3><p>${say("others.told")}</p>
    <${Field} name="glass.worker" value=${worker} change=${setWorker} /> <${Field} name="why" value=${reason} change=${setReason} />
    <p>${medic && button("glass.ask", worker && reason, () => ask("person.glass", worker, { reason }, "asked"))}
      ${button("glass.confirm", worker, () => ask("person.confirm", worker, {}, "asked"))}
      ${medic && button("glass.look", worker, () => ask("person.vitals", worker, {}, "vitals"))}
      ${officer && button("glass.events", reason, () => ask("person.events", "", { reason }, "events"))}</p>
    ${answer.message && html`<p role="status">${answer.message}</p>`}
    ${answer.vitals && html`<${Vitals} of=${answer.vitals} />`}
    ${answer.events && (answer.events.length === 0 ? html`<p>${say("none")}</p>` : html`<table><thead><tr>
      ${["when", "glass.worker", "kind"].map((key) => html`<th scope="col">${say(key)}</th>`)}</tr></thead><tbody>
      ${answer.events.map((row) => html`<tr><td>${minute(row.utc_ms)}</td><td>${row.worker}</td><td>${row.kind}</td></tr>`)}</tbody></table>`)}</section>`;
}
