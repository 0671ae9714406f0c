// What a place hears and sees now: a minute of sound by bands over its floor, the likely plume in the picture, and how far both agree.
import { html, useEffect, useRef } from "./vendor/preact.js";
import { t, number } from "./format.js";
import { usePolled } from "./polled.js";

const EVERY_MS = 1000;
const LOUD_DB = 25; // over the floor: full ink
const VALUES = [["evidence", 100, "%"], ["level_db", 1, "dB"], ["over_floor_db", 1, "dB"], ["sound_probability", 100, "%"], ["picture_probability", 100, "%"], ["agreement", 100, "%"]];

// One pixel a band and half second (or a cell of the picture); the browser makes it large. Grey is usual, ink is loud: nothing here is an alarm by itself.
function Grid({ rows, columns, ink, label, wide }) {
  const canvas = useRef(null);
  useEffect(() => {
    const ctx = canvas.current.getContext("2d");
    const picture = ctx.createImageData(columns, rows);
    const [r, g, b] = getComputedStyle(document.documentElement).color.match(/\d+/g);
    for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) picture.data.set([r, g, b, Math.round(255 * Math.min(1, Math.max(0, ink(y, x))))], 4 * (y * columns + x));
    ctx.putImageData(picture, 0, 0);
  });
  return html`<canvas ref=${canvas} class=${wide ? "wide-grid" : "tile"} width=${columns} height=${rows} role="img" aria-label=${label}></canvas>`;
}

function Strip({ seen }) {
  const { levels, floor, bands_hz: bands } = seen;
  const over = (band, at) => (levels[at].length ? levels[at][band] - floor[band] : 0);
  const last = levels.findLast((column) => column.length) ?? [];
  const loudest = last.reduce((best, level, band) => (level - floor[band] > last[best] - floor[best] ? band : best), 0);
  const label = t("spectrum.strip", number(bands[loudest] / 1000), number((last[loudest] ?? 0) - (floor[loudest] ?? 0)));
  return html`<p class="note">${label}</p><div class="grid"><span class="axis-y"><span>${number(bands.at(-1) / 1000)} kHz</span><span>${number(bands[0] / 1000)} kHz</span></span>
    <${Grid} wide rows=${bands.length} columns=${levels.length} label=${label} ink=${(y, x) => over(bands.length - 1 - y, x) / LOUD_DB} /></div>
    <p class="axis"><span>−60 s</span><span>${t("spectrum.now")}</span></p>`;
}

export function Spectrum({ place }) {
  const reply = usePolled(`/api/v1/ask/leak.spectrum?target=${encodeURIComponent(place)}`, EVERY_MS);
  const seen = reply?.data;
  if (!seen) return html`<p class="empty" role="status">${t("spectrum.waits")}</p>`;
  const known = VALUES.filter(([key]) => typeof seen.values[key] === "number");
  return html`<div class="spectrum">${seen.levels.length > 0 ? html`<${Strip} seen=${seen} />` : html`<p class="off">▲ ${t("spectrum.nosound")}</p>`}
    ${seen.mask.length > 0 ? html`<p class="note">${t("spectrum.plume")}</p><${Grid} rows=${seen.mask.length} columns=${seen.mask[0].length} label=${t("spectrum.plume")} ink=${(y, x) => seen.mask[y][x] / 100} />`
      : html`<p class="note">${t("spectrum.nopicture")}</p>`}
    <dl>${known.map(([key, factor, unit]) => html`<dt>${t(`spectrum.${key}`)}</dt><dd>${number(seen.values[key] * factor)} ${unit}</dd>`)}</dl>
    ${[seen.sound_error, seen.picture_error].filter(Boolean).map((error) => html`<p class="off">▲ ${error}</p>`)}</div>`;
}
