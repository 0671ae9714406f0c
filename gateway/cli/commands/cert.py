"""`gatehouse cert`: certificates of a site, with the daemon dead or alive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)


def _run(context: typer.Context, verb: str, site: Site, **args: str) -> None:
    common = session_of(context).common
    leave(composition().cert(verb, site, {**args, "output": common.output, "lang": common.language}))


@app.command("list")
def _list(context: typer.Context, site: Site) -> None:
    _run(context, "list", site)


@app.command("expiry")
def _expiry(context: typer.Context, site: Site) -> None:
    _run(context, "list", site, strict="yes")


@app.command("request")
def _request(context: typer.Context, site: Site) -> None:
    _run(context, "request", site)


@app.command("install")
def _install(context: typer.Context, site: Site, signed: Annotated[Path, typer.Argument()]) -> None:
    _run(context, "install", site, file=str(signed))
