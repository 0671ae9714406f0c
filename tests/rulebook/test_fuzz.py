"""Whatever is written: the same meaning gives the same bytes, and no text makes the compiler raise or hang."""

import os
import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.program import (
    Alarm,
    And,
    BypassTerms,
    Compare,
    Confirm,
    Expression,
    For,
    Interlock,
    Not,
    Or,
    Program,
    Rule,
    RuleText,
    Stop,
    Vote,
    canonical,
)
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules

S = 1_000_000_000
FEW = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Tag, unit, other spellings as (unit, decimal places to shift): 30 cm = 0.30 m = 300 mm, written without arithmetic.
SPELT = {"tank1.level": ("cm", (("m", -2), ("mm", 1))), "h2s1": ("ppm", (("%vol", -4),)), "mode": ("", ())}

quarters = st.integers(1, 31).map(lambda n: n / 4)
times = st.integers(1, 3_600_000).map(lambda ms: ms * 1_000_000)
words = st.text(st.characters(exclude_characters='|\r\n\\"', exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@st.composite
def compares(draw: st.DrawFn) -> Compare:
    if draw(st.booleans()):
        return Compare("pump7.running", draw(st.sampled_from(["=", "!="])), draw(st.sampled_from([0.0, 1.0])))
    tag = draw(st.sampled_from(sorted(SPELT)))
    op = draw(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]))
    hyst = draw(st.sampled_from([0.0, 0.125])) if op not in ("=", "!=") else 0.0
    return Compare(tag, op, draw(quarters), hyst)


def _join(kind: type[And] | type[Or], items: list[Expression]) -> Expression:
    flat = [inner for item in items for inner in (item.items if isinstance(item, kind) else (item,))]
    return kind(tuple(flat))


def _deeper(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda items: _join(And, items)),
        several.map(lambda items: _join(Or, items)),
        inner.map(Not),
        st.builds(For, inner, times),
        several.flatmap(lambda items: st.integers(1, len(items)).map(lambda k: Vote(k, tuple(items)))),
    )


expressions: st.SearchStrategy[Expression] = st.recursive(compares(), _deeper, max_leaves=8)
texts = st.dictionaries(st.sampled_from(["en", "zh-CN"]), st.builds(RuleText, words, words, words, words))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    when = draw(expressions)
    common = {
        "name": draw(st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True)),
        "priority": draw(st.sampled_from([1, 2, 3, 4])),
        "area": draw(words),
        "bad_after_ns": draw(times),
        "text": draw(texts),
        "bypass": draw(
            st.builds(BypassTerms, times, st.sampled_from(["operator", "engineer"])) | st.just(BypassTerms(0))
        ),
    }
    if draw(st.booleans()):
        policy = draw(st.sampled_from(["alarm", "trip", "safe"]))
        return Alarm(when=when, on_bad=policy, latch=draw(st.booleans()), **common)
    return Interlock(
        when=when.item if isinstance(when, For) else when,
        on_delay_ns=when.ns if isinstance(when, For) else 0,
        on_bad="avail",
        because=draw(words),
        stops=(Stop("pump7.permit", draw(times)), Stop("vent1.start")),
        confirms=(Confirm("pump7.running", "=", 0.0, draw(times)),),
        permissive=draw(st.none() | expressions),
        **common,
    )


def shifted(value: float, places: int) -> str:
    """`value` times ten to the `places`, in decimals, without a rounding."""
    from decimal import Decimal

    return format(Decimal(repr(value)).scaleb(places), "f")


