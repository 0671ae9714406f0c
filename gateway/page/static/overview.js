// The overview: interlock matrix, devices, and the alarms beside them.
import { html } from "./vendor/preact.js";
import { t, text, quantity, moment, span } from "./format.js";
import { list } from "./stream.js";
import { Cause, FunctionState, Shape } from "./parts.js";
import { Alarms } from "./alarms.js";
import { Warnings } from "./warnings.js";

const CAUSES_SHOWN = 4;

export function Bypass({ bypass }) {
  return html`<p class="bypass"><${Shape} name="diamond" mark="B" tone="p2" size=${18} />
    ${t("bypass.one", bypass.tag, bypass.person, span(bypass.left_s))}</p>`;
}

function Row({ view, now }) {
  const shown = view.causes.slice(0, CAUSES_SHOWN);
  const rest = view.causes.length - shown.length;
  return html`<tr class=${view.mode === "live" ? "" : "unlive"}>
    <td><${FunctionState} view=${view} />${view.degraded > 0 && html`<p class="degraded">▲ ${t("matrix.degraded", view.degraded)}</p>`}</td>
    <th scope="row"><a href=${`#/interlock/${encodeURIComponent(view.name)}`}><span class="name">${view.name}</span>
      <span class="title">${text(view.title)}</span></a></th>
    <td>${shown.map((cause) => html`<${Cause} cause=${cause} brief />`)}
      ${rest > 0 && html`<p class="more">+ ${t("matrix.more", rest)}</p>`}
      ${view.first_out && html`<p class="firstout"><b>${t("banner.first")}</b> ${view.first_out.causes.join(" + ")}
        ${view.first_out.value !== null && html` · ${quantity(view.first_out.value, view.first_out.unit)}`} · ${moment(view.first_out.utc_ms, now)}
        ${!view.recorded && html` <span class="recording">● ${t("recording")}</span>`}</p>`}
      ${view.bypasses.map((bypass) => html`<${Bypass} bypass=${bypass} />`)}</td></tr>`;
}

export function Matrix({ state }) {
  const rows = list(state.interlocks);
  return html`<section class="panel matrix" aria-labelledby="matrix-title"><h2 id="matrix-title">${t("matrix.title")} <span class="count">${rows.length}</span></h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="matrix-title">
    ${rows.length === 0 ? html`<p class="empty">${t("matrix.empty")}</p>` : html`<table>
      <thead><tr><th scope="col">${t("matrix.state")}</th><th scope="col">${t("matrix.function")}</th><th scope="col">${t("matrix.causes")}</th></tr></thead>
      <tbody>${rows.map((view) => html`<${Row} key=${view.name} view=${view} now=${state.overview.utc_ms} />`)}</tbody></table>`}</div></section>`;
}

function abnormal(source) { return !source.up || source.bad > 0 || source.heartbeat === "withheld"; }

function DeviceState({ source }) {
  if (!source.up) return html`<span class="fstate p2"><${Shape} name="up" mark="!" tone="p2" /> ${t("devices.down")}</span>`;
  if (abnormal(source)) return html`<span class="fstate p2"><${Shape} name="diamond" mark="!" tone="p2" /> ${t("devices.up")}</span>`;
  return html`<span class="fstate plain"><${Shape} name="circle" tone="plain" /> ${t("devices.up")}</span>`;
}

export function DeviceStrip({ state }) {
  const sources = list(state.sources).sort((a, b) => abnormal(b) - abnormal(a));
  return html`<section class="panel devices" aria-labelledby="devices-title"><h2 id="devices-title">${t("devices.title")} <span class="count">${sources.length}</span></h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="devices-title">
    ${sources.length === 0 ? html`<p class="empty">${t("devices.empty")}</p>` : html`<ul>${sources.map((source) => html`
      <li key=${source.name}><a href="#/devices"><${DeviceState} source=${source} /> <b>${source.name}</b>
        <span class="note">${abnormal(source) ? t("devices.bad", source.bad, source.tags) : span(source.age_ms / 1000)}</span></a></li>`)}</ul>`}</div></section>`;
}

export function Overview({ state }) {
  return html`<div class="columns"><${Matrix} state=${state} />
    <div class="side"><${Alarms} state=${state} brief /><${Warnings} now=${state.overview.utc_ms} /><${DeviceStrip} state=${state} /></div></div>`;
}

function DeviceRow({ source }) {
  const heart = source.heartbeat === "withheld" ? "off" : "";
  return html`<tr><td><${DeviceState} source=${source} /></td><th scope="row"><span class="name">${source.name}</span><span class="title">${source.driver}</span></th>
    <td class=${source.bad > 0 ? "off" : ""} data-head=${t("devices.values")}>${source.bad > 0 ? `▲ ${t("devices.bad", source.bad, source.tags)}` : t("devices.tags", source.tags)}</td>
    <td data-head=${t("devices.age")}>${span(source.age_ms / 1000)}</td><td data-head=${t("devices.period")}>${source.period_ms ? `${source.period_ms} ms` : "–"}</td>
    <td data-head=${t("devices.restarts")}>${source.restarts}</td><td data-head=${t("devices.heartbeat")}><span class=${heart}>${heart && "▲ "}${t(`heartbeat.${source.heartbeat}`)}</span>
      ${source.heartbeat !== "none" && !source.watchdog_proven && html`<p class="off">▲ ${t("heartbeat.unproven")}</p>`}</td>
    <td data-head=${t("devices.error")}>${source.error || source.cause || "–"}</td></tr>`;
}

export function Devices({ state }) {
  const sources = list(state.sources);
  const heads = ["state", "name", "values", "age", "period", "restarts", "heartbeat", "error"];
  return html`<section class="panel all" aria-labelledby="devices-title"><h2 id="devices-title">${t("devices.title")}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="devices-title">
    ${sources.length === 0 ? html`<p class="empty">${t("devices.empty")}</p>` : html`<table class="stack">
      <thead><tr>${heads.map((head) => html`<th scope="col">${t(`devices.${head}`)}</th>`)}</tr></thead>
      <tbody>${sources.map((source) => html`<${DeviceRow} key=${source.name} source=${source} />`)}</tbody></table>`}</div></section>`;
}
