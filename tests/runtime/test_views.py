"""Views and feeds over a kernel moved by hand: the state word, what never appears, and that looking changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from gateway.control.messages import LANGUAGES
from gateway.control.views import UpstreamView
from gateway.core.alarms import Base
from gateway.core.kernel import Kernel
from gateway.core.limits import ACTIVE_MAX
from gateway.core.program import Alarm, And, Compare, Program, Rule
from gateway.core.samples import SelfCheck
from gateway.core.summary import Active, Health, Period, Status
from gateway.core.tags import TagTable
from gateway.history.rings import build_rings
from gateway.runtime.feeds import LiveFeeds
from gateway.runtime.line import Line
from gateway.runtime.outputs import Outputs
from gateway.runtime.supervisor import Standing
from gateway.runtime.views import Facts, LiveViews
from tests.core.stage import UTC0, Stage, low_level, table
from tests.runtime.plant import Heard, Memory, Rings

AWAY = UpstreamView(configured=True, connected=False, proof="broker")
NONE = UpstreamView(configured=False, connected=False, proof="none")


class Window:
    """Views and feeds on a stage's kernel, with facts that a test may change."""

    def __init__(self, kernel: Kernel, stage: Stage | None = None, *, monitor: bool = False) -> None:
        self.stage, self.journal_ok, self.upstream, self.numbers = stage, True, NONE, (0, 0)
        self.monitor = monitor
        self.standings = {source.name: Standing(up=True) for source in kernel.table.sources}
        facts = Facts(
            gateway="gw", site="plant", version="1", language="en", directory=Path("/"), formulas={}, dictionary={},
            periods={}, standings=self.standings, upstream=lambda: self.upstream, journal_ok=lambda: self.journal_ok,
            history_hours=lambda: 1.0, monitor=self.monitor, recorded=lambda: 0, time_quality=lambda: "ntp", started_s=time.monotonic(),
        )  # fmt: skip
        line = Line(kernel, self, Memory(), Rings(), Heard())
        outputs = Outputs(kernel.table, self, lambda given: None)
        self.views = LiveViews(kernel, line, outputs, build_rings(kernel.table), facts)
        self.feeds = LiveFeeds(kernel, self.views, self, "1", lambda: self.numbers)

    def monotonic_ns(self) -> int:
        return self.stage.now_ns if self.stage else 0

    def utc_ns(self) -> int:
        return UTC0 + self.monotonic_ns()

    def word(self) -> str:
        state, reason = self.views.state()
        assert set(reason) == set(LANGUAGES)
        assert all(reason.values())
        assert self.views.overview().state == state
        return state


def staged(rules: Iterable[Rule] = (), site: TagTable | None = None) -> tuple[Stage, Window]:
    """A booted stage with values, and the window on it."""
    stage = Stage(rules, site)
    stage.boot()
    return stage, Window(stage.kernel, stage)


def high(name: str = "HIGH", tag: str = "a1", priority: int = 2) -> Alarm:
    """`tag > 90` alarms."""
    return Alarm(name=name, when=Compare(tag, ">", 90.0), priority=priority, on_bad="alarm")  # type: ignore[arg-type]


def test_unconfigured() -> None:
    assert Window(Kernel(TagTable([], [], []), Program(()), 1)).word() == "UNCONFIGURED"


def test_monitor_only() -> None:
    assert staged()[1].word() == "MONITOR ONLY"


def test_monitor_only_is_declared_and_rules_may_be_on_trial() -> None:
    stage, _ = staged((low_level(), high()))
    window = Window(stage.kernel, stage, monitor=True)
    assert window.word() == "MONITOR ONLY"
    stage.poll(a1=95.0)
    assert window.word() == "WARNING", "an alarm is one all the same"


def test_shadow() -> None:
    assert staged((low_level(),))[1].word() == "SHADOW"


def test_normal_then_tripped_with_its_first_out() -> None:
    stage, window = staged((low_level(),))
    stage.energise("LSLL")
    assert window.word() == "NORMAL"
    stage.poll(a0=10.0)
    assert window.word() == "TRIPPED"
    assert all("LSLL" in text and "a0" in text for text in window.views.state()[1].values())
    assert window.views.overview().interlocks_tripped == 1


def test_warning_for_an_alarm_and_for_a_bypass() -> None:
    stage, window = staged((low_level(), high()))
    stage.energise("LSLL")
    stage.poll(a1=95.0)
    assert window.word() == "WARNING"
    assert "HIGH" in window.views.state()[1]["en"]
    stage.poll(a1=50.0)
    point = stage.kernel.alarms.points["HIGH"]
    assert point.base is Base.RTN_UNACK
    assert window.word() == "WARNING", "gone but not acknowledged"
    assert stage.ask("alarm.ack", "HIGH", occurrence=f"{point.occurrence[0]:x}-{point.occurrence[1]}").code == 0
    assert window.word() == "NORMAL"
    bypass = {
        "tag": "a0",
        "code": "failed",
        "reason": "transmitter is calibrated",
        "measure": "man at the gauge",
        "minutes": "60",
    }
    assert stage.ask("bypass.set", "LSLL", **bypass).code == 0
    assert window.word() == "WARNING"
    assert [row.tag for row in window.views.bypasses()] == ["a0"]
    assert window.views.bypasses()[0].left_s == 3600


