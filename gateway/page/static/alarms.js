// Alarms as rows by priority then time. Under a finger nothing moves: while the list is touched its order is held,
// rows that ended stay in their place (marked), new ones are only counted; the list is put in order when it is let go.
import { html, useRef, useState, useEffect } from "./vendor/preact.js";
import { t, text, quantity, moment } from "./format.js";
import { list } from "./stream.js";
import { Priority } from "./parts.js";
import { useOnce } from "./polled.js";
import { AcknowledgeShown, AlarmActions } from "./actions.js";

// Whose alarms this screen shows; "" = everybody's. Kept for the screen, and what is left out is always said.
const PLACE = "position";
function kept() { try { return localStorage.getItem(PLACE) ?? ""; } catch { return ""; } }
function keep(name) { try { localStorage.setItem(PLACE, name); } catch { /* for this visit only */ } }

function usePosition(section, brief) {
  const [position, setPosition] = useState(kept());
  const places = useOnce(brief ? "" : "/api/v1/kpis?days=1")?.figures.places ?? [];
  const names = places.filter((name) => name.startsWith("position:")).map((name) => name.slice(9));
  const order = position ? section.order.filter((key) => section.items[key].position === position) : section.order;
  const choose = (name) => { keep(name); setPosition(name); };
  return { position, names, choose, shown: { order, items: section.items }, others: section.order.length - order.length };
}

function Position({ here }) {
  if (here.names.length < 2 && !here.position) return null;
  return html`<label class="pick"><span class="sr">${t("alarms.position")}</span><select value=${here.position} onChange=${(event) => here.choose(event.target.value)}>
    <option value="">${t("alarms.everywhere")}</option>${[...new Set([...here.names, here.position].filter(Boolean))].map((name) => html`<option value=${name}>${name}</option>`)}</select></label>`;
}

const HOLD_MS = 3000; // after the last touch; a pointer that rests on the list or a focus in it holds on

function useHeld(section) {
  const held = useRef(null);
  const inside = useRef({ pointer: false, focus: false, timer: 0 });
  const [, redraw] = useState(0);
  useEffect(() => () => clearTimeout(inside.current.timer), []);
  const hold = (what) => {
    clearTimeout(inside.current.timer);
    inside.current[what] = true;
    held.current ??= { order: section.order, items: { ...section.items } };
  };
  const release = (what) => {
    inside.current[what] = false;
    clearTimeout(inside.current.timer);
    if (inside.current.pointer || inside.current.focus) return;
    inside.current.timer = setTimeout(() => { held.current = null; redraw((n) => n + 1); }, HOLD_MS);
  };
  const events = {
    onPointerEnter: () => hold("pointer"), onPointerDown: () => hold("pointer"), onPointerLeave: () => release("pointer"),
    onPointerCancel: () => release("pointer"), onFocusIn: () => hold("focus"), onFocusOut: () => release("focus"),
  };
  if (!held.current) return [list(section).map((alarm) => [alarm, false]), 0, events];
  const rows = held.current.order.map((key) => {
    if (section.items[key]) held.current.items[key] = section.items[key];
    return [held.current.items[key], !section.items[key]];
  });
  return [rows, section.order.filter((key) => !held.current.order.includes(key)).length, events];
}

function Row({ alarm, ended, now, brief, open, toggle }) {
  const unacked = alarm.state.includes("UNACK") && !ended;
  const response = text(alarm.response) || t("alarms.noresponse");
  const state = ended ? t("alarms.ended") : t(`alarm.${alarm.state}`);
  return html`<li data-name=${alarm.name} data-occurrence=${unacked ? alarm.occurrence : undefined} class=${`alarm${unacked ? " unacked" : ""}${ended ? " ended" : ""}${open ? " open" : ""}`}>
    <button type="button" aria-expanded=${open} onClick=${toggle}>
      <span class="sr">${t("alarms.priority", alarm.priority)}</span>
      <${Priority} priority=${alarm.priority} toggle=${unacked} calm=${ended || !alarm.active} />
      <span class="what"><b>${text(alarm.title) || alarm.name}</b>
        ${alarm.others > 0 && html`<span class="count">${t("alarms.flood", alarm.others)}</span>`}
        ${alarm.escalated && html`<span class="count">▲ ${t("alarms.escalated")}</span>`}
        <span class="how">${brief ? response : html`<i>${t("alarms.cause")}</i> ${text(alarm.cause) || "–"} <i>${t("alarms.consequence")}</i> ${text(alarm.consequence) || "–"}
          ${" "}<i>${t("alarms.response")}</i> ${response}`}</span></span>
      <span class="num">${alarm.value !== null && html`${quantity(alarm.value, alarm.unit)}`}
        ${!brief && alarm.limit !== null && html`<small>${t("cause.limit", quantity(alarm.limit, alarm.unit))}</small>`}
        ${brief && html`<small>${moment(alarm.raised_utc_ms, now)}</small>`}</span>
      ${!brief && html`<span class="when">${moment(alarm.raised_utc_ms, now)}<small>${alarm.area}${alarm.count > 1 ? ` · ${t("alarms.times", alarm.count)}` : ""}</small></span>
        <span class="state">${state}${!alarm.recorded && html`<small class="recording">● ${t("recording")}</small>`}</span>`}
      ${brief && html`<span class="sr">${state}</span>`}</button>
    ${open && html`<dl><dt>${t("matrix.state")}</dt><dd>${state} · ${alarm.name} · ${alarm.area}</dd><dt>${t("alarms.cause")}</dt><dd>${text(alarm.cause) || "–"}</dd>
      <dt>${t("alarms.consequence")}</dt><dd>${text(alarm.consequence) || "–"}</dd><dt>${t("alarms.response")}</dt><dd>${response}</dd></dl>${!ended && html`<${AlarmActions} alarm=${alarm} />`}`}</li>`;
}

export function Alarms({ state, brief = false }) {
  const here = usePosition(state.alarms, brief);
  const [rows, added, events] = useHeld(here.shown);
  const [open, setOpen] = useState("");
  const { alarms_active: active, alarms_unacked: unacked } = state.overview;
  return html`<section class=${`panel alarms${brief ? " brief" : " all"}`} aria-labelledby="alarms-title" ...${events}>
    <h2 id="alarms-title">${t("alarms.title")} <span class="count">${active}</span>
      ${unacked > 0 && html` <span class="count">${t("alarms.unacked", unacked)}</span>`}
      ${here.others > 0 && html`<a class="count" href="#/alarms">▲ ${t("alarms.others", here.others, here.position)}</a>`}
      ${!brief && html`<${Position} here=${here} /><${AcknowledgeShown} rows=${rows} />`}
      ${added > 0 && html` <span class="held" role="status">▲ ${t("alarms.held", added)}</span>`}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="alarms-title">
    ${rows.length === 0 ? html`<p class="empty">${t("alarms.none")}</p>` : html`<ul>${rows.map(([alarm, ended]) => html`
      <${Row} key=${alarm.name} alarm=${alarm} ended=${ended} now=${state.overview.utc_ms} brief=${brief} open=${open === alarm.name}
        toggle=${() => setOpen(open === alarm.name ? "" : alarm.name)} />`)}</ul>`}</div></section>`;
}
