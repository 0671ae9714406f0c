"""`gatehouse update`: a signed bundle into the idle slot, its trial, and the way back. Works with the daemon dead."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.commands.options import Name, Plan, Reason, Token, leave, session_of
from gateway.cli.composition import composition
from gateway.control.messages import Request

app = typer.Typer(no_args_is_help=True)

Bundle = Annotated[Path, typer.Argument()]
BoxRoot = Annotated[str, typer.Option("--root")]


def _run(context: typer.Context, verb: str, **args: str) -> None:
    common = session_of(context).common
    given = {**args, "output": common.output, "lang": common.language, "control": str(common.directory)}
    leave(composition().update(verb, given))


@app.command("verify")
def _verify(
    context: typer.Context,
    bundle: Bundle,
    trust_folder: Annotated[str, typer.Option("--trust")] = "",
    box_root: BoxRoot = "",
) -> None:
    _run(context, "verify", file=str(bundle), key=trust_folder, root=box_root)


@app.command("confirm")
def _confirm(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("update.confirm", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("install")
def _install(context: typer.Context, bundle: Bundle, box_root: BoxRoot = "") -> None:
    _run(context, "install", file=str(bundle), root=box_root)


@app.command("status")
def _status(context: typer.Context, box_root: BoxRoot = "") -> None:
    _run(context, "status", root=box_root)


@app.command("commit")
def _commit(context: typer.Context, box_root: BoxRoot = "") -> None:
    _run(context, "commit", root=box_root)


@app.command("rollback")
def _rollback(context: typer.Context, box_root: BoxRoot = "") -> None:
    _run(context, "rollback", root=box_root)


@app.command("history")
def _history(context: typer.Context, box_root: BoxRoot = "") -> None:
    _run(context, "history", root=box_root)


@app.command("trial")
def _trial(
    context: typer.Context, minutes: Annotated[int, typer.Option("--minutes", min=1)] = 10, box_root: BoxRoot = ""
) -> None:
    _run(context, "trial", minutes=str(minutes), root=box_root)