class Printer:
    """Writes a rule as a person might: redundant brackets, other units, odd spaces, other orders of clauses."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def space(self) -> str:
        return str(self.draw(st.sampled_from([" ", "  ", "\n", "\t", " # 注释 end\n", "\u3000", "\r\n"])))

    def amount(self, tag: str, value: float) -> str:
        unit, others = SPELT.get(tag, ("", ()))
        choice, places = self.draw(st.sampled_from([(unit, 0), *others]))
        return shifted(value, places) + (self.draw(st.sampled_from(["", " "])) + choice if choice else "")

    def time(self, ns: int) -> str:
        unit, places = self.draw(st.sampled_from([("ms", -6), ("s", -9)]))
        return f"{shifted(float(ns), places)} {unit}"

    def condition(self, node: Expression, *, free: bool = True) -> str:
        """`free`: a `for` or a join needs no brackets here."""
        text = self.bare(node)
        simple = isinstance(node, Compare | Vote)
        if (simple or free) and self.draw(st.booleans()):
            return text
        return f"({self.space()}{text} )"

    def bare(self, node: Expression) -> str:
        match node:
            case Compare():
                hyst = f"{self.space()}hyst {self.amount(node.tag, node.hyst)}" if node.hyst else ""
                return f"{node.tag} {node.op} {self.amount(node.tag, node.limit)}{hyst}"
            case And() | Or():
                word = "and" if isinstance(node, And) else "or"
                items = [self.condition(item, free=False) for item in node.items]
                if len(items) > 2 and self.draw(st.booleans()):
                    items[:2] = [f"({items[0]} {word} {items[1]})"]  # brackets that change nothing
                return f"{self.space()}{word} ".join(items)
            case Not():
                return f"not{self.space()}{self.condition(node.item, free=False)}"
            case For():
                return f"{self.condition(node.item, free=isinstance(node.item, And | Or))} for {self.time(node.ns)}"
            case Vote():
                return f"{node.k} of ({f',{self.space()}'.join(self.condition(item) for item in node.items)})"

    def rule(self, rule: Rule) -> str:
        clauses = [
            f"priority P{rule.priority}",
            f'area "{rule.area}"',
            f"on bad {rule.on_bad} after {self.time(rule.bad_after_ns)}"
            + (f' because "{rule.because}"' if rule.because else ""),
            f"bypass max {self.time(rule.bypass.max_ns)} by {rule.bypass.role}"
            if rule.bypass.max_ns
            else "bypass never",
        ]
        for language, text in rule.text.items():
            fields = [f'{name} "{getattr(text, name)}"' for name in ("title", "cause", "consequence", "response")]
            clauses.append(f"text {language} " + self.space().join(fields))
        if isinstance(rule, Alarm):
            clauses += ["then alarm", f"when {self.condition(rule.when)}"] + (["latch"] if rule.latch else [])
        else:
            clauses += self.interlock(rule)
        body = "".join(self.space() + clause for clause in self.draw(st.permutations(clauses)))
        kind = "alarm" if isinstance(rule, Alarm) else "interlock"
        return f"{kind} {rule.name}{body}{self.space()}end\n"

    def interlock(self, rule: Interlock) -> list[str]:
        when = For(rule.when, rule.on_delay_ns) if rule.on_delay_ns else rule.when
        first, second = rule.stops
        confirm = rule.confirms[0]
        acts = [
            f"stop {first.output} within {self.time(first.within_ns)}",
            f"trip {second.output}",
            f"confirm {confirm.tag} {confirm.op} 0 within {self.time(confirm.within_ns)}",
        ]
        clauses = [f"then {', '.join(acts)}", f"when {self.condition(when)}"]
        return clauses + ([f"permissive {self.condition(rule.permissive)}"] if rule.permissive is not None else [])


@FEW
@given(data=st.data())
def test_printed_any_way_a_rule_compiles_to_the_same_bytes(data: st.DataObject, table: TagTable) -> None:
    rule = data.draw(rules())
    text = Printer(data.draw).rule(rule)
    compiled = compile_rules([("a.rules", text)], table)
    errors = [problem for problem in compiled.problems if problem.severity == "error"]
    if {problem.code for problem in errors} <= {"rule.never-true", "rule.bypass-long"} and errors:
        return  # drawn by chance, and rightly refused
    assert errors == []
    assert compiled.program is not None
    assert canonical(compiled.program) == canonical(Program((rule,)))


SEED = """interlock PKL_LSLL "酸洗槽液位低低 | Low-low"
  when 2 of (tank1.level < 30 cm hyst 5 cm, (mode > 3 and not pump7.running = 1), h2s1 > 10 ppm) for 2 s
  then stop pump7.permit within 1 s, confirm pump7.running = 0 within 3 s  else stop vent1.start
  latch reset by supervisor  on bad avail after 2 s because "x"  bypass max 4 h by supervisor  pst 30 s priority P1
  text zh cause "因" end
