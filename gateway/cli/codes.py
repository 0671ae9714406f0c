"""Exit codes of the command line (spec/operators.md), and what `status --exit-code` makes of a state."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3
NOT_FOUND = 4
NOT_PERMITTED = 5
REFUSED = 6
NOT_CONFIRMED = 7
TIMEOUT = 8
SITE_INVALID = 9

OF_STATE = {
    "NORMAL": OK,
    "MONITOR ONLY": OK,  # a plant that wants no writes is in a legitimate end state
    "WARNING": 20,
    "DEGRADED": 20,
    "TRIPPED": 21,
    "SHADOW": 22,
    "UNCONFIGURED": 22,
}
