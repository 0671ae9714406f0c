"""`gatehouse upstream`: the link to the plant network, and the receiver for its other side."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import readings
from gateway.cli.commands.options import leave, session_of
from gateway.cli.composition import composition

app = typer.Typer(no_args_is_help=True)

Broker = Annotated[str, typer.Argument()]


@app.command("status")
def _status(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "upstream", "status"))


@app.command("watch")
def _watch(
    context: typer.Context,
    broker: Broker,
    ca: Annotated[str, typer.Option("--ca")] = "",
    certificate: Annotated[str, typer.Option("--certificate")] = "",
    key: Annotated[str, typer.Option("--key")] = "",
    user: Annotated[str, typer.Option("--user")] = "",
    topics: Annotated[str, typer.Option("--topics")] = "gatehouse/v1",
    protocol: Annotated[str, typer.Option("--protocol")] = "5",
    client: Annotated[str, typer.Option("--client")] = "gatehouse-watch",
    receipts: Annotated[bool, typer.Option("--receipts")] = False,
    resend: Annotated[bool, typer.Option("--resend")] = False,
    for_s: Annotated[float, typer.Option("--for", min=0)] = 0.0,
) -> None:
    common = session_of(context).common
    args = {"url": broker, "prefix": topics, "ca": ca, "certificate": certificate, "key": key, "user": user}
    args |= {"protocol": protocol, "client": client, "lang": common.language}
    on = {"receipts": receipts, "resend": resend, "as_json": common.output in ("json", "jsonl")}
    args |= {name: "yes" for name, given in on.items() if given}
    leave(composition().receive(args, for_s=for_s))
