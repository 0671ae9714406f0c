// Trends with uPlot: gaps where values are bad, broken lines where they are doubtful, the limits drawn, the value under the finger in words.
// A stretch is looked at closer by drawing over it, or by the buttons; then it stands still until "all" lets it run again.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { t, quantity, number, clock, unit } from "./format.js";
import { usePolled } from "./polled.js";

const POINTS = 300, CLOSER_POINTS = 1000;
const HEIGHT = 132;
const LEAST_MS = 5000; // no closer than this

let loading = null;

// uPlot is one script that leaves a global: it is put into the page once, when the first trend is drawn.
function library() {
  loading ??= new Promise((done, failed) => {
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/static/vendor/uplot.css" });
    const script = Object.assign(document.createElement("script"), { src: "/static/vendor/uplot.js", onload: () => done(window.uPlot), onerror: () => { loading = null; failed(); } });
    document.head.append(sheet, script);
  });
  return loading;
}

const shown = (series, i) => (series.value[i] === null || series.quality[i] >= 3 ? null : series.value[i]);

// A doubtful stretch is its own line, which begins and ends at its good neighbours.
function columns(series) {
  const at = series.utc_ms.map((ms) => ms / 1000), all = at.map((_, i) => shown(series, i));
  const doubt = all.map((value, i) => (series.quality[i] > 0 || series.quality[i - 1] > 0 || series.quality[i + 1] > 0 ? value : null));
  return [at, all.map((value, i) => (series.quality[i] > 0 ? null : value)), doubt];
}

function drawLimits(plot, limits, ink) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.setLineDash([6 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = devicePixelRatio;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  for (const { limit, unit: name } of limits) {
    const y = plot.valToPos(limit, "y", true);
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.fillText(`${number(limit)} ${unit(name)}`, bbox.left + bbox.width - 3 * devicePixelRatio, y < bbox.top + 16 * devicePixelRatio ? y + 12 * devicePixelRatio : y - 3 * devicePixelRatio);
  }
  ctx.stroke();
  ctx.restore();
}

function settings(width, limits, zoomed, under) {
  const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), font: "11px system-ui, sans-serif", grid: { stroke: colour("--line"), width: 0.5 }, ticks: { show: false } };
  const line = { stroke: colour("--trend"), width: 1.5, points: { show: false }, spanGaps: false };
  const reach = (plot, low, high) => {
    const bounds = [low, high, ...limits.map((each) => each.limit)].filter((value) => value !== null);
    const least = Math.min(...bounds), most = Math.max(...bounds), room = (most - least) * 0.08 || 1;
    return [least - room, most + room];
  };
  return {
    width, height: HEIGHT, legend: { show: false }, padding: [6, 6, 0, 0],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    scales: { x: { time: true }, y: { range: reach } },
    axes: [{ ...axis, size: 22, space: 90, values: (_, ticks) => ticks.map((at) => clock(at * 1000)) }, { ...axis, size: 46, space: 28, values: (_, ticks) => ticks.map(number) }],
    series: [{}, line, { ...line, dash: [3, 3] }],
    hooks: {
      draw: [(plot) => drawLimits(plot, limits, colour("--ink"))],
      setCursor: [(plot) => under(plot.cursor.idx ?? null)],
      setSelect: [(plot) => {
        const from = plot.posToVal(plot.select.left, "x") * 1000, to = plot.posToVal(plot.select.left + plot.select.width, "x") * 1000;
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        if (to - from >= LEAST_MS) zoomed([from, to]);
      }],
    },
  };
}

// uPlot hears a mouse only; a finger that draws sideways is told to it as one.
function touchable(box) {
  const told = { pointerdown: "mousedown", pointermove: "mousemove", pointerup: "mouseup" };
  const pass = (event) => {
    const over = box.querySelector(".u-over");
    if (event.pointerType !== "touch" || !over) return;
    if (event.type === "pointerdown") over.setPointerCapture(event.pointerId);
    const { clientX, clientY } = event;
    if (event.type !== "pointermove" || event.pressure > 0) over.dispatchEvent(new MouseEvent(told[event.type], { bubbles: true, clientX, clientY, button: 0 }));
  };
  for (const name of Object.keys(told)) box.addEventListener(name, pass);
}

function Plot({ series, limits, stretch, zoomed, label, under }) {
  const box = useRef(null), plot = useRef(null), width = useRef(0);
  const make = async () => {
    const UPlot = await library().catch(() => null);
    if (!UPlot || !box.current) return;
    plot.current?.destroy();
    width.current = box.current.clientWidth;
    plot.current = new UPlot(settings(width.current, limits, zoomed, under), columns(series), box.current);
    scale();
  };
  const scale = () => {
    const end = series.utc_ms.at(-1), [from, to] = stretch ?? [series.utc_ms[0], end];
    plot.current?.setScale("x", { min: from / 1000, max: to / 1000 });
  };
  const palette = document.documentElement.dataset.palette;
  useEffect(() => { make(); }, [palette, limits.map((each) => each.limit).join()]);
  useEffect(() => { touchable(box.current); return () => { plot.current?.destroy(); plot.current = null; }; }, []);
  useEffect(() => {
    if (!plot.current) return;
    plot.current.batch(() => { plot.current.setData(columns(series), false); scale(); });
  }, [series, stretch]);
  useEffect(() => {
    const watch = new ResizeObserver(() => { if (box.current && box.current.clientWidth !== width.current) { width.current = box.current.clientWidth; plot.current?.setSize({ width: width.current, height: HEIGHT }); } });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  return html`<div class="plot trace" ref=${box} role="img" aria-label=${label}></div>`;
}

export function Trend({ tag, seconds, limits }) {
  const [stretch, setStretch] = useState(null); // [from, to] in UTC ms while it is looked at closer
  const [at, setAt] = useState(null);
  useEffect(() => setStretch(null), [seconds]);
  const far = stretch ? Math.ceil((Date.now() - stretch[0]) / 1000) + 1 : seconds;
  const series = usePolled(`/api/v1/trend/${encodeURIComponent(tag)}?seconds=${stretch ? Math.min(far, 86400) : seconds}&points=${stretch ? CLOSER_POINTS : POINTS}`, Math.max(2000, seconds * 2));
  const last = useRef(null);
  last.current = series ?? (stretch ? last.current : null);
  const now = last.current;
  const good = now ? now.value.filter((_, i) => shown(now, i) !== null) : [];
  if (good.length === 0) return html`<p class="empty">${t("trend.empty", tag)}</p>`;
  const label = t("trend.label", tag, quantity(good.at(-1), now.unit), number(Math.min(...good)), number(Math.max(...good)), t(`trend.span.${seconds}`));
  const closer = () => {
    const [from, to] = stretch ?? [now.utc_ms.at(-1) - seconds * 1000, now.utc_ms.at(-1)];
    if (to - from > 4 * LEAST_MS) setStretch([from + (to - from) / 2, to]);
  };
  const told = at !== null && at < now.utc_ms.length ? `${clock(now.utc_ms[at])} · ${shown(now, at) === null ? t("trend.bad") : quantity(now.value[at], now.unit)}` : "";
  return html`<figure class="trend"><figcaption>${label} <span class="spans"><output>${told}</output>
      <button type="button" aria-label=${t("trend.closer", tag)} onClick=${closer}>+</button>
      <button type="button" aria-label=${t("trend.all", tag)} disabled=${!stretch} onClick=${() => setStretch(null)}>⟷</button></span></figcaption>
    <${Plot} series=${now} limits=${limits} stretch=${stretch} zoomed=${setStretch} label=${label} under=${setAt} /></figure>`;
}
