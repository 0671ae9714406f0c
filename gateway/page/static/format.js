// Numbers, times and words as people read them.
import words from "./words.js";

let language = "en";

export function setLanguage(to) {
  language = to in words ? to : "en";
  document.documentElement.lang = language;
}

export function getLanguage() { return language; }

// The text of `key`; {0}, {1} … are replaced. An unknown key (a new state, say) is shown as it is, without its group.
export function t(key, ...args) {
  const text = words[language][key] ?? key.slice(key.indexOf(".") + 1);
  return text.replace(/\{(\d)\}/g, (_, n) => args[n]);
}

// One of the plant's own texts in the language of the page, else in the other one.
export function text(texts) {
  return texts?.[language] || texts?.["en"] || texts?.["zh-CN"] || "";
}

const UNITS = { degC: "°C", degF: "°F", "m3/h": "m³/h", "%vol": "% vol", "%LEL": "% LEL", um: "µm" };

export function unit(name) { return UNITS[name] ?? name ?? ""; }

export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e7 || (size > 0 && size < 0.001)) return value.toPrecision(3);
  return String(+value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3));
}

export function quantity(value, name) {
  return value === null || value === undefined ? "–" : `${number(value)} ${unit(name)}`.trim();
}

const two = (n) => String(n).padStart(2, "0");

export function clock(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

// The time of day today, with month and day before it otherwise.
export function moment(ms, now) {
  const at = new Date(ms);
  const day = at.toDateString() === new Date(now).toDateString() ? "" : `${two(at.getMonth() + 1)}-${two(at.getDate())} `;
  return day + clock(ms);
}

export function zone() {
  const minutes = -new Date().getTimezoneOffset();
  const size = Math.abs(minutes);
  const rest = size % 60 ? `:${two(size % 60)}` : "";
  return minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${rest}`;
}

export function span(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

export function bytes(count) {
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} kB`;
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${(count / 1e6).toFixed(0)} MB`;
}
