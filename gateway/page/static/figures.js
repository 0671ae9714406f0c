// The key figures of the alarm system beside their targets, and the bad actors.
import { html, useEffect, useState } from "./vendor/preact.js";
import { t, number } from "./format.js";

const EVERY_MS = 10000;

function useFigures(place) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let open = true;
    const read = async () => {
      try {
        const reply = await fetch(`/api/v1/kpis?place=${encodeURIComponent(place)}`);
        if (open && reply.ok) setFound(await reply.json());
      } catch { /* the page shows by itself that the gateway is not heard */ }
    };
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => { open = false; clearInterval(timer); };
  }, [place]);
  return found;
}

const MARKS = { good: "", none: "", fair: "▲ ", poor: "■ " };

function Row({ row }) {
  const level = (value) => `${row.figure === "low" ? "≥" : "≤"} ${number(value)} ${row.unit}`;
  return html`<tr><th scope="row">${t(`figure.${row.figure}`)}</th><td class="num">${row.value === null ? "–" : `${number(row.value)} ${row.unit}`}</td>
    <td class="num">${level(row.target)}</td><td class="num">${level(row.action)}</td>
    <td><span class=${row.verdict === "poor" ? "off" : ""}>${MARKS[row.verdict]}${t(`verdict.${row.verdict}`)}</span></td></tr>`;
}

export function Figures() {
  const [place, setPlace] = useState("box");
  const found = useFigures(place);
  if (found === null) return html`<section class="panel all"><h2>${t("figures.title")}</h2><p class="empty">…</p></section>`;
  const { figures, actors } = found;
  return html`<section class="panel all" aria-labelledby="figures-title"><h2 id="figures-title">${t("figures.title")}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="figures-title">
    <p><label>${t("figures.place")} <select value=${place} onChange=${(event) => setPlace(event.target.value)}>
      ${figures.places.map((name) => html`<option value=${name}>${name === "box" ? t("figures.box") : name.replace(/^area:/, `${t("figures.area")} `).replace(/^position:/, `${t("figures.position")} `)}</option>`)}</select></label>
      ${!figures.enough && html` <span>▲ ${t("figures.short", number(figures.observed_days))}</span>`}</p>
    <table><thead><tr>${["figure", "value", "target", "action", "verdict"].map((head) => html`<th scope="col">${t(`figures.${head}`)}</th>`)}</tr></thead>
      <tbody>${figures.figures.map((row) => html`<${Row} key=${row.figure} row=${row} />`)}</tbody></table>
    <h3>${t("figures.actors")}</h3>
    ${actors.length === 0 ? html`<p class="empty">${t("figures.none")}</p>` : html`<table>
      <thead><tr>${["alarm", "count", "share", "chatters", "fleeting"].map((head) => html`<th scope="col">${t(`figures.${head}`)}</th>`)}</tr></thead>
      <tbody>${actors.map((row) => html`<tr key=${row.alarm}><th scope="row">${row.alarm}</th><td class="num">${row.count}</td>
        <td class="num">${number(row.share)} %</td><td class="num">${row.chatters}</td><td class="num">${row.fleeting}</td></tr>`)}</tbody></table>`}</div></section>`;
}
