// A view whose module is fetched when somebody opens it: what everybody loads at once stays small (docs/decisions/0030).
import { html, useEffect, useState } from "./vendor/preact.js";
import { t } from "./format.js";

const there = {};

// The component `name` of `file`, with what is `given` to it.
export function Later({ file, name, given }) {
  const [told, tell] = useState("");
  useEffect(() => {
    let open = true;
    if (!there[file]) import(file).then((module) => { there[file] = module; }, () => { if (open) tell("failed"); }).then(() => { if (open && there[file]) tell(file); });
    return () => { open = false; };
  }, [file]);
  if (there[file]) return html`<${there[file][name]} ...${given} />`;
  return html`<section class="panel all"><p class="empty" role="status">${told === "failed" ? html`${t("later.failed")} <button type="button" class="big" onClick=${() => location.reload()}>${t("later.again")}</button>` : "…"}</p></section>`;
}
