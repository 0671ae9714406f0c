"""Identification inside this process: what a capture in memory tells."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from drivers.identify.engine import Engine
from drivers.identify.formats import recognise
from drivers.identify.signatures import table
from drivers.identify.source import CaptureError, batches

CAPTURES = Path(__file__).parents[4] / "shared" / "data" / "ics_pcaps"
SALT = 0x5DEECE66D1234567890ABCDEF1234567


def engine_of(capture: bytes) -> tuple[Engine, CaptureError | None]:
    """The engine after all that could be read of `capture`, and why it could not be read on."""
    engine = Engine(table(), SALT)
    try:
        for batch in batches(io.BytesIO(capture).read, recognise):
            engine.take(batch)
    except CaptureError as error:
        return engine, error
    return engine, None


def findings(capture: bytes) -> list[dict[str, Any]]:
    """The findings of `capture`."""
    return engine_of(capture)[0].finish().rows()


def found(capture: bytes) -> dict[str, str]:
    """Protocols of `capture` with their best confidence."""
    out: dict[str, str] = {}
    for row in findings(capture):
        if out.get(row["protocol"]) != "confirmed":
            out[row["protocol"]] = row["confidence"]
    return out
