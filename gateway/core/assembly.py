"""From the canonical form of rules to the living ones of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from gateway.core.cards import DRIVER
from gateway.core.controls import Linkage
from gateway.core.evaluate import Condition
from gateway.core.functions import Function
from gateway.core.permits import Permission
from gateway.core.program import Advisory, Alarm, Control, Done, Expression, Interlock, Permit, Program, Rule
from gateway.core.watches import Watch

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

Living = Function | Linkage | Watch | Permission


def assemble(kernel: Kernel) -> None:
    """Build every rule of the program, in its order, with its alarms and its outputs."""
    for index, rule in enumerate(kernel.program.rules):
        kernel.rules.append(_living(kernel, rule, index))
        kernel.alarms.add_rule(rule, index)
        if isinstance(rule, Interlock):
            kernel.alarms.add_system(f"{rule.name}_BYPASS", rule.area, 3)
        elif isinstance(rule, Control):
            kernel.alarms.add_system(f"{rule.name}_FAILED", rule.area, 2)
        elif isinstance(rule, Permit):
            kernel.alarms.add_system(f"{rule.name}_REVOKED", rule.area, rule.priority)
    for index, candidate in enumerate(kernel.program.candidates, len(kernel.program.rules)):
        kernel.candidates[candidate.name] = function = _function(kernel, candidate, index)
        kernel.rules.append(function)
    for source in kernel.table.sources:
        if source.driver != DRIVER:
            kernel.alarms.add_source(source.name)


def _living(kernel: Kernel, rule: Rule, index: int) -> Living:
    match rule:
        case Interlock():
            kernel.functions[rule.name] = function = _function(kernel, rule, index)
            return function
        case Control():
            outputs = [kernel.arbiter.output(one.output) for one in rule.sets]
            conditions = [_condition(kernel, rule, index, rule.when)]
            conditions += [_condition(kernel, rule, index, rule.clear)] if rule.clear else []
            linkage = Linkage(rule, index, conditions, kernel.service, outputs)
            kernel.controls[rule.name] = linkage
            return linkage
        case Permit():
            condition = _condition(kernel, rule, index, rule.when, demanding=False)
            permission = Permission(rule, index, condition, kernel.service)
            kernel.permits[rule.name] = permission
            return permission
        case Alarm() | Advisory():
            watch = Watch(rule, index, kernel.image, kernel.names, kernel)
            kernel.watches[rule.name] = watch
            return watch


def _function(kernel: Kernel, rule: Interlock, index: int) -> Function:
    outputs = [kernel.arbiter.output(stop.output) for stop in rule.stops]
    otherwise = [kernel.arbiter.output(stop.output) for stop in rule.otherwise]
    return Function(rule, index, kernel.image, kernel.names, kernel.service, outputs, otherwise)


def _condition(kernel: Kernel, rule: Rule, index: int, expression: Expression, *, demanding: bool = True) -> Condition:
    schedule: Callable[[int], None] = lambda due_ns: kernel.schedule_rule(due_ns, index)  # noqa: E731
    policy = "safe" if rule.on_bad in ("deny", "hold") else rule.on_bad
    return Condition(
        expression,
        kernel.image,
        kernel.names,
        policy,
        rule.bad_after_ns,
        schedule,
        demanding=demanding,
        stamped=kernel.stamped,
    )


def asked_done(program: Program) -> dict[str, list[int]]:
    """What people note as done, each with the numbers of the rules that ask for it."""
    asked: dict[str, list[int]] = {}
    for index, rule in enumerate(program.rules):
        for name in sorted(set(_dones(rule))):
            asked.setdefault(name, []).append(index)
    return asked


def _dones(node: object) -> Iterator[str]:
    """The names of every `done(...)` anywhere in a rule."""
    if isinstance(node, Done):
        yield node.name
    elif isinstance(node, tuple):
        for item in node:
            yield from _dones(item)
    elif isinstance(node, msgspec.Struct):
        for field in node.__struct_fields__:
            yield from _dones(getattr(node, field))
