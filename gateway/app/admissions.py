"""Whether the models that a site uses are admitted here, each by its card and golden batch: asked of the process that reads models.

This process loads no native code and believes nothing of the model: it says which file, and hears a provider or a reason.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gateway.site import Site
from inference.runtime.source import ModelSettings

PROCESS = "inference.models"
ADMIT_S = 240.0  # TensorRT builds its engine at the first load


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one source: the provider that runs its model, or why none does (language -> text); the providers that are installed."""

    source: str
    provider: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    installed: tuple[str, ...] = ()


def verdicts(site: Site) -> Iterator[Verdict]:
    """Each source with a model, as its worker would load it. A model that several use is loaded once."""
    asked = dict[str, Verdict]()
    for source in site.sources.values():
        settings = source.settings
        if not isinstance(settings, ModelSettings):
            continue
        file = settings.weights()
        if file is None:
            yield Verdict(source.name, why={"en": "there is no model", "zh-CN": "没有模型"})
            continue
        request = json.dumps(_request(settings, file))
        if request not in asked:
            asked[request] = _verdict(source.name, request)
        found = asked[request]
        yield Verdict(source.name, found.provider, found.why, found.installed)


def _request(settings: ModelSettings, file: Path) -> dict[str, Any]:
    return {
        "verb": "admit", "entry": settings.admission, "model": str(file), "provider": settings.provider,
        "threads": settings.threads,
    }  # fmt: skip


def _verdict(source: str, request: str) -> Verdict:
    command = [sys.executable, "-P", "-m", PROCESS]
    try:
        ended = subprocess.run(command, input=request.encode(), capture_output=True, timeout=ADMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return Verdict(source, why=_silent(f"{ADMIT_S:g} s", f"{ADMIT_S:g} 秒"))
    said = dict[str, Any]()
    for line in _lines(ended.stdout):
        said |= line.get("row", line)
    installed = tuple(said.get("installed", ()))
    if "refused" in said:
        return Verdict(source, why={lang: said["refused"][lang] for lang in ("en", "zh-CN")}, installed=installed)
    if "provider" in said:
        return Verdict(source, said["provider"], installed=installed)
    last = (ended.stderr.decode(errors="replace").strip().splitlines() or [f"exit {ended.returncode}"])[-1]
    return Verdict(source, why=_silent(last, last), installed=installed)


def _silent(en: str, zh: str) -> dict[str, str]:
    return {"en": f"the process that loads models gave no answer: {en}", "zh-CN": f"加载模型的进程没有应答：{zh}"}


def _lines(said: bytes) -> Iterator[dict[str, Any]]:
    for line in said.splitlines():
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:  # native code may print what it likes between them
            continue
