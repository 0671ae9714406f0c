"""The page of a trip: the story in plant words, in both languages, with nothing fetched from anywhere."""

from __future__ import annotations

import re

import pytest

from gateway.offline import bundle
from gateway.offline.archive import verify
from gateway.offline.evidence import Story, Trip
from gateway.offline.keys import box_key
from gateway.offline.trip_report import report
from gateway.offline.words import WORDS
from tests.offline.campaign_trips import Recorded


def opened_of(recorded: Recorded, trip: Trip) -> tuple[Story, bundle.Opened]:
    part = bundle.cut(recorded.directory / "history", trip, running=True)
    data = bundle.collect(trip, part, recorded.setting, recorded.rows, box_key(recorded.directory))
    opened = verify(data)
    return bundle.story_of(opened), opened


@pytest.fixture(scope="module")
def low(recorded: Recorded) -> tuple[Story, bundle.Opened]:
    """A trip of the plant's own making."""
    rows = {row.record.id: row.record for row in recorded.hour.boots[0].rows}
    trip = next(trip for trip in recorded.trips() if rows[trip.boot, trip.counter].detail["event"] == "ON_DELAY_OVER")
    return opened_of(recorded, trip)


def test_the_story_has_all_that_belongs_to_a_trip(low: tuple[Story, bundle.Opened]) -> None:
    story, opened = low
    assert story.first_out["causes"]
    assert story.first_out["limit"] is not None
    assert story.votes.truth == "true"
    assert {shown.quality for shown in story.inputs} <= {"GOOD", "UNCERTAIN", "BAD"}
    assert all(0 <= shown.age_ms < 5_000 for shown in story.inputs)
    trips = [command for command in story.commands if command.asked_ms >= 0.0]
    assert trips
    assert story.detect_to_command_ms is not None
    assert story.detect_to_command_ms >= 0.0
    for samples in story.series.values():
        assert samples[0].t_ms < -29_000
        assert samples[-1].t_ms > 29_000
    assert opened.manifest.complete
    assert opened.manifest.rule_hash == story.rule_hash
    assert opened.manifest.clips == ()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_tells_it(low: tuple[Story, bundle.Opened], language: str) -> None:
    story, opened = low
    page = report(opened, language)
    for part in (
        story.function,
        story.first_out["causes"][0].replace("<", "&lt;").replace(">", "&gt;"),
        opened.manifest.rule_hash,
    ):
        assert part in page
    assert page.count("<svg") == len(story.series)
    assert "stroke-dasharray" in page  # the limit line
    for reference in ("<script", "http:", "https:", "src=", "href=", "url(", "@import"):
        assert reference not in page
    assert not re.search(r"\{[a-z]+\}", page.partition("</style>")[2])


def test_a_hostile_reason_stays_text(low: tuple[Story, bundle.Opened]) -> None:
    _, opened = low
    spoilt = opened.members | {
        bundle.DECISIONS: opened.members[bundle.DECISIONS].replace(b'"interlock.tripping"', b'"<b onclick=x>"')
    }
    page = report(bundle.Opened(opened.manifest, spoilt), "en")
    assert "<b onclick" not in page
    assert "&lt;b onclick" in page


def test_every_sentence_exists_in_both_languages() -> None:
    for key, (english, chinese) in WORDS.items():
        assert english, key
        assert chinese, key
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese)), key
