"""`gatehouse record bundles|verify|replay|report`: the bundles of trips, with no daemon and, but for the list, no site."""

from __future__ import annotations

import json
import sys
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.app.speech import Speech
from gateway.offline.archive import Opened, TamperedError, verify
from gateway.offline.bundle import Replayed, replay
from gateway.offline.keeper import list_bundles
from gateway.offline.keys import load_public
from gateway.offline.trip_report import moment, report
from gateway.offline.words import say

OK, FAILED, USAGE, NOT_FOUND, TAMPERED = 0, 1, 2, 4, 9

_WORDS = {
    "gone": ("{value} cannot be read: {why}", "无法读取 {value}：{why}"),
    "zone": ("{value} is no time zone; write Asia/Shanghai.", "{value} 不是有效时区，请写成 Asia/Shanghai。"),
    "sound": (
        "{name}: every byte checked. Signed by {signer}; compare it with the box's key.",
        "{name}：已逐字节核对。签名密钥 {signer}，请与本机公钥指纹比对。",
    ),
    "trusted": (
        "{name}: every byte checked, signed by the given key {signer}.",
        "{name}：已逐字节核对，签名与所给密钥 {signer} 一致。",
    ),
    "same": (
        "{name}: {decisions} decisions from {inputs} inputs, all identical byte for byte.",
        "{name}：由 {inputs} 条输入重演 {decisions} 项判断，逐字节一致。",
    ),
    "differs": (
        "{name}: only {equal} of {decisions} decisions are identical.",
        "{name}：{decisions} 项判断中仅 {equal} 项一致。",
    ),
    "written": ("Report written to {value}.", "报告已写入 {value}。"),
}
_say = Speech(_WORDS)


def on_bundle(verb: str, path: Path, args: dict[str, str]) -> int:
    """verify, replay or report one bundle file: 0, 1 where a replay differs, 4 where it cannot be read, 9 where it was tampered with."""
    lang = args.get("lang", "en")
    try:
        trusted = load_public(Path(args["key"])) if args.get("key") else None
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        _say("gone", lang, value=args.get("key") or path, why=error)
        return NOT_FOUND
    try:
        opened = verify(data, trusted)
        return _VERBS[verb](opened, path, args, lang, trusted)
    except TamperedError as error:
        key = "signature.bad" if error.reason == "signature" else error.reason
        print(f"{path.name}: {say(key, lang, name=error.name)}", file=sys.stderr)
        return TAMPERED


def _verify(opened: Opened, path: Path, args: dict[str, str], lang: str, trusted: Ed25519PublicKey | None) -> int:
    manifest = opened.manifest
    if args.get("output", "table") in ("json", "jsonl"):
        print(msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode())
    _say("trusted" if trusted else "sound", lang, name=path.name, signer=manifest.key_fingerprint)
    for note in manifest.notes:
        print(f"  {say(f'note.{note}', lang)}", file=sys.stderr)
    return OK


def _replay(opened: Opened, path: Path, args: dict[str, str], lang: str, _key: Ed25519PublicKey | None) -> int:
    found: Replayed = replay(opened)
    if args.get("output", "table") in ("json", "jsonl"):
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    same = found.identical and found.tripped
    told = {"name": path.name, "decisions": found.decisions, "inputs": found.inputs, "equal": found.equal}
    _say("same" if same else "differs", lang, **told)
    return OK if same else FAILED


def _report(opened: Opened, _path: Path, args: dict[str, str], lang: str, _key: Ed25519PublicKey | None) -> int:
    try:
        zone: tzinfo = ZoneInfo(args["zone"]) if args.get("zone") else UTC
    except (ZoneInfoNotFoundError, ValueError):
        _say("zone", lang, value=args["zone"])
        return USAGE
    text = report(opened, lang, zone)
    if args.get("html", "-") == "-":
        sys.stdout.write(text)
        return OK
    try:
        Path(args["html"]).write_text(text, encoding="utf-8")
    except OSError as error:
        _say("gone", lang, value=args["html"], why=error)
        return FAILED
    _say("written", lang, value=args["html"])
    return OK


_VERBS = {"verify": _verify, "replay": _replay, "report": _report}


def bundles(state: Path, args: dict[str, str]) -> int:
    """The bundles of a site, oldest first. Only names and sizes are read, and what each manifest says of itself."""
    rows: list[dict[str, Any]] = []
    for path in list_bundles(state / "bundles"):
        try:
            manifest = verify(path.read_bytes()).manifest
        except (TamperedError, OSError) as error:
            rows.append(
                {
                    "utc": "",
                    "function": "",
                    "id": "",
                    "state": str(error),
                    "bytes": path.stat().st_size,
                    "file": str(path),
                }
            )
            continue
        sound = "complete" if manifest.complete else " ".join(manifest.notes)
        rows.append({
            "utc": moment(manifest.trip_utc_ms, UTC), "function": manifest.function, "id": manifest.id, "state": sound,
            "bytes": path.stat().st_size, "file": str(path),
        })  # fmt: skip
    if args.get("output", "table") in ("json", "jsonl"):
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            print("  ".join(str(value) for value in row.values()))
    return OK
