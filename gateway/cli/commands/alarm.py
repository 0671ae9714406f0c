"""`gatehouse alarm`."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.client import Unreachable
from gateway.cli.commands.options import Name, Names, Plan, Reason, Site, Token, leave, session_of
from gateway.cli.composition import composition
from gateway.cli.readings import read, stats
from gateway.cli.session import Session
from gateway.cli.watching import watch_alarms
from gateway.control.messages import Request

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def _list(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all")] = False,
    shelved: Annotated[bool, typer.Option("--shelved")] = False,
) -> None:
    if shelved:
        leave(read(session_of(context), "alarm", "shelved"))
    leave(read(session_of(context), "alarm", "list", active="no" if every else "yes"))


@app.command("show")
def _show(context: typer.Context, name: Name) -> None:
    leave(read(session_of(context), "alarm", "show", target=name))


@app.command("ack")
def _ack(context: typer.Context, names: Names, occurrence: Annotated[str, typer.Option("--occurrence")] = "") -> None:
    session = session_of(context)
    if occurrence and len(names) > 1:
        leave(session.problem(2, "ack.one"))
    codes = [_ack_one(session, name, occurrence) for name in names]
    leave(max(codes))


def _ack_one(session: Session, name: str, occurrence: str) -> int:
    """Acknowledge the occurrence that stands now, or the one that was named."""
    if not occurrence:
        try:
            reply = session.ask(Request("alarm.show", name))
        except Unreachable as gone:
            return session.problem(gone.code, gone.key, **gone.args_of_text)
        if reply.code:
            return session.show(reply, ())
        occurrence = str(reply.data["occurrence"])
        if not occurrence:
            return session.problem(6, "ack.nothing", name=name)
    return session.act(Request("alarm.ack", name, {"occurrence": occurrence}))


@app.command("reset")
def _reset(context: typer.Context, name: Name, reason: Reason, plan: Plan = False, token: Token = "") -> None:
    request = Request("alarm.reset", name, {"reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("handover")
def _handover(context: typer.Context) -> None:
    leave(read(session_of(context), "alarm", "handover"))


@app.command("shelve")
def _shelve(
    context: typer.Context,
    name: Name,
    reason: Reason,
    minutes: Annotated[int, typer.Option("--minutes")],
    one_shot: Annotated[bool, typer.Option("--one-shot")] = False,
    plan: Plan = False,
    token: Token = "",
) -> None:
    args = {"minutes": str(minutes), "kind": "one-shot" if one_shot else "timed", "reason": reason}
    leave(session_of(context).act_confirmed(Request("alarm.shelve", name, args), plan=plan, token=token))


@app.command("dispose")
def _dispose(
    context: typer.Context,
    name: Name,
    occurrence: Annotated[str, typer.Option("--occurrence")],
    cause: Annotated[str, typer.Option("--cause")],
    action: Annotated[str, typer.Option("--action")],
    order: Annotated[str, typer.Option("--order")] = "",
) -> None:
    args = {"occurrence": occurrence, "code": cause, "action": action, **({"order": order} if order else {})}
    leave(session_of(context).act(Request("alarm.dispose", name, args)))


@app.command("judge")
def _judge(
    context: typer.Context,
    name: Name,
    at: Annotated[str, typer.Option("--at")],
    verdict: Annotated[str, typer.Option("--verdict")],
) -> None:
    leave(session_of(context).act(Request("alarm.judge", name, {"at": at, "verdict": verdict})))


@app.command("unshelve")
def _unshelve(context: typer.Context, name: Name) -> None:
    leave(session_of(context).act(Request("alarm.unshelve", name)))


@app.command("suppress")
def _suppress(
    context: typer.Context,
    name: Name,
    reason: Reason,
    logic: Annotated[str, typer.Option("--logic")],
    plan: Plan = False,
    token: Token = "",
) -> None:
    request = Request("alarm.suppress", name, {"logic": logic, "reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("unsuppress")
def _unsuppress(context: typer.Context, name: Name) -> None:
    leave(session_of(context).act(Request("alarm.unsuppress", name)))


@app.command("oos")
def _oos(
    context: typer.Context,
    name: Name,
    reason: Reason,
    moc: Annotated[str, typer.Option("--moc")],
    measure: Annotated[str, typer.Option("--measure")],
    plan: Plan = False,
    token: Token = "",
) -> None:
    request = Request("alarm.oos", name, {"moc": moc, "measure": measure, "reason": reason})
    leave(session_of(context).act_confirmed(request, plan=plan, token=token))


@app.command("in-service")
def _in_service(context: typer.Context, name: Name) -> None:
    leave(session_of(context).act(Request("alarm.in-service", name)))


@app.command("silence")
def _silence(context: typer.Context) -> None:
    leave(session_of(context).act(Request("alarm.silence")))


@app.command("stats")
def _stats(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=31)] = 30,
    place: Annotated[str, typer.Option("--place")] = "box",
    actors: Annotated[bool, typer.Option("--bad-actors")] = False,
) -> None:
    session = session_of(context)
    if actors:
        leave(read(session, "alarm", "actors", place=place, days=str(days)))
    leave(stats(session, place, days))


@app.command("propose")
def _propose(
    context: typer.Context,
    site: Site,
    alarms: Annotated[list[str] | None, typer.Argument()] = None,
    since: Annotated[str, typer.Option("--from")] = "",
    until: Annotated[str, typer.Option("--to")] = "",
) -> None:
    common = session_of(context).common
    args = {"alarms": " ".join(alarms or ()), "from": since, "to": until}
    leave(composition().alarm("propose", site, {**args, "output": common.output, "lang": common.language}))


@app.command("watch")
def _watch(context: typer.Context) -> None:
    leave(watch_alarms(session_of(context)))
