"""`gatehouse commission`: from the address of a PLC to tags somebody has looked at; no daemon is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Source = Annotated[str, typer.Option("--source")]


@app.command("profiles")
def _profiles(context: typer.Context, brand: Annotated[str, typer.Argument()] = "") -> None:
    _run(context, "profiles", Path(), name=brand)


@app.command("start")
def _start(
    context: typer.Context,
    site: Site,
    target: Annotated[str, typer.Argument()],
    profile: Annotated[str, typer.Option("--profile")] = "",
    driver: Annotated[str, typer.Option("--driver")] = "",
    source_name: Annotated[str, typer.Option("--name")] = "",
) -> None:
    _run(context, "start", site, target=target, profile=profile, driver=driver, name=source_name)


@app.command("next")
def _next(context: typer.Context, site: Site) -> None:
    _run(context, "next", site)


@app.command("check")
def _check(
    context: typer.Context,
    site: Site,
    source: Source = "",
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=600)] = 10,
) -> None:
    _run(context, "check", site, source=source, seconds=str(seconds))


@app.command("loop")
def _loop(
    context: typer.Context,
    site: Site,
    loop_tag: Annotated[str, typer.Argument()],
    applied: Annotated[float, typer.Option("--applied")],
    by: Annotated[str, typer.Option("--person")],
    tolerance: Annotated[float, typer.Option("--tolerance", min=0.01, max=20)] = 1,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=600)] = 3,
) -> None:
    args = {"tag": loop_tag, "applied": str(applied), "person": by, "tolerance": str(tolerance)}
    _run(context, "loop", site, **args, seconds=str(seconds))


@app.command("report")
def _report(context: typer.Context, site: Site, html: Annotated[str, typer.Option("--html")] = "-") -> None:
    _run(context, "report", site, html=html)


def _run(context: typer.Context, verb: str, site: Path, **args: str) -> None:
    common = session_of(context).common
    leave(composition().commission(verb, site, {**args, "output": common.output, "lang": common.language}))
