"""Arguments and options that several commands share; their help is in the catalogue under `option.<name>`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.session import Session

Name = Annotated[str, typer.Argument()]
Names = Annotated[list[str], typer.Argument()]
Prefix = Annotated[str, typer.Argument()]
Site = Annotated[Path, typer.Argument()]
Reason = Annotated[str, typer.Option("--reason")]
Plan = Annotated[bool, typer.Option("--plan")]
Token = Annotated[str, typer.Option("--token")]


def session_of(context: typer.Context, *, watch: bool = False, person: str = "") -> Session:
    """The session that `main` put into the context; `watch` as if --watch had been given, `person` who came by SSH."""
    found = context.find_root().obj
    assert isinstance(found, Session)
    if person:
        return replace(found, common=replace(found.common, person=person))
    return replace(found, common=replace(found.common, watch=True)) if watch else found


def leave(code: int) -> None:
    """End the command with `code`."""
    raise typer.Exit(code)


def why(reason: str) -> dict[str, str]:
    """The argument `reason`, left out where nothing was said."""
    return {"reason": reason} if reason else {}
