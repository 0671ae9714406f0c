"""`gatehouse support bundle`: one archive for whoever helps from afar. Only what is listed here goes in, and all of it redacted.

Not in it: users.toml, secrets, keys, history, personal tags, the vault of wearables, pictures, persons and reasons of the journal.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gateway.app.redact import Redactor
from gateway.site import load_users

OK, FAILED = 0, 1
LOG_LINES = "2000"
KINDS_MAX = 500
COMMAND_S = 20
FILE_MAX_BYTES = 2_000_000

_WORDS = {
    "written": (
        "{file}: {count} parts, {kb} kB. Look into it before you send it: tar -tzf {file}",
        "{file}：{count} 个部分，{kb} kB。发送前请先查看：tar -tzf {file}",
    ),
    "failed": ("It could not be written: {why}", "无法写入：{why}"),
}


def support(site: Path | None, out: str, commands: dict[str, str], lang: str) -> int:
    """Write the bundle to `out` ("-": stdout); `commands` are answers that the command line got: name -> text."""
    data, count = bundle(site, commands)
    if out == "-":
        sys.stdout.buffer.write(data)
        return OK
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        print(_WORDS["failed"][lang.startswith("zh")].format(why=error), file=sys.stderr)
        return FAILED
    print(_WORDS["written"][lang.startswith("zh")].format(file=out, count=count, kb=len(data) // 1000), file=sys.stderr)
    return OK


def bundle(site: Path | None, commands: dict[str, str]) -> tuple[bytes, int]:
    """The archive and how many parts it has. A part that cannot be had says why instead."""
    redactor = Redactor(_people(site))
    parts = {name: redactor.text(text) for name, text in _parts(site, commands)}
    sums = "".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(parts.items()))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in [("SHA256SUMS", sums), *sorted(parts.items())]:
            data = text.encode("utf-8", "replace")
            info = tarfile.TarInfo(f"gatehouse-support/{name}")
            info.size, info.mode, info.mtime = len(data), 0o600, int(time.time())
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue(), len(parts)


def _people(site: Path | None) -> list[tuple[str, ...]]:
    users = load_users(site)[0] if site is not None else {}
    return [(user.id, user.name, user.name_en) for user in users.values()]


def _parts(site: Path | None, commands: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "system.json", _told(_system)
    yield "packages.txt", _told(_packages)
    yield from ((f"asked/{name}.json", text) for name, text in commands.items())
    for name, command in (
        ("log.txt", ["journalctl", "-u", "gatehouse", "--no-pager", "-o", "short-iso", "-n", LOG_LINES]),
        ("service.txt", ["systemctl", "status", "gatehouse", "--no-pager", "--lines=0"]),
        ("time.txt", ["timedatectl", "show"]),
        ("disks.txt", ["df", "-h"]),
    ):
        yield name, _output(command)
    if site is None:
        return
    for name in ("site.toml", "tags.csv", "alarms.csv", "limits.csv"):
        if (site / name).exists():
            yield f"site/{name}", _read(site / name)
    for path in sorted((site / "rules").glob("*.rules")):
        yield f"site/rules/{path.name}", _read(path)
    state = _state(site)
    yield "state.txt", _told(lambda: _listing(state))
    yield "journal.json", _told(lambda: _journal(state / "journal" / "journal.db"))


def _told(make: Callable[[], str]) -> str:
    try:
        return make()
    except (OSError, ValueError, sqlite3.Error) as error:
        return f"not to be had: {error}\n"


def _state(site: Path) -> Path:
    try:
        storage = tomllib.loads((site / "site.toml").read_bytes().decode("utf-8-sig")).get("storage", {})
    except (OSError, ValueError):
        return site / "state"
    return site / str(storage.get("directory", "state") if isinstance(storage, dict) else "state")


def _system() -> str:
    facts = {
        "made_utc_ms": time.time_ns() // 1_000_000,
        "version": importlib.metadata.version("gatehouse-edge"),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "free_bytes": shutil.disk_usage("/").free,
        "os": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "memory": Path("/proc/meminfo").read_text().splitlines()[:3],
    }
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def _packages() -> str:
    rows = sorted(f"{found.metadata['Name']}=={found.version}" for found in importlib.metadata.distributions())
    return "\n".join(rows) + "\n"


def _output(command: list[str]) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, timeout=COMMAND_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"not to be had: {error}\n"
    return (ended.stdout + ended.stderr).decode("utf-8", "replace")


def _read(path: Path) -> str:
    def text() -> str:
        data = path.read_bytes()[:FILE_MAX_BYTES]
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("gb18030", "replace")

    return _told(text)


def _listing(state: Path) -> str:
    """Names and sizes, two levels deep; what is in `access` and `people` is not even listed."""
    rows = []
    for path in sorted([*state.glob("*"), *state.glob("*/*")]):
        if path.relative_to(state).parts[0] in ("access", "people", "keys"):
            continue
        rows.append(f"{path.stat().st_size:>14} {path.relative_to(state)}")
    return "\n".join(rows) + "\n"


def _journal(file: Path) -> str:
    """How many rows of each kind, and the last times: no subject, person or detail."""
    if not file.exists():
        return "not to be had: no journal\n"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as journal:
        rows = journal.execute(
            "SELECT kind, COUNT(*), MAX(utc_ms) FROM event GROUP BY kind ORDER BY 2 DESC LIMIT ?", (KINDS_MAX,)
        ).fetchall()
    return json.dumps([dict(zip(("kind", "rows", "last_utc_ms"), row, strict=True)) for row in rows], indent=1) + "\n"
