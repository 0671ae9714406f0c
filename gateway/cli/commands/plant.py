"""`gatehouse tag` and `gatehouse device`: the plant as it is now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import identifying, readings, scanning
from gateway.cli.commands.options import Name, Prefix, Site, leave, session_of
from gateway.cli.composition import composition
from gateway.cli.watching import watch_tags

tag = typer.Typer(no_args_is_help=True)
device = typer.Typer(no_args_is_help=True)
time = typer.Typer(no_args_is_help=True)


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


# --- the tag list of a site folder, offline ---

Listed = Annotated[Path, typer.Argument()]
Source = Annotated[str, typer.Option("--source")]
Format = Annotated[str, typer.Option("--format")]


@tag.command("import")
def _tag_import(
    context: typer.Context,
    site: Site,
    file: Listed = Path(),
    source: Source = "",
    list_format: Format = "",
    apply: Annotated[bool, typer.Option("--apply")] = False,
) -> None:
    args = {"file": _named(file), "source": source, "format": list_format, "apply": "yes" if apply else ""}
    _list(context, "import", site, args)


@tag.command("diff")
def _tag_diff(
    context: typer.Context, site: Site, file: Listed = Path(), source: Source = "", list_format: Format = ""
) -> None:
    _list(context, "diff", site, {"file": _named(file), "source": source, "format": list_format})


def _named(file: Path) -> str:
    """Nothing where no file was named: then the device is asked."""
    return "" if file == Path() else str(file)


@tag.command("export")
def _tag_export(
    context: typer.Context, site: Site, source: Source = "", out: Annotated[str, typer.Option("--out")] = "-"
) -> None:
    _list(context, "export", site, {"source": source, "out": out})


def _list(context: typer.Context, verb: str, site: Path, args: dict[str, str]) -> None:
    common = session_of(context).common
    leave(composition().tags(verb, site, {**args, "output": common.output, "lang": common.language}))


@device.command("list")
def _device_list(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "device", "list"))


@time.command("status")
def _time_status(context: typer.Context) -> None:
    leave(readings.read(session_of(context), "time", "status"))


@device.command("show")
def _device_show(context: typer.Context, name: Name) -> None:
    leave(readings.read(session_of(context), "device", "show", target=name))


@device.command("identify")
def _device_identify(
    context: typer.Context,
    capture: Annotated[Path | None, typer.Option("--capture")] = None,
    interface: Annotated[str, typer.Option("--interface")] = "",
    listen_s: Annotated[float, typer.Option("--seconds", min=1, max=86_400)] = 60.0,
) -> None:
    leave(identifying.identify(session_of(context), capture, interface, listen_s))


@device.command("scan")
def _device_scan(
    context: typer.Context,
    targets: Annotated[list[str], typer.Argument()],
    approve: Annotated[Path, typer.Option("--approve")],
    log: Annotated[Path | None, typer.Option("--log")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
) -> None:
    leave(scanning.scan(session_of(context), targets, approve, log, dry_run))