@pytest.mark.parametrize("what", ["source", "journal", "upstream", "self-check"])
def test_degraded_names_what_does_not_work(what: str) -> None:
    stage, window = staged((high(),))
    assert window.word() == "MONITOR ONLY"
    if what == "source":
        window.standings["aux"].up = False
    elif what == "journal":
        window.journal_ok = False
    elif what == "upstream":
        window.upstream = AWAY
    else:
        stage.give(SelfCheck(False, "inputs waited 900 ms"))
    assert window.word() == "DEGRADED"
    named = {"source": "aux", "self-check": "900 ms"}.get(what, what)
    assert all(named in text for text in window.views.state()[1].values())


def test_a_trip_is_said_before_what_is_degraded() -> None:
    stage, window = staged((low_level(),))
    stage.energise("LSLL")
    stage.poll(a0=10.0)
    window.journal_ok = False
    assert window.word() == "TRIPPED"


def test_personal_and_hidden_tags_never_appear() -> None:
    site = table()
    tags = [replace(tag, personal=True) if tag.name == "b0" else tag for tag in site.tags]
    stage, window = staged((high("FEVER", "b0"),), TagTable(tags, site.groups, site.sources))
    stage.poll(b0=98.25)
    views = window.views
    names = [tag.name for tag in views.tags()]
    assert names == ["a0", "a1", "a2", "y0", "y1"]
    assert [tag.name for tag in views.tags("y")] == ["y0", "y1"]
    for name in ("b0", "plc1.$heartbeat", "nowhere"):
        with pytest.raises(KeyError):
            views.trend(name, 60, 10)
    assert views.trend("a0", 60, 10).tag == "a0"
    everything = [views.overview(), views.alarms(), views.sources(), views.interlocks()]
    with pytest.raises(KeyError):
        views.explain("FEVER")  # whether it is true is nobody's
    everything += [window.feeds.active(), window.feeds.period(), window.feeds.health(), window.feeds.status()]
    assert b"98.25" not in msgspec.json.encode(everything), "a personal value"
    assert any(alarm.name == "FEVER" and alarm.active for alarm in views.alarms()), "the alarm itself does appear"


def test_a_truth_tree_says_how_sure_its_inputs_are_and_the_whole_is_as_sure_as_the_least() -> None:
    site = table()
    names = {"a0": "bay.occupied", "a1": "bay.confidence", "a2": "gate.level", "y1": "gate.level.confidence"}
    tags = [
        replace(tag, name=names[tag.name], boolean=False, writable=False) if tag.name in names else tag
        for tag in site.tags
    ]
    both = And((Compare("bay.occupied", ">", 0.5), Compare("gate.level", ">", 10.0)))
    stage, window = staged((low_level(when=both),), TagTable(tags, site.groups, site.sources))
    stage.poll(**{"bay.occupied": 1.0, "bay.confidence": 0.62, "gate.level": 20.0, "gate.level.confidence": 0.9})
    truth = window.views.explain("LSLL")
    assert [item.note.get("en") for item in truth.items] == ["confidence 0.62", "confidence 0.90"]
    assert truth.note == {"en": "confidence 0.62", "zh-CN": "置信度 0.62"}


def test_looking_does_not_change_the_kernel() -> None:
    stage, window = staged((low_level(), high()))
    stage.energise("LSLL")
    stage.poll(a0=10.0, a1=95.0)
    before = stage.kernel.snapshot()
    views = window.views
    truth = views.explain("LSLL")
    assert (truth.value, truth.certain) == ("true", True)
    assert "[10]" in truth.text
    assert views.explain("HIGH").value == "true"
    with pytest.raises(KeyError):
        views.explain("NOBODY")
    for look in (views.overview, views.interlocks, views.alarms, views.tags, views.sources, views.bypasses):
        look()
    for feed in (window.feeds.active, window.feeds.health, window.feeds.period, window.feeds.status):
        feed()
    assert stage.kernel.snapshot() == before


def test_what_is_missing_is_named_until_it_is_there() -> None:
    stage, window = staged((low_level(),))
    (view,) = window.views.interlocks()
    assert view.mode == "shadow"
    assert any("plc1" in text["en"] for text in view.missing), "the watchdog is not proven"
    stage.energise("LSLL")
    (view,) = window.views.interlocks()
    assert (view.mode, view.state, view.missing) == ("live", "ARMED", ())
    assert view.outputs[0].owners == ("LSLL",)
    assert (view.outputs[0].asked, view.outputs[0].verified) == (1.0, True)


def test_what_leaves_has_its_type_and_its_counts() -> None:
    stage, window = staged((high(), high("HIGHER", "a2", 1)))
    window.numbers = (7, 40)
    stage.poll(a1=95.0, a2=95.0)
    active, period = window.feeds.active(), window.feeds.period()
    assert isinstance(active, Active)
    assert [alarm.alarm for alarm in active.alarms] == ["HIGHER", "HIGH"], "by priority"
    assert isinstance(period, Period)
    assert (period.produced, period.first_seq, period.last_seq) == (7, 1, 40)
    assert period.by_priority == {"p1": 1, "p2": 1}
    again = window.feeds.period()
    assert (again.produced, again.by_priority, again.first_seq) == (0, {}, 41), "since the last period"
    window.standings["aux"].up = False
    health, status = window.feeds.health(), window.feeds.status()
    assert isinstance(health, Health)
    assert (health.sources_good, health.sources_bad, health.state) == (1, ("aux",), "DEGRADED")
    assert isinstance(status, Status)
    assert (status.online, status.last_seq, status.state) == (True, 40, "DEGRADED")


def test_the_active_list_has_at_most_200_lines_and_says_how_many_more() -> None:
    stage, window = staged([high(f"H{at}") for at in range(ACTIVE_MAX + 5)])
    stage.poll(a1=95.0)
    active = window.feeds.active()
    assert (len(active.alarms), active.more) == (200, 5)
