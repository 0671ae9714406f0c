"""`gatehouse update`: verify, install, status, commit, rollback, history, and the judge of a trial. Works with the daemon dead."""

from __future__ import annotations

import json
import os
import pwd
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gateway.activation import gate, store
from gateway.activation.people import signers
from gateway.app.examine import examine
from gateway.appliance import state as states
from gateway.appliance.archive import check_all, open_signed
from gateway.appliance.place import Place, here
from gateway.appliance.roots import SUFFIX as SYSTEM
from gateway.appliance.roots import Rauc, SystemUpdate
from gateway.appliance.state import State
from gateway.appliance.system import Systemd
from gateway.appliance.trial import Judge, Look, judged
from gateway.appliance.trust import fingerprint, trusted
from gateway.appliance.unpack import slots
from gateway.appliance.update import TRIAL_MIN, Seen, Updater, run_selftest
from gateway.appliance.words import NOT_FOUND, OK, REFUSED, ApplianceError, reason_text, say
from gateway.cli.client import Unreachable, replies
from gateway.cli.codes import UNREACHABLE
from gateway.control.messages import ROLES, Request
from gateway.control.views import InterlockView, Overview, SourceView, UpdateView

NOT_ARMED_NOW = ("TRIPPED", "TRIPPING", "TRIP_FAILED", "INIT", "FAULT")


@dataclass(frozen=True, slots=True)
class LivePlant:
    """The gateway of this box, over its control sockets; `site` says what waits for signatures."""

    directory: Path
    site: Path

    def seen(self) -> Seen | None:
        """Raises ApplianceError where the gateway runs and does not say how it stands."""
        try:
            overview = msgspec.convert(self._ask("status.show"), Overview)
            interlocks = msgspec.convert(self._ask("interlock.list"), list[InterlockView])
            sources = msgspec.convert(self._ask("source.list"), list[SourceView])
        except Unreachable as gone:
            if gone.code == UNREACHABLE:
                return None
            raise ApplianceError(REFUSED, "unknown-plant", why=gone.key) from gone
        except msgspec.ValidationError as error:
            raise ApplianceError(REFUSED, "unknown-plant", why=error) from error
        armed = [one.name for one in interlocks if one.mode == "live" and one.state not in NOT_ARMED_NOW]
        bypassed = [one.name for one in interlocks if one.bypasses]
        return Seen(tuple(armed), tuple(bypassed), self._unsigned(), share_up(sources), overview.step_p99_us)

    def stopped(self) -> str:
        """The supervisor who has said in the last quarter of an hour that the plant is stopped."""
        try:
            return msgspec.convert(self._ask("update.show"), UpdateView).stopped_by
        except (Unreachable, msgspec.ValidationError):
            return ""

    def look(self) -> Look | None:
        """One look of the trial."""
        try:
            overview = msgspec.convert(self._ask("status.show"), Overview)
            sources = msgspec.convert(self._ask("source.list"), list[SourceView])
        except (Unreachable, msgspec.ValidationError):
            return None
        return Look(overview.boot, share_up(sources), overview.step_p99_us)

    def _ask(self, verb: str) -> Any:
        return next(replies(self.directory, ROLES, Request(verb))).data

    def _unsigned(self) -> int:
        """The newest version of the rules, where two people have not signed it yet; 0 = nothing waits."""
        checked = examine(self.site)
        if checked.site is None:
            return 0
        kept = store.read(checked.site.storage.directory)
        last, _digest = kept.head()
        if not last:
            return 0
        signed = gate.valid_signatures(kept, last, signers(checked.site.users.values()))
        return last if len(signed) < gate.SIGNATURES else 0


def share_up(sources: list[SourceView]) -> float:
    """The share of sources that are up; a source whose provider is not the required one is not."""
    return sum(one.up for one in sources) / len(sources) if sources else 1.0


