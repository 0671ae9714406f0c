"""Early warning in the kernel: scores as learned, BAD as unknown, the same after a restore, and rules that read them."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage

from gateway.core.cards import Card, decode, encode, wrong
from gateway.core.early import CLEAR_AFTER, RAISE_AFTER, Model
from gateway.core.effects import Computed, Journal
from gateway.core.kernel import Kernel
from gateway.core.program import Alarm, Measure, Program, Score, canonical, load
from gateway.core.samples import Alive, Columns, SelfCheck, Stamp
from gateway.core.tags import Cause, Quality, TagTable
from gateway.offline.learning import Wish, fit, scores
from gateway.runtime.warning_words import warning_view
from tests.warning import SPREAD, TAGS, card, clean, plain_table, table


@pytest.fixture(scope="module")
def learned() -> Card:
    return card()


@pytest.fixture(scope="module")
def site(learned: Card) -> TagTable:
    return table(learned)


def alarm(learned: Card, what: str = "level", of: str = "", limit: float = 1.0) -> Alarm:
    """An alarm on one score."""
    score = Score(learned.name, what, learned.hash, of)  # type: ignore[arg-type]
    return Alarm(name="ODD", when=Measure(score, ">", limit), priority=2, on_bad="alarm")


class Plant:
    """One kernel that is polled once a second, half a second before each step of the group."""

    def __init__(self, site: TagTable, *rules: Alarm) -> None:
        self.kernel = Kernel(site, Program(rules), 1)
        self.seq, self.now_ns = 0, SECOND // 2
        self.effects: list[object] = []
        self.give(SelfCheck(True, "start"))

    def give(self, given: object) -> None:
        self.seq += 1
        self.effects += self.kernel.step(Stamp(self.seq, self.now_ns, self.now_ns + 10**18), given)  # type: ignore[arg-type]

    def poll(self, row: np.ndarray, *bad: int) -> None:
        qualities, causes = np.zeros(7, np.uint8), np.zeros(7, np.uint8)
        for at in bad:
            qualities[at], causes[at] = Quality.BAD, Cause.DEVICE
        self.give(Columns(0, np.append(row, 0.0), qualities, causes))
        self.now_ns += SECOND
        self.effects += self.kernel.wake(self.now_ns - SECOND // 2)

    def run(self, rows: np.ndarray) -> list[float]:
        """The level after each row."""
        found = []
        for row in rows:
            self.poll(row)
            found.append(self.kernel.early.groups[0].score("level"))
        return found

    def rows(self, kind: str) -> list[dict[str, object]]:
        return [e.record.detail for e in self.effects if isinstance(e, Journal) and e.record.kind == kind]


def shifted(rows: int, tag: str, spreads: float, seed: int = 5) -> np.ndarray:
    """Clean rows with one tag away from where it belongs."""
    values = clean(rows, seed)
    at = TAGS.index(tag)
    values[:, at] += spreads * SPREAD[at]
    return values


def test_the_kernel_scores_as_the_limits_were_learned(learned: Card) -> None:
    rows, wish = clean(300, 7), Wish(lags=1)
    model, batch = (
        Model(learned),
        scores(fit(clean(2000), wish), rows, wish) / np.array(msgspec.structs.astuple(learned.limits)),
    )
    assert model.step(rows[0]) is None  # the past instant is not known yet
    for at, row in enumerate(rows[1:]):
        t2, spe, ewma, cusum = model.step(row) or (0.0,) * 4
        expected = batch[at]
        assert (t2, spe) == pytest.approx((max(expected[0], expected[2]), max(expected[1], expected[3])), rel=1e-9)
        assert (ewma, cusum) == pytest.approx((expected[4], expected[5]), rel=1e-9)


def test_clean_rows_stay_below_the_limit_about_as_often_as_the_card_says(site: TagTable) -> None:
    levels = Plant(site).run(clean(1500, 11))[1:]
    assert np.mean(np.array(levels) > 1) <= 0.03  # 1 % was learned; these rows are others


@pytest.mark.parametrize(("tag", "spreads"), [("rx.temp", 4.0), ("rx.level", -3.0)])
def test_a_shift_is_seen_and_its_tag_is_named(site: TagTable, learned: Card, tag: str, spreads: float) -> None:
    plant = Plant(site, alarm(learned))
    plant.run(clean(30, 3))
    assert not plant.rows("alarm.raise")
    plant.run(shifted(30, tag, spreads))
    raised = plant.rows("warning.raised")
    assert len(raised) == 1
    assert next(iter(raised[0]["tags"])) == tag  # type: ignore[call-overload]
    assert plant.rows("alarm.raise")
    view = warning_view(plant.kernel.early.groups[0], plant.kernel)
    assert view.state == "warning"
    begun_ms = (10**18 + 31 * SECOND) // 1_000_000  # the first step that sees the shift
    assert view.since_utc_ms is not None
    assert begun_ms <= view.since_utc_ms <= begun_ms + 5_000
    assert view.reasons[0].tag == tag
    assert view.rules == ("ODD",)
    for text in view.text.values():
        assert tag in text
    assert "None of 2000 clean rows" in view.text["en"]
    assert "无一" in view.text["zh-CN"]
    plant.run(clean(80, 3))
    assert plant.rows("warning.cleared")
    assert warning_view(plant.kernel.early.groups[0], plant.kernel).state == "clear"


def test_single_steps_above_the_limit_write_no_rows(site: TagTable) -> None:
    plant = Plant(site)
    plant.run(clean(20, 3))
    group = plant.kernel.early.groups[0]
    for _ in range(40):  # never RAISE_AFTER in a row
        for _ in range(RAISE_AFTER - 1):
            group._judge(True, plant.now_ns)
        group._judge(False, plant.now_ns)
    assert not plant.rows("warning.raised")
    for over in [True] * RAISE_AFTER + [False] * (CLEAR_AFTER - 1):
        group._judge(over, plant.now_ns)
    assert group.raised


def test_a_bad_input_makes_it_unknown_and_its_rule_alarms(site: TagTable, learned: Card) -> None:
    plant = Plant(site, alarm(learned))
    plant.run(clean(10, 3))
    number = plant.kernel.names["warn.reactor.level"]
    plant.poll(clean(1)[0], 2)
    assert plant.kernel.image.qualities[number] == Quality.BAD
    assert plant.kernel.image.causes[number] == Cause.INPUT
    view = warning_view(plant.kernel.early.groups[0], plant.kernel)
    assert (view.state, view.level) == ("unknown", None)
    assert "rx.flow" in view.text["en"]
    plant.run(clean(1))  # the past instant has to be known again
    assert plant.kernel.image.qualities[number] == Quality.BAD
    plant.run(clean(2)[1:])
    assert plant.kernel.image.qualities[number] == Quality.GOOD
    for _ in range(5):
        plant.poll(clean(1)[0], 0)
    assert plant.rows("alarm.raise")  # bad for longer than its 2 s


def test_charts_of_a_tag_and_of_the_group(site: TagTable, learned: Card) -> None:
    plant = Plant(site, alarm(learned, "cusum", "rx.temp"))
    plant.run(clean(40, 3))
    group = plant.kernel.early.groups[0]
    before = group.score("cusum", "rx.temp")
    plant.run(shifted(40, "rx.temp", 2.5))
    assert group.score("cusum", "rx.temp") > max(1.0, before)
    assert group.score("ewma") >= group.score("ewma", "rx.temp") > 0
    assert plant.rows("alarm.raise")


def test_a_restored_kernel_goes_on_bit_for_bit(site: TagTable, learned: Card) -> None:
    rule, rows = alarm(learned), np.vstack([clean(25, 3), shifted(25, "rx.temp", 4.0)])
    plant = Plant(site, rule)
    plant.run(rows[:20])
    twin = Plant(site, rule)
    twin.kernel.restore(plant.kernel.snapshot())
    twin.seq, twin.now_ns = plant.seq, plant.now_ns
    plant.effects.clear()
    twin.effects.clear()
    plant.run(rows[20:])
    twin.run(rows[20:])
    assert msgspec.msgpack.encode(plant.effects) == msgspec.msgpack.encode(twin.effects)
    assert plant.kernel.snapshot() == twin.kernel.snapshot()
    assert sum(isinstance(effect, Computed) for effect in plant.effects) == 30
    with pytest.raises(ValueError, match="other warning cards"):
        Kernel(table(card(lags=0)), Program((rule,)), 1).restore(plant.kernel.snapshot())


def test_late_wakes_and_the_form_of_blocks_change_no_score(site: TagTable) -> None:
    rows = clean(40, 3)
    one, other = Plant(site), Plant(site)
    levels = one.run(rows)
    for row in rows:  # nobody wakes it: the deadline fires before the next input, at its own time
        other.give(Columns(0, np.append(row, 0.0), np.zeros(7, np.uint8), np.zeros(7, np.uint8)))
        other.now_ns += SECOND
    other.give(Alive(0))
    assert other.kernel.early.groups[0].score("level") == levels[-1]
    computed = [[e for e in plant.effects if isinstance(e, Computed)] for plant in (one, other)]
    assert msgspec.msgpack.encode(computed[0]) == msgspec.msgpack.encode(computed[1])


def test_scores_come_behind_all_other_tags_and_cost_no_alarm_of_a_source(site: TagTable) -> None:
    plain = plain_table()
    assert list(site.tags[: len(plain.tags)]) == list(plain.tags)
    stage = Stage((), site)
    stage.polling = False
    stage.give(SelfCheck(True))
    stage.run(40)
    assert not any(isinstance(e, Journal) and e.record.subject.startswith("SOURCE_EARLY") for e in stage.effects)


def test_a_card_says_where_it_was_touched(learned: Card) -> None:
    assert decode(encode(learned)) == learned
    assert wrong(learned) == ""
    assert wrong(msgspec.structs.replace(learned, false_alarm_rate=0.5)) == "hash"
    for field, value in {
        "tags": (*learned.tags[:-1], learned.tags[0]), "scale": (0.0,) * 6, "center": (1.0,), "lags": 9, "variances": (1.0,),
        "loadings": ((1.0,),), "period_ms": 1, "smoothing": 0.0, "charts": ("nowhere",), "units": (), "version": 2,
    }.items():  # fmt: skip
        assert wrong(msgspec.structs.replace(learned, **{field: value}).sealed()) == field


def test_the_canonical_form_names_what_was_learned(learned: Card) -> None:
    program = Program((alarm(learned),))
    assert load(canonical(program)) == program
    assert learned.hash.encode() in canonical(program)
