"""`gatehouse shell` for SSH, `gatehouse kiosk` for the screen at the box."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.commands.options import leave, session_of


def add(app: typer.Typer) -> None:
    """Put both into `app`."""
    app.command("shell")(_shell)
    app.command("kiosk")(_kiosk)


def _shell(context: typer.Context, person: Annotated[str, typer.Option("--as")]) -> None:
    from gateway.cli.common import environment
    from gateway.cli.main import run_as
    from gateway.cli.shell import shell

    session, around = session_of(context, person=person), environment()
    leave(shell(session, around, lambda words: run_as(words, around, session.common)))


def _kiosk(context: typer.Context, print_only: Annotated[bool, typer.Option("--print")] = False) -> None:
    from gateway.cli.kiosk import kiosk

    leave(kiosk(session_of(context), print_only=print_only))
