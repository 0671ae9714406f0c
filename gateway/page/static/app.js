// The page: which view is open, which language and palette, and whether what is shown may pass for live.
import { html, render, useEffect, useState } from "./vendor/preact.js";
import { t, setLanguage, getLanguage } from "./format.js";
import { Stream } from "./stream.js";
import { Banner, Silence, Strip } from "./banner.js";
import { Overview, Matrix, Devices } from "./overview.js";
import { Alarms } from "./alarms.js";
import { Later } from "./later.js";
import { ByPassphrase, Dialogs, mount, signIn } from "./dialogs.js";
import { session, signOut, start } from "./session.js";

const TABS = ["overview", "alarms", "interlocks", "work", "watchers", "devices", "figures", "papers"];
const UNDER = { interlock: "interlocks", trip: "interlocks", paper: "papers" }; // views that a tab leads on to
// Views that not everybody opens: [file, component].
const LATER = {
  work: ["./work.js", "Work"], watchers: ["./watchers.js", "Watchers"], trip: ["./trip.js", "Trip"], figures: ["./figures.js", "Figures"],
  interlock: ["./interlock.js", "Interlock"], people: ["./people.js", "People"], papers: ["./papers.js", "Papers"], paper: ["./papers.js", "Paper"],
};

// What this browser was last set to. A browser that keeps nothing (private window, kiosk) is no reason to fail.
const kept = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* kept for this visit only */ } },
};

function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = () => setHash(location.hash);
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const [tab, name] = hash.replace(/^#\//, "").split("/");
  return [tab || "overview", name ? decodeURIComponent(name) : ""];
}

function Head({ overview, tab, language, setLang, palette, setPalette }) {
  const here = UNDER[tab] ?? tab;
  const other = palette === "day" ? "dark" : "day";
  useEffect(() => document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }), [tab]); // on a phone the tabs slide
  return html`<header><a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); document.getElementById("content").focus(); }}>${t("nav.skip")}</a>
    <h1>${overview ? overview.gateway : "Gatehouse"} ${overview && html`<small class="wide">${overview.site} · ${overview.version}</small>`}</h1>
    <nav aria-label=${t("nav.label")}>${TABS.map((name) => html`<a href=${`#/${name}`} aria-current=${name === here ? "page" : undefined}>${t(`tab.${name}`)}
      ${name === "alarms" && overview?.alarms_active > 0 && html` <span class="count">${overview.alarms_active}</span>`}</a>`)}</nav>
    <${Silence} sounding=${overview?.sounding ?? []} />
    <${Who} />
    <button type="button" class="tool" lang=${language === "en" ? "zh-CN" : "en"} onClick=${() => setLang(language === "en" ? "zh-CN" : "en")}>${t("language.other")}</button>
    <button type="button" class="tool" aria-label=${t("palette.label", t(`palette.${other}`))} onClick=${() => setPalette(other)}>${t(`palette.${other}`)}</button></header>`;
}

function Who() {
  if (!session.known || session.place === "box") return null;
  const { person, left_s: left } = session;
  if (!person) return html`<button type="button" class="tool" onClick=${signIn}>${t("signin.title")}</button>`;
  const above = session.roles.filter((role) => role !== "operator").at(-1);
  return html`<button type="button" class="tool who" onClick=${signIn}>${person.name} <small>${t(`role.${above ?? "operator"}`)}${left > 0 ? ` ${left} s` : ""}</small></button>
    <button type="button" class="tool" onClick=${signOut}>${t("signin.out")}</button>`;
}

function View({ state, tab, name }) {
  if (LATER[tab]) return html`<${Later} key=${tab} file=${LATER[tab][0]} name=${LATER[tab][1]} given=${{ state, name }} />`;
  if (tab === "alarms") return html`<${Alarms} state=${state} />`;
  if (tab === "interlocks") return html`<${Matrix} state=${state} />`;
  if (tab === "devices") return html`<${Devices} state=${state} />`;
  return html`<${Overview} state=${state} />`;
}

function App({ stream }) {
  const [tab, name] = useRoute();
  const [chosen, setChosen] = useState(kept.get("language"));
  const [palette, setPalette] = useState(kept.get("palette") === "dark" ? "dark" : "day");
  const { state, stale } = stream;
  if (session.known && !session.may_read) return html`<section class="panel gate"><h1>${t("signin.title")}</h1><${ByPassphrase} done=${() => stream.open()} /></section>`;
  setLanguage(chosen ?? state?.overview.language ?? navigator.language.replace(/^zh.*/, "zh-CN"));
  document.documentElement.dataset.palette = palette;
  document.documentElement.dataset.stale = stale ? "yes" : "no";
  document.title = `${stale ? t("state.STALE") : t(`state.${state.overview.state}`)} · ${state?.overview.gateway ?? "Gatehouse"}`;
  return html`<${Head} overview=${state?.overview} tab=${tab} language=${getLanguage()} palette=${palette}
      setLang=${(to) => { kept.set("language", to); setChosen(to); }} setPalette=${(to) => { kept.set("palette", to); setPalette(to); }} />
    <${Banner} state=${state} stale=${stale} heardAt=${state?.overview.utc_ms} />
    <main id="content" tabindex="-1" aria-busy=${stale}>${state && html`<${View} state=${state} tab=${tab} name=${name} />`}</main>
    ${state && html`<${Strip} overview=${state.overview} />`}
    <footer>${t("safety")}</footer>
    ${stale && html`<div class="hatch" aria-hidden="true"></div>`}<${Dialogs} />`;
}

const root = document.getElementById("app");
const draw = () => render(html`<${App} stream=${stream} />`, root);
const stream = new Stream(draw);
mount(draw);
draw();
start(draw).then(() => stream.start());
