"""`gatehouse rule`: the rules of a site folder, offline: the cause & effect workbook both ways, and its test list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Workbook = Annotated[Path, typer.Argument()]
Out = Annotated[str, typer.Option("--out")]


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
