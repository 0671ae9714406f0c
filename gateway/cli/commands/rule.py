"""`gatehouse rule`: the rules of a site folder, offline: what they can do, the cause & effect workbook, versions, backtests."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Workbook = Annotated[Path, typer.Argument()]
Paths = Annotated[list[Path], typer.Argument()]
Out = Annotated[str, typer.Option("--out")]
File = Annotated[str, typer.Argument()]


class Proof(Enum):
    """How a version was tried."""

    BACKTEST = "backtest"
    SHADOW = "shadow"
    FORCED = "forced"


@app.command("check")
def _check(context: typer.Context, paths: Paths, limit: Annotated[str, typer.Option("--limit")] = "") -> None:
    common = session_of(context).common
    args = {"paths": "\n".join(map(str, paths)), "limit": limit, "output": common.output, "lang": common.language}
    leave(composition().rule("check", paths[0], args))


@app.command("format")
def _format(
    context: typer.Context,
    file: File,
    write: Annotated[bool, typer.Option("--write")] = False,
    only_check: Annotated[bool, typer.Option("--check")] = False,
) -> None:
    args = {"file": file, "write": "yes" if write else "", "check": "yes" if only_check else ""}
    leave(composition().rule("format", Path(), {**args, "lang": session_of(context).common.language}))


@app.command("export")
def _export(context: typer.Context, site: Site, workbook: Workbook) -> None:
    _run(context, "export", site, workbook)


@app.command("import")
def _import(context: typer.Context, site: Site, workbook: Workbook, out: Out = "-") -> None:
    _run(context, "import", site, workbook, out)


@app.command("tests")
def _tests(context: typer.Context, site: Site, workbook: Workbook, out: Out = "-") -> None:
    _run(context, "tests", site, workbook, out)


def _run(context: typer.Context, verb: str, site: Path, workbook: Path, out: str = "-") -> None:
    common = session_of(context).common
    args = {"file": str(workbook), "out": out, "output": common.output, "lang": common.language}
    leave(composition().rule(verb, site, args))


# --- versions: keys and signatures on a laptop, the store at the box ---

Number = Annotated[str, typer.Argument()]
Person = Annotated[str, typer.Option("--person")]
Note = Annotated[str, typer.Option("--note")]
Passphrase = Annotated[str, typer.Option("--passphrase-file")]


def _version(context: typer.Context, verb: str, site: Path = Path(), **args: str) -> None:
    common = session_of(context).common
    leave(composition().rule(verb, site, {**args, "output": common.output, "lang": common.language}))


@app.command("keygen")
def _keygen(context: typer.Context, file: File, passphrase_file: Passphrase = "") -> None:
    _version(context, "keygen", file=file, passphrase_file=passphrase_file)


@app.command("sign")
def _sign(
    context: typer.Context,
    file: File,
    key: Annotated[str, typer.Option("--key")],
    qr: Annotated[str, typer.Option("--qr")] = "",
    passphrase_file: Passphrase = "",
) -> None:
    _version(context, "sign", file=file, key=key, qr=qr, passphrase_file=passphrase_file)


@app.command("submit")
def _submit(
    context: typer.Context,
    site: Site,
    person: Person,
    note: Note = "",
    limit: Annotated[str, typer.Option("--limit")] = "",
) -> None:
    _version(context, "submit", site, person=person, note=note, limit=limit)


@app.command("versions")
def _versions(context: typer.Context, site: Site) -> None:
    _version(context, "versions", site)


@app.command("show")
def _show(context: typer.Context, site: Site, version: Number) -> None:
    _version(context, "show", site, version=version)


@app.command("evidence")
def _evidence(
    context: typer.Context,
    site: Site,
    version: Number,
    kind: Annotated[Proof, typer.Option("--kind")],
    person: Person,
    note: Note,
    backtest_report: Annotated[str, typer.Option("--report")] = "",
) -> None:
    _version(
        context, "evidence", site, version=version, kind=kind.value, person=person, note=note, report=backtest_report
    )


@app.command("import-signature")
def _import_signature(context: typer.Context, site: Site, file: File) -> None:
    _version(context, "import-signature", site, file=file)


@app.command("diff")
def _diff(context: typer.Context, site: Site, version: Number, other: Number) -> None:
    _version(context, "diff", site, version=version, other=other)


@app.command("backtest")
def _backtest(
    context: typer.Context,
    site: Site,
    rules: Annotated[list[Path] | None, typer.Argument()] = None,
    since: Annotated[str, typer.Option("--from")] = "",
    until: Annotated[str, typer.Option("--to")] = "",
    data: Annotated[str, typer.Option("--data")] = "",
    headings: Annotated[str, typer.Option("--map")] = "",
    zone: Annotated[str, typer.Option("--zone")] = "",
    html: Annotated[str, typer.Option("--html")] = "",
) -> None:
    common = session_of(context).common
    args = {"from": since, "to": until, "data": data, "map": headings, "zone": zone, "html": html}
    args |= {"rules": "\n".join(map(str, rules or ())), "output": common.output, "lang": common.language}
    leave(composition().rule("backtest", site, args))
