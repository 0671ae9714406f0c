"""`gatehouse person`: what workers do with their own data, and the little that others may."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import people
from gateway.cli.commands.options import Plan, Token, leave, session_of
from gateway.control.messages import Request

app = typer.Typer(no_args_is_help=True)

Worker = Annotated[str, typer.Argument()]
Why = Annotated[str, typer.Option("--reason")]
Month = Annotated[str, typer.Option("--month")]
Out = Annotated[Path, typer.Argument()]
Purpose = Annotated[str, typer.Argument()]
File = Annotated[str, typer.Argument()]


@app.command("status")
def _status(context: typer.Context) -> None:
    leave(people.show(session_of(context), "status", people.STATUS))


@app.command("purposes")
def _purposes(context: typer.Context) -> None:
    leave(people.show(session_of(context), "purposes", people.PURPOSES))


@app.command("see")
def _see(context: typer.Context) -> None:
    leave(people.show(session_of(context), "see"))


@app.command("consent")
def _consent(
    context: typer.Context,
    purpose: Purpose,
    signature: Annotated[str, typer.Option("--signature")] = "",
    text: Annotated[str, typer.Option("--text")] = "",
) -> None:
    leave(people.consent(session_of(context), purpose, signature, text))


@app.command("withdraw")
def _withdraw(context: typer.Context, purpose: Purpose) -> None:
    leave(people.show(session_of(context), "withdraw", purpose=purpose))


@app.command("export")
def _export(context: typer.Context, out: Out) -> None:
    leave(people.export(session_of(context), out))


@app.command("correct")
def _correct(
    context: typer.Context,
    stream: Annotated[str, typer.Argument()],
    sequence: Annotated[str, typer.Argument()],
    why: Why,
    now: Annotated[str, typer.Option("--now")],
) -> None:
    session = session_of(context)
    leave(people.show(session, "correct", stream=stream, sequence=sequence, reason=why, now=now))


@app.command("erase")
def _erase(context: typer.Context, worker: Worker, why: Why, plan: Plan = False, token: Token = "") -> None:
    request = Request("person.erase", worker, {"reason": why})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("access")
def _access(context: typer.Context) -> None:
    leave(people.show(session_of(context), "access", people.ACCESS))


@app.command("report")
def _report(context: typer.Context, out: Out, month: Month = "") -> None:
    leave(people.report(session_of(context), month, out))


@app.command("events")
def _events(context: typer.Context, why: Why) -> None:
    leave(people.show(session_of(context), "events", people.EVENTS, reason=why))


@app.command("counts")
def _counts(context: typer.Context, month: Annotated[str, typer.Argument()]) -> None:
    leave(people.show(session_of(context), "counts", people.COUNTS, month=month))


@app.command("glass")
def _glass(context: typer.Context, worker: Worker, why: Why) -> None:
    leave(people.show(session_of(context), "glass", target=worker, reason=why))


@app.command("confirm")
def _confirm(context: typer.Context, worker: Worker) -> None:
    leave(people.show(session_of(context), "confirm", target=worker))


@app.command("vitals")
def _vitals(context: typer.Context, worker: Worker) -> None:
    leave(people.show(session_of(context), "vitals", target=worker))


@app.command("backup")
def _backup(context: typer.Context, file: File) -> None:
    leave(people.show(session_of(context), "backup", file=file))


@app.command("restore")
def _restore(context: typer.Context, file: File) -> None:
    leave(people.show(session_of(context), "restore", file=file))


@app.command("anew")
def _anew(context: typer.Context, why: Why) -> None:
    leave(people.show(session_of(context), "anew", reason=why))
