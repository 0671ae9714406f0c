"""Device profiles: what is usual for a brand, as starting values. Data in config/profiles, one file a brand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parents[2] / "config" / "profiles"


class Both(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid")
    en: str
    zh: str

    def said(self, lang: str) -> str:
        """The text in `lang`."""
        return self.zh if lang.startswith("zh") else self.en


class Example(Both):
    """An address as this brand writes it."""

    address: str
    type: str = ""


class Profile(BaseModel):
    """One brand. `url` has `{host}`; `word_order` is that of 32-bit values in registers, "" where the protocol settles it."""

    model_config = ConfigDict(extra="forbid")
    name: Both
    driver: str
    url: str
    word_order: str = ""
    watchdog: str = ""
    heartbeat: str
    settings: dict[str, Any] = Field(default_factory=dict)
    address: list[Example]
    limit: list[Both] = Field(default_factory=list)


def names() -> list[str]:
    """All profiles, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def profile(name: str) -> Profile:
    """One profile. Raises KeyError."""
    if name not in names():
        raise KeyError(name)
    return Profile.model_validate(tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")))
