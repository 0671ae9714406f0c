// Permits, controls and tellings: what people work with beside interlocks and alarms. Read every two seconds while open.
import { html } from "./vendor/preact.js";
import { t, text, moment, number, span } from "./format.js";
import { Shape } from "./parts.js";
import { useAsked } from "./polled.js";
import { ControlActions, PermitActions, TellingActions } from "./actions.js";

export function Panel({ id, title, rows, empty, children }) {
  return html`<section class="panel" aria-labelledby=${id}><h2 id=${id}>${title} ${rows && html`<span class="count">${rows.length}</span>`}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby=${id}>${rows === null ? html`<p class="empty">${t("detail.noanswer")}</p>` : rows.length === 0 ? html`<p class="empty">${empty}</p>` : children}</div></section>`;
}

function Permit({ permit, now }) {
  return html`<li><${Shape} name=${permit.allowed ? "circle" : "octagon"} mark=${permit.allowed ? "" : "×"} tone=${permit.number && !permit.allowed ? "p1" : permit.allowed ? "plain" : "dashed"} />
    <div class="what"><b>${permit.name}</b> ${text(permit.title)}<p class="note">${t(permit.allowed ? "permit.allowed" : "permit.refused")}</p>
      ${permit.number && html`<p>${t("permit.out", permit.number, permit.person, permit.place)} · ${moment(permit.since_utc_ms, now)} · ${t("permit.left", span(permit.left_s))}</p>`}</div>
    <${PermitActions} permit=${permit} /></li>`;
}

function Control({ control }) {
  const bad = control.failed || control.hunting;
  return html`<li><${Shape} name=${bad ? "diamond" : "circle"} mark=${bad ? "!" : control.live ? "" : "–"} tone=${bad ? "p2" : control.live ? "plain" : "dashed"} />
    <div class="what"><b>${control.name}</b> ${t(control.live ? "mode.live" : "mode.off")} · ${t(`position.${control.position}`)}
      ${control.failed && html` <span class="off">▲ ${t("control.failed")}</span>`}${control.hunting && html` <span class="off">▲ ${t("control.hunting")}</span>`}
      <p class="note">${control.outputs.map((output) => `${output.name} ${number(output.asked)} → ${output.read === null ? "–" : number(output.read)}`).join(" · ")}</p></div>
    <${ControlActions} control=${control} /></li>`;
}

function Telling({ telling, now }) {
  return html`<li><${Shape} name=${telling.level > 0 ? "up" : "circle"} mark=${telling.level > 0 ? telling.level : ""} tone=${telling.level > 0 ? "p2" : "plain"} toggle=${telling.level > 0} />
    <div class="what"><b>${telling.name}</b> ${text(telling.title)}<p class="note">→ ${telling.to.join(", ")} ${telling.told_utc_ms > 0 && html`· ${t("telling.told", moment(telling.told_utc_ms, now))}`}
      ${telling.level > 0 && html` · ${t("telling.waits", telling.level)}`}</p>${telling.error && html`<p class="off">▲ ${telling.error}</p>`}</div><${TellingActions} telling=${telling} /></li>`;
}

export function Work({ state }) {
  const permits = useAsked("permit.list"), controls = useAsked("control.list"), tellings = useAsked("telling.list");
  const now = state.overview.utc_ms;
  return html`<div class="three"><${Panel} id="permits" title=${t("permits.title")} rows=${permits} empty=${t("permits.empty")}><ul class="things">${permits?.map((permit) => html`<${Permit} key=${permit.name} permit=${permit} now=${now} />`)}</ul></${Panel}>
    <${Panel} id="controls" title=${t("controls.title")} rows=${controls} empty=${t("controls.empty")}><ul class="things">${controls?.map((control) => html`<${Control} key=${control.name} control=${control} />`)}</ul></${Panel}>
    <${Panel} id="tellings" title=${t("tellings.title")} rows=${tellings} empty=${t("tellings.empty")}><ul class="things">${tellings?.map((telling) => html`<${Telling} key=${telling.name} telling=${telling} now=${now} />`)}</ul></${Panel}></div>`;
}
