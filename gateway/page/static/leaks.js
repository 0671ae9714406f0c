// Leak monitors: whether a place may alarm, how its two sensors are, and how far the evidence is from the alarm.
import { html, useState } from "./vendor/preact.js";
import { t, number } from "./format.js";
import { usePolled } from "./polled.js";
import { Shape } from "./parts.js";
import { Panel } from "./work.js";
import { Later } from "./later.js";

const EVERY_MS = 2000;
const LOOK = { alarm: ["square", "!", "p1"], watching: ["circle", "", "plain"], learning: ["circle", "S", "plain"], degraded: ["up", "!", "p2"], lost: ["diamond", "?", "p2"] };
const part = (key, value, unit) => (value === null ? "" : ` · ${t(`leak.${key}`)} ${number(value)} ${unit}`);

function Place({ row }) {
  const [shape, mark, tone] = LOOK[row.state];
  const [open, setOpen] = useState(false);
  return html`<li><${Shape} name=${shape} mark=${mark} tone=${tone} /><div class="what"><b>${row.name}</b> <span class=${`fstate ${tone}`}>${t(`leak.${row.state}`)}</span>
    <div class="note">${["sound", "picture"].map((each) => `${t(`leak.${each}`)} ${t(`leak.${row[each]}`)}`).join(" · ")}</div>
    <div class="note">${t("leak.evidence")} ${row.evidence === null ? "–" : `${number(100 * row.evidence)} %`}${part("level", row.level_db, "dB")}${part("distance", row.distance_m, "m")}${part("flow", row.flow_kg_s === null ? null : 1000 * row.flow_kg_s, "g/s")}</div>
    <button type="button" class="big" aria-expanded=${open} onClick=${() => setOpen(!open)}>${t("spectrum.open")}</button>
    ${open && html`<${Later} file="./spectrum.js" name="Spectrum" given=${{ place: row.name }} />`}</div></li>`;
}

export function Leaks() {
  const reply = usePolled("/api/v1/ask/leak.list", EVERY_MS);
  const rows = Array.isArray(reply?.data) ? reply.data : [];
  return html`<${Panel} id="watch-leak" title=${t("watch.leak.title")} rows=${rows} empty=${t("watch.leak.empty")}>
    <ul class="things">${rows.map((row) => html`<${Place} key=${row.name} row=${row} />`)}</ul></${Panel}>`;
}
