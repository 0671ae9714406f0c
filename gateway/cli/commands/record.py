"""`gatehouse record`: what a site recorded, and the bundles of its trips; all with the daemon dead or alive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

From = Annotated[str, typer.Option("--from")]
To = Annotated[str, typer.Option("--to")]
Bundle = Annotated[Path, typer.Argument()]
Key = Annotated[str, typer.Option("--key")]


@app.command("list")
def _list(context: typer.Context, site: Site) -> None:
    _run(context, "list", site)


@app.command("export")
def _export(
    context: typer.Context,
    site: Site,
    since: From = "",
    until: To = "",
    tag: Annotated[list[str] | None, typer.Option("--tag")] = None,
    out: Annotated[str, typer.Option("--out")] = "-",
) -> None:
    _run(context, "export", site, {"from": since, "to": until, "tags": ",".join(tag or ()), "out": out})


@app.command("replay")
def _replay(context: typer.Context, recorded: Annotated[Path, typer.Argument()], public_key: Key = "") -> None:
    _run(context, "replay", recorded, {"key": public_key})


@app.command("bundles")
def _bundles(context: typer.Context, site: Site) -> None:
    _run(context, "bundles", site)


@app.command("verify")
def _verify(context: typer.Context, bundle: Bundle, public_key: Key = "") -> None:
    _run(context, "verify", bundle, {"key": public_key})


@app.command("report")
def _report(
    context: typer.Context,
    bundle: Bundle,
    html: Annotated[str, typer.Option("--html")] = "-",
    zone: Annotated[str, typer.Option("--zone")] = "",
    public_key: Key = "",
) -> None:
    _run(context, "report", bundle, {"key": public_key, "html": html, "zone": zone})


def _run(context: typer.Context, verb: str, path: Path, args: dict[str, str] | None = None) -> None:
    common = session_of(context).common
    leave(composition().record(verb, path, {**(args or {}), "output": common.output, "lang": common.language}))
