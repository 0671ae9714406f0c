// Cameras, leak monitors and early warnings. Each asks its own verb; a gateway without one says so, and nothing is made up.
import { html } from "./vendor/preact.js";
import { t, text, number, getLanguage } from "./format.js";
import { usePolled } from "./interlock.js";
import { Panel } from "./work.js";
import { session } from "./session.js";
import { Cameras } from "./cameras.js";
import { Warnings } from "./warnings.js";

const EVERY_MS = 2000;
const KINDS = ["leak"];

function value(it) {
  if (typeof it === "number") return number(it);
  if (typeof it === "boolean") return t(it ? "output.yes" : "output.no");
  if (it && typeof it === "object") return Array.isArray(it) ? it.map(value).join(", ") : it[getLanguage()] !== undefined ? text(it) : Object.entries(it).map(([key, each]) => `${key} ${value(each)}`).join(", ");
  return it === null || it === "" ? "–" : String(it);
}

function Watcher({ row }) {
  const { name, ...rest } = row;
  return html`<li><div class="what"><b>${name}</b><dl>${Object.entries(rest).map(([key, each]) => html`<dt>${t(`watch.${key}`)}</dt><dd>${value(each)}</dd>`)}</dl></div></li>`;
}

function Kind({ kind }) {
  if (!session.nouns.includes(kind)) return html`<${Panel} id=${`watch-${kind}`} title=${t(`watch.${kind}.title`)} rows=${[]} empty=${t(`watch.${kind}.empty`)} />`;
  return html`<${Asked} kind=${kind} />`;
}

function Asked({ kind }) {
  const reply = usePolled(`/api/v1/ask/${kind}.list`, EVERY_MS);
  const rows = Array.isArray(reply?.data) ? reply.data : [];
  return html`<${Panel} id=${`watch-${kind}`} title=${t(`watch.${kind}.title`)} rows=${rows} empty=${t(`watch.${kind}.empty`)}>
    <ul class="things">${rows.map((row, at) => html`<${Watcher} key=${row.name ?? at} row=${row} />`)}</ul></${Panel}>`;
}

export function Watchers({ state }) {
  return html`<div class="three"><${Cameras} />${KINDS.map((kind) => html`<${Kind} key=${kind} kind=${kind} />`)}<${Warnings} now=${state.overview.utc_ms} empty=${t("watch.warn.empty")} /></div>`;
}
