"""The clips of a trip are named in its story, with whether each is still kept."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from doors import Doors, entered
from fakes import Plant
from stories import TRIP, Bundles

from gateway.offline.archive import sign
from gateway.offline.bundle import DECISIONS, STORY
from gateway.offline.keys import box_key
from tests.control.fakes import Clerk

FILM = bytes(range(256)) * 40
FILE = "20260101T000000000Z-gate3-PKL_LSLL.mp4"


def filmed(state: Path) -> Doors:
    """A page over one trip with two clips, one of which is over its days."""
    evidence = Bundles(state)
    opened = evidence._opened(TRIP)
    assert opened is not None
    facts = {name: getattr(opened.manifest, name) for name in opened.manifest.__struct_fields__}
    for name in ("format", "version", "members", "key", "key_fingerprint", "clips"):
        facts.pop(name)
    digest = hashlib.sha256(FILM).hexdigest()
    clips = (f"gate3/{FILE} sha256:{digest}", f"gate3/gone.mp4 sha256:{'ab' * 32}")
    told = opened.members[STORY]
    evidence.file.write_bytes(sign({STORY: told, DECISIONS: b""}, box_key(state), **facts, clips=clips))
    folder = state / "clips" / "gate3"
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(FILM)
    return Doors(state, Plant(), Clerk(), evidence=evidence)


def test_a_story_names_its_clips_and_says_which_are_still_kept(tmp_path: Path) -> None:
    async def act() -> None:
        async with entered(filmed(tmp_path)) as visit:
            status, story = await visit.get(f"/api/v1/trip/{TRIP}")
            assert status == 200
            assert [(one["camera"], one["file"], one["kept"]) for one in story["clips"]] == [
                ("gate3", FILE, True),
                ("gate3", "gone.mp4", False),
            ]
            assert story["clips"][0]["sha256"] == hashlib.sha256(FILM).hexdigest()

    asyncio.run(act())
