// A worker's own data behind their own sign-in: what is kept, why, who looked, and the buttons that export, correct, withdraw and erase.
// Everything here is asked as the person who signed in; the gateway gives it to nobody else.
import { html, useEffect, useState } from "./vendor/preact.js";
import { getLanguage, number, text } from "./format.js";
import { act } from "./act.js";
import { session } from "./session.js";
import { Others } from "./glass.js";
import words from "./people_words.js";

const say = (key, ...args) => words[getLanguage()][key].replace(/\{(\d)\}/g, (_, n) => args[n]);
const day = (ms) => new Date(ms).toLocaleDateString(getLanguage());
const minute = (ms) => new Date(ms).toLocaleString(getLanguage(), { dateStyle: "short", timeStyle: "short" });

function save(name, body, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(body, { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// Page by page, so that 72 hours need no more of the gateway's memory than a quarter of one.
async function everything() {
  const rows = [];
  for (let at = 0; ;) {
    const reply = await act("person.export", "", { from_utc_ms: String(at) });
    if (!reply.ok) return reply;
    rows.push(...reply.data.rows);
    at = reply.data.next_utc_ms;
    if (!at) return { ok: true, data: rows };
  }
}

const csv = (row) => [row.utc_ms, row.stream, row.sequence, `"${JSON.stringify(row.data).replaceAll('"', '""')}"`].join(",") + "\n";

function Table({ head, rows, none }) {
  if (rows.length === 0) return html`<p>${none}</p>`;
  return html`<table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;
}

function Purpose({ one, consent, done }) {
  const [reading, setReading] = useState(false);
  const agree = async () => done(await act("person.consent", "", { purpose: one.purpose, text_sha256: one.text_sha256[getLanguage()] }));
  const withdraw = async () => { if (confirm(say("withdraw.sure", one.purpose))) done(await act("person.withdraw", "", { purpose: one.purpose })); };
  return html`<section class="panel"><h3>${one.purpose}: ${consent ? say("consented", day(consent.expires_utc_ms)) : say("not-consented")}</h3>
    ${(reading || consent) && html`<p>${text(one.text)}</p>`}
    ${consent ? html`<button type="button" class="tool" onClick=${withdraw}>${say("withdraw")}</button>`
      : reading ? html`<button type="button" class="tool" onClick=${agree}>${say("agree")}</button>`
      : html`<button type="button" class="tool" onClick=${() => setReading(true)}>${say("read")}</button>`}</section>`;
}

function Event({ row, done }) {
  const correct = async () => {
    const now = prompt(say("correct.now"));
    const reason = now && prompt(say("correct.why"));
    if (reason) done(await act("person.correct", "", { stream: row.stream, sequence: String(row.sequence), now, reason }));
  };
  return html`<button type="button" class="tool" onClick=${correct}>${say("correct")}</button>`;
}

async function erase(worker, done) {
  const typed = prompt(say("erase.sure", worker));
  if (typed !== worker) return;
  const args = { reason: say("erase.reason") };
  const plan = await act("person.erase", worker, args, { plan: true });
  done(plan.ok ? await act("person.erase", worker, args, { token: plan.data.token }) : plan);
}

function Own({ own, purposes, access, status, done, again }) {
  const download = async (kind) => {
    const found = await everything();
    if (!found.ok) return done(found);
    const body = kind === "csv" ? ["utc_ms,stream,sequence,data\n", ...found.data.map(csv)] : [JSON.stringify(found.data)];
    save(`${own.worker}.${kind}`, body, kind === "csv" ? "text/csv" : "application/json");
  };
  const report = async () => {
    const found = await act("person.report", "", { language: getLanguage() });
    if (found.ok) save(`${own.worker}.html`, [found.data.html], "text/html"); else done(found);
  };
  const finished = (reply) => { if (reply.ok && reply.data) save("certificate.json", [JSON.stringify(reply.data, null, 1)], "application/json"); done(reply); again(); };
  const month = Object.keys(own.months).sort().at(-1);
  const counts = Object.entries(own.months[month] ?? {});
  return html`<section class="panel"><h3>${say("now")}</h3>
      <p>${own.collected.length ? say("collected", own.collected.map((name) => say(`stream.${name}`)).join(getLanguage() === "en" ? ", " : "、")) : say("nothing")}</p>
      ${own.fatigue && html`<p>${say("fatigue", number(own.fatigue.value), number(own.fatigue.confidence))} ${say("fatigue.not")}</p>`}
      <p>${say("latest", number(own.latest.heart_rate), number(own.latest.skin_temperature))}</p>
      <button type="button" class="tool" onClick=${() => download("json")}>${say("export", "JSON")}</button>
      <button type="button" class="tool" onClick=${() => download("csv")}>${say("export", "CSV")}</button>
      <button type="button" class="tool" onClick=${report}>${say("report")}</button>
      <button type="button" class="tool" onClick=${() => erase(own.worker, finished)}>${say("erase")}</button></section>
    <${Told} own=${own} />
    ${purposes.map((one) => html`<${Purpose} key=${one.purpose} one=${one} done=${finished}
      consent=${own.consents.find((each) => each.purpose === one.purpose && !each.withdrawn_utc_ms)} />`)}
    <section class="panel"><h3>${say("events")}</h3><${Table} head=${[say("when"), say("kind"), say("correction")]} none=${say("none")}
      rows=${own.events.map((row) => [minute(row.utc_ms), row.data.kind, html`<${Event} row=${row} done=${finished} />`])} />
      <${Table} head=${[say("kind"), say("month", month ?? ""), say("row")]} none=${""} rows=${counts.map(([kind, count]) => [kind, count, own.in_a_row[kind] ?? 0])} /></section>
    <section class="panel"><h3>${say("looked")}</h3><${Table} head=${[say("when"), say("what"), say("who"), say("why")]} none=${say("nobody")}
      rows=${access.filter((one) => one.who).map((one) => [minute(one.utc_ms), one.what, one.who, one.reason])} /></section>
    <p>${say("rights")}</p><p>${say("key", say(`key.${status.key_store || "none"}`))}</p>`;
}

// Newest first: who looked, a consent that ends, a certificate that freezes a permit.
function Told({ own }) {
  const reason = (one) => (one.kind === "consent" ? day(Number(one.reason)) : one.reason);
  const due = own.certificates.filter((one) => one.due).map((one) => html`<p role="alert">▲ ${say("certificate.due", one.kind, one.expires, one.permit)}</p>`);
  return html`<section class="panel"><h3>${say("told")}</h3>${due}<${Table} head=${[say("when"), say("kind"), say("what"), say("who"), say("why")]} none=${say("told.none")}
    rows=${own.notices.toReversed().map((one) => [minute(one.utc_ms), say(`told.${one.kind}`), one.what, one.who, reason(one)])} /></section>`;
}

export function People() {
  const [found, setFound] = useState(null);
  const [answer, setAnswer] = useState("");
  const who = session.person?.id ?? "";
  const read = async () => {
    const own = await act("person.see");
    const others = own.ok ? await Promise.all([act("person.purposes"), act("person.access"), act("person.status")]) : [];
    if ((session.person?.id ?? "") !== who) return; // somebody else is here by now
    if (!own.ok) return setFound({ message: own.message });
    const [purposes, access, status] = others;
    setFound({ own: own.data, purposes: purposes.data ?? [], access: access.data ?? [], status: status.data ?? {} });
  };
  // Whoever walks away or is signed out takes what was shown along: the next one at the screen sees nothing of it.
  useEffect(() => { setFound(null); setAnswer(""); read(); }, [who]);
  return html`<section class="panel all" aria-labelledby="people-title"><h2 id="people-title">${say("title")}</h2><div class="scroll" tabindex="0" role="group" aria-labelledby="people-title">
    ${answer && html`<p role="status">${answer}</p>`}
    <${Others} key=${who} roles=${session.roles} />
    ${found?.own && html`<${Own} ...${found} done=${(reply) => setAnswer(reply.message)} again=${read} />`}
    ${found && !found.own && html`<p>${found.message || say("sign-in")}</p><p><button type="button" class="big" onClick=${read}>${say("again")}</button></p>`}</div></section>`;
}
