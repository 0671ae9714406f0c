"""`gatehouse support bundle` and `gatehouse completion`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from gateway.cli.commands.options import leave, session_of

app = typer.Typer(no_args_is_help=True)


class Shell(Enum):
    """The shells that can be completed."""

    BASH = "bash"
    ZSH = "zsh"


@app.command("bundle")
def _bundle(context: typer.Context, archive: Annotated[str, typer.Argument()]) -> None:
    from gateway.cli.supporting import bundle

    leave(bundle(session_of(context), archive))


def completion(context: typer.Context, shell: Annotated[Shell, typer.Argument()]) -> None:
    """Print the completion script of a shell."""
    from gateway.cli.completion import script  # it reads the whole tree, of which this is a part

    print(script(shell.value, session_of(context).common.language), end="")
