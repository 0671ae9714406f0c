"""`gatehouse telling`: what rules tell people, and answers."""

from __future__ import annotations

import typer

from gateway.cli.commands.options import Name, leave, session_of
from gateway.cli.readings import read
from gateway.control.messages import Request

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def _list(context: typer.Context) -> None:
    leave(read(session_of(context), "telling", "list"))


@app.command("answer")
def _answer(context: typer.Context, name: Name) -> None:
    leave(session_of(context).act(Request("telling.answer", name)))
