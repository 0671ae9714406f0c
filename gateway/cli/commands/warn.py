"""`gatehouse warn`: early-warning groups: learned from a clean period of a site folder, and as they stand in the daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import readings
from gateway.cli.commands.options import Name, Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)


@app.command("learn")
def _learn(
    context: typer.Context,
    site: Site,
    group: Annotated[str, typer.Argument()],
    tags: Annotated[list[str], typer.Argument()],
    since: Annotated[str, typer.Option("--from")] = "",
    until: Annotated[str, typer.Option("--to")] = "",
    data: Annotated[str, typer.Option("--data")] = "",
    check: Annotated[str, typer.Option("--check")] = "",
    headings: Annotated[str, typer.Option("--map")] = "",
    zone: Annotated[str, typer.Option("--zone")] = "",
    period_s: Annotated[float, typer.Option("--period", min=0.1, max=3_600)] = 1.0,
    lags: Annotated[int, typer.Option("--lags", min=0, max=4)] = 0,
    rate: Annotated[float, typer.Option("--rate", min=0.0001, max=0.1)] = 0.01,
    chart: Annotated[list[str] | None, typer.Option("--chart")] = None,
    out: Annotated[str, typer.Option("--out")] = "",
) -> None:
    common = session_of(context).common
    args = {"group": group, "tags": "\n".join(tags), "from": since, "to": until, "data": data, "check": check}
    args |= {"map": headings, "zone": zone, "period": str(period_s), "lags": str(lags), "rate": str(rate), "out": out}
    args |= {"charts": "\n".join(chart or ()), "output": common.output, "lang": common.language}
    leave(composition().warn("learn", site, args))


@app.command("list")
def _list(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "warn", "list"))


@app.command("show")
def _show(context: typer.Context, name: Name) -> None:
    leave(readings.read(session_of(context), "warn", "show", target=name))
