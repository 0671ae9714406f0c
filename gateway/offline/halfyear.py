"""`gatehouse report evidence`: the three figures of spec/alarms.md §4 over a window, as one document that a key has signed.

Every number in it comes from journal rows. Fractions are rounded to six decimals, so that two programs that share no code can
agree on every byte; `offline.recount` is the other one.
"""

from __future__ import annotations

import csv
import io
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.journal import reader
from gateway.journal.reader import Event
from gateway.offline.audited import audited
from gateway.offline.closure import WINDOW_MIN_MS, closure, rank
from gateway.offline.execution import execution
from gateway.offline.keys import fingerprint, raw
from gateway.offline.suppression import suppression

FORM = "gatehouse-evidence"
COVERAGE_MIN_PERMILLE = 995  # below it the figures are printed, and are not valid (spec §4)
DECIMALS = 6
# What the figures are made of; rows of other kinds are many and say nothing here.
KINDS = (
    "alarm.", "command.alarm.", "interlock.", "bypass.", "command.bypass.set", "proof.", "command.proof.start",
    "output.foreign_write", "evidence.", "gateway.stop",
)  # fmt: skip
MASKED = ("SHELVED", "SUPPRESSED", "OUT_OF_SERVICE")


class TamperedError(ValueError):
    """The file is not what was signed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says it: head of the journal's chain at the time, fingerprint of the site folder, version of the program."""

    gateway: str
    site: str
    head: str
    config: str
    software: str


def rows(path: Path) -> Iterator[Event]:
    """All rows that the figures are made of, in their order. Raises sqlite3.Error."""
    return reader.rows(path, KINDS)


def figures(events: Sequence[Event], from_ms: int, to_ms: int) -> dict[str, Any]:
    """The three figures of [from_ms, to_ms) with what qualifies them, as plain data."""
    audit = audited(events, from_ms, to_ms)
    coverage = audit.evaluated_ms / (to_ms - from_ms)
    long_enough = to_ms - from_ms >= WINDOW_MIN_MS
    reasons = [
        *([] if long_enough else ["window"]),
        *([] if audit.evaluated_ms * 1000 >= (to_ms - from_ms) * COVERAGE_MIN_PERMILLE else ["coverage"]),
        *(["left-out"] if audit.left_out else []),
    ]
    told: dict[str, Any] = {
        "from_ms": from_ms,
        "to_ms": to_ms,
        "valid": not reasons,
        "reasons": reasons,
        "last_seq": events[-1].seq if events else 0,
        "coverage": coverage,
        "evaluated_ms": audit.evaluated_ms,
        "clock_p99_ms": rank(sorted(audit.clock_ms), 99),
        "left_out": audit.left_out,
        "masked": _masked(events, from_ms, to_ms),
        "closure": msgspec.to_builtins(closure(events, from_ms, to_ms, 0)),
        "suppression": msgspec.to_builtins(suppression(events, audit)),
        "execution": msgspec.to_builtins(execution(events, audit)),
    }
    for once in ("from_ms", "to_ms", "valid", "last_seq"):  # said once, above
        del told["closure"][once]
    return {name: rounded(value) for name, value in told.items()}


def _masked(events: Sequence[Event], from_ms: int, to_ms: int) -> dict[str, int]:
    """Rises behind a mask, which were told to nobody and are in no denominator, by what masked them."""
    found = Counter(
        str(event.detail["state"])
        for event in events
        if event.kind == "alarm.masked-up" and from_ms <= event.utc_ms < to_ms
    )
    return {state: found[state] for state in MASKED}


def rounded(value: Any) -> Any:
    """The same with every fraction rounded."""
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def document(found: dict[str, Any], origin: Origin) -> bytes:
    """The bytes that are signed: canonical JSON, keys in order."""
    told = {
        "form": FORM,
        "version": 1,
        "gateway": origin.gateway,
        "site": origin.site,
        "journal_head": origin.head,
        "config_hash": origin.config,
        "software": origin.software,
        "python": platform.python_version(),
        "figures": found,
    }
    return msgspec.json.encode(told, order="deterministic")


def sealed(body: bytes, key: Ed25519PrivateKey) -> bytes:
    """The document with the box's signature over exactly its bytes."""
    public = key.public_key()
    seal = {
        "evidence": msgspec.Raw(body),
        "key": raw(public).hex(),
        "key_fingerprint": fingerprint(public),
        "signature": key.sign(body).hex(),
    }
    return msgspec.json.encode(seal) + b"\n"


class _Sealed(msgspec.Struct, forbid_unknown_fields=True):
    evidence: msgspec.Raw
    key: str
    key_fingerprint: str
    signature: str


def opened(data: bytes, trusted: Ed25519PublicKey | None = None) -> tuple[dict[str, Any], str]:
    """The document of a sealed file whose signature is right, and the fingerprint of its key. Raises TamperedError."""
    try:
        seal = msgspec.json.decode(data, type=_Sealed)
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.key))
        public.verify(bytes.fromhex(seal.signature), bytes(seal.evidence))
        told = msgspec.json.decode(seal.evidence)
    except (msgspec.DecodeError, ValueError, InvalidSignature) as error:
        raise TamperedError(str(error) or "the signature does not fit") from error
    if trusted is not None and raw(trusted) != raw(public):
        raise TamperedError("signed by another key")
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise TamperedError("no evidence of this form")
    return told, fingerprint(public)


def as_csv(found: dict[str, Any]) -> str:
    """Every number on a line of its own: path, value; shares with numerator, denominator and interval."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("figure", "value", "n", "d", "low", "high"))
    for path, value in _leaves(found, ""):
        if isinstance(value, dict):
            writer.writerow((path, value["value"], value["n"], value["d"], value["low"], value["high"]))
        else:
            writer.writerow((path, value, "", "", "", ""))
    return out.getvalue()


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value.keys() != {"n", "d", "value", "low", "high"}:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        yield path, " ".join(map(str, value))
    else:
        yield path, value


def canonical(found: dict[str, Any]) -> bytes:
    """The bytes in which two counts are compared."""
    return msgspec.json.encode(found, order="deterministic")
