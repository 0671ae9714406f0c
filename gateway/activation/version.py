"""One version of a site's rules: the canonical program as it was compiled, and everything people sign with it."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from gateway.core.program import Control, Interlock, Program, Rule, load, rule_hash
from gateway.core.tags import TagTable

PROOFS = ("backtest", "shadow", "forced")
Proof = Literal["backtest", "shadow", "forced"]
NOT_PROVEN = "check.not-proven"  # the finding of `rulebook.prove` where its solver is not installed
_TAG_KEYS = frozenset({"tag", "output", "event"})
_canonical = msgspec.json.Encoder(order="deterministic")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of a version. `tags` is the hash of what its tags mean: unit, range, safe state, address-free."""

    name: str
    hash: str
    tags: str
    formula: str = ""


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding of the check, as it was when the version was submitted."""

    severity: str
    code: str
    en: str
    zh: str


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version. `parent` is the digest of the one before it, "" for the first; `program` is canonical JSON."""

    number: int
    parent: str
    site: str  # the site's own fingerprint
    program: str
    program_hash: str
    rules: tuple[Entry, ...]
    author: str
    utc_ms: int
    note: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def proven(self) -> bool:
        """The solver was there when it was submitted."""
        return not any(finding.code == NOT_PROVEN for finding in self.findings)

    def digest(self) -> str:
        """SHA-256 of the canonical bytes of everything in it: what is signed."""
        return hashlib.sha256(encode(self)).hexdigest()

    def rule(self, name: str, hash: str) -> Rule | None:
        """The rule `name` of this version if its hash is `hash`."""
        return next((rule for rule in self.decoded().rules if rule.name == name and rule_hash(rule) == hash), None)

    def entry(self, name: str) -> Entry | None:
        """What the version says of the rule `name`."""
        return next((entry for entry in self.rules if entry.name == name), None)

    def decoded(self) -> Program:
        """The program. Raises msgspec.ValidationError."""
        return load(self.program.encode())

    def sound(self) -> bool:
        """The hashes it names are those of the program it holds."""
        try:
            program = self.decoded()
        except msgspec.DecodeError:
            return False
        hashes = [(rule.name, rule_hash(rule)) for rule in program.rules]
        return rule_hash(program) == self.program_hash and hashes == [(one.name, one.hash) for one in self.rules]


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a version was tried before it may protect: on history, in shadow, or by forcing inputs."""

    digest: str  # of the version
    kind: Proof
    person: str
    utc_ms: int
    summary: str  # of a backtest: what was covered; else what was done and seen
    report: str = ""  # SHA-256 of the backtest's report


def encode(thing: Version | Evidence) -> bytes:
    """Canonical JSON."""
    return _canonical.encode(thing)


def meaning(rule: Rule, table: TagTable) -> str:
    """Hash of what the rule's tags mean here; "" if one of them is not there or an output of it cannot be driven."""
    names = table.names()
    wanted = sorted(_names(msgspec.to_builtins(rule)))
    if not all(name in names for name in wanted):
        return ""
    if isinstance(rule, Interlock | Control):
        driving = (*rule.stops, *rule.otherwise) if isinstance(rule, Interlock) else rule.sets
        driven = [table.tags[names[each.output]] for each in driving]
        if not all(tag.writable and tag.boolean for tag in driven):
            return ""
    tags = [table.tags[names[name]] for name in wanted]
    facts = [[t.name, t.unit, repr(t.low), repr(t.high), repr(t.safe), t.boolean, t.writable] for t in tags]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def _names(node: Any) -> set[str]:
    if isinstance(node, list | tuple):
        return {name for item in node for name in _names(item)}
    if not isinstance(node, dict):
        return set()
    own = {value for key, value in node.items() if key in _TAG_KEYS and isinstance(value, str)}
    return own.union(*(_names(value) for value in node.values()))
