"""Commands of the box itself: run, check, demo (these go to the composition root), status, doctor, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import readings
from gateway.cli.commands.options import Site, leave, session_of
from gateway.cli.composition import composition
from gateway.cli.doctor import doctor


def add(app: typer.Typer) -> None:
    """Put the commands without a noun into `app`."""
    app.command("run")(_run)
    app.command("check")(_check)
    app.command("demo")(_demo)
    app.command("status")(_status)
    app.command("doctor")(_doctor)
    app.command("version")(_version)


def _run(context: typer.Context, site: Site) -> None:
    leave(composition().run(site, lang=session_of(context).common.language))


def _check(context: typer.Context, site: Site, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    common = session_of(context).common
    leave(composition().check(site, lang=common.language, as_json=as_json or common.output in ("json", "jsonl")))


def _demo(
    context: typer.Context,
    for_s: Annotated[float, typer.Option("--for", min=0)] = 0.0,
    report: Annotated[Path | None, typer.Option("--report")] = None,
) -> None:
    common = session_of(context).common
    leave(composition().demo(for_s=for_s or None, report=report, lang=common.language, site=common.site))


def _status(context: typer.Context, exit_code: Annotated[bool, typer.Option("--exit-code")] = False) -> None:
    leave(readings.status(session_of(context), exit_code=exit_code))


def _doctor(context: typer.Context) -> None:
    leave(doctor(session_of(context)))


def _version(context: typer.Context, sbom: Annotated[bool, typer.Option("--sbom")] = False) -> None:
    if sbom:
        leave(composition().sbom())
    leave(readings.version(session_of(context)))
