"""What a model's card wants said wherever the model is used, read by the daemon without the model and without what loads it."""

from __future__ import annotations

from pathlib import Path

import msgspec

CARD_MAX = 1 << 20  # bytes, as inference.models.card


class _Card(msgspec.Struct, frozen=True):
    caution: dict[str, str] = {}


def caution(model: Path | None) -> dict[str, str]:
    """Language -> text, empty where the card says nothing or is none: then the worker refuses the model and says why."""
    if model is None:
        return {}
    card = model.with_name(f"{model.stem}.card.json")
    try:
        with card.open("rb") as file:
            return msgspec.json.decode(file.read(CARD_MAX), type=_Card).caution
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
