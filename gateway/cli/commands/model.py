"""`gatehouse model`: models that a plant brings: what they are, how fast, how good, in eight bits, with thresholds that keep a promise."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli import codes, modelling
from gateway.cli.commands.options import leave, session_of
from gateway.cli.tables import Column

app = typer.Typer(no_args_is_help=True)

Model = Annotated[Path, typer.Argument()]
Provider = Annotated[str, typer.Option("--provider")]
Threads = Annotated[int, typer.Option("--threads", min=1, max=64)]
Rename = Annotated[list[str] | None, typer.Option("--rename")]
Labelled = Annotated[Path, typer.Argument()]


class Method(Enum):
    """How the range of each activation is chosen."""

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    ENTROPY = "entropy"


def _ask(context: typer.Context, columns: tuple[Column, ...], verb: str, **fields: Any) -> None:
    leave(modelling.ask(session_of(context), {"verb": verb, **fields}, columns))


@app.command("list")
def _list(context: typer.Context, folders: Annotated[list[Path] | None, typer.Argument()] = None) -> None:
    _ask(context, modelling.LIST, "list", files=[str(one) for one in folders or ()])


@app.command("check")
def _check(
    context: typer.Context,
    model: Model,
    provider: Provider = "auto",
    threads: Threads = 1,
    family: Annotated[str, typer.Option("--family")] = "",
    classes: Annotated[str, typer.Option("--classes")] = "",
    folded: Annotated[bool, typer.Option("--folded")] = False,
) -> None:
    names = [one.strip() for one in classes.split(",") if one.strip()]
    fields = {
        "model": str(model),
        "provider": provider,
        "threads": threads,
        "family": family,
        "classes": names,
        "folded": folded,
    }
    _ask(context, modelling.CHECK, "check", **fields)


@app.command("bench")
def _bench(context: typer.Context, model: Model, provider: Provider = "auto", threads: Threads = 1) -> None:
    _ask(context, modelling.BENCH, "bench", model=str(model), provider=provider, threads=threads)


@app.command("quantise")
def _quantise(
    context: typer.Context,
    model: Model,
    pictures: Annotated[Path | None, typer.Option("--calibrate")] = None,
    target_model: Annotated[Path | None, typer.Option("--out")] = None,
    method: Annotated[Method | None, typer.Option("--method")] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned")] = False,
    rename: Rename = None,
    threads: Threads = 1,
) -> None:
    session = session_of(context)
    if pictures is None and not unsigned:
        leave(session.problem(codes.USAGE, "usage.missing", name="--calibrate"))
    out = target_model or model.with_name(f"{model.stem}.int8.onnx")
    fields = {"files": [str(pictures)] if pictures else [], "out": str(out), "unsigned": unsigned, "threads": threads}
    chosen = method.value if method else ""
    _ask(context, modelling.QUANTISE, "quantise", model=str(model), method=chosen, rename=_pairs(rename), **fields)


@app.command("calibrate")
def _calibrate(
    context: typer.Context,
    model: Model,
    labelled: Labelled,
    max_miss: Annotated[str, typer.Option("--max-miss")] = "1%",
    confidence: Annotated[str, typer.Option("--confidence")] = "95%",
    rename: Rename = None,
    provider: Provider = "auto",
    threads: Threads = 1,
    target_thresholds: Annotated[Path | None, typer.Option("--out")] = None,
) -> None:
    session = session_of(context)
    shares = [_share(one) for one in (max_miss, confidence)]
    if None in shares:
        leave(session.problem(codes.USAGE, "model.share", value=f"{max_miss}, {confidence}"))
    request = {
        "verb": "calibrate",
        "model": str(model),
        "files": [str(labelled)],
        "most": shares[0],
        "confidence": shares[1],
        "rename": _pairs(rename),
        "provider": provider,
        "threads": threads,
        "out": str(target_thresholds or ""),
    }
    leave(modelling.calibrate(session, request))


@app.command("install")
def _install(
    context: typer.Context,
    model: Model,
    models: Annotated[Path, typer.Option("--to")] = Path("/var/lib/gatehouse/models"),
    provider: Provider = "auto",
    threads: Threads = 1,
) -> None:
    fields = {"model": str(model), "out": str(models), "provider": provider, "threads": threads}
    _ask(context, modelling.INSTALL, "install", **fields)


@app.command("detect")
def _detect(
    context: typer.Context,
    model: Model,
    images: Annotated[list[Path], typer.Argument()],
    provider: Provider = "auto",
    threads: Threads = 1,
    score: Annotated[float, typer.Option("--score", min=0.0, max=1.0)] = 0.0,
) -> None:
    fields = {"files": [str(one) for one in images], "provider": provider, "threads": threads, "score": score}
    _ask(context, modelling.DETECT, "detect", model=str(model), **fields)


def _pairs(renamed: list[str] | None) -> dict[str, str]:
    """OLD=NEW as a table; words without a sign are left for the process to refuse as unknown."""
    return dict(one.split("=", 1) for one in renamed or () if "=" in one)


def _share(text: str) -> float | None:
    """ "1%" or "0.01" as a share; None where it is neither."""
    try:
        return float(text[:-1]) / 100 if text.endswith(("%", "％")) else float(text)
    except ValueError:
        return None
