"""`gatehouse leak`: the places that are watched for leaks, what they hear and see, and their baselines."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import readings
from gateway.cli.commands.options import Name, Reason, Site, leave, session_of
from gateway.cli.composition import composition
from gateway.cli.spectrum import spectrum

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def _list(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "leak", "list"))


@app.command("spectrum")
def _spectrum(context: typer.Context, name: Name) -> None:
    leave(spectrum(session_of(context), name))


@app.command("baseline")
def _baseline(
    context: typer.Context,
    site: Site,
    name: Name,
    accept: Annotated[bool, typer.Option("--accept")] = False,
    learned_hours: Annotated[float, typer.Option("--hours", min=0.0)] = 24.0,
    reason: Reason = "",
) -> None:
    common = session_of(context).common
    args = {"name": name, "accept": "yes" if accept else "", "hours": str(learned_hours), "reason": reason}
    leave(composition().leak("baseline", site, {**args, "output": common.output, "lang": common.language}))
