// "Why did it trip?": what came first, how it was voted, what was commanded and read back, and every input half a minute around it.
import { html, useState } from "./vendor/preact.js";
import { t, text, number, quantity, moment, bytes } from "./format.js";
import { Shape } from "./parts.js";
import { useOnce, usePolled } from "./polled.js";
import { Clips } from "./clips.js";

const WIDTH = 600;
const HEIGHT = 60;
const SPAN_MS = 30000;

function Curve({ tag, samples, unit, limits, title }) {
  const good = samples.filter(([, value]) => value !== null);
  if (good.length === 0) return null;
  const all = [...good.map(([, value]) => value), ...limits.map(([, limit]) => limit)];
  const low = Math.min(...all), high = Math.max(...all), room = (high - low) * 0.12 || 1;
  const x = (ms) => (((Math.max(ms, -SPAN_MS) + SPAN_MS) / (2 * SPAN_MS)) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - ((value - low + room) / (high - low + 2 * room)) * HEIGHT).toFixed(1);
  let path = "", pen = false;
  for (const [ms, value, quality] of samples) {
    if (value === null || quality >= 3) { if (pen) path += `H${x(ms)}`; pen = false; continue; }
    path += pen ? `H${x(ms)}V${y(value)}` : `M${x(ms)} ${y(value)}`; // a value holds until the next one
    pen = true;
  }
  if (pen) path += `H${WIDTH}`;
  const label = `${tag} ${number(Math.min(...good.map(([, v]) => v)))} – ${quantity(Math.max(...good.map(([, v]) => v)), unit)}`;
  return html`<figure class="trend"><figcaption><b>${tag}</b> ${title} ${limits.map(([op, limit]) => `${op} ${quantity(limit, unit)}`).join(", ")}</figcaption>
    <div class="plot story"><svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}><path class="line" d=${path} />
      ${limits.map(([, limit]) => html`<path class="limit" d=${`M0 ${y(limit)}H${WIDTH}`} />`)}<path class="now" d=${`M${WIDTH / 2} 0V${HEIGHT}`} /></svg>
      <span class="scale">${number(high)}</span><span class="scale low">${number(low)} ${unit}</span></div></figure>`;
}

const VOTE = { true: ["square", "1", "p1"], false: ["circle", "0", "plain"], unknown: ["diamond", "?", "p2"], "left the vote": ["diamond", "B", "p2"] };

function Vote({ node }) {
  const [shape, mark, tone] = VOTE[node.truth] ?? VOTE.unknown;
  return html`<li><span class=${`truth ${node.truth === "true" ? "yes" : ""}`}><${Shape} name=${shape} mark=${mark} tone=${tone} size=${18} /> <code>${node.text}</code> <b>${t(`truth.${node.truth}`)}</b>
    ${node.note && html` <i>${t(`vote.${node.note}`)}</i>`}</span>${node.items.length > 0 && html`<ul>${node.items.map((item) => html`<${Vote} node=${item} />`)}</ul>`}</li>`;
}

function Commands({ story }) {
  const heads = ["output", "asked", "answered", "read"];
  return html`<table class="outputs"><caption>${t("trip.commands")}</caption><thead><tr>${heads.map((head) => html`<th scope="col">${t(`trip.${head}`)}</th>`)}</tr></thead>
    <tbody>${story.commands.map((each) => html`<tr><th scope="row">${each.output} = ${number(each.value)}</th><td class="num">+${number(each.asked_ms)} ms</td>
      <td class="num">${each.answered_ms === null ? "–" : `+${number(each.answered_ms)} ms`}</td><td class=${each.ok ? "" : "off"}>${each.ok ? number(each.read) : `▲ ${each.error || t("output.no")}`}</td></tr>`)}</tbody></table>`;
}

function Story({ story, now }) {
  const first = story.first_out;
  const url = `/api/v1/trip/${story.id}`;
  const times = [["detect", story.detect_to_command_ms], ["readback", story.command_to_read_back_ms], ["safe", story.demand_to_safe_ms]];
  return html`<div class="two"><div class="facts"><p class="headline"><b>${t("banner.first")}</b> ${first.causes?.join(" + ") || t(`event.${story.event}`)}
      ${first.value !== undefined && first.value !== null && html` · ${quantity(first.value, first.unit ?? "")}`} · ${moment(story.utc_ms, now)}</p>
    <ul class="times">${times.map(([name, ms]) => html`<li>${t(`trip.${name}`)} <b>${ms === null ? "–" : `${number(ms)} ms`}</b></li>`)}</ul>
    ${story.simultaneous.length > 0 && html`<p>${t("trip.together", story.simultaneous.join(", "))}</p>`}
    <h3>${t("trip.votes")}</h3><ul class="tree"><${Vote} node=${story.votes} /></ul>
    ${story.bypasses.length > 0 && html`<h3>${t("trip.bypasses")}</h3>${story.bypasses.map((each) => html`<p>▲ ${each.tag} · ${each.person ?? ""} · ${each.reason ?? ""}</p>`)}`}
    <${Commands} story=${story} />
    <${Clips} rule=${story.function} utcMs=${story.utc_ms} now=${now} />
    <div class="buttons"><a class="big" href=${`#/paper/${encodeURIComponent(`trip/${story.id}`)}`}>${t("trip.print")}</a>
      <a class="big" href=${`${url}/bundle`} download>${t("trip.bundle")}</a></div></div>
    <div class="live"><h3>${t("trip.timeline")}</h3>${story.inputs.filter((each, i, all) => all.findIndex((other) => other.tag === each.tag) === i).map((each) => html`
      <${Curve} key=${each.tag} tag=${each.tag} samples=${story.series[each.tag] ?? []} unit=${story.units[each.tag] ?? each.unit} limits=${each.limits} title=${text(each.text)} />`)}
      <p class="axis"><span>−30 s</span><span>${t("trip.moment")}</span><span>+30 s</span></p></div></div>`;
}

export function Trip({ state, name }) {
  const list = usePolled(`/api/v1/trips/${encodeURIComponent(name)}`, 5000);
  const [chosen, choose] = useState("");
  const view = state.interlocks.items[name];
  const tripped = view?.first_out?.utc_ms ?? 0;
  const id = chosen || list?.[0]?.id || "";
  const story = useOnce(id ? `/api/v1/trip/${id}` : "");
  const waits = tripped > 0 && list !== null && !list.some((each) => Math.abs(each.utc_ms - tripped) < 2000);
  return html`<section class="panel all detail" aria-labelledby="trip-title"><h2 id="trip-title"><a class="back" href=${`#/interlock/${encodeURIComponent(name)}`}>‹ ${name}</a> ${t("trip.title")}
      ${list?.length > 1 && html`<label class="pick"><span class="sr">${t("trip.which")}</span><select value=${id} onChange=${(event) => choose(event.target.value)}>
        ${list.map((each) => html`<option value=${each.id}>${moment(each.utc_ms, state.overview.utc_ms)} · ${bytes(each.bytes)}</option>`)}</select></label>`}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="trip-title">
    ${waits && html`<p class="headline" role="status">▲ ${t("trip.waits")} <a href=${`#/interlock/${encodeURIComponent(name)}`}>${t("trip.live")}</a></p>`}
    ${list === null ? html`<p class="empty">${t("detail.noanswer")}</p>` : list.length === 0 ? html`<p class="empty">${t("trip.none")}</p>` : story && html`<${Story} story=${story} now=${state.overview.utc_ms} />`}</div></section>`;
}
