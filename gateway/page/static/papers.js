// Reports to read and print. Each opens inside the page, with a way back: a kiosk has no tabs.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { t, getLanguage } from "./format.js";

const KINDS = ["shift", "bypass", "prooftest", "acceptance", "commission", "evidence"];

export function Papers() {
  return html`<section class="panel all" aria-labelledby="papers-title"><h2 id="papers-title">${t("papers.title")}</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="papers-title"><ul class="things pairs">${KINDS.map((kind) => html`<li><div class="what"><b>${t(`paper.${kind}`)}</b>
      <p class="note">${t(`paper.${kind}.what`)}</p></div><a class="big" href=${`#/paper/${kind}`}>${t("paper.open")}</a></li>`)}
      <li><div class="what"><b>${t("paper.month")}</b><p class="note">${t("paper.month.what")}</p></div><a class="big" href="#/people">${t("people.title")}</a></li></ul></div></section>`;
}

function address(name) {
  const offset = -new Date().getTimezoneOffset();
  const trip = /^trip\/([\w-]+)$/.exec(name)?.[1];
  return `/api/v1/${trip ? `trip/${trip}/report` : `paper/${encodeURIComponent(name)}`}?language=${getLanguage()}&offset=${offset}`;
}

// The sheet is fetched first, so that a report which cannot be made says why in words instead of showing an empty frame.
export function Paper({ name }) {
  const frame = useRef(null);
  const [told, tell] = useState("");
  const [made, setMade] = useState("");
  const url = address(name), trip = name.startsWith("trip/");
  useEffect(() => {
    const stop = new AbortController();
    setMade("");
    tell(t("paper.waits"));
    fetch(url, { method: "HEAD", signal: stop.signal }).then((reply) => { if (reply.ok) { setMade(url); tell(""); } else tell(t(reply.status === 401 || reply.status === 403 ? "paper.sign-in" : "paper.failed")); }, () => stop.signal.aborted || tell(t("paper.failed")));
    return () => stop.abort();
  }, [url]);
  const back = trip ? "#/interlocks" : "#/papers";
  return html`<section class="panel all paper" aria-labelledby="paper-title"><h2 id="paper-title"><a class="back" href=${back} onClick=${(event) => { if (trip) { event.preventDefault(); history.back(); } }}>‹ ${t(trip ? "trip.title" : "papers.title")}</a> ${trip ? "" : t(`paper.${name}`)}
    ${made && html`<button type="button" class="big" onClick=${() => frame.current.contentWindow.print()}>${t("paper.print")}</button>`}</h2>
    ${told && html`<p class="empty" role="status">${told}</p>`}
    ${made && html`<iframe ref=${frame} src=${made} sandbox="allow-same-origin allow-modals" title=${trip ? t("trip.title") : t(`paper.${name}`)}></iframe>`}</section>`;
}
