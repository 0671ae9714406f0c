"""A place that is watched for leaks, drawn on a terminal: a minute of sound by bands, the plume in the picture, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.cli import codes
from gateway.cli.columns import local_time
from gateway.cli.session import Session
from gateway.cli.texts import word
from gateway.control.messages import Request

ROWS, WIDE = 16, 60  # of the strip; four bands and one second are one letter
SHADES = " ·░▒▓█"  # over the floor by less than 2, 5, 10, 15, 25 dB, and more
STEPS_DB = (2, 5, 10, 15, 25)
LIKELY = ((75, "█"), (50, "▓"), (25, "░"))  # percent of the plume mask


def spectrum(session: Session, name: str) -> int:
    """Show what a place hears and sees now."""
    reply = session.ask(Request("leak.spectrum", name))
    if reply.code or session.common.output != "table":
        return session.show(reply, ())
    print("\n".join(drawn(reply.data, session)))
    return codes.OK


def drawn(seen: dict[str, Any], session: Session) -> list[str]:
    """All lines."""
    language, values = session.common.language, seen["values"]
    out = [f"{seen['name']}  {word(language, 'leak', seen['state'])}  {local_time(seen['captured_utc_ms'])}".rstrip()]
    for key in ("sound", "picture"):
        state = word(language, "leak-sensor", str(values.get(f"{key}_state", 2.0)).removesuffix(".0"))
        error = f"  {seen[key + '_error']}" if seen[key + "_error"] else ""
        colon = "：" if language.startswith("zh") else ": "
        out.append(f"{session.text(f'leak.{key}')}{colon}{state}{error}")
    if seen["levels"]:
        out += ["", session.text("leak.strip"), *strip(seen["levels"], seen["floor"], seen["bands_hz"])]
    if seen["mask"]:
        out += [
            "",
            session.text("leak.plume"),
            *("  |" + "".join(shade(one) * 2 for one in row) + "|" for row in seen["mask"]),
        ]
    return [*out, "", *reasons(values, session)]


def strip(levels: Sequence[Sequence[int]], floor: Sequence[int], bands_hz: Sequence[int]) -> list[str]:
    """The last minute, high bands on top: how far each is over its floor."""
    lines = []
    for row in reversed(range(ROWS)):
        bands = range(row * len(bands_hz) // ROWS, (row + 1) * len(bands_hz) // ROWS)
        letters = []
        for at in range(0, len(levels), 2):
            heard = [column[band] - floor[band] for column in levels[at : at + 2] if column for band in bands]
            letters.append(over(sum(heard) / len(heard)) if heard else "?")
        lines.append(f"{bands_hz[bands[0]] / 1000:5.1f} kHz |" + "".join(letters).rjust(WIDE))
    return [*lines, " " * 10 + "-60 s".ljust(WIDE - 3) + "0 s"]


def over(decibels: float) -> str:
    """The letter of a level over the floor."""
    return SHADES[sum(decibels >= step for step in STEPS_DB)]


def shade(percent: int) -> str:
    """The letter of a cell of the plume mask."""
    return next((letter for least, letter in LIKELY if percent >= least), "·")


def reasons(values: dict[str, float | None], session: Session) -> list[str]:
    """Why there is an alarm or none, in sentences: only of what is known."""
    out = []
    for key, factor in (("evidence", 100.0), ("level_db", 1.0), ("over_floor_db", 1.0), ("sound_probability", 100.0),
                        ("picture_probability", 100.0), ("agreement", 100.0), ("distance_m", 1.0), ("flow_kg_s", 1000.0)):  # fmt: skip
        value = values.get(key)
        if value is not None:
            out.append(
                session.text(
                    f"leak.{key}",
                    value=f"{value * factor:.0f}" if abs(value * factor) >= 10 else f"{value * factor:.2g}",
                )
            )
    if not values.get("armed"):
        out.append(session.text("leak.unarmed", hours=f"{values.get('learned_h') or 0.0:.1f}"))
    return out
