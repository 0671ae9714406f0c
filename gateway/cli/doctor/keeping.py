"""Checks of what is kept: who may read it, whether it grows, whether there is room, and who may sign in."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import time
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.cli.doctor.finding import Finding, Result, Scene, skipped

INODES_PERCENT = 5
HISTORY_LATE_S = 120


def inodes(scene: Scene) -> Finding:
    """The disk can take more files."""
    state = _existing(scene)
    if state is None:
        return skipped("inodes")
    told = os.statvfs(state)
    if not told.f_files:
        return skipped("inodes", "doctor.unknown")
    percent = round(100 * told.f_favail / told.f_files)
    return Finding("inodes", _good(percent >= INODES_PERCENT), "doctor.percent", args={"percent": percent})


def mount(scene: Scene) -> Finding:
    """The disk was not turned read-only by an error."""
    state = _existing(scene)
    if state is None:
        return skipped("mount")
    read_only = bool(os.statvfs(state).f_flag & os.ST_RDONLY)
    return Finding("mount", "failed" if read_only else "ok", str(state))


def state_mode(scene: Scene) -> Finding:
    """Nobody else reads evidence and keys."""
    return _mode("state-mode", scene.state_directory(), 0o007)


def secrets_mode(scene: Scene) -> Finding:
    """Nobody else reads the hashes of PINs."""
    return _mode("secrets-mode", _in_state(scene, "access/secrets.json"), 0o077)


def box_key(scene: Scene) -> Finding:
    """What signs evidence is there, and nobody else has it."""
    return _mode("box-key", _in_state(scene, "keys/box.key"), 0o077)


def site_mode(scene: Scene) -> Finding:
    """Not everybody changes limits."""
    return _mode("site-mode", scene.site, 0o002)


def tls_key(scene: Scene) -> Finding:
    """What proves this box to the broker is not lying about."""
    key = scene.part("upstream").get("key")
    return _mode("tls-key", scene.site / str(key) if scene.site is not None and key else None, 0o077)


def people(scene: Scene) -> Finding:
    """Somebody may reset, and somebody may arm."""
    users = _users(scene)
    if users is None:
        return skipped("people")
    held = [user.get("roles", []) for user in users.values()]
    count: dict[str, object] = {f"{role}s": sum(role in roles for roles in held) for role in ("supervisor", "engineer")}
    return Finding("people", _good(all(count.values())), "doctor.people-are", args=count)


def pins(scene: Scene) -> Finding:
    """Somebody can sign in at the screen."""
    users, file = _users(scene), _in_state(scene, "access/secrets.json")
    if users is None or file is None:
        return skipped("pins")
    try:
        kept = json.loads(file.read_bytes()).get("pins", {}) if file.exists() else {}
    except PermissionError:
        return skipped("pins", "doctor.unknown")
    except (OSError, ValueError) as error:
        return Finding("pins", "failed", str(error))
    count = len(kept.keys() & users.keys())
    return Finding("pins", _good(count > 0), "doctor.pins-are", args={"count": count, "all": len(users)})


def journal(scene: Scene) -> Finding:
    """The journal opens, and its newest part is whole."""
    file = _in_state(scene, "journal/journal.db")
    if file is None or not file.exists():
        return skipped("journal", "doctor.none")
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=2)) as link:
            rows = link.execute("SELECT COALESCE(MAX(seq), 0) FROM event").fetchone()[0]
    except sqlite3.Error as error:
        return Finding("journal", "failed", str(error))
    return Finding("journal", "ok", "doctor.count", args={"count": rows})


def history(scene: Scene) -> Finding:
    """What is read is recorded."""
    folder = _in_state(scene, "history")
    times = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()] if folder is not None else []
    if not times:
        return skipped("history", "doctor.none")
    seconds = round(time.time() - max(times))
    late = scene.facts is not None and seconds > HISTORY_LATE_S
    return Finding("history", "warning" if late else "ok", "doctor.last", args={"seconds": seconds})


def bundles(scene: Scene) -> Finding:
    """Trips leave evidence."""
    folder = _in_state(scene, "bundles")
    found = sorted(folder.glob("*.trip.zip")) if folder is not None else []
    if not found:
        return skipped("bundles", "doctor.none")
    mb = sum(path.stat().st_size for path in found) // 1_000_000
    return Finding("bundles", "ok", "doctor.size", args={"count": len(found), "mb": mb})


def _mode(check: str, path: Path | None, closed: int) -> Finding:
    """Whether none of the bits `closed` is set on `path`."""
    if path is None or not path.exists():
        return skipped(check, "doctor.none")
    mode = stat.S_IMODE(path.stat().st_mode)
    told: dict[str, object] = {"file": path.name, "mode": f"{mode:04o}"}
    return Finding(check, "failed" if mode & closed else "ok", "doctor.mode", args=told)


def _existing(scene: Scene) -> Path | None:
    state = scene.state_directory()
    return state if state is not None and state.exists() else None


def _in_state(scene: Scene, name: str) -> Path | None:
    state = scene.state_directory()
    try:
        return state / name if state is not None and (state / name).parent.exists() else None
    except PermissionError:
        return None


def _users(scene: Scene) -> dict[str, dict[str, Any]] | None:
    if scene.site is None:
        return None
    try:
        found = tomllib.loads((scene.site / "users.toml").read_bytes().decode("utf-8-sig")).get("user", {})
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _good(good: bool) -> Result:
    return "ok" if good else "warning"
