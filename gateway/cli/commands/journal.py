"""`gatehouse journal`: the evidence as files, with the daemon dead or alive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument()]


def _run(context: typer.Context, verb: str, site: Path, **args: str) -> None:
    common = session_of(context).common
    leave(composition().journal(verb, site, {**args, "output": common.output, "lang": common.language}))


@app.command("verify")
def _verify(
    context: typer.Context,
    site: Site,
    anchor: Annotated[list[str] | None, typer.Option("--anchor")] = None,
    anchors: Annotated[str, typer.Option("--anchors")] = "",
) -> None:
    _run(context, "verify", site, anchor=" ".join(anchor or ()), anchors=anchors)


@app.command("head")
def _head(context: typer.Context, site: Site) -> None:
    _run(context, "head", site)


@app.command("backup")
def _backup(context: typer.Context, site: Site, folder: Folder) -> None:
    _run(context, "backup", site, folder=str(folder))


@app.command("restore")
def _restore(context: typer.Context, site: Site, folder: Folder) -> None:
    _run(context, "restore", site, folder=str(folder))
