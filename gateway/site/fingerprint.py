"""The hash of a configuration: equal for equal meaning, whatever encoding, separator or order of rows its files have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from gateway.core.cards import Card
from gateway.core.program import RuleText
from gateway.site.model import User
from gateway.site.people import PeopleSite
from gateway.site.permit_limits import Limit
from gateway.site.schema import SiteFile
from gateway.site.tag_rows import Draft

KEPT_OF_LIMIT = ("permit", "what", "op", "value", "unit", "clause", "signed")


def fingerprint(
    file: SiteFile,
    tags: Sequence[Draft],
    rules: Sequence[tuple[str, str]],
    dictionary: Mapping[str, Mapping[str, RuleText]],
    users: Mapping[str, User],
    limits: Sequence[Limit] = (),
    people: PeopleSite | None = None,
    cards: Sequence[Card] = (),
) -> str:
    """SHA-256 in hex over canonical JSON of what was read."""
    content = {
        "site": file.model_dump(mode="json"),
        "tags": sorted(_tag(draft) for draft in tags),
        "rules": [list(rule) for rule in rules],
        "dictionary": msgspec.to_builtins(dictionary),
        "users": {id: asdict(user) for id, user in users.items()},
    }
    if limits:  # the table is versioned with the site: whoever changes a limit changes what was signed
        content["limits"] = [[*(getattr(limit, name) for name in KEPT_OF_LIMIT)] for limit in limits]
    if people is not None:
        content["people"] = asdict(people)
    if cards:
        content["cards"] = [card.hash for card in cards]
    canonical = json.dumps(content, ensure_ascii=False, default=str, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _tag(draft: Draft) -> list[Any]:
    spec = draft.spec
    words = [spec.name, draft.row["source"], spec.address, spec.type, draft.unit, draft.area]
    numbers = [spec.scale, spec.offset, draft.low, draft.high, *draft.fault, draft.stale_ms, draft.frozen_s]
    numbers += [draft.rate_max_per_s, draft.deadband, spec.writable, draft.safe, draft.personal]
    kept = [draft.row["calibration_due"], draft.row["asset"], draft.text.get("en", ""), draft.text.get("zh-CN", "")]
    return [*words, *(repr(float(value)) for value in numbers), *kept]
