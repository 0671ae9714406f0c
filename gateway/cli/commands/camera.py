"""`gatehouse camera`: how cameras stand, their zones, a picture with people hidden, and the clips of alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import cameras
from gateway.cli.commands.options import Name, leave, session_of
from gateway.cli.readings import read

app = typer.Typer(no_args_is_help=True)

Camera = Annotated[str, typer.Argument()]
Picture = Annotated[Path | None, typer.Option("--out")]


@app.command("list")
def _list(context: typer.Context) -> None:
    leave(read(session_of(context), "camera", "list"))


@app.command("zone")
def _zone(context: typer.Context, name: Name, picture: Picture = None) -> None:
    code = read(session_of(context), "camera", "zone", target=name)
    if code == 0 and picture is not None:
        code = cameras.picture(session_of(context), name, picture, zones=True)
    leave(code)


@app.command("snapshot")
def _snapshot(context: typer.Context, name: Name, picture: Picture = None) -> None:
    leave(cameras.picture(session_of(context), name, picture or Path(f"{name}.jpg"), zones=False))


@app.command("clips")
def _clips(
    context: typer.Context, camera: Camera = "", verify: Annotated[bool, typer.Option("--verify")] = False
) -> None:
    leave(cameras.clips(session_of(context), camera, verify=verify))
