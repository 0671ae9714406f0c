"""`gatehouse interlock`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from gateway.cli import readings
from gateway.cli.commands.options import Name, Plan, Reason, Token, leave, session_of, why
from gateway.cli.watchdog import prove
from gateway.control.messages import Request

app = typer.Typer(no_args_is_help=True)


class What(Enum):
    """What can be tested."""

    WATCHDOG = "watchdog"


class Seen(Enum):
    """The steps of the proof."""

    BEGIN = "begin"
    PROVEN = "proven"
    FAILED = "failed"


@app.command("list")
def _list(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "interlock", "list"))


@app.command("show")
def _show(context: typer.Context, name: Name) -> None:
    leave(readings.read(session_of(context), "interlock", "show", target=name))


@app.command("explain")
def _explain(
    context: typer.Context, name: Name, last_bundle: Annotated[bool, typer.Option("--bundle")] = False
) -> None:
    leave(readings.explain(session_of(context), name, bundle=last_bundle))


@app.command("test")
def _test(
    context: typer.Context,
    what: Annotated[What, typer.Argument()],
    source: Annotated[str, typer.Argument()],
    state: Annotated[Seen, typer.Option("--state")] = Seen.BEGIN,
) -> None:
    assert what is What.WATCHDOG
    leave(prove(session_of(context), source, state.value))


@app.command("shadow")
def _shadow(context: typer.Context, name: Name, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("interlock.shadow", name, why(reason))))


@app.command("arm")
def _arm(
    context: typer.Context,
    name: Name,
    reason: Reason,
    version: Annotated[str, typer.Option("--version")] = "",
    plan: Plan = False,
    token: Token = "",
) -> None:
    chosen = {"version": version} if version else {}
    request = Request("interlock.arm", name, {"reason": reason, **chosen})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("disarm")
def _disarm(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("interlock.disarm", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("trip")
def _trip(context: typer.Context, name: Name, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("interlock.trip", name, why(reason))))


@app.command("reset")
def _reset(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("interlock.reset", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("clear")
def _clear(context: typer.Context, name: Name, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("interlock.clear", name, why(reason))))


@app.command("stats")
def _stats(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "interlock", "stats"))


@app.command("reset-group")
def _reset_group(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("group.reset", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("sos")
def _sos(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("sos.start", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("sos-end")
def _sos_end(context: typer.Context, name: Name) -> None:
    leave(session_of(context).act(Request("sos.end", name)))
