"""What must be there before a version may protect, and which version a running function is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.activation.people import ENGINEERING, Signer, signed_by
from gateway.activation.store import Kept
from gateway.activation.version import Version, meaning
from gateway.activation.words import both
from gateway.core.program import Interlock, Program, rule_hash
from gateway.core.tags import TagTable

Texts = dict[str, str]
SIGNATURES = 2


def valid_signatures(kept: Kept, number: int, people: Mapping[str, Signer]) -> list[str]:
    """The different persons whose signature over version `number` is valid now."""
    given = kept.signatures.get(number, {}).values()
    found = {signed_by(people, signature, number, kept.digests[number])[0] for signature in given}
    return sorted(found - {""})


def missing(kept: Kept, version: Version, people: Mapping[str, Signer]) -> list[Texts]:
    """Everything that still keeps `version` from being armed."""
    number = version.number
    lacking = list[Texts]()
    errors = sum(finding.severity == "error" for finding in version.findings)
    if errors:
        lacking.append(both("findings", number=number, count=errors))
    if not version.proven:
        lacking.append(both("not-proven", number=number))
    if not any(one.digest == kept.digests[number] for one in kept.evidence.get(number, [])):
        lacking.append(both("unproven", number=number))
    signed = valid_signatures(kept, number, people)
    if len(signed) < SIGNATURES:
        who = f" ({', '.join(signed)})" if signed else ""
        lacking.append(both("signatures", number=number, count=len(signed), who=who))
    elif not any({*people[person].roles} & {*ENGINEERING} for person in signed):
        lacking.append(both("engineering", number=number))
    return lacking


def version_of(kept: Kept, name: str, hash: str) -> list[Version]:
    """The sound versions that hold this wording of the rule, newest first."""
    found = [one for one in kept.versions.values() if any((e.name, e.hash) == (name, hash) for e in one.rules)]
    return sorted(found, key=lambda version: -version.number)


def refusals(
    kept: Kept, name: str, hash: str, people: Mapping[str, Signer], table: TagTable
) -> tuple[Version | None, list[Texts]]:
    """The version by which this wording of `name` may be armed, or what is lacking (of the newest that holds it)."""
    reasons = list[Texts]()
    for version in version_of(kept, name, hash):
        entry, rule = version.entry(name), version.rule(name, hash)
        assert entry is not None
        assert rule is not None
        lacking = missing(kept, version, people)
        if entry.tags != meaning(rule, table):
            lacking.append(both("tags-changed", name=name, number=version.number))
        if not lacking:
            return version, []
        reasons = reasons or lacking
    return None, reasons or [both("unsubmitted", name=name)]


@dataclass(frozen=True, slots=True)
class Composed:
    """What the kernel runs: the last armed version of each interlock first, a changed one on trial beside it."""

    program: Program
    formulas: dict[str, str]
    lost: tuple[str, ...] = ()  # interlocks in service whose armed version cannot be loaded
    candidates: Mapping[str, str] = field(default_factory=dict)  # name -> formula of the version on trial


def compose(
    site: Program, formulas: Mapping[str, str], armed: Mapping[str, str], kept: Kept, table: TagTable
) -> Composed:
    """`site` is what the folder says, `armed` the hash of each interlock in service. What is armed and kept goes on protecting."""
    rules, candidates, lost = list(site.rules), list[Interlock](), list[str]()
    told, tried = dict(formulas), dict[str, str]()
    for at, rule in enumerate(site.rules):
        if not isinstance(rule, Interlock) or armed.get(rule.name) in (None, rule_hash(rule)):
            continue
        old, formula = _loaded(kept, rule.name, armed[rule.name], table)
        if old is None:
            lost.append(rule.name)
            continue
        rules[at], told[rule.name], tried[rule.name] = old, formula, formulas.get(rule.name, "")
        candidates.append(rule)
    removed = armed.keys() - {rule.name for rule in site.rules}  # taken out of the folder, not out of service
    for name in sorted(removed):
        old, told[name] = _loaded(kept, name, armed[name], table)
        if old is None:
            lost.append(name)
        else:
            rules.append(old)
    return Composed(Program(tuple(rules), site.version, tuple(candidates)), told, tuple(lost), tried)


def _loaded(kept: Kept, name: str, hash: str, table: TagTable) -> tuple[Interlock | None, str]:
    for version in version_of(kept, name, hash):
        rule, entry = version.rule(name, hash), version.entry(name)
        if isinstance(rule, Interlock) and entry is not None and entry.tags == meaning(rule, table):
            return rule, entry.formula
    return None, ""
