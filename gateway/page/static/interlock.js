// One function: its causes, why it is as it is (the live truth tree), its outputs, the trend of what it reads.
import { html, useState } from "./vendor/preact.js";
import { t, text, quantity, number, moment } from "./format.js";
import { Cause, FunctionState, Shape } from "./parts.js";
import { Bypass } from "./overview.js";
import { Trend } from "./trend.js";
import { usePolled } from "./polled.js";
import { InterlockActions } from "./actions.js";

const EXPLAIN_MS = 1000;
const SPANS = [600, 3600, 28800, 86400];
const TRENDS_SHOWN = 4;

const TRUTH_LOOK = { true: ["square", "1", "plain"], false: ["circle", "0", "plain"], unknown: ["diamond", "?", "p2"], "left the vote": ["diamond", "B", "p2"] };

function Truth({ node }) {
  const [shape, mark, tone] = TRUTH_LOOK[node.value];
  return html`<li role="treeitem" aria-expanded=${node.items.length ? "true" : undefined} aria-selected="false"><span class=${`truth ${node.value === "true" ? "yes" : ""}`}>
    <${Shape} name=${shape} mark=${mark} tone=${tone} size=${18} /> <code>${node.text}</code> <b>${t(`truth.${node.value}`)}</b>
    ${!node.certain && node.value !== "unknown" && html` <i>${t("truth.uncertain")}</i>`}${text(node.note) && html` <i>${text(node.note)}</i>`}</span>
    ${node.items.length > 0 && html`<ul role="group">${node.items.map((item) => html`<${Truth} node=${item} />`)}</ul>`}</li>`;
}

function Outputs({ outputs }) {
  const heads = ["name", "asked", "read", "verified", "owners"];
  return html`<table class="outputs"><caption>${t("detail.outputs")}</caption>
    <thead><tr>${heads.map((head) => html`<th scope="col">${t(`output.${head}`)}</th>`)}</tr></thead>
    <tbody>${outputs.map((output) => html`<tr><th scope="row">${output.name} <small>${t("output.safe", number(output.safe))}</small></th>
      <td>${number(output.asked)}</td><td>${output.read === null ? t("output.never") : number(output.read)}</td>
      <td class=${output.verified ? "" : "off"}>${output.verified ? t("output.yes") : `▲ ${t("output.no")}`}</td><td>${output.owners.join(", ")}</td></tr>`)}</tbody></table>`;
}

function Facts({ view, now }) {
  return html`<div class="facts"><h3>${t("matrix.causes")}</h3>${view.causes.map((cause) => html`<${Cause} cause=${cause} />`)}
    ${view.first_out && html`<p class="firstout"><b>${t("banner.first")}</b> ${view.first_out.causes.join(" + ")}
      ${view.first_out.value !== null && html` · ${quantity(view.first_out.value, view.first_out.unit)}`} · ${moment(view.first_out.utc_ms, now)}
      ${!view.recorded && html` <span class="recording">● ${t("recording.long")}</span>`}</p>`}
    ${view.missing.length > 0 && html`<h3>${t("detail.missing")}</h3><ul class="missing">${view.missing.map((item) => html`<li>${text(item)}</li>`)}</ul>`}
    ${view.bypasses.map((bypass) => html`<${Bypass} bypass=${bypass} /><p class="note">${t("bypass.reason")}: ${bypass.reason} · ${t("bypass.measure")}: ${bypass.measure}</p>`)}
    <${InterlockActions} view=${view} />
    <${Outputs} outputs=${view.outputs} />
    <h3>${t("detail.formula")} <small>${view.hash.slice(0, 8)}</small></h3><p><code>${view.formula}</code></p>
    <p class="note">${t("detail.reset", t(`role.${view.reset_role}`))} · ${t("matrix.trips", view.trips)}
      ${view.last_trip_ms !== null && html` · ${t("matrix.last", number(view.last_trip_ms))}`}</p></div>`;
}

export function Interlock({ state, name }) {
  const view = state.interlocks.items[name];
  const tree = usePolled(`/api/v1/explain/${encodeURIComponent(name)}`, EXPLAIN_MS);
  const [seconds, setSeconds] = useState(SPANS[0]);
  if (!view) return html`<section class="panel all"><h2>${name}</h2><p class="empty">${t("detail.unknown")} <a href="#/interlocks">${t("nav.back")}</a></p></section>`;
  const tags = [...new Set(view.causes.map((cause) => cause.tag))].slice(0, TRENDS_SHOWN);
  return html`<section class="panel all detail" aria-labelledby="detail-title">
    <h2 id="detail-title"><a class="back" href="#/interlocks">‹ ${t("nav.back")}</a> <${FunctionState} view=${view} /> ${view.name} ${text(view.title)}
      ${view.trips > 0 && html`<a class="big" href=${`#/trip/${encodeURIComponent(name)}`}>${t("trip.title")}</a>`}
      <small>${t("matrix.since", moment(view.since_utc_ms, state.overview.utc_ms))} · ${view.area}</small></h2>
    <div class="scroll two" tabindex="0" role="group" aria-labelledby="detail-title"><${Facts} view=${view} now=${state.overview.utc_ms} />
      <div class="live"><h3>${t("detail.tree")}</h3>
        ${tree ? html`<ul class="tree" role="tree" aria-label=${t("detail.tree")}><${Truth} node=${tree} /></ul>` : html`<p class="empty">${t("detail.noanswer")}</p>`}
        <h3>${t("detail.trend")} <span class="spans" role="group" aria-label=${t("detail.trend")}>${SPANS.map((span) => html`
          <button type="button" aria-pressed=${span === seconds} onClick=${() => setSeconds(span)}>${t(`trend.span.${span}`)}</button>`)}</span></h3>
        ${tags.map((tag) => html`<${Trend} key=${tag} tag=${tag} seconds=${seconds} limits=${view.causes.filter((cause) => cause.tag === tag)} />`)}</div></div></section>`;
}
