"""Views of how interlocks have done: their statistics and their proof tests."""

from __future__ import annotations

from gateway.control.views import ProofResultView, ProofView, StatisticsView
from gateway.core.functions import Function
from gateway.core.kernel import Kernel
from gateway.core.proofs import LEAST, Result

MS = 1_000_000


def statistics_view(function: Function) -> StatisticsView:
    """The statistics of one function."""
    found = function.statistics
    budget_ns = function.budget_ns()
    return StatisticsView(
        name=function.name,
        demands=found.demands,
        spurious=found.spurious,
        manual=found.manual,
        successes=found.successes,
        failures=found.failures,
        p50_ms=_ms(found.quantile_ns(0.5)),
        p99_ms=_ms(found.quantile_ns(0.99)),
        longest_ms=_ms(found.longest_ns) if found.successes else None,
        budget_ms=_ms(budget_ns) if budget_ns else None,
        slow=function.slow(),
        bypassed_s=found.bypassed_ns // 1_000_000_000,
    )


def proof_view(kernel: Kernel, function: Function) -> ProofView:
    """The proof tests of one function."""
    standing, running = kernel.proofs.standing[function.name], kernel.proofs.running.get(function.name)
    return ProofView(
        name=function.name,
        running=running.kind if running else "",
        trips_ms=tuple(took_ns / MS for took_ns in running.trips_ns) if running else (),
        least=LEAST[running.kind] if running else 0,
        partial=_result(standing.partial, function),
        full=_result(standing.full, function),
        due_utc_ms=standing.due_utc_ms,
        overdue=bool(standing.due_utc_ms and standing.due_utc_ms <= kernel.utc_ms(kernel.now_ns)),
    )


def _result(result: Result | None, function: Function) -> ProofResultView | None:
    if result is None:
        return None
    this_version = result.hash == function.hash
    longest_ms = result.longest_ns / MS
    return ProofResultView(result.passed, result.person, result.utc_ms, result.trips, longest_ms, this_version)


def _ms(ns: int) -> float | None:
    return round(ns / MS, 3) if ns >= 0 else None
