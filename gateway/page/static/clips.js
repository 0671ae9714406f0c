// Clips of the cameras that a rule reads, beside the story of its trip. They never leave the box; watching one needs a signed-in operator.
import { html, useState } from "./vendor/preact.js";
import { t, bytes, moment, number } from "./format.js";
import { usePolled } from "./polled.js";
import { session } from "./session.js";

const EVERY_MS = 5000;
const NEAR_MS = 120000; // a clip's moment and its trip are the same event, and two trips are hardly nearer than this

function Clip({ clip, now }) {
  const [failed, setFailed] = useState(false);
  const url = `/api/v1/clip/${encodeURIComponent(clip.camera)}/${encodeURIComponent(clip.file)}`;
  return html`<figure class="clip"><figcaption><b>${clip.camera}</b> ${moment(clip.utc_ms, now)} · ${number(clip.seconds)} s · ${bytes(clip.bytes)} · ${t(clip.people === "blurred" ? "clip.blurred" : "clip.seen")}
      ${!clip.whole && html` <span class="off">▲ ${t("clip.part")}</span>`}</figcaption>
    ${!session.person ? html`<p class="note">${t("clip.sign-in")}</p>`
      : failed ? html`<p class="off" role="status">▲ ${t("clip.failed")}</p>`
      : html`<video controls muted playsinline preload="metadata" src=${url} aria-label=${t("clip.of", clip.camera)} onError=${() => setFailed(true)}></video>`}</figure>`;
}

export function Clips({ rule, utcMs, now }) {
  const reply = usePolled("/api/v1/ask/camera.clips", EVERY_MS);
  const rows = (reply?.data ?? []).filter((clip) => clip.rules.includes(rule) && Math.abs(clip.utc_ms - utcMs) < NEAR_MS);
  if (rows.length === 0) return null;
  return html`<h3>${t("clip.title")}</h3>${rows.map((clip) => html`<${Clip} key=${clip.file} clip=${clip} now=${now} />`)}`;
}
