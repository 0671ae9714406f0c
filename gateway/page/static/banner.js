// What is always visible: the state and what to do, the one button that needs no login, the strip of the gateway's own health, the footer.
import { html, useState } from "./vendor/preact.js";
import { t, text, clock, zone, bytes, quantity, moment } from "./format.js";
import { act } from "./act.js";
import { list } from "./stream.js";
import { Shape, STATE_LOOK } from "./parts.js";

const URGENCY = ["TRIP_FAILED", "FAULT", "TRIPPING", "TRIPPED", "READY", "INIT"];

// The function the banner speaks of: the worst state, then priority, then the first to trip.
function foremost(functions) {
  const down = functions.filter((view) => view.mode === "live" && URGENCY.includes(view.state));
  const when = (view) => view.first_out?.utc_ms ?? view.since_utc_ms;
  down.sort((a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state) || a.priority - b.priority || when(a) - when(b));
  return [down[0], down.length];
}

function advice(state, view, alarms) {
  if (state.overview.state === "UNCONFIGURED") return t("do.unconfigured");
  if (view) {
    const role = t(`role.${view.reset_role}`);
    if (view.state === "TRIP_FAILED") return t("do.failed");
    if (view.state === "FAULT") return t("do.fault");
    if (view.state === "READY") return t("do.ready", role);
    const missing = view.missing.map(text).filter(Boolean).join(" · ");
    return missing ? `${missing} — ${t("do.tripped", role)}` : t("do.tripped", role);
  }
  const unacked = alarms.find((alarm) => alarm.state.includes("UNACK"));
  return unacked && text(unacked.response) ? `${text(unacked.title) || unacked.name}: ${text(unacked.response)}` : "";
}

export function Banner({ state, stale, heardAt }) {
  const known = state !== null;
  const word = stale ? (known ? "STALE" : "CONNECTING") : state.overview.state;
  const [shape, mark, tone] = STATE_LOOK[word] ?? STATE_LOOK.DEGRADED;
  const [view, count] = known && !stale ? foremost(list(state.interlocks)) : [null, 0];
  const toDo = stale ? (known ? t("do.stale") : "") : advice(state, view, list(state.alarms));
  const reason = stale ? (known ? t("stale.since", clock(heardAt)) : t("stale.connecting")) : text(state.overview.reason);
  return html`<section class=${`banner ${tone}`} aria-label=${t("matrix.state")}>
    <div class="word" role="status" aria-live="assertive"><${Shape} name=${shape} mark=${mark} tone=${tone} size=${40} />
      <strong>${t(`state.${word}`)}</strong></div>
    <div class="why">
      ${view?.first_out ? html`<p class="first"><b>${t("banner.first")}</b> ${view.first_out.causes.join(" + ")}
          ${view.first_out.value !== null && html` · ${quantity(view.first_out.value, view.first_out.unit)}`}
          ${" · "}${moment(view.first_out.utc_ms, state.overview.utc_ms)}
          ${" · "}<a href=${`#/interlock/${encodeURIComponent(view.name)}`}>${view.name} ${text(view.title)}</a>
          ${" · "}<a href=${`#/trip/${encodeURIComponent(view.name)}`}>${t("trip.title")}</a>
          ${!view.recorded && html` <span class="recording" title=${t("recording.long")}>● ${t("recording")}</span>`}
          ${count > 1 && html` · ${t("banner.also", count - 1)}`}</p>`
        : html`<p class="first">${reason}</p>`}
      ${toDo && html`<p class="do"><b>${t("banner.do")}</b> ${toDo}</p>`}
    </div></section>`;
}

function Upstream({ up }) {
  if (!up.configured) return html`<span><b>${t("strip.upstream")}</b> ${t("up.off")}</span>`;
  const sum = [up.confirmed, up.queued, up.aggregated, up.expired];
  const names = ["confirmed", "queued", "aggregated", "expired"];
  return html`<span class=${up.connected && up.balanced ? "" : "off"}><b>${t("strip.upstream")}</b> ${up.connected ? "" : "▲ "}
    ${t(up.connected ? "up.on" : "up.away")} (${t(`proof.${up.proof}`)}) · ${up.produced} ${t("up.produced")} =
    ${" "}${sum.map((n, i) => `${n} ${t(`up.${names[i]}`)}`).join(" + ")}
    ${!up.balanced && html` ▲ ${t("up.unbalanced")}`}${up.refused > 0 && html` ▲ ${t("up.refused", up.refused)}`}</span>`;
}

export function Strip({ overview: o }) {
  const good = o.time_quality === "ntp" || o.time_quality === "ptp";
  return html`<section class="strip" aria-label=${t("strip.time")}>
    <span class=${good ? "" : "off"}><b>${t("strip.time")}</b> ${clock(o.utc_ms)} ${zone()} · ${good ? "" : "▲ "}${t(`time.${o.time_quality}`)}</span>
    <${Upstream} up=${o.upstream} />
    <span><b>${t("strip.disk")}</b> ${bytes(o.disk_free_bytes)}</span>
    <span class="wide"><b>${t("strip.history")}</b> ${o.history_hours.toFixed(1)} h</span>
    <span class="wide">${Math.round(o.points_per_s)} ${t("strip.rate")}</span>
    ${o.tags_bad > 0 && html`<span class="off">▲ <b>${t("strip.tags")}</b> ${o.tags_bad}/${o.tags}</span>`}
    ${!o.journal_ok && html`<span class="off">▲ ${t("strip.journal")}</span>`}</section>`;
}

export function Silence({ sounding }) {
  const [answer, setAnswer] = useState("");
  if (sounding.length === 0) return null;
  const silence = async () => setAnswer((await act("alarm.silence")).message);
  return html`<button type="button" class="tool" onClick=${silence}>♪ ${t("silence", sounding.join(", "))}</button>
    ${answer && html`<span role="status">${answer}</span>`}`;
}
