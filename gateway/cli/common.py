"""Options that every command takes, taken out of the command line wherever they stand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.control.messages import LANGUAGES, ROLES

OUTPUTS = ("table", "json", "jsonl", "csv")
DIRECTORY = Path("/run/gatehouse")
# option -> field; those of the second table take no value
_WITH_VALUE = {
    "-o": "output",
    "--output": "output",
    "--lang": "language",
    "--control": "control",
    "--site": "site",
    "--role": "role",
}
_FLAGS = {"--watch": "watch"}
CHOICES: dict[str, tuple[str, ...]] = {"output": OUTPUTS, "language": LANGUAGES, "role": ROLES}


class UsageProblem(Exception):
    """A command line that cannot be understood: a key of the catalogue and its arguments."""

    def __init__(self, key: str, **args: object) -> None:
        super().__init__(key)
        self.key = key
        self.args_of_text = args


@dataclass(frozen=True, slots=True)
class Common:
    """The common options; `directory` is where the sockets are, `site` the site folder where one was named."""

    output: str = "table"
    language: str = "en"
    watch: bool = False
    directory: Path = DIRECTORY
    site: Path | None = None
    role: str = ""
    person: str = ""  # who came by SSH, as the file of keys says; the daemon believes it of one account only


@dataclass(slots=True)
class Split:
    """Common options as given, and the other words in their order."""

    given: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)


def split(words: list[str]) -> Split:
    """Sort `words` into common options and the rest; `--` ends the options. Raises UsageProblem."""
    found = Split()
    left = list(words)
    while left:
        head = left.pop(0)
        name, equals, value = head.partition("=")
        if head == "--":
            found.rest += [head, *left]
            break
        if head in _FLAGS:
            found.given[_FLAGS[head]] = "yes"
        elif name in _WITH_VALUE:
            if not equals and not left:
                raise UsageProblem("usage.value", option=name)
            found.given[_WITH_VALUE[name]] = value if equals else left.pop(0)
        else:
            found.rest.append(head)
    return found


def settle(given: Mapping[str, str], environment: Mapping[str, str]) -> Common:
    """The common options with their defaults. Raises UsageProblem on a wrong value."""
    for option, choices in CHOICES.items():
        if option in given and given[option] not in choices:
            raise UsageProblem("usage.choice", option=option, value=given[option], right=" | ".join(choices))
    site = Path(given["site"]) if "site" in given else None
    settings = site_settings(site) if site is not None else {}
    return Common(
        output=given.get("output", "table"),
        language=given.get("language") or language_of(environment, settings),
        watch="watch" in given,
        directory=_directory(given, environment, site, settings),
        site=site,
        role=given.get("role", ""),
    )


def language_of(environment: Mapping[str, str], settings: Mapping[str, Any] | None = None) -> str:
    """The language of the terminal; where it says nothing, that of the site, else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        spoken = environment.get(name, "")
        if spoken and spoken.partition(".")[0] not in ("C", "POSIX"):
            return "zh-CN" if spoken.lower().startswith("zh") else "en"
    site_language = (settings or {}).get("gateway", {}).get("language", "en")
    return site_language if site_language in LANGUAGES else "en"


def site_settings(site: Path) -> dict[str, Any]:
    """`site.toml` as it stands, {} where it cannot be read: `gatehouse check` says what is wrong with it."""
    import tomllib

    try:
        settings = tomllib.loads((site / "site.toml").read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    return {name: part for name, part in settings.items() if isinstance(part, dict)}


def _directory(
    given: Mapping[str, str], environment: Mapping[str, str], site: Path | None, settings: Mapping[str, Any]
) -> Path:
    if "control" in given:
        return Path(given["control"])
    if site is not None:  # said now, so it counts for more than the environment
        return site / str(settings.get("control", {}).get("directory", "state/control"))
    return Path(environment.get("GATEHOUSE_CONTROL") or DIRECTORY)


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ
