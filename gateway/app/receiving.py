"""`gatehouse upstream watch`: the receiver for the other side of the broker, until Ctrl-C or for a time."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from typing import Any

from gateway.upstream.receiver import Watching, watch

OK, FAILED = 0, 1
PASSWORD = "GATEHOUSE_WATCH_PASSWORD"  # not an option: others see the words of a command line


def receive(args: dict[str, str], for_s: float) -> int:
    """Listen and tell; `args` hold strings, "yes" for what is switched on."""
    given: dict[str, Any] = dict(args)
    for field in dataclasses.fields(Watching):
        if isinstance(field.default, bool):
            given[field.name] = given.get(field.name) == "yes"
    settings = Watching(**given, password=os.environ.get(PASSWORD, ""))
    fine = asyncio.run(watch(settings, lambda line: print(line, flush=True), for_s))
    return OK if fine else FAILED
