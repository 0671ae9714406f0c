"""`gatehouse demo`: the demo plant with everything around it, and the gateway on the demo site."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from gateway.app.daemon import SITE_INVALID, set_up_process, start
from gateway.app.rehearsal import sign_the_demo
from gateway.demo.operator import Operator
from gateway.demo.world import PortBusy, Receiver, world
from gateway.site import load_site
from gateway.site.report import text as as_text

FUNCTIONS = ("PKL_LSHH", "PKL_LSLL", "GAS_2OO3")
CONTROLS, NOTES = ("KILN_FAN",), ("gas_test", "calibration")


def demo(*, for_s: float | None, report: Path | None, lang: str, site: Path | None) -> int:
    """`gatehouse demo`: the demo plant with everything around it and the gateway on `site`; a report at the end if asked."""
    set_up_process()
    logging.getLogger().setLevel(logging.WARNING)
    figures: dict[str, object] = {}
    code = uvloop.run(_demo(site or Path("config/demo"), for_s, figures, lang))
    if report is not None and figures:
        report.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return code


async def _demo(folder: Path, for_s: float | None, figures: dict[str, object], lang: str) -> int:
    loaded = load_site(folder)
    if loaded.site is None or loaded.site.upstream is None:
        print(as_text(loaded.problems, lang), end="", file=sys.stderr)
        return SITE_INVALID
    plant_port = urlsplit(loaded.site.sources["plc1"].settings.url).port or 502
    broker_port = urlsplit(loaded.site.upstream.url).port or 8883
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    def say(line: str) -> None:
        print(f"{loop.time() - began_s:7.2f} s  {line}", flush=True)

    try:
        async with world(folder, folder / "state" / "demo", plant_port, broker_port, script=True) as (broker, plant):
            say(f"world:    PLC on 127.0.0.1:{plant_port}, {broker.kind} broker on 127.0.0.1:{broker_port}")
            gateway = start(folder, lang, sign_the_demo(folder))
            if isinstance(gateway, int):
                return gateway
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, gateway.stop)
            if for_s is not None:
                loop.call_later(for_s, gateway.stop)
            receiver = Receiver(say)
            operator = Operator(gateway.site.control.directory, plant, say)
            page = gateway.site.page.listen
            say(f"gateway:  page http://{page.host}:{page.port}/  (Ctrl-C ends)")
            async with asyncio.TaskGroup() as crowd:
                guests = [
                    crowd.create_task(receiver.run(broker, folder / "certs")),
                    crowd.create_task(operator.shift(FUNCTIONS, "plc1", CONTROLS, NOTES)),
                ]
                points_from = loop.time()
                await gateway.run()
                for guest in guests:
                    guest.cancel()
            figures.update(gateway.report(loop.time() - points_from))
    except PortBusy as busy:
        print(busy, file=sys.stderr)
        return 1
    say(f"end:      {json.dumps(figures)}")
    return 0
