"""Small changes to a module's syntax tree, each of which a test should notice.

Left alone: docstrings, annotations, assertions, `__slots__`, snapshots' texts and everything under TYPE_CHECKING: they decide nothing.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
}  # fmt: skip
ENUMS = {
    "State": ("INIT", "FAULT", "TRIPPED", "READY", "ARMING", "ARMED", "PRETRIP", "TRIPPING", "TRIP_FAILED"),
    "Event": ("SELF_OK", "SELF_FAIL", "CLEARED", "DEMAND", "DEMAND_GONE", "PERMISSIVE_LOST", "RESET", "READ_BACK_OK",
              "READ_BACK_LATE", "READ_BACK_FAILED", "ON_DELAY_OVER", "MANUAL_TRIP", "EXTERNAL_TRIP", "DEGRADED_OVER",
              "CLEAR_FAULT", "POWER"),
}  # fmt: skip
NAMES = {"TRUE": "FALSE", "FALSE": "TRUE", "LOST": "MISSING", "DOUBTFUL": "FIT", "FIT": "DOUBTFUL", "min": "max",
         "max": "min", "BOTH": "EITHER", "EITHER": "BOTH", "any": "all", "all": "any"}  # fmt: skip
SKIPPED_TARGETS = ("__slots__", "__all__", "word")  # `word` is display text


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: `lines` are those on which it stands, `tree` the whole changed module."""

    number: int
    lines: tuple[int, int]
    what: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.number}, line {self.lines[0]}: {self.what}"


Change = tuple[str, Callable[[], ast.AST | None]]  # what it does; the new node, None = `pass`


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its text."""
    whole = ast.parse(source)
    paths = list(_paths(whole, ()))
    number = 0
    for path in paths:
        node = _at(whole, path)
        for what, change in _changes(node):
            tree = copy.deepcopy(whole)
            if _put(tree, path, change()):
                number += 1
                ast.fix_missing_locations(tree)
                lines = (getattr(node, "lineno", 1), getattr(node, "end_lineno", 1))
                yield Mutant(number, lines, what, tree)


Path = tuple[tuple[str, int], ...]  # (field, index, -1 for a field that is no list) from the module down


def _paths(node: ast.AST, here: Path) -> Iterator[Path]:
    """Where the nodes are that may be changed."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params", "bases", "keywords_of_class"):
            continue
        children = value if isinstance(value, list) else [value]
        for at, child in enumerate(children):
            if isinstance(child, ast.AST) and not _left_alone(child):
                path = (*here, (field, at if isinstance(value, list) else -1))
                yield path
                yield from _paths(child, path)


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Assert() | ast.Import() | ast.ImportFrom() | ast.Raise() | ast.AnnAssign(value=None):
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) if name in SKIPPED_TARGETS:
            return True
        case ast.Assign(targets=[ast.Attribute(attr=name)]) if name in SKIPPED_TARGETS:
            return True
    return False


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for field, at in path:
        value = getattr(tree, field)
        tree = value[at] if at >= 0 else value
    return tree


def _put(tree: ast.AST, path: Path, new: ast.AST | None) -> bool:
    (*above, (field, at)) = path
    parent = _at(tree, tuple(above))
    new = ast.Pass() if new is None else new
    if isinstance(new, ast.Pass) and field not in ("body", "orelse", "finalbody"):
        return False
    if at < 0:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[at] = new
    return True


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARE:
            yield _renamed(node, op, COMPARE[type(op)])
        case ast.BoolOp(op=op):
            other = ast.Or if isinstance(op, ast.And) else ast.And
            yield f"{type(op).__name__} -> {other.__name__}", lambda: ast.BoolOp(other(), node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", lambda: node.operand
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            yield "sign dropped", lambda: node.operand
        case ast.BinOp(op=op) if type(op) in BINARY:
            new = BINARY[type(op)]
            yield f"{type(op).__name__} -> {new.__name__}", lambda: ast.BinOp(node.left, new(), node.right)
        case ast.If(test=test) | ast.While(test=test):
            yield "condition negated", lambda: _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.IfExp():
            yield "branches swapped", lambda: ast.IfExp(node.test, node.orelse, node.body)
        case ast.Constant(value=bool() as value):
            yield f"{value} -> {not value}", lambda: ast.Constant(not value)
        case ast.Constant(value=int() | float() as number):
            yield f"{number} -> {number + 1}", lambda: ast.Constant(number + 1)
        case ast.Constant(value=str() as text):
            yield f"{text!r} changed", lambda: ast.Constant(text + "X")
        case ast.Attribute(value=ast.Name(id=enum), attr=member) if member in ENUMS.get(enum, ()):
            members = ENUMS[enum]
            new_member = members[(members.index(member) + 1) % len(members)]
            yield f"{enum}.{member} -> {new_member}", lambda: ast.Attribute(node.value, new_member, node.ctx)
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield f"{name} -> {NAMES[name]}", lambda: ast.Name(NAMES[name], ast.Load())
        case ast.Assign() | ast.AugAssign() | ast.Expr():
            yield "statement dropped", lambda: None
        case ast.Return(value=ast.expr()):
            yield "returns nothing", lambda: ast.Return(None)


def _renamed(node: ast.Compare, op: ast.cmpop, new: type[ast.cmpop]) -> Change:
    return f"{type(op).__name__} -> {new.__name__}", lambda: ast.Compare(node.left, [new()], node.comparators)


def _with(node: ast.If | ast.While, **fields: ast.AST) -> ast.AST:
    made = copy.copy(node)
    for name, value in fields.items():
        setattr(made, name, value)
    return made
