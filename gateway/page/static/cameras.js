// Cameras: whether there is a picture, what each zone says, and one picture on demand with people hidden. Never a live stream.
import { html, useState } from "./vendor/preact.js";
import { t, text, number } from "./format.js";
import { Shape } from "./parts.js";
import { Panel } from "./work.js";
import { useAsked } from "./polled.js";
import { session } from "./session.js";

const TRIES = 20;

async function ask(name, query) {
  const reply = await fetch(`/api/v1/ask/camera.picture?target=${encodeURIComponent(name)}&${query}`);
  return reply.ok ? (await reply.json()).data : null;
}

function Picture({ name }) {
  const [jpeg, setJpeg] = useState("");
  const [told, setTold] = useState("");
  const look = async () => {
    setTold(t("camera.waits"));
    let got = await ask(name, "zones=yes").catch(() => null);
    for (let at = 0; got && !got.jpeg && at < TRIES; at++) {
      await new Promise((done) => setTimeout(done, 250));
      got = await ask(name, `number=${got.number}`).catch(() => null);
    }
    setJpeg(got?.jpeg ?? "");
    setTold(got?.jpeg ? "" : t("camera.nopicture"));
  };
  return html`<button type="button" class="big" onClick=${look}>${t("camera.picture")}</button>${told && html`<p role="status">${told}</p>`}
    ${jpeg && html`<img class="shot" src=${`data:image/jpeg;base64,${jpeg}`} alt=${t("camera.of", name)} />`}`;
}

function zone(it) {
  const said = [["occupied", it.occupied], ["moving", it.moving], ["violations", it.violations]].filter(([, value]) => value > 0).map(([what]) => t(`zone.${what}`));
  return it.uncertain > 0 || it.occupied === null ? t("zone.unknown") : said.join(", ") || t("zone.clear");
}

function Camera({ camera }) {
  const bad = !camera.connected || camera.faults.length > 0;
  return html`<li><${Shape} name=${bad ? "diamond" : "circle"} mark=${bad ? "!" : ""} tone=${bad ? "p2" : "plain"} /><div class="what"><b>${camera.name}</b>
    ${camera.connected ? html` ${number(camera.fps)} fps · ${number(camera.ms)} ms · ${t("camera.persons", number(camera.persons))}` : html` <span class="off">▲ ${t("devices.down")}</span> ${text(camera.reason)}`}
    ${camera.faults.length > 0 && html`<p class="off">▲ ${camera.faults.join(", ")}</p>`}
    <dl>${camera.zones.map((each) => html`<dt>${each.name}</dt><dd>${bad ? t("zone.unknown") : zone(each)}</dd>`)}</dl>
    ${session.person && html`<${Picture} name=${camera.name} />`}</div></li>`;
}

export function Cameras() {
  const rows = useAsked("camera.list");
  return html`<${Panel} id="watch-camera" title=${t("watch.camera.title")} rows=${rows} empty=${t("watch.camera.empty")}><ul class="things">
    ${rows?.map((camera) => html`<${Camera} key=${camera.name} camera=${camera} />`)}</ul></${Panel}>`;
}
