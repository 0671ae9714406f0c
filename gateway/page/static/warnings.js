// Early-warning groups: how far each is from its limit, since when, and in words which tags say so. Nothing where there is no group.
import { html, useEffect, useState } from "./vendor/preact.js";
import { t, text, number, moment } from "./format.js";
import { Shape } from "./parts.js";

const EVERY_MS = 5000;
const FULL = 2; // multiples of the limit that the band shows; the limit is its middle
const LOOK = { clear: ["circle", "", "plain"], over: ["up", "!", "p3"], warning: ["up", "!", "p2"], unknown: ["diamond", "?", "p2"] };

function useGroups() {
  const [groups, setGroups] = useState([]);
  useEffect(() => {
    let open = true;
    const read = async () => {
      try {
        const reply = await fetch("/api/v1/warnings");
        if (open && reply.ok) setGroups(await reply.json());
      } catch { /* the page shows by itself that the gateway is not heard */ }
    };
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => { open = false; clearInterval(timer); };
  }, []);
  return groups;
}

function Level({ level }) {
  const at = Math.min(100, (100 * (level ?? 0)) / FULL);
  return html`<svg class=${`band ${level > 1 ? "demand" : ""}`} viewBox="0 0 104 16" preserveAspectRatio="none" aria-hidden="true">
    <rect class="track" x="2" y="5" width="100" height="6" /><rect class="side" x="52" y="5" width="50" height="6" />
    <rect class="limit" x="51.25" y="1" width="1.5" height="14" />
    ${level !== null && html`<path class="at" d=${`M${2 + at - 4} 0h8l-4 8z`} />`}</svg>`;
}

function Group({ group, now }) {
  const [shape, mark, tone] = LOOK[group.state];
  return html`<li><div class="row"><span class=${`fstate ${tone}`}><${Shape} name=${shape} mark=${mark} tone=${tone} /> ${t(`warning.${group.state}`)}</span>
    <b>${group.name}</b><${Level} level=${group.level} /></div>
    <span class="note">${group.level === null ? "–" : `${number(group.level)} × ${t("warning.limit")}`}
      ${group.since_utc_ms !== null && ` · ${t("matrix.since", moment(group.since_utc_ms, now))}`}</span>
    ${group.state !== "clear" && html`<p>${text(group.text)}</p>`}</li>`;
}

const ORDER = ["warning", "over", "unknown", "clear"];

export function Warnings({ now, empty = "" }) {
  const groups = useGroups().sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  if (groups.length === 0 && !empty) return null;
  return html`<section class="panel warnings" aria-labelledby="warnings-title"><h2 id="warnings-title">${t("warning.title")} <span class="count">${groups.length}</span></h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="warnings-title">
    ${groups.length === 0 && html`<p class="empty">${empty}</p>`}<ul>${groups.map((group) => html`<${Group} key=${group.name} group=${group} now=${now} />`)}</ul></div></section>`;
}
