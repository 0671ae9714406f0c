// Small pieces that several views share. Meaning is always carried by shape, number and word; colour comes on top.
import { html } from "./vendor/preact.js";
import { t, number, quantity, unit } from "./format.js";

const SHAPES = {
  square: html`<rect x="2" y="2" width="20" height="20" />`,
  up: html`<path d="M12 1 23 22H1z" />`,
  down: html`<path d="M1 2h22L12 23z" />`,
  circle: html`<circle cx="12" cy="12" r="10" />`,
  diamond: html`<path d="M12 1 23 12 12 23 1 12z" />`,
  octagon: html`<path d="M8 1h8l7 7v8l-7 7H8l-7-7V8z" />`,
};

export function Shape({ name, mark = "", tone = "plain", toggle = false, size = 22 }) {
  return html`<svg class=${`shape ${tone}${toggle ? " toggle" : ""}`} width=${size} height=${size} viewBox="0 0 24 24" aria-hidden="true">
    ${SHAPES[name]}<text x="12" y=${name === "up" ? 19 : name === "down" ? 14 : 17} text-anchor="middle">${mark}</text></svg>`;
}

const PRIORITY_SHAPES = { 1: "square", 2: "up", 3: "down", 4: "circle" };

export function Priority({ priority, toggle, calm }) {
  return html`<${Shape} name=${PRIORITY_SHAPES[priority]} mark=${priority} tone=${calm ? "plain" : `p${priority}`} toggle=${toggle} />`;
}

export const STATE_LOOK = {
  NORMAL: ["circle", "", "plain"], WARNING: ["up", "!", "p2"], TRIPPED: ["octagon", "×", "p1"], DEGRADED: ["diamond", "!", "p2"],
  SHADOW: ["circle", "S", "dashed"], "MONITOR ONLY": ["circle", "M", "dashed"], UNCONFIGURED: ["circle", "?", "dashed"],
  STALE: ["diamond", "?", "p2"], CONNECTING: ["circle", "…", "dashed"],
};

const MACHINE_LOOK = {
  INIT: ["octagon", "…", "p1"], FAULT: ["octagon", "!", "p1"], TRIPPED: ["octagon", "×", "p1"], READY: ["octagon", "R", "p1hollow"],
  ARMING: ["diamond", "R", "p2"], ARMED: ["circle", "", "plain"], PRETRIP: ["up", "!", "p2"], TRIPPING: ["octagon", "×", "p1"],
  TRIP_FAILED: ["octagon", "!", "p1"],
};

// What a function shows: its machine's state when live, its mode otherwise.
export function FunctionState({ view }) {
  const live = view.mode === "live";
  const [shape, mark, tone] = live ? MACHINE_LOOK[view.state] ?? ["diamond", "?", "p2"] : ["circle", view.mode === "shadow" ? "S" : "–", "dashed"];
  const word = live ? t(`machine.${view.state}`) : t(`mode.${view.mode}`);
  return html`<span class=${`fstate ${tone}`}><${Shape} name=${shape} mark=${mark} tone=${tone} toggle=${view.state === "TRIP_FAILED"} />
    <span>${word}</span></span>`;
}

function place(value, low, high) { return Math.min(100, Math.max(0, ((value - low) / (high - low)) * 100)); }

// The value in its band: the limit as a mark, the demand side shaded, the value as a pointer.
function Band({ cause }) {
  const { low, high, limit, value } = cause;
  if (low === null || high === null || !(high > low)) return html`<span class="band none"></span>`;
  const mark = place(limit, low, high);
  const side = cause.op.startsWith("<") ? [0, mark] : cause.op.startsWith(">") ? [mark, 100] : null;
  const at = value === null ? null : place(value, low, high);
  const tone = cause.demand ? "demand" : cause.quality !== "good" ? "doubt" : "";
  return html`<svg class=${`band ${tone}`} viewBox="0 0 104 16" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" x="2" y="5" width="100" height="6" />
    ${side && html`<rect class="side" x=${2 + side[0]} y="5" width=${side[1] - side[0]} height="6" />`}
    <rect class="limit" x=${1.25 + mark} y="1" width="1.5" height="14" />
    ${at !== null && html`<path class="at" d=${`M${2 + at - 4} 0h8l-4 8z`} />`}</svg>`;
}

export function Cause({ cause, brief = false }) {
  const marks = [];
  if (cause.bypassed) marks.push(["p2", "B", t("cause.bypassed")]);
  if (cause.quality === "bad") marks.push(["p2", "?", t("cause.bad")]);
  if (cause.quality === "uncertain") marks.push(["p2", "~", t("cause.uncertain")]);
  if (cause.demand && !cause.bypassed) marks.push(["p1", "×", t("cause.demand")]);
  return html`<div class=${`cause${cause.demand && !cause.bypassed ? " demand" : ""}${cause.bypassed ? " bypassed" : ""}`}>
    <span class="tag" title=${cause.text}>${cause.tag} <span class="cond">${sign(cause.op)} ${number(cause.limit)}</span></span>
    <${Band} cause=${cause} />
    <span class=${`value ${cause.quality}`}>${cause.value === null ? t("cause.never") : quantity(cause.value, cause.unit)}</span>
    <span class="marks">${marks.map(([tone, mark, word]) => html`<span class=${`mark ${tone}`}>
      <b aria-hidden="true">${mark}</b> <span class=${brief ? "word" : ""}>${word}</span></span>`)}</span></div>`;
}

const SIGNS = { "<=": "≤", ">=": "≥", "!=": "≠" };
export function sign(op) { return SIGNS[op] ?? op; }
export { unit };
