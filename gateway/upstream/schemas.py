"""The JSON Schemas (2020-12) of all payloads, generated from the types.

`python -m gateway.upstream.schemas FOLDER` writes them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from pathlib import Path

import msgspec

from gateway.upstream.payloads import PUBLISHED

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def documents() -> dict[str, str]:
    """Schema name to JSON text; the id is `urn:gatehouse:{name}:v1`."""
    return {name: _document(name, kind) for name, kind in PUBLISHED.items()}


@cache
def published() -> tuple[tuple[str, str, str], ...]:
    """(id, SHA-256 of the text, text) of each schema, as `Schema.schemas` wants them."""
    return tuple((f"urn:gatehouse:{n}:v1", hashlib.sha256(t.encode()).hexdigest(), t) for n, t in documents().items())


def _document(name: str, kind: type[msgspec.Struct]) -> str:
    (root,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own = parts.pop(kind.__name__)
    del root
    schema = {"$schema": DIALECT, "$id": f"urn:gatehouse:{name}:v1", **own}
    if parts:
        schema["$defs"] = parts
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def main(folder: Path) -> None:
    """Write one file per schema."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
