"""The three evidence figures counted again, by a program that shares nothing with the first but the rows it reads.

It is written for the eye of an auditor: one walk over the rows into plain lists, then sums; intervals in decimal arithmetic.
`gatehouse report verify` compares its result with a signed report byte for byte. Imports nothing of `gateway.offline`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from gateway.journal.reader import Event

Z = Decimal("1.959963984540054")
DAY = 86_400_000
WITHIN = {1: 1_800_000, 2: 7_200_000, 3: 28_800_000, 4: DAY}


def recount(events: Iterable[Event], begin: int, end: int) -> dict[str, Any]:
    """All figures of [begin, end), UTC ms."""
    rows = list(events)
    looks = _looks(rows, begin, end)
    evaluated = sum(min(s["evaluated_ms"], max(min(s["to_ms"], end) - max(s["from_ms"], begin), 0)) for s in looks)
    left_out = sum(s["left_out"] for s in looks)
    reasons = []
    if end - begin < 182 * DAY:
        reasons.append("window")
    if evaluated * 1000 < (end - begin) * 995:
        reasons.append("coverage")
    if left_out:
        reasons.append("left-out")
    masked = dict.fromkeys(("SHELVED", "SUPPRESSED", "OUT_OF_SERVICE"), 0)
    for row in rows:
        if row.kind == "alarm.masked-up" and begin <= row.utc_ms < end and row.detail["state"] in masked:
            masked[row.detail["state"]] += 1
    return {
        "from_ms": begin,
        "to_ms": end,
        "valid": not reasons,
        "reasons": reasons,
        "last_seq": max((row.seq for row in rows), default=0),
        "coverage": _six(Decimal(evaluated) / Decimal(end - begin)),
        "evaluated_ms": evaluated,
        "clock_p99_ms": _nth([s["clock_ms"] for s in looks], 99),
        "left_out": left_out,
        "masked": masked,
        "closure": _closure(rows, begin, end),
        "suppression": _suppression(rows, looks, begin, end),
        "execution": _execution(rows, looks, begin, end),
    }


# --- arithmetic ---


def _six(value: Decimal) -> float:
    return round(float(value), 6)


def _wilson(n: int, d: int) -> dict[str, Any]:
    if not d:
        return {"n": 0, "d": 0, "value": None, "low": 0.0, "high": 1.0}
    with localcontext() as exact:
        exact.prec = 40
        p, zz = Decimal(n) / d, Z * Z
        middle, half = (p + zz / (2 * d)), Z * (p * (1 - p) / d + zz / (4 * d * d)).sqrt()
        low, high = (middle - half) / (1 + zz / d), (middle + half) / (1 + zz / d)
        return {
            "n": n,
            "d": d,
            "value": _six(p),
            "low": 0.0 if not n else _six(low),
            "high": 1.0 if n == d else _six(high),
        }


def _nth(values: list[int], percent: int) -> int | None:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)] if values else None


def _month(ms: int) -> str:
    """By the calendar: 1970-01-01 plus so many days."""
    return (date(1970, 1, 1) + timedelta(ms // DAY)).isoformat()[:7]


def _looks(rows: list[Event], begin: int, end: int) -> list[dict[str, Any]]:
    """The slices of the independent replay, each once."""
    upto: dict[int, int] = {}
    found = []
    for row in rows:
        if row.kind == "evidence.audited" and row.detail["first_seq"] > upto.get(row.detail["of_boot"], -1):
            upto[row.detail["of_boot"]] = row.detail["last_seq"]
            if row.detail["to_ms"] >= begin and row.detail["from_ms"] < end:
                found.append(row.detail)
    return found


# --- 4.1 ---


def _closure(rows: list[Event], begin: int, end: int) -> dict[str, Any]:
    cases: dict[tuple[str, str], dict[str, Any]] = {}
    acks: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for row in rows:
        given = row.detail.get("occurrence", "")
        key = (row.subject, given if isinstance(given, str) else f"{given[0]:x}-{given[1]}")
        if row.kind == "alarm.raise":
            cases[key] = cases.get(key) or {
                "alarm": row.subject,
                "p": row.detail["priority"],
                "up": row.utc_ms,
                "bulk": False,
                "latch": False,
            }
            continue
        case = cases.get(key)
        if case is None:
            continue
        if row.kind == "command.alarm.dispose":
            case.setdefault("said", row.utc_ms)
            if row.detail.get("order"):
                case.setdefault("gone", []).append(row.utc_ms)
        elif row.kind.startswith("alarm."):
            _closes(case, row, acks)
    chosen = [c for c in cases.values() if begin <= c["up"] < end]
    for case in chosen:
        case["end"] = _end(case)
    months = sorted({_month(c["up"]) for c in chosen})
    return {
        "every": _closed_figures(chosen, end),
        "by_priority": {str(p): _closed_figures([c for c in chosen if c["p"] == p], end) for p in WITHIN},
        "by_month": {m: _closed_figures([c for c in chosen if _month(c["up"]) == m], end) for m in months},
    }


def _closes(case: dict[str, Any], row: Event, acks: dict[str, list[tuple[int, dict[str, Any]]]]) -> None:
    if row.kind in ("alarm.return", "alarm.clear") and not row.person:
        case.setdefault("gone", []).append(row.utc_ms)
    if "LATCHED" in row.detail["state"]:
        case["latch"] = True
        case.setdefault("gone", []).append(row.utc_ms)
    if row.kind == "alarm.reset":
        case.setdefault("reset", row.utc_ms)
    if row.person and row.kind in ("alarm.ack", "alarm.clear") and "ack" not in case:
        case["ack"] = row.utc_ms
        mine = acks.setdefault(row.person, [])
        mine.append((row.utc_ms, case))
        last = mine[-21:]
        if len(last) == 21 and row.utc_ms - last[0][0] <= 10_000:
            for _, one in last:
                one["bulk"] = True


def _end(case: dict[str, Any]) -> int | None:
    if "ack" not in case or "said" not in case or "gone" not in case or (case["latch"] and "reset" not in case):
        return None
    return int(max(case["ack"], case["said"], min(case["gone"]), case.get("reset", 0)))


def _closed_figures(cases: list[dict[str, Any]], end: int) -> dict[str, Any]:
    due = [c for c in cases if c["up"] < end - WITHIN[c["p"]]]
    timely = sum((end if c["end"] is None else c["end"]) - c["up"] <= WITHIN[c["p"]] for c in due)
    closed = [c for c in cases if c["end"] is not None and c["end"] < end]
    acked = [c for c in cases if c.get("ack", end) < end]
    again = 0
    ups: dict[str, list[list[Any]]] = {}
    for c in sorted(cases, key=lambda one: one["up"]):
        ups.setdefault(c["alarm"], []).append([c["up"]])
    for c in closed:
        spots = _near(ups[c["alarm"]], c["end"] + DAY)
        again += bool(spots and spots[0][0] > c["end"])
    to_ack, to_end = [c["ack"] - c["up"] for c in acked], [c["end"] - c["up"] for c in closed]
    return {
        "ahcr": _wilson(timely, len(due)),
        "ahcr_any": _wilson(len(closed), len(cases)),
        "bulk_acked": _wilson(sum(c["bulk"] for c in acked), len(acked)),
        "reopened": _wilson(again, len(closed)),
        "open": len(cases) - len(closed),
        "mtta_p50_ms": _nth(to_ack, 50),
        "mtta_p95_ms": _nth(to_ack, 95),
        "mttr_p50_ms": _nth(to_end, 50),
        "mttr_p95_ms": _nth(to_end, 95),
    }


# --- 4.2 ---


def _suppression(rows: list[Event], looks: list[dict[str, Any]], begin: int, end: int) -> dict[str, Any]:
    ranks = {alarm: p for look in looks for alarm, p in look["alarms"].items()}
    said: dict[tuple[str, Any], bool] = {}  # (alarm, occurrence or begin) -> it was a true alarm
    for row in rows:
        if row.kind == "command.alarm.dispose":
            said[(row.subject, row.detail["occurrence"])] = row.detail["code"] != "false"
        elif row.kind == "command.alarm.judge":
            said[(row.subject, int(row.detail["at"]))] = row.detail["verdict"] == "true"
    # Candidates and alarms of one name on one line of time; each alarm takes the latest free candidate before it.
    line: dict[str, list[list[Any]]] = {}
    for look in looks:
        for alarm, at in look["candidates"]:
            if begin <= at < end:
                line.setdefault(alarm, []).append([at, None, said.get((alarm, at))])
    lone: dict[str, list[list[Any]]] = {}
    for spots in line.values():
        spots.sort(key=lambda spot: spot[0])
    met: set[tuple[str, int, int]] = set()
    for row in sorted((r for r in rows if r.kind == "alarm.raise"), key=lambda r: r.utc_ms):
        boot, counter = row.detail["occurrence"]
        if row.subject not in ranks or not begin <= row.utc_ms < end or (row.subject, boot, counter) in met:
            continue
        met.add((row.subject, boot, counter))
        truth = said.get((row.subject, f"{boot:x}-{counter}"))
        before = _near(line.get(row.subject, []), row.utc_ms + 1_000)
        if before and before[0][1] is None:
            before[0][1], before[0][2] = row.utc_ms, truth
        else:
            lone.setdefault(row.subject, []).append([row.utc_ms, row.utc_ms, truth])
    cases = [(ranks[a], *spot) for book in (line, lone) for a, spots in book.items() for spot in spots]
    alone = sum(map(len, lone.values()))
    months = sorted({_month(c[1]) for c in cases})
    kept = [c for c in cases if c[2] is None]
    short = []
    for name in months:
        mine = [c for c in kept if _month(c[1]) == name]
        if sum(c[3] is not None for c in mine) < min(385, len(mine)):
            short.append(name)
    every = _rates(cases)
    return {
        "raw": len(cases) - alone,
        "without_candidate": alone,
        "nuisance_per_day": _six(Decimal(every["nuisance"] * DAY) / (end - begin)),
        "critical_unreviewed": sum(c[0] == 1 and c[3] is None for c in kept),
        "short_months": short,
        "every": every,
        "by_priority": {str(p): _rates([c for c in cases if c[0] == p]) for p in (1, 2, 3, 4)},
        "by_month": {m: _rates([c for c in cases if _month(c[1]) == m]) for m in months},
    }


def _near(spots: list[list[Any]], at: int) -> list[list[Any]]:
    """The latest spot not after `at`, in a list of at most one."""
    low, high = 0, len(spots)
    while low < high:
        middle = (low + high) // 2
        if spots[middle][0] <= at:
            low = middle + 1
        else:
            high = middle
    return spots[low - 1 : low] if low else []


def _rates(cases: list[tuple[int, int, int | None, bool | None]]) -> dict[str, Any]:
    told = [c for c in cases if c[2] is not None]
    kept = [c for c in cases if c[2] is None]
    true_told, false_told = sum(c[3] is True for c in told), sum(c[3] is False for c in told)
    true_kept, false_kept = sum(c[3] is True for c in kept), sum(c[3] is False for c in kept)
    added = [max(0, c[2] - c[1]) for c in told if c[3] and c[2] is not None]
    return {
        "fasr": _wilson(false_kept, false_kept + false_told),
        "mar": _wilson(true_kept, true_kept + true_told),
        "precision": _wilson(true_told, true_told + false_told),
        "reduction": _wilson(len(kept), len(cases)),
        "judged": sum(c[3] is not None for c in cases),
        "unjudged": sum(c[3] is None for c in cases),
        "mar_bound": _six(Decimal(3) / true_told) if true_told and not true_kept else None,
        "added_p95_ms": _nth(added, 95),
        "nuisance": false_told,
    }


# --- 4.3 ---


class _Man:
    """One function as the rows tell of it."""

    def __init__(self) -> None:
        self.live = self.weak = self.test = False
        self.state = "INIT"
        self.out: set[str] = set()
        self.trip: dict[str, Any] | None = None
        self.was: list[tuple[int, str]] = []

    def how(self) -> str:
        if not self.live:
            return "out-of-service"
        if self.state not in ("ARMING", "ARMED", "PRETRIP"):
            return "already-safe"
        if self.out:
            return "bypassed"
        return "degraded" if self.weak else "armed"


def _execution(rows: list[Event], looks: list[dict[str, Any]], begin: int, end: int) -> dict[str, Any]:
    facts = {name: fact for look in looks for name, fact in look["functions"].items()}
    men, trips, sums = _walk(rows, begin, end)
    cases: list[tuple[str, int, str, bool, int | None]] = []  # function, time, kind, good, took
    nothing = {"already-safe": 0, "out-of-service": 0}
    free = list(trips)
    demands = [tuple(d) for look in looks for d in look["demands"] if begin <= d[1] < end]
    for name, at, fresh in sorted(demands, key=lambda d: (d[1], d[0])):
        match = next((t for t in free if t["f"] == name and t["caused"] and abs(t["at"] - at) <= 2_000), None)
        if match is not None:
            free.remove(match)
            cases.append(_verdict(match, "test" if match["test"] else "real", at, facts))
            continue
        man = men.get(name)
        how = "out-of-service"
        for since, word in man.was if man else []:
            how = word if since <= at else how
        how = "gateway-down" if fresh and how == "already-safe" else how
        if how in nothing:
            nothing[how] += 1
        else:
            cases.append((name, at, "real" if how == "armed" else how, False, None))
    blind = wrong = 0
    for trip in free:
        if trip["manual"]:
            cases.append(_verdict(trip, "test", trip["at"], facts))
        elif trip["caused"] and (trip["out"] or not any(s["from_ms"] <= trip["at"] <= s["to_ms"] for s in looks)):
            blind += 1
            cases.append(_verdict(trip, "real", trip["at"], facts))
        else:
            wrong += 1
    worked = 0
    for name in facts:
        for look in looks:
            words = [word for since, word in (men[name].was if name in men else []) if since <= look["from_ms"]]
            worked += look["evaluated_ms"] if words and words[-1] != "out-of-service" else 0
    took = [c[4] for c in cases if c[4] is not None]
    rank_of = {name: fact[0] for name, fact in facts.items()}
    return {
        "every": _rate(cases),
        "by_priority": {str(p): _rate([c for c in cases if rank_of.get(c[0]) == p]) for p in (1, 2, 3, 4)},
        "by_month": {m: _rate([c for c in cases if _month(c[1]) == m]) for m in sorted({_month(c[1]) for c in cases})},
        "by_function": {name: _rate([c for c in cases if c[0] == name]) for name in sorted(facts)},
        "excluded": nothing,
        "beyond": {k: sum(c[2] == k for c in cases) for k in ("bypassed", "degraded", "gateway-down")},
        "unaudited": blind,
        "spurious": wrong,
        "spurious_per_1000_h": _six(Decimal(wrong) * 3_600_000_000 / worked) if worked else None,
        "function_hours": _six(Decimal(worked) / 3_600_000),
        "bypass_hours": _six(Decimal(sums["bypass"]) / 3_600_000),
        "trip_p50_ms": _nth(took, 50),
        "trip_p99_ms": _nth(took, 99),
        "trip_max_ms": max(took, default=None),
        "proofs_done": sums["proofs"],
        "proofs_due": len(sums["due"]),
    }


def _walk(rows: list[Event], begin: int, end: int) -> tuple[dict[str, _Man], list[dict[str, Any]], dict[str, Any]]:
    men: dict[str, _Man] = {}
    trips: list[dict[str, Any]] = []
    sums: dict[str, Any] = {"bypass": 0, "proofs": 0, "due": set()}
    boot = 0
    for row in rows:
        if row.counter > 0 and row.boot != boot:
            boot = row.boot
            for man in men.values():
                man.state, man.weak, man.test, man.trip = "TRIPPED", False, False, None
                man.out = set()
                man.was.append((row.utc_ms, man.how()))
        head = row.kind.split(".")[0]
        if row.kind == "output.foreign_write":
            for man in men.values():
                if man.trip is not None and man.state == "TRIPPING":
                    man.trip["bad"] = True
        if head not in ("interlock", "bypass", "proof") and row.kind not in (
            "command.bypass.set",
            "command.proof.start",
        ):
            continue
        man = men.setdefault(row.subject, _Man())
        _row(man, row, begin <= row.utc_ms < end, trips, sums)
        if not man.was or man.was[-1][1] != man.how():
            man.was.append((row.utc_ms, man.how()))
    return men, trips, sums


def _row(man: _Man, row: Event, inside: bool, trips: list[dict[str, Any]], sums: dict[str, Any]) -> None:
    d, ours = row.detail, "candidate" not in row.detail
    if "from" in d and "to" in d and ours:
        man.live = True
        if d["to"] == "TRIPPING":
            man.trip = {
                "f": row.subject, "at": row.utc_ms, "caused": d["event"] in ("DEMAND", "ON_DELAY_OVER"),
                "manual": d["event"] == "MANUAL_TRIP", "first": bool(d.get("first_out")), "test": man.test, "safe": None,
                "bad": False,
                "out": bool(man.out),
            }  # fmt: skip
            if inside and d.get("because") not in ("STOP", "disarm") and d.get("first_out") != ["STOP"]:
                trips.append(man.trip)
        elif man.trip is not None and d["to"] == "TRIP_FAILED":
            man.trip["bad"] = True
        elif man.trip is not None and (d["from"], d["to"]) == ("TRIPPING", "TRIPPED"):
            man.trip["safe"] = row.utc_ms
        elif d["to"] == "ARMING":
            man.trip = None
        man.state = d["to"]
        return
    match row.kind:
        case "interlock.mode":
            man.live = d["mode"] == "live"
        case "interlock.degraded" | "interlock.degraded_end" if ours:
            man.weak = row.kind == "interlock.degraded"
        case "interlock.effect_failed" if man.trip is not None:
            man.trip["bad"] = True
        case "command.bypass.set":
            man.out.add(str(d.get("tag", "")))
        case "bypass.warning":
            pass
        case "command.proof.start":
            man.test = True
        case "proof.result" | "proof.abandoned":
            man.test = False
        case kind if kind.startswith("bypass."):
            sums["bypass"] += int(d.get("lasted_ms", 0)) * inside
            if kind != "bypass.extended":
                man.out.discard(str(d.get("tag", "")))
    if row.kind == "proof.result" and inside and d["passed"] and d["kind"] == "full":
        sums["proofs"] += 1
    if row.kind in ("proof.result", "proof.due") and inside and d.get("due_utc_ms"):
        sums["due"].add((row.subject, d["due_utc_ms"]))


def _verdict(
    trip: dict[str, Any], kind: str, since: int, facts: dict[str, Any]
) -> tuple[str, int, str, bool, int | None]:
    allowed = (facts[trip["f"]][1] if trip["f"] in facts else 0) or 2_000
    took = None if trip["safe"] is None else max(0, trip["safe"] - min(since, trip["at"]))
    good = took is not None and took <= allowed and trip["first"] and not trip["bad"]
    return trip["f"], since, kind, good, took


def _rate(cases: list[tuple[str, int, str, bool, int | None]]) -> dict[str, Any]:
    counted = [c for c in cases if c[2] in ("real", "test")]
    good = sum(c[3] for c in counted)
    bound = None
    if counted and good == len(counted):
        bound = _six(min(Decimal(1), Decimal(3) / len(counted)))
    return {
        "lesr": _wilson(good, len(counted)),
        "total": _wilson(good, len(cases)),
        "real": sum(c[2] == "real" for c in counted),
        "test": sum(c[2] == "test" for c in counted),
        "missed": sum(c[4] is None for c in counted),
        "pfd_bound": bound,
    }
