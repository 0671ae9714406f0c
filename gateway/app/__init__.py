"""The composition root: a site folder becomes objects, objects become nested task groups. The only room that imports everything.

May touch: every room. `run`, `check`, `demo`, `record` and `rule` are what the command line calls; each returns an exit code.
May not touch: what a room can do itself; nobody imports this one but the entry point.
"""

from __future__ import annotations

from pathlib import Path


def run(site: Path, *, lang: str) -> int:
    """The daemon, until SIGTERM; 78 where the site is invalid, before any socket opens."""
    from gateway.app import daemon

    return daemon.run(site, lang=lang)


def check(site: Path, *, lang: str, as_json: bool) -> int:
    """Every problem of a site folder, offline; 9 where it could not run."""
    from gateway.app import examine

    return examine.check(site, lang=lang, as_json=as_json)


def demo(*, for_s: float | None, report: Path | None, lang: str, site: Path | None = None) -> int:
    """The demo plant and the gateway on it (config/demo if no `site` is named); a report at the end if asked."""
    from gateway.app import show

    return show.demo(for_s=for_s, report=report, lang=lang, site=site)


def record(verb: str, site: Path, args: dict[str, str]) -> int:
    """`list`, `export`, `replay` or `bundles` of what a site recorded; `verify`, `replay` or `report` of a trip's bundle."""
    from gateway.app import records

    return records.record(verb, site, args)


def rule(verb: str, site: Path, args: dict[str, str]) -> int:
    """`check`, `format`, `backtest`; `export`, `import` or `tests` of the workbook; what versions.VERBS names for its versions."""
    from gateway.app import backtests, proving, versions, workbooks

    if verb == "check":
        return proving.check(args)
    if verb == "format":
        return proving.layout(args)
    if verb == "backtest":
        return backtests.backtest(site, args)
    if verb in versions.VERBS:
        return versions.rule(verb, site, args)
    return workbooks.rule(verb, site, args)


def alarm(verb: str, site: Path, args: dict[str, str]) -> int:
    """`propose`: hysteresis and delays for bad actors, tried on the recorded history."""
    from gateway.app import proposing

    assert verb == "propose"
    return proposing.propose(site, args)


def journal(verb: str, site: Path, args: dict[str, str]) -> int:
    """`verify`, `head`, `backup` or `restore` of the journal of a site."""
    from gateway.app import journals

    return journals.journal(verb, site, args)


def report(verb: str, site: Path, args: dict[str, str]) -> int:
    """`evidence`, `verify` or `sample` of the evidence figures of a site."""
    from gateway.app import reports

    return reports.report(verb, site, args)


def user(verb: str, site: Path, args: dict[str, str]) -> int:
    """`list`, `add`, `remove`, `pin`, `passphrase`, `key` or `token`: the people of a site and how they prove who they are."""
    from gateway.app import accounts

    return accounts.user(verb, site, args)


def warn(verb: str, site: Path, args: dict[str, str]) -> int:
    """`learn`: the card of an early-warning group from a clean period."""
    from gateway.app import warning_cards

    assert verb == "learn"
    return warning_cards.learn_card(site, args)


def sbom() -> int:
    """The parts list that came with the slot; in a source tree one of what is installed."""
    from gateway.app import parts

    return parts.sbom()


def update(verb: str, args: dict[str, str]) -> int:
    """`verify`, `install`, `status`, `commit`, `rollback`, `history` or `trial` of the slots of this box."""
    from gateway.app import updating

    return updating.update(verb, args)


def cert(verb: str, site: Path, args: dict[str, str]) -> int:
    """`list`, `request` or `install`: the certificates of a site."""
    from gateway.app import certificates

    return certificates.cert(verb, site, args)


def support(site: Path | None, out: str, commands: dict[str, str], lang: str) -> int:
    """The support bundle: redacted facts of the box, with the daemon dead or alive."""
    from gateway.app import supporting

    return supporting.support(site, out, commands, lang)


def receive(args: dict[str, str], *, for_s: float) -> int:
    """The receiver for the other side of the broker; 1 where something is missing or lost."""
    from gateway.app import receiving

    return receiving.receive(args, for_s)


def commission(verb: str, site: Path, args: dict[str, str]) -> int:
    """`profiles`, `start`, `next`, `check`, `loop` or `report`: from the address of a PLC to tags somebody has looked at."""
    from gateway.app import commissioning

    return commissioning.commission(verb, site, args)


def leak(verb: str, site: Path, args: dict[str, str]) -> int:
    """`baseline` of a place that is watched for leaks."""
    from gateway.app import leaks

    return leaks.leak(verb, site, args)


def tags(verb: str, site: Path, args: dict[str, str]) -> int:
    """`import`, `diff` or `export` of the tag list of a site."""
    from gateway.app import tag_lists

    return tag_lists.tag_list(verb, site, args)
