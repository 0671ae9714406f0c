"""The anchor beside the journal: the last place of the chain that was written down outside its file.

It finds truncation and roll-back by accident (a copied-back file, a lost write). Who can change the journal can change this
file too: against that stand the anchors that left the box (`audit` records upstream, the page, `gatehouse journal head`).
"""

from __future__ import annotations

import os
from pathlib import Path

from gateway.journal import segments
from gateway.journal.chain import Head

FILE = "anchor"


def read(directory: Path) -> Head | None:
    """The anchor, None where there is none that can be read."""
    try:
        return Head.parse((directory / FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def write(directory: Path, head: Head) -> None:
    """Replace the anchor durably. Raises OSError."""
    replace_text(directory / FILE, f"{head}\n")


def replace_text(path: Path, text: str) -> None:
    """The new text or the old one, whenever the power fails. Raises OSError."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    segments.sync(path.parent)
