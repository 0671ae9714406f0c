"""`gatehouse permit`, `gatehouse proof` and `gatehouse control`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import slips
from gateway.cli.commands.options import Name, Plan, Reason, Token, leave, session_of, why
from gateway.cli.readings import read
from gateway.control.messages import Request

permit = typer.Typer(no_args_is_help=True)
proof = typer.Typer(no_args_is_help=True)
control = typer.Typer(no_args_is_help=True)


@permit.command("list")
def _permits(context: typer.Context) -> None:
    leave(read(session_of(context), "permit", "list"))


@permit.command("show")
def _permit(context: typer.Context, name: Name, qr_code: Annotated[bool, typer.Option("--qr")] = False) -> None:
    session = session_of(context)
    leave(slips.show(session, name) if qr_code else read(session, "permit", "show", target=name))


@permit.command("page")
def _page(
    context: typer.Context,
    out: Annotated[Path, typer.Argument()],
    other_keys: Annotated[list[str] | None, typer.Option("--other-key")] = None,
) -> None:
    leave(slips.page(session_of(context), out, other_keys or []))


@permit.command("done")
def _done(context: typer.Context, name: Name) -> None:
    leave(session_of(context).act(Request("permit.done", name)))


@permit.command("confirm")
def _confirm(context: typer.Context, name: Name, item: Annotated[str, typer.Argument()]) -> None:
    leave(session_of(context).act(Request("confirm.item", name, {"item": item})))


@permit.command("issue")
def _issue(
    context: typer.Context,
    name: Name,
    place: Annotated[str, typer.Option("--place")],
    reason: Reason,
    minutes: Annotated[int, typer.Option("--minutes")] = 0,
    workers: Annotated[list[str] | None, typer.Option("--worker")] = None,
    plan: Plan = False,
    token: Token = "",
) -> None:
    args = {"place": place, "reason": reason, **({"minutes": str(minutes)} if minutes else {})}
    if workers:
        args["workers"] = ",".join(workers)
    leave(session_of(context).act_confirmed(Request("permit.issue", name, args), plan=plan, token=token))


@permit.command("revoke")
def _revoke(context: typer.Context, name: Name, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("permit.revoke", name, why(reason))))


@proof.command("list")
def _proofs(context: typer.Context) -> None:
    leave(read(session_of(context), "proof", "list"))


@proof.command("start")
def _start(context: typer.Context, name: Name, kind: Annotated[str, typer.Option("--kind")] = "partial") -> None:
    leave(session_of(context).act(Request("proof.start", name, {"kind": kind})))


@proof.command("finish")
def _finish(
    context: typer.Context,
    name: Name,
    result: Annotated[str, typer.Option("--result")],
    note: Annotated[str, typer.Option("--note")],
    looked: Annotated[bool, typer.Option("--looked")] = False,
) -> None:
    args = {"result": result, "note": note, "looked": "yes" if looked else "no"}
    leave(session_of(context).act(Request("proof.finish", name, args)))


@control.command("list")
def _controls(context: typer.Context) -> None:
    leave(read(session_of(context), "control", "list"))


@control.command("arm")
def _arm(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("control.arm", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@control.command("disarm")
def _disarm(context: typer.Context, name: Name, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("control.disarm", name, why(reason))))


@control.command("clear")
def _clear(context: typer.Context, name: Name, reason: Reason = "") -> None:
    leave(session_of(context).act(Request("control.clear", name, why(reason))))
