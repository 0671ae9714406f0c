"""A token does what was planned, for who planned it, once and soon."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.control.tokens import TOKEN_S, TOKENS_MAX, Tokens, binding
from tests.control.living import Living

ARM: dict[str, Any] = {"role": "supervisor", "args": {"reason": "commissioned"}}


def _plan(alive: Living, verb: str = "interlock.arm", target: str = "dry_run", **more: Any) -> dict[str, Any]:
    reply = alive.call(verb, target, plan=True, **(ARM | more))
    assert reply["code"] == 0
    planned: dict[str, Any] = reply["data"]
    return planned


def test_a_plan_does_nothing_and_says_what_would_be_done(alive: Living) -> None:
    planned = _plan(alive)
    assert planned["left_s"] == 120
    assert planned["confirm"] == "dry_run"
    assert "dry_run" in planned["effect"]["en"]
    assert "dry_run" in planned["effect"]["zh-CN"]
    assert alive.clerk.given == []


def test_what_is_missing_is_shown_before(alive: Living) -> None:
    assert _plan(alive, "interlock.reset")["missing"] == [{"en": "waits for a reset", "zh-CN": "等待复位"}]


def test_without_a_token_nothing_dangerous_happens(alive: Living) -> None:
    assert alive.call("interlock.arm", "dry_run", **ARM)["code"] == 7
    assert alive.call("interlock.arm", "dry_run", token="0123456789abcdef", **ARM)["code"] == 7
    assert alive.clerk.given == []


def test_a_token_is_good_once(alive: Living) -> None:
    token = _plan(alive)["token"]
    assert alive.call("interlock.arm", "dry_run", token=token, **ARM)["code"] == 0
    assert alive.call("interlock.arm", "dry_run", token=token, **ARM)["code"] == 7
    assert len(alive.clerk.given) == 1


@pytest.mark.parametrize(("after_s", "code"), [(119, 0), (120, 7)])
def test_a_token_ends_after_two_minutes(alive: Living, after_s: int, code: int) -> None:
    token = _plan(alive)["token"]
    alive.now_ns = after_s * 1_000_000_000
    assert alive.call("interlock.arm", "dry_run", token=token, **ARM)["code"] == code


def test_a_token_is_bound_to_verb_target_role_and_arguments_but_not_to_wording(alive: Living) -> None:
    token = _plan(alive)["token"]
    assert alive.call("interlock.disarm", "dry_run", token=token, **ARM)["code"] == 7
    assert alive.call("interlock.arm", "gas_high", token=token, **ARM)["code"] == 7
    assert alive.call("interlock.arm", "dry_run", token=token, **(ARM | {"role": "engineer"}))["code"] == 7
    better = {"role": "supervisor", "args": {"reason": "commissioned, sheet 12"}}
    assert alive.call("interlock.arm", "dry_run", token=token, **better)["code"] == 0


def test_a_longer_bypass_than_planned_is_refused(alive: Living) -> None:
    args = {"tag": "gas3.lel", "code": "failed", "reason": "transmitter failed", "measure": "portable", "minutes": "60"}
    planned = _plan(alive, "bypass.set", "gas_high", args=args)
    assert planned["confirm"] == "gas3.lel"
    longer = alive.call(
        "bypass.set", "gas_high", role="supervisor", token=planned["token"], args=args | {"minutes": "720"}
    )
    assert longer["code"] == 7


def test_another_person_cannot_use_it() -> None:
    tokens = Tokens(lambda: 0)
    token = tokens.issue(binding("interlock.arm", "dry_run", "zhang", "supervisor", {}))
    assert not tokens.redeem(token, binding("interlock.arm", "dry_run", "li", "supervisor", {}))
    assert tokens.redeem(token, binding("interlock.arm", "dry_run", "zhang", "supervisor", {}))


def test_open_tokens_are_bounded_and_end() -> None:
    now = 0
    tokens = Tokens(lambda: now)
    bound = binding("interlock.arm", "dry_run", "zhang", "supervisor", {})
    issued = [tokens.issue(bound) for _ in range(TOKENS_MAX + 1)]
    assert not tokens.redeem(issued[0], bound)
    assert tokens.redeem(issued[1], bound)
    now = TOKEN_S * 1_000_000_000
    assert not tokens.redeem(issued[2], bound)


def test_only_dangerous_verbs_are_planned(alive: Living) -> None:
    assert alive.call("interlock.trip", "dry_run", plan=True)["code"] == 2
    assert alive.clerk.given == []
