// Everything that is done on the page goes through one dialog: what it is, why, what it would do, and a button to be held.
import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { t, text } from "./format.js";
import { act, enter } from "./act.js";
import { ask, entered, session } from "./session.js";

const HOLD_MS = 1200;
let shown = null;
let heard = () => {};

export function mount(onChange) { heard = onChange; }
function show(next) { shown = next; heard(); }

// {verb, target, title, fields, args, hold}: fields are {name, label, kind, least, options, value}.
export function act_on(what) { show(entered(what.verb) ? { ...what, kind: "action" } : { kind: "signin", then: what }); }
export function signIn() { show({ kind: "signin", then: null }); }

// One that needs neither words nor holding: acknowledging, silence.
export async function at_once(verb, target, args) {
  if (!entered(verb)) return act_on({ verb, target, args, title: target, fields: [] });
  const said = await act(verb, target, args);
  if (!said.ok) show({ kind: "said", title: target, message: said.message });
}

function Frame({ title, children, wide }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onClose=${() => show(null)}>
    <h2 id="dialog-title">${title}</h2>${children}</dialog>`;
}

const Leave = () => html`<button type="button" class="big" onClick=${() => show(null)}>${t("dialog.leave")}</button>`;

export function Hold({ label, onHeld, disabled }) {
  const timer = useRef(0);
  const [held, setHeld] = useState(false);
  const begin = () => {
    if (timer.current || disabled) return;
    setHeld(true);
    timer.current = setTimeout(() => { end(); onHeld(); }, HOLD_MS);
  };
  const end = () => { clearTimeout(timer.current); timer.current = 0; setHeld(false); };
  useEffect(() => end, []);
  const key = (event) => event.key === "Enter" || event.key === " ";
  return html`<button type="button" class=${`big hold${held ? " held" : ""}`} disabled=${disabled} onPointerDown=${begin} onPointerUp=${end} onPointerLeave=${end}
    onKeyDown=${(event) => { if (key(event)) { event.preventDefault(); begin(); } }} onKeyUp=${end} onBlur=${end} onContextMenu=${(event) => event.preventDefault()}>
    <span>${label}</span><small>${t("dialog.hold")}</small></button>`;
}

function Field({ field, value, set }) {
  const label = html`<span>${t(field.label)}${field.least ? html` <small>${t("dialog.least", field.least)}</small>` : ""}</span>`;
  if (field.options) return html`<label>${label}<select value=${value} onChange=${(event) => set(event.target.value)}>
    ${field.options.map(([option, word]) => html`<option value=${option}>${word}</option>`)}</select></label>`;
  if (field.kind === "minutes") return html`<fieldset><legend>${t(field.label)}</legend>${field.choices.map((minutes) => html`
    <button type="button" aria-pressed=${value === String(minutes)} onClick=${() => set(String(minutes))}>${minutes < 60 ? `${minutes} min` : `${minutes / 60} h`}</button>`)}</fieldset>`;
  return html`<label>${label}<textarea rows="2" maxlength="300" value=${value} onInput=${(event) => set(event.target.value)}></textarea></label>`;
}

function Action({ what }) {
  const fields = what.fields ?? [];
  const [values, setValues] = useState(Object.fromEntries(fields.map((field) => [field.name, field.value ?? ""])));
  const [plan, setPlan] = useState(null);
  const [message, setMessage] = useState("");
  const given = () => ({ ...what.args, ...Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim())) });
  const whole = fields.every((field) => (values[field.name] ?? "").trim().length >= (field.least ?? 0));
  const check = async () => {
    const said = await act(what.verb, what.target, given(), { plan: true });
    setMessage(said.message);
    if (said.ok) setPlan(said.data);
  };
  const go = async () => {
    const said = await act(what.verb, what.target, given(), plan ? { token: plan.token } : {});
    if (said.ok) return show(null);
    setMessage(said.message);
    setPlan(null);
  };
  const planned = !what.dangerous || plan !== null;
  return html`<${Frame} title=${what.title}>
    ${fields.map((field) => html`<${Field} field=${field} value=${values[field.name]} set=${(value) => { setPlan(null); setValues((all) => ({ ...all, [field.name]: value })); }} />`)}
    ${plan && html`<p class="effect">${text(plan.effect)}</p>${plan.missing.map((missing) => html`<p class="effect">▲ ${t("dialog.missing")} ${text(missing)}</p>`)}`}
    ${what.note && html`<p>${what.note}</p>`}
    ${message && html`<p role="alert" class="alert">▲ ${message}</p>`}
    <div class="buttons"><${Leave} />${planned ? html`<${Hold} label=${what.do ?? what.title} onHeld=${go} disabled=${!whole} />`
      : html`<button type="button" class="big" disabled=${!whole} onClick=${check}>${t("dialog.check")}</button>`}</div></${Frame}>`;
}

function why(said) {
  if (said.why === "weak") return t(`pin.${said.detail}`);
  return said.why === "locked" ? t("signin.locked", said.left_s) : t(`signin.${said.why ?? "unheard"}`);
}

function Pad({ set, pin, go }) {
  const press = (digit) => set((before) => (before.length < 6 ? before + digit : before));
  const type = (event) => {
    if (/^\d$/.test(event.key)) press(event.key);
    else if (event.key === "Backspace") set((before) => before.slice(0, -1));
    else if (event.key === "Enter" && pin.length === 6) go();
    else return;
    event.preventDefault();
  };
  return html`<div class="pad" role="group" aria-label=${t("signin.pin")} onKeyDown=${type}><output aria-label=${t("signin.typed", pin.length)}>${"●".repeat(pin.length)}${"○".repeat(6 - pin.length)}</output>
    ${[1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => html`<button type="button" onClick=${() => press(String(digit))}>${digit}</button>`)}
    <button type="button" aria-label=${t("signin.erase")} onClick=${() => set("")}>⌫</button><button type="button" onClick=${() => press("0")}>0</button>
    <button type="button" aria-label=${t("signin.go")} disabled=${pin.length < 6} onClick=${go}>↵</button></div>`;
}

function ByPin({ then }) {
  const [person, setPerson] = useState(null);
  const [pin, setPin] = useState("");
  const [old, setOld] = useState("");
  const [message, setMessage] = useState("");
  const go = async () => {
    setPin("");
    const [, said] = old ? await enter("/api/v1/pin", { person: person.id, old, new: pin }) : await enter("/api/v1/signin", { person: person.id, secret: pin });
    if (said.fresh && said.why === "ok") { setOld(pin); return setMessage(t("signin.fresh")); }
    if (said.why !== "ok") return setMessage(why(said));
    await ask();
    then ? act_on(then) : show(null);
  };
  if (!person) return html`<p>${t("signin.who")}</p><ul class="people">${session.people.map((each) => html`<li><button type="button" class="big" onClick=${() => setPerson(each)}>
    ${each.name}${each.name_en && html` <small>${each.name_en}</small>`}</button></li>`)}</ul>${session.people.length === 0 && html`<p>${t("signin.nobody")}</p>`}<div class="buttons"><${Leave} /></div>`;
  return html`<p><b>${person.name}</b> ${person.name_en} · ${t(old ? "signin.new" : "signin.pin")}</p>
    ${message && html`<p role="alert" class="alert">▲ ${message}</p>`}<${Pad} pin=${pin} set=${setPin} go=${go} />
    <div class="buttons"><${Leave} /><button type="button" class="big" onClick=${() => { setPerson(null); setPin(""); setOld(""); setMessage(""); }}>${t("signin.other")}</button></div>`;
}

export function ByPassphrase({ done }) {
  const [message, setMessage] = useState("");
  const go = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const [, said] = await enter("/api/v1/signin", { person: given.get("person").trim(), secret: given.get("secret") });
    if (said.why !== "ok") return setMessage(why(said));
    await ask();
    done();
  };
  return html`<form onSubmit=${go}><label><span>${t("signin.name")}</span><input name="person" autocomplete="username" required /></label>
    <label><span>${t("signin.passphrase")}</span><input name="secret" type="password" autocomplete="current-password" required /></label>
    ${message && html`<p role="alert" class="alert">▲ ${message}</p>`}<div class="buttons"><button class="big">${t("signin.go")}</button></div></form>`;
}

function SignIn({ then }) {
  const kiosk = session.place === "kiosk";
  return html`<${Frame} title=${t("signin.title")}>${kiosk ? html`<${ByPin} then=${then} />`
    : session.place === "remote" ? html`<${ByPassphrase} done=${() => (then ? act_on(then) : show(null))} /><${Leave} />`
    : html`<p>${t("signin.elsewhere")}</p><div class="buttons"><${Leave} /></div>`}</${Frame}>`;
}

export function Dialogs() {
  if (shown === null) return null;
  if (shown.kind === "signin") return html`<${SignIn} key="signin" then=${shown.then} />`;
  if (shown.kind === "said") return html`<${Frame} title=${shown.title}><p role="alert" class="alert">▲ ${shown.message}</p><div class="buttons"><${Leave} /></div></${Frame}>`;
  return html`<${Action} key=${`${shown.verb} ${shown.target}`} what=${shown} />`;
}
