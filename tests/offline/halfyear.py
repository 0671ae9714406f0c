"""Half a year of journal rows, made of dice: alarms with all that can become of them, floods, trips, demands, audits."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from gateway.journal.reader import Event

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
BEGIN_MS = 1_767_225_600_000  # 2026-01-01
ALARMS = {f"A{n}": 1 + n % 4 for n in range(40)}
FUNCTIONS = {"F1": (1, 1_500), "F2": (2, 0), "F3": (1, 0)}


class Year:
    """Collects rows in any order; `rows` numbers them by time, as a journal does."""

    def __init__(self, seed: int, days: float, per_day: int, floods: int = 0, *, outage: bool = True) -> None:
        self.dice = random.Random(seed)
        self.days, self.per_day, self.floods = days, per_day, floods
        self.end_ms = BEGIN_MS + int(days * DAY_MS)
        self._made: list[tuple[int, str, str, str, dict[str, Any]]] = []
        self._occurrence = 0
        self._candidates: list[tuple[int, str]] = []
        self._demands: list[tuple[int, str, bool]] = []
        self._outage_ms = BEGIN_MS + int(days * DAY_MS * 0.4) if outage else 0

    def _row(self, at_ms: float, kind: str, subject: str, person: str = "", /, **detail: Any) -> None:
        self._made.append((int(at_ms), kind, subject, person, detail))

    def rows(self) -> list[Event]:
        """The whole journal."""
        for _ in range(int(self.days * self.per_day)):
            self._alarm(self.dice.uniform(BEGIN_MS, self.end_ms))
        for _ in range(self.floods):
            begin = self.dice.uniform(BEGIN_MS, self.end_ms)
            for _ in range(500):
                self._alarm(begin + self.dice.uniform(0, 600_000))
        for name in FUNCTIONS:
            self._function(name)
        self._audits()
        return list(self._numbered())

    def _numbered(self) -> Iterator[Event]:
        self._made.sort(key=lambda row: row[0])
        for seq, (at_ms, kind, subject, person, detail) in enumerate(self._made, 1):
            boot = 2 if self._outage_ms and at_ms > self._outage_ms else 1
            own = kind.startswith("evidence.")
            yield Event(seq, boot, -seq if own else seq, at_ms * 1_000_000, at_ms, kind, subject, person, detail, False)

    def _alarm(self, at: float) -> None:
        dice, name = self.dice, self.dice.choice(list(ALARMS))
        for _ in range(dice.choice((0, 0, 0, 1, 2))):  # candidates that nobody was told of
            begin = int(at - dice.uniform(2_000, 900_000))
            self._candidates.append((begin, name))
            if dice.random() < 0.3:
                verdict = "false" if dice.random() < 0.97 else "true"
                self._row(
                    begin + DAY_MS, "command.alarm.judge", name, "li", at=str(begin), verdict=verdict, role="supervisor"
                )
        if dice.random() < 0.05:
            state = dice.choice(("SHELVED", "SUPPRESSED", "OUT_OF_SERVICE"))
            self._row(at, "alarm.masked-up", name, state=state, active=True)
            return
        self._occurrence += 1
        number, priority = [1, self._occurrence], ALARMS[name]
        told = {"occurrence": number, "priority": priority}
        if dice.random() < 0.98:
            self._candidates.append((int(at - dice.choice((0, 500, 2_000, 15_000))), name))
        self._row(at, "alarm.raise", name, state="UNACK", **told)
        if dice.random() < 0.02:
            self._row(at + 60_000, "alarm.raise", name, state="UNACK", **told)  # a re-alarm
        latched = dice.random() < 0.2
        back, seen = at + dice.expovariate(1 / 600_000), at + dice.expovariate(1 / 240_000)
        if dice.random() < 0.98:
            person = dice.choice(("wang", "li", "zhao"))
            self._row(
                seen, "alarm.clear" if seen > back and not latched else "alarm.ack", name, person, state="ACKED", **told
            )
        if dice.random() < 0.98:
            self._row(back, "alarm.return", name, state="LATCHED_UNACK" if latched else "RTN_UNACK", **told)
        if latched and dice.random() < 0.95:
            self._row(max(back, seen) + 60_000, "alarm.reset", name, "wang", state="NORMAL", **told)
        if dice.random() < 0.97:
            code = dice.choice(("process", "equipment", "false", "instrument"))
            order = {"order": "WO-1"} if dice.random() < 0.1 else {}
            occurrence = f"1-{self._occurrence}"
            self._row(
                seen + 90_000,
                "command.alarm.dispose",
                name,
                "li",
                occurrence=occurrence,
                code=code,
                action="done",
                **order,
            )

    def _function(self, name: str) -> None:
        dice = self.dice
        self._row(BEGIN_MS + dice.uniform(0, DAY_MS), "interlock.mode", name, mode="live", hash="aa")
        at = BEGIN_MS + DAY_MS * 1.5
        self._row(at, "interlock.armed", name, **{"from": "ARMING", "to": "ARMED", "event": "READ_BACK_OK"})
        while (at := at + dice.expovariate(1 / (DAY_MS * 2))) < self.end_ms - HOUR_MS:
            self._cycle(name, at)

    def _cycle(self, name: str, at: float) -> None:
        dice, how = self.dice, self.dice.random()
        if how < 0.08:
            self._row(at - 60_000, "command.bypass.set", name, "li", tag="t1", minutes="10")
            self._demands.append((int(at), name, False))
            self._row(at + 60_000, "bypass.expired", name, tag="t1", lasted_ms=120_000)
            return
        if how < 0.12:
            self._row(at - 60_000, "interlock.degraded", name, lost=1)
            self._demands.append((int(at), name, False))
            self._row(at + 60_000, "interlock.degraded_end", name)
            return
        if how < 0.15:  # missed
            self._demands.append((int(at), name, dice.random() < 0.3))
            return
        testing = how < 0.4
        if testing:
            self._row(at - 60_000, "command.proof.start", name, "li", kind="full")
        event = dice.choice(("DEMAND", "ON_DELAY_OVER", "MANUAL_TRIP", "READ_BACK_LATE") if how < 0.6 else ("DEMAND",))
        if event in ("DEMAND", "ON_DELAY_OVER") and dice.random() < 0.95:
            self._demands.append((int(at - dice.choice((0, 300, 1_900))), name, False))
        first = ["t1 < 30"] if dice.random() < 0.98 else []
        self._row(
            at, "interlock.tripping", name, **{"from": "ARMED", "to": "TRIPPING", "event": event, "first_out": first}
        )
        took = dice.expovariate(1 / 300)
        if dice.random() < 0.03:
            self._row(at + took / 2, "output.foreign_write", "pump7.permit", asked=0, read=1)
        if dice.random() < 0.03:
            self._row(
                at + took,
                "interlock.trip_failed",
                name,
                **{"from": "TRIPPING", "to": "TRIP_FAILED", "event": "READ_BACK_FAILED"},
            )
        else:
            self._row(
                at + took, "interlock.tripped", name, **{"from": "TRIPPING", "to": "TRIPPED", "event": "READ_BACK_OK"}
            )
        if dice.random() < 0.2:  # it is safe already
            self._demands.append((int(at + 300_000), name, dice.random() < 0.5))
        if testing:
            due = int(at + 90 * DAY_MS)
            passed = dice.random() < 0.9
            self._row(
                at + 120_000,
                "proof.result",
                name,
                "li",
                kind=dice.choice(("full", "partial")),
                passed=passed,
                due_utc_ms=due,
            )
        self._row(at + 600_000, "interlock.armed", name, **{"from": "ARMING", "to": "ARMED", "event": "READ_BACK_OK"})

    def _audits(self) -> None:
        candidates, demands = sorted(self._candidates), sorted(self._demands)
        first, c, d = {1: 0, 2: 0}, 0, 0
        for begin in range(BEGIN_MS, self.end_ms, HOUR_MS):
            boot = 2 if self._outage_ms and begin > self._outage_ms else 1
            end = begin + HOUR_MS
            mine, asked = [], []
            while c < len(candidates) and candidates[c][0] < end:
                mine.append([candidates[c][1], candidates[c][0]])
                c += 1
            while d < len(demands) and demands[d][0] < end:
                asked.append([demands[d][1], demands[d][0], demands[d][2]])
                d += 1
            told = {
                "of_boot": boot, "first_seq": first[boot], "last_seq": first[boot] + 36_000, "from_ms": begin, "to_ms": end,
                "evaluated_ms": HOUR_MS - self.dice.randrange(4_000), "clock_ms": self.dice.randrange(9), "alarms": ALARMS,
                "functions": {name: list(fact) for name, fact in FUNCTIONS.items()}, "candidates": mine, "demands": asked,
                "left_out": 0,
            }  # fmt: skip
            first[boot] += 36_001
            self._row(end + 5_000, "evidence.audited", "journal", **told)
            if self.dice.random() < 0.01:
                self._row(end + 6_000, "evidence.audited", "journal", **told)  # printed again after a crash
