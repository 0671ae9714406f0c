"""`gatehouse tag` and `gatehouse device`: the plant as it is now."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli import readings
from gateway.cli.commands.options import Name, Prefix, leave, session_of
from gateway.cli.watching import watch_tags

tag = typer.Typer(no_args_is_help=True)
device = typer.Typer(no_args_is_help=True)


@tag.command("list")
def _tag_list(context: typer.Context, prefix: Prefix = "") -> None:
    leave(readings.read(session_of(context), "tag", "list", prefix=prefix))


@tag.command("show")
def _tag_show(context: typer.Context, name: Name) -> None:
    leave(readings.read(session_of(context), "tag", "show", target=name))


@tag.command("trend")
def _tag_trend(
    context: typer.Context,
    name: Name,
    seconds: Annotated[int, typer.Option("--seconds", min=1, max=86_400)] = 600,
    points: Annotated[int, typer.Option("--points", min=2, max=2_000)] = 60,
) -> None:
    leave(readings.trend(session_of(context), name, seconds, points))


@tag.command("watch")
def _tag_watch(context: typer.Context, prefix: Prefix = "") -> None:
    leave(watch_tags(session_of(context), prefix))


@device.command("list")
def _device_list(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "device", "list"))


@device.command("show")
def _device_show(context: typer.Context, name: Name) -> None:
    leave(readings.read(session_of(context), "device", "show", target=name))