def update(verb: str, args: dict[str, str]) -> int:
    """`verify`, `install`, `status`, `commit`, `rollback`, `history` or `trial`; data to stdout, talk to stderr."""
    lang = args["lang"]
    verbs = {
        "verify": _verify, "install": _install, "status": _status, "commit": _commit,
        "rollback": _rollback, "history": _history, "trial": _trial,
    }  # fmt: skip
    try:
        return verbs[verb](args, lang)
    except ApplianceError as error:
        print(error.text(lang), file=sys.stderr)
        return error.code
    except OSError as error:
        print(say("unreadable", lang, file=error.filename or "", why=error.strerror), file=sys.stderr)
        return 1


def _place(args: dict[str, str]) -> Place:
    if args.get("root"):
        return Place(Path(args["root"]))
    found = here()
    if found is None:
        raise ApplianceError(NOT_FOUND, "no-box", prefix=sys.prefix)
    return found


def _updater(args: dict[str, str], lang: str) -> tuple[Updater, LivePlant]:
    place = _place(args)
    plant = LivePlant(Path(args["control"]), place.site)
    told = lambda state: print(step_text(state, lang), file=sys.stderr, flush=True)  # noqa: E731
    return Updater(place, plant, Systemd(), partial(run_selftest, place.site), told), plant


def step_text(state: State, lang: str) -> str:
    """One step in words."""
    slot = f"root{state.system}" if state.system else state.slot
    words = {"version": state.version, "slot": slot, "minutes": TRIAL_MIN}
    if state.step == "ROLLED_BACK":
        before = f"root{'A' if state.system == 'B' else 'B'}" if state.system else state.previous
        words |= {"slot": before, "version": state.was, "reason": reason_text(state.reason, lang)}
    return say(f"step-{state.step}", lang, **words) if state.step != "NONE" else "–"


def _person() -> str:
    """Who runs this: the account that logged in, also behind sudo."""
    name = os.environ.get("SUDO_USER", "")
    try:
        return name or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _verify(args: dict[str, str], lang: str) -> int:
    if args["file"].endswith(SYSTEM):
        return _verify_system(Path(args["file"]), args["output"], lang)
    folder = Path(args["key"]) if args.get("key") else _place(args).trust
    keys = trusted(folder)
    opened = open_signed(Path(args["file"]), keys)
    check_all(opened)
    manifest = opened.manifest
    if args["output"] in ("json", "jsonl"):
        found = {
            "version": manifest.version, "architectures": manifest.architectures, "files": len(manifest.files),
            "bytes": sum(one.size for one in manifest.files), "manifest": opened.digest, "key": opened.key,
            "fingerprint": fingerprint(keys[opened.key]), "models": [one.name for one in manifest.models],
        }  # fmt: skip
        print(json.dumps(found, ensure_ascii=False))
        return OK
    words = {"file": opened.path, "version": manifest.version, "files": len(manifest.files), "key": opened.key}
    print(say("verified", lang, **words))
    return OK


def _verify_system(bundle: Path, output: str, lang: str) -> int:
    """A system is verified block by block while it is installed, before the first byte is written; here its signature is."""
    version = Rauc().offered(bundle)
    if output in ("json", "jsonl"):
        print(json.dumps({"version": version, "system": True}))
    else:
        print(say("verified-system", lang, file=bundle, version=version))
    return OK


def _install(args: dict[str, str], lang: str) -> int:
    updater, _plant = _updater(args, lang)
    if args["file"].endswith(SYSTEM):
        SystemUpdate(updater, Rauc()).install(Path(args["file"]), _person())
        return OK
    state = updater.install(Path(args["file"]), _person())
    if state.step == "SWITCHED" and not Path("/run/systemd/system").is_dir():
        print(say("restart-yourself", lang, command="systemctl restart gatehouse"), file=sys.stderr)
    return OK


