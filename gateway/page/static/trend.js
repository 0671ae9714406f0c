// A trend as a small picture: the line (gaps where values are bad), the limits drawn, the scale in words.
import { html } from "./vendor/preact.js";
import { t, quantity, number, clock, unit } from "./format.js";
import { usePolled } from "./interlock.js";

const WIDTH = 400;
const HEIGHT = 96;
const POINTS = 200;

function paths(series, x, y) {
  const parts = { good: "", doubt: "" };
  for (let i = 0; i < series.value.length; i++) {
    if (series.quality[i] >= 3 || series.value[i] === null) continue;
    const kind = series.quality[i] === 0 ? "good" : "doubt";
    const joined = i > 0 && series.quality[i - 1] < 3 && series.value[i - 1] !== null;
    const from = joined ? `M${x(series.utc_ms[i - 1])} ${y(series.value[i - 1])}L` : "M";
    parts[kind] += `${from}${x(series.utc_ms[i])} ${y(series.value[i])}${joined ? "" : "h0.5"}`;
  }
  return parts;
}

export function Trend({ tag, seconds, limits }) {
  const series = usePolled(`/api/v1/trend/${encodeURIComponent(tag)}?seconds=${seconds}&points=${POINTS}`, Math.max(2000, seconds * 2));
  const shown = series ? series.value.filter((value, i) => value !== null && series.quality[i] < 3) : [];
  if (shown.length === 0) return html`<p class="empty">${t("trend.empty", tag)}</p>`;
  const bounds = [...shown, ...limits.map((limit) => limit.limit)];
  const low = Math.min(...bounds), high = Math.max(...bounds);
  const room = (high - low) * 0.08 || 1;
  const end = series.utc_ms[series.utc_ms.length - 1], begin = end - seconds * 1000;
  const x = (ms) => (((ms - begin) / (end - begin)) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - ((value - low + room) / (high - low + 2 * room)) * HEIGHT).toFixed(1);
  const line = paths(series, x, y);
  const label = t("trend.label", tag, quantity(shown[shown.length - 1], series.unit), number(Math.min(...shown)), number(Math.max(...shown)), t(`trend.span.${seconds}`));
  return html`<figure class="trend"><figcaption>${label}</figcaption>
    <div class="plot"><svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
      <path class="line" d=${line.good} /><path class="line doubt" d=${line.doubt} />
      ${limits.map((limit) => html`<path class="limit" d=${`M0 ${y(limit.limit)}H${WIDTH}`} />`)}</svg>
      ${limits.map((limit) => html`<span class=${`lim${y(limit.limit) < HEIGHT / 4 ? " under" : ""}`} style=${{ top: `${(y(limit.limit) / HEIGHT) * 100}%` }}>${number(limit.limit)} ${unit(limit.unit)}</span>`)}</div>
    <p class="axis"><span>${clock(begin)}</span><span>${clock(end)}</span></p></figure>`;
}
