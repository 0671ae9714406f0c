"""schemathesis over the page's API: `python -m tests.web.campaign_api PATH/TO/schemathesis --examples 100 --seed 1`.

The page is served in a process of its own state with a plant in memory; the requests come as the signed-in supervisor of the kiosk, so
that nothing is refused at the door. schemathesis is installed apart (`pip install schemathesis`): the product does not need it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from gateway.access import pins
from tests.control.fakes import Clerk
from tests.web.doors import Doors, entered
from tests.web.fakes import Plant
from tests.web.stories import Bundles
from tests.web.witness import Filmed, Sheets

STREAMS = "/events"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


async def campaign(program: str, examples: int, seed: int) -> int:
    """The exit code of schemathesis."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        made = Doors(state, Plant(), Clerk(), evidence=Bundles(state), papers=Sheets(), cameras=Filmed(state))
        async with entered(made) as visit:
            await visit.prove(made)
            await visit.sign_in("zhang-wei")
            cookies = "; ".join(f"{each.key}={each.value}" for each in visit.http.cookie_jar)
            process = await asyncio.create_subprocess_exec(
                program, "run", f"{made.url}/api/v1/openapi.json", "--checks", CHECKS, "--max-examples", str(examples),
                "--seed", str(seed), "--header", f"Cookie: {cookies}", "--header", f"Origin: {made.url}", "--phases",
                "examples,coverage,fuzzing", "--exclude-path", "/api/v1/signout", "--request-timeout", "30", cwd=folder,
            )  # fmt: skip
            return await process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    pins.LOG_N = 4  # what a hash costs is tried elsewhere
    sys.exit(asyncio.run(campaign(asked.program, asked.examples, asked.seed)))


if __name__ == "__main__":
    main()