def _status(args: dict[str, str], lang: str) -> int:
    place = _place(args)
    state, running = states.read(place), place.running()
    rows = [
        {"slot": name, "version": mark.version if mark else "–", "whole": mark is not None, "runs": name == running}
        for name, mark in slots(place)
    ]
    roots = _roots(place)
    if args["output"] in ("json", "jsonl"):
        found = {
            "step": state.step, "slots": rows, "since_ms": state.since_ms, "reason": state.reason, "roots": roots,
        }  # fmt: skip
        print(json.dumps(found, ensure_ascii=False))
        return OK
    for row in rows:
        print(f"{'→' if row['runs'] else ' '} {row['slot']}  {row['version']}")
    for root in roots:
        boots = say("root-good" if root["boots"] == "good" else "root-bad", lang)
        words = {"version": root["version"] or "–", "boots": boots, "why": reason_text(root["reason"], lang)}
        following = say("root-next", lang) if root["next"] else ""
        line = say("root", lang, name=root["root"], next=following, **words)
        print(f"{'→' if root['runs'] else ' '} {line}".rstrip())
    print(step_text(state, lang))
    return OK


def _roots(place: Place) -> list[dict[str, Any]]:
    """Each root, and why it was given up where it was; nothing on a box without."""
    rauc = Rauc(place.root)
    if not rauc.booted():
        return []
    why = {str(row["system"]): str(row.get("reason", "")) for row in states.history(place) if row.get("system")}
    return [
        {**one, "version": rauc.version() if one["runs"] else one["version"], "reason": why.get(one["root"], "")}
        for one in rauc.shown()
    ]


def _commit(args: dict[str, str], lang: str) -> int:
    """A person ends the trial early, where the criteria hold now."""
    updater, plant = _updater(args, lang)
    state = states.read(updater.place)
    judge = Judge(state)
    judge.look(0.0, plant.look())
    if state.step == "SWITCHED" and judge.lacking():
        raise ApplianceError(REFUSED, "not-yet", why=reason_text(judge.lacking(), lang))
    if state.system:
        SystemUpdate(updater, Rauc()).good()
    else:
        updater.good()
    return OK


def _rollback(args: dict[str, str], lang: str) -> int:
    updater, _plant = _updater(args, lang)
    if states.read(updater.place).system and states.read(updater.place).step == "SWITCHED":
        SystemUpdate(updater, Rauc()).back(f"person:{_person()}")
        return OK
    updater.allowed_back()
    updater.back(f"person:{_person()}")
    return OK


def _history(args: dict[str, str], lang: str) -> int:
    for row in states.history(_place(args)):
        if args["output"] in ("json", "jsonl"):
            print(json.dumps(row, ensure_ascii=False))
            continue
        when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(row.get("since_ms", 0) / 1000))
        why = reason_text(str(row.get("reason", "")), lang)
        print(
            f"{when}  {row.get('step', ''):<11}  {_slot_of(row)}  {row.get('version', '')}  {row.get('person', '')}  {why}".rstrip()
        )
    return OK


def _slot_of(row: dict[str, Any]) -> str:
    return f"root{row['system']}" if row.get("system") else str(row.get("slot", ""))


def _trial(args: dict[str, str], lang: str) -> int:
    """Judge the trial, if one is on: what gatehouse-trial.service runs. 0 also where the version was rolled back."""
    updater, plant = _updater(args, lang)
    system = SystemUpdate(updater, Rauc(updater.place.root))
    state = system.came_up()
    if state.step != "SWITCHED":
        print(say("no-trial", lang), file=sys.stderr)
        return OK
    minutes = float(args.get("minutes") or TRIAL_MIN)
    reason = judged(Judge(state, minutes), time.monotonic(), plant.look, time.monotonic, time.sleep)
    if states.read(updater.place).step != "SWITCHED":  # a person or the start guard was faster
        return OK
    ends = system if state.system else updater
    if reason:
        ends.back(reason)
    else:
        ends.good()
    return OK
