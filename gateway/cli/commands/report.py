"""`gatehouse report`: pages of a shift, of bypasses and tests, and the evidence figures as a signed file, counted again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Begin = Annotated[str, typer.Option("--from")]
End = Annotated[str, typer.Option("--to")]


def _run(context: typer.Context, verb: str, site: Path, **args: str) -> None:
    common = session_of(context).common
    leave(composition().report(verb, site, {**args, "output": common.output, "lang": common.language}))


@app.command("acceptance")
def _acceptance(context: typer.Context, site: Site, html: Annotated[str, typer.Option("--html")] = "-") -> None:
    _run(context, "acceptance", site, html=html)


Hours = Annotated[int, typer.Option("--hours", min=0, max=87_600)]
Page = Annotated[str, typer.Option("--html")]


@app.command("shift")
def _shift(context: typer.Context, site: Site, hours_back: Hours = 12, html: Page = "-") -> None:
    _run(context, "shift", site, html=html, hours=str(hours_back))


@app.command("bypass")
def _bypass(context: typer.Context, site: Site, hours_back: Hours = 744, html: Page = "-") -> None:
    _run(context, "bypass", site, html=html, hours=str(hours_back))


@app.command("prooftest")
def _prooftest(context: typer.Context, site: Site, hours_back: Hours = 8760, html: Page = "-") -> None:
    _run(context, "prooftest", site, html=html, hours=str(hours_back))


@app.command("evidence")
def _evidence(
    context: typer.Context,
    site: Site,
    begin_utc: Begin,
    end_utc: End,
    report_folder: Annotated[str, typer.Option("--out")] = "",
) -> None:
    _run(context, "evidence", site, out=report_folder, **{"from": begin_utc, "to": end_utc})


@app.command("verify")
def _verify(
    context: typer.Context,
    site: Site,
    sealed: Annotated[Path, typer.Argument()],
    public: Annotated[str, typer.Option("--key")] = "",
) -> None:
    _run(context, "verify", site, file=str(sealed), key=public)


@app.command("sample")
def _sample(
    context: typer.Context,
    site: Site,
    begin_utc: Begin,
    end_utc: End,
    size: Annotated[int, typer.Option("--size")] = 385,
) -> None:
    _run(context, "sample", site, size=str(size), **{"from": begin_utc, "to": end_utc})