alarm B when rx1.temp > 85 degC hyst 2 K then alarm priority P3 end
"""
PIECES = [
    *SEED.split(),
    "(",
    ")",
    ",",
    '"',
    "#",
    "\n",
    "end",
    "for",
    "（",
    "not",
    "rate(",
    "1e99",
    "-",
    "\x00",
    "\ud800",
]


def assert_judged(text: str, table: TagTable) -> None:
    """The text gives a program, or problems that say where; soon, and nothing is raised."""
    began = time.perf_counter()
    compiled = compile_rules([("a.rules", text)], table)
    assert time.perf_counter() - began < 5
    if compiled.program is not None:
        canonical(compiled.program)
    assert (compiled.program is None) == any(problem.severity == "error" for problem in compiled.problems)
    for problem in compiled.problems:
        shown, caret = problem.excerpt.split("\n")
        assert not {unicodedata.category(char) for char in shown} & {"Cc", "Zl", "Zp"}
        assert caret.strip(" ^") == ""
        assert "^" in caret
        assert problem.line >= 1
        assert problem.column >= 1


@FEW
@given(st.text(max_size=300))
def test_no_text_makes_it_raise(table: TagTable, text: str) -> None:
    assert_judged(text, table)


@FEW
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_no_heap_of_words_makes_it_raise(table: TagTable, pieces: list[str]) -> None:
    assert_judged("interlock A when " + " ".join(pieces), table)


@FEW
@given(st.data())
def test_no_mutation_of_a_rule_makes_it_raise(table: TagTable, data: st.DataObject) -> None:
    text = SEED
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.sampled_from(["", *PIECES])) + text[at + drop :]
    assert_judged(text, table)


def test_hostile_texts_end_soon(table: TagTable) -> None:
    for text in (
        "interlock A when " + "(" * 9_000,
        "interlock A when " + "not " * 4_000 + "mode = 1 end",
        "interlock A when " + "(" * 4_000 + "mode = 1" + ")" * 4_000 + " then stop pump7.permit end",
        "interlock A when " + "mode = 1 and " * 1_400 + "mode = 1 then stop pump7.permit end",
        "interlock A when " + "(mode = 1 or " * 1_200 + "mode = 1" + ")" * 1_200 + " then stop pump7.permit end",
        '"' * 100_000,
        "interlock A\n" * 3_000,
        "end " * 50_000,
        "x" * 200_000,
        "interlock A when mode < " + "9" * 15_000 + " end",
        "alarm A when tank1.level < 1 " + "m/" * 8_000 + "m end",
        "".join(f"alarm A{n} when nosuchtag{n} < 1 then alarm end\n" for n in range(1_000)),
    ):
        assert_judged(text, table)


CHILD = """
import sys
from gateway.core.program import canonical
from gateway.core.tags import Tag, TagTable
from gateway.rulebook import compile_rules
tags = [("tank1.level", "cm"), ("mode", ""), ("pump7.running", ""), ("h2s1", "ppm"), ("rx1.temp", "degC")]
outputs = ["pump7.permit", "vent1.start"]
table = TagTable([Tag(n, name, "s", 0, unit=unit) for n, (name, unit) in enumerate(tags)]
                 + [Tag(5 + n, name, "s", 0, boolean=True, writable=True) for n, name in enumerate(outputs)], [], [])
compiled = compile_rules([("a", sys.stdin.buffer.read().decode())], table)
sys.stdout.buffer.write(canonical(compiled.program) + repr([p for p in compiled.problems]).encode())
"""


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    def compiled(seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", CHILD]
        return subprocess.run(command, input=SEED.encode(), env=environment, capture_output=True, check=True).stdout

    with ThreadPoolExecutor() as pool:
        outputs = set(pool.map(compiled, ("0", "1", "4711")))
    assert len(outputs) == 1
    assert b'"PKL_LSLL"' in outputs.pop()
