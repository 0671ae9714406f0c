"""`gatehouse version --sbom`: the parts list that came with the slot, or one of what is installed here."""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata
from pathlib import Path

from gateway.appliance.manifest import PRODUCT
from gateway.appliance.parts import Part, cyclonedx, installed


def sbom() -> int:
    """CycloneDX JSON on stdout."""
    kept = Path(sys.prefix) / "sbom.cdx.json"
    if kept.is_file():
        sys.stdout.write(kept.read_text(encoding="utf-8"))
        return 0
    product = Part(PRODUCT, metadata.version(PRODUCT), "Apache-2.0")
    names = {str(one.metadata["Name"]) for one in metadata.distributions()} - {PRODUCT}
    bill = cyclonedx(product, installed(names), {}, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    print(json.dumps(bill, indent=1, ensure_ascii=False))
    return 0
