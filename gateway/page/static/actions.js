// What can be done with each thing: its buttons, and the words that its dialog asks for.
import { html } from "./vendor/preact.js";
import { t } from "./format.js";
import { act_on, at_once } from "./dialogs.js";
import { session } from "./session.js";

const REASON = { name: "reason", label: "field.reason", least: 10 };
const CODES = ["failed", "calibration", "maintenance", "proof-test", "process"];

function Button({ word, onClick, kind = "", ...more }) {
  return html`<button type="button" class=${`big ${kind}`} onClick=${(event) => { event.stopPropagation(); onClick(); }} ...${more}>${word}</button>`;
}

const ask = (verb, target, fields, more = {}) => () => act_on({ verb, target, fields, dangerous: true, title: `${t(`verb.${verb}`)}: ${target}`, do: t(`verb.${verb}`), ...more });

export function AlarmActions({ alarm }) {
  if (!session.acts) return null;
  const minutes = { name: "minutes", label: "field.minutes", kind: "minutes", choices: [10, 30, 60, 120, 480], least: 1, value: "30" };
  const unacked = alarm.state.includes("UNACK");
  return html`<div class="buttons">${unacked && html`<${Button} kind="ack" word=${t("verb.alarm.ack")} onClick=${() => at_once("alarm.ack", alarm.name, { occurrence: alarm.occurrence })} />`}
    ${alarm.state.startsWith("LATCHED") && html`<${Button} word=${t("verb.alarm.reset")} onClick=${ask("alarm.reset", alarm.name, [REASON])} />`}
    ${alarm.state === "SHELVED" ? html`<${Button} word=${t("verb.alarm.unshelve")} onClick=${ask("alarm.unshelve", alarm.name, [], { dangerous: false })} />`
      : html`<${Button} word=${t("verb.alarm.shelve")} onClick=${ask("alarm.shelve", alarm.name, [minutes, REASON])} />`}</div>`;
}

// Exactly what is shown whole in the list at this moment, one occurrence after the other; never "all".
export function AcknowledgeShown({ rows }) {
  const unacked = rows.filter(([alarm, ended]) => alarm.state.includes("UNACK") && !ended).length;
  if (!session.acts || unacked === 0) return null;
  const go = async () => {
    const frame = document.querySelector(".alarms .scroll").getBoundingClientRect();
    const shown = [...document.querySelectorAll(".alarms [data-occurrence]")].filter((row) => {
      const box = row.getBoundingClientRect();
      return box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
    }).map((row) => [row.dataset.name, row.dataset.occurrence]);
    for (const [name, occurrence] of shown) await at_once("alarm.ack", name, { occurrence });
  };
  return html`<${Button} kind="ack" word=${t("alarms.ackshown")} onClick=${go} />`;
}

export function InterlockActions({ view }) {
  if (!session.acts) return null;
  const live = view.mode === "live";
  const tags = [...new Set(view.causes.map((cause) => cause.tag))].filter((tag) => !view.bypasses.some((bypass) => bypass.tag === tag));
  const bypass = [
    { name: "tag", label: "field.tag", options: tags.map((tag) => [tag, tag]), value: tags[0] },
    { name: "code", label: "field.code", options: CODES.map((code) => [code, t(`code.${code}`)]), value: CODES[0] },
    { name: "minutes", label: "field.minutes", kind: "minutes", choices: [15, 30, 60, 120, 240, 480], least: 1, value: "60" },
    REASON, { name: "measure", label: "field.measure", least: 3 },
  ];
  return html`<div class="buttons act">
    ${live && html`<${Button} kind="reset" word=${t("verb.interlock.reset")} disabled=${view.state !== "READY"} onClick=${ask("interlock.reset", view.name, [REASON], { note: t("note.reset") })} />`}
    ${live && html`<${Button} word=${t("verb.interlock.trip")} onClick=${ask("interlock.trip", view.name, [{ ...REASON, least: 0 }], { dangerous: false, note: t("note.trip") })} />`}
    ${live && tags.length > 0 && html`<${Button} word=${t("verb.bypass.set")} onClick=${ask("bypass.set", view.name, bypass)} />`}
    ${view.bypasses.map((each) => html`<${Button} word=${`${t("verb.bypass.clear")} ${each.tag}`} onClick=${ask("bypass.clear", view.name, [], { args: { tag: each.tag }, dangerous: false })} />`)}
    ${live ? html`<${Button} word=${t("verb.interlock.disarm")} onClick=${ask("interlock.disarm", view.name, [REASON])} />`
      : html`<${Button} word=${t("verb.interlock.arm")} onClick=${ask("interlock.arm", view.name, [REASON])} />`}</div>`;
}

export function PermitActions({ permit }) {
  if (!session.acts) return null;
  const fields = [{ name: "place", label: "field.place", least: 2 }, { name: "minutes", label: "field.minutes", kind: "minutes", choices: [30, 60, 120, 240, 480], least: 1, value: "60" }, { ...REASON, least: 1 }];
  return permit.number ? html`<${Button} word=${t("verb.permit.revoke")} onClick=${ask("permit.revoke", permit.name, [{ ...REASON, least: 0 }], { dangerous: false })} />`
    : html`<${Button} word=${t("verb.permit.issue")} disabled=${!permit.allowed} onClick=${ask("permit.issue", permit.name, fields)} />`;
}

export function ControlActions({ control }) {
  if (!session.acts) return null;
  return html`<div class="buttons">${control.live ? html`<${Button} word=${t("verb.control.disarm")} onClick=${ask("control.disarm", control.name, [{ ...REASON, least: 0 }], { dangerous: false })} />`
    : html`<${Button} word=${t("verb.control.arm")} onClick=${ask("control.arm", control.name, [{ ...REASON, least: 1 }])} />`}
    ${control.hunting && html`<${Button} word=${t("verb.control.clear")} onClick=${ask("control.clear", control.name, [], { dangerous: false })} />`}</div>`;
}

export function TellingActions({ telling }) {
  if (!session.acts || telling.level < 1) return null;
  return html`<${Button} kind="ack" word=${t("verb.telling.answer")} onClick=${() => at_once("telling.answer", telling.name, {})} />`;
}
