"""`gatehouse bypass`."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.commands.options import Plan, Reason, Token, leave, session_of, why
from gateway.cli.readings import read
from gateway.control.messages import Request

app = typer.Typer(no_args_is_help=True)

Function = Annotated[str, typer.Argument()]
Tag = Annotated[str, typer.Argument()]


@app.command("list")
def _list(context: typer.Context) -> None:
    leave(read(session_of(context), "bypass", "list"))


@app.command("set")
def _set(
    context: typer.Context,
    function: Function,
    tag: Tag,
    code: Annotated[str, typer.Option("--code")],
    reason: Reason,
    measure: Annotated[str, typer.Option("--measure")],
    minutes: Annotated[int, typer.Option("--minutes")],
    plan: Plan = False,
    token: Token = "",
) -> None:
    args = {"tag": tag, "code": code, "reason": reason, "measure": measure, "minutes": str(minutes)}
    leave(session_of(context).act_confirmed(Request("bypass.set", function, args), plan=plan, token=token))


@app.command("clear")
def _clear(context: typer.Context, function: Function, tag: Tag, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("bypass.clear", function, {"tag": tag, **why(reason)})))
