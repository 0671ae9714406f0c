// Cameras, leak monitors and early warnings. Each asks its own verb; a gateway without one says so, and nothing is made up.
import { html } from "./vendor/preact.js";
import { t } from "./format.js";
import { Cameras } from "./cameras.js";
import { Leaks } from "./leaks.js";
import { Warnings } from "./warnings.js";

export function Watchers({ state }) {
  return html`<div class="three"><${Cameras} /><${Leaks} /><${Warnings} now=${state.overview.utc_ms} empty=${t("watch.warn.empty")} /></div>`;
}
