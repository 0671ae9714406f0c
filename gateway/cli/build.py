"""The typer application in one language: commands by noun, their help from the catalogue."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import typer

from gateway.cli.commands import (
    alarm,
    box,
    bypass,
    camera,
    cert,
    commission,
    interlock,
    journal,
    leak,
    model,
    permit,
    person,
    plant,
    record,
    report,
    rule,
    shell,
    support,
    telling,
    update,
    upstream,
    user,
    warn,
)
from gateway.cli.help import help_text, walk


@cache  # a tenth of a second, and `gatehouse shell` would pay it again for every line
def build(language: str) -> Any:
    """The whole command tree with help in `language`, the same one at every call."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, name="gatehouse")
    box.add(app)
    shell.add(app)
    app.command("completion")(support.completion)
    app.add_typer(support.app, name="support")
    app.add_typer(alarm.app, name="alarm")
    app.add_typer(interlock.app, name="interlock")
    app.add_typer(bypass.app, name="bypass")
    app.add_typer(permit.proof, name="proof")
    app.add_typer(permit.control, name="control")
    app.add_typer(permit.permit, name="permit")
    app.add_typer(person.app, name="person")
    app.add_typer(telling.app, name="telling")
    app.add_typer(camera.app, name="camera")
    app.add_typer(plant.tag, name="tag")
    app.add_typer(plant.device, name="device")
    app.add_typer(plant.time, name="time")
    app.add_typer(leak.app, name="leak")
    app.add_typer(commission.app, name="commission")
    app.add_typer(record.app, name="record")
    app.add_typer(journal.app, name="journal")
    app.add_typer(model.app, name="model")
    app.add_typer(report.app, name="report")
    app.add_typer(rule.app, name="rule")
    app.add_typer(warn.app, name="warn")
    app.add_typer(upstream.app, name="upstream")
    app.add_typer(user.app, name="user")
    app.add_typer(cert.app, name="cert")
    app.add_typer(update.app, name="update")
    app.callback()(_root)
    tree: Any = typer.main.get_command(app)
    for path, command in walk(tree):
        command.get_help = partial(_help, command, path, language)
    return tree


def _root() -> None:
    pass


def _help(command: Any, path: tuple[str, ...], language: str, _context: Any) -> str:
    return help_text(command, path, language)
