"""The canonical form of rules: what the rulebook compiles to, people sign, and the kernel loads.

Tags are named, numbers are in the tag's own unit, times in ns. Two texts that mean the same give equal bytes, and
`rule_hash` of those bytes is what every trip names. `core.evaluate` turns an expression into a closure.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from gateway.core.cards import score_tag

Role = Literal["operator", "supervisor", "engineer", "maintainer"]
Operator = Literal["<", "<=", ">", ">=", "=", "!="]
# What an input that stays bad does. `alarm` is for alarm rules, `hold` for advisories, `deny` for permits only.
Policy = Literal["trip", "safe", "avail", "alarm", "hold", "deny"]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="node"):
    """Base of expression nodes and of the numbers inside them."""


# --- numbers ---


class Value(_Node, frozen=True, tag="value"):
    """The value of `tag` in its own unit."""

    tag: str


class Number(_Node, frozen=True, tag="number"):
    """A constant, in the unit of what stands beside it."""

    value: float


class Arithmetic(_Node, frozen=True, tag="arithmetic"):
    """`left <op> right`; a division by zero has no value, which is bad like a bad input."""

    op: Literal["+", "-", "*", "/"]
    left: Term
    right: Term


class Pick(_Node, frozen=True, tag="pick"):
    """The smallest, largest or mean of `items`; one bad item makes the whole bad."""

    what: Literal["min", "max", "avg"]
    items: tuple[Term, ...]


class Absolute(_Node, frozen=True, tag="abs"):
    """`item` without its sign."""

    item: Term


class Trend(_Node, frozen=True, tag="trend", omit_defaults=True):
    """Over the last `ns`: `rate` the slope of `item` per minute, `delta` its change, `moving` its mean over time.

    A `rate` that is `sure` (per cent) is the end nearer to zero of the interval around a robust slope, 0 where zero is inside.
    """

    what: Literal["rate", "delta", "moving"]
    item: Term
    ns: int
    sure: int = 0  # left out of the canonical form where it is 0: rules without it keep their hash


class Eta(_Node, frozen=True, tag="eta", omit_defaults=True):
    """Seconds until `item <op> limit` if it goes on as over the last `window_ns`: 0 once true, infinite beyond the horizon.

    One that is `sure` (per cent) is the late end of the prediction interval around a robust line.
    """

    item: Term
    op: Operator
    limit: float
    horizon_ns: int
    window_ns: int
    sure: int = 0


class Age(_Node, frozen=True, tag="age"):
    """Seconds for which the value of `tag` has stood unchanged."""

    tag: str


class Score(_Node, frozen=True, tag="score"):
    """A score of the early-warning group `group`, in its limit; `of` is a tag with a chart of its own, `card` the hash of the card."""

    group: str
    what: Literal["level", "t2", "spe", "ewma", "cusum"]
    card: str
    of: str = ""

    @property
    def tag(self) -> str:
        """The kernel tag in which it stands."""
        return score_tag(self.group, self.what, self.of)


Term = Value | Number | Arithmetic | Pick | Absolute | Trend | Eta | Age | Score


# --- conditions ---


class Compare(_Node, frozen=True, tag="compare"):
    """`tag <op> limit`; once true it stays true until it is false by more than `hyst` (>= 0)."""

    tag: str
    op: Operator
    limit: float
    hyst: float = 0.0


class Measure(_Node, frozen=True, tag="measure"):
    """The same of a number that is computed; a plain tag is always a `Compare`."""

    term: Term
    op: Operator
    limit: float
    hyst: float = 0.0


class Good(_Node, frozen=True, tag="good"):
    """The value of `tag` is GOOD; never unknown."""

    tag: str


class Consecutive(_Node, frozen=True, tag="consecutive"):
    """`n` observations of `event` in a row with the same keys; the run ends `within_ns` after its last one.

    Tags of an event: `event` (1 = seen, 0 = in order), `event.event` (running number), `event.KEY` for each key in `by`.
    """

    event: str
    n: int
    by: tuple[str, ...] = ()
    within_ns: int = 24 * HOUR


class Tally(_Node, frozen=True, tag="tally"):
    """Observations of `event` with the same keys within the last `ns`, compared with `n`; true if it is for any key."""

    event: str
    ns: int
    op: Operator
    n: int
    by: tuple[str, ...] = ()


class Done(_Node, frozen=True, tag="done"):
    """A person noted `name` as done, at most `max_age_ns` ago by both clocks."""

    name: str
    max_age_ns: int


class And(_Node, frozen=True, tag="and"):
    """All of `items`."""

    items: tuple[Expression, ...]


class Or(_Node, frozen=True, tag="or"):
    """Any of `items`."""

    items: tuple[Expression, ...]


class Not(_Node, frozen=True, tag="not"):
    """Kleene negation of `item`."""

    item: Expression


class Vote(_Node, frozen=True, tag="vote"):
    """`k of (items)`, by the voting table of spec/interlocks.md §3."""

    k: int
    items: tuple[Expression, ...]


class For(_Node, frozen=True, tag="for"):
    """`item` true for `ns`; only a GOOD false resets it, unknown lets it run on."""

    item: Expression
    ns: int


class Both(_Node, frozen=True, tag="both"):
    """Each of `items` is true or was within the last `ns`."""

    items: tuple[Expression, ...]
    ns: int


class Since(_Node, frozen=True, tag="since"):
    """The time since `item` was last true (0 while it is), compared with `ns`."""

    item: Expression
    op: Operator
    ns: int


class Count(_Node, frozen=True, tag="count"):
    """How often `item` turned true within the last `ns`, compared with `n`."""

    item: Expression
    ns: int
    op: Operator
    n: int


Leafy = Compare | Measure | Good | Consecutive | Tally | Done  # conditions without conditions inside
Expression = Leafy | And | Or | Not | Vote | For | Both | Since | Count


# --- actions and terms ---


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drive writable tag `output` to its safe state; `within_ns` > 0 is the budget from demand to read-back."""

    output: str
    within_ns: int = 0


class Confirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After a trip, `tag <op> value` must come true within `within_ns`: the physical feedback of the effect."""

    tag: str
    op: Operator
    value: float
    within_ns: int


class Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """While a control is on, writable tag `output` stands at `value`; otherwise at the other one of a bit."""

    output: str
    value: float


class Speak(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="speak"):
    """Say `text` (language -> words) at the sound output `speaker`."""

    speaker: str
    text: dict[str, str]


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="notify"):
    """Tell the people of `role`."""

    role: str


class Escalate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="act", tag="escalate"):
    """Tell the people of `role`, "" = the next level of the site's ladder, and go on until one of them answers."""

    role: str = ""


Telling = Speak | Notify | Escalate


class BypassTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long and by whom an input of the rule may be bypassed; `max_ns` 0 means never."""

    max_ns: int = 8 * 3600 * SECOND
    role: Role = "supervisor"


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Start-up override (I18): a person may keep the demand from tripping until `until` is true, at most `max_ns`."""

    until: Expression
    max_ns: int
    role: Role = "supervisor"


class RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people read in one language."""

    title: str = ""
    cause: str = ""
    consequence: str = ""
    response: str = ""


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    name: str
    when: Expression
    priority: Literal[1, 2, 3, 4]
    area: str = ""
    on_bad: Policy
    bad_after_ns: int = 2 * SECOND
    because: str = ""  # the written justification of `avail` and `alarm`
    text: dict[str, RuleText] = {}  # language -> text
    tells: tuple[Telling, ...] = ()  # done once when the rule comes up, beside its alarm


class Interlock(_Rule, frozen=True, kw_only=True, tag="interlock"):
    """A function that trips and latches. The outermost `for` of its condition is `on_delay_ns` (T_on), not part of `when`."""

    on_delay_ns: int = 0
    stops: tuple[Stop, ...]
    otherwise: tuple[Stop, ...] = ()  # secondary outputs, driven when a trip fails (`else stop`)
    confirms: tuple[Confirm, ...] = ()
    permissive: Expression | None = None
    clear_ns: int = 5 * SECOND  # T_clear
    reset_role: Role = "supervisor"
    bypass: BypassTerms = BypassTerms()
    pst_ns: int = 0  # process safety time, 0 = not known
    group: str = ""  # functions of one group are reset together
    degraded_ns: int = 8 * HOUR  # I8: a vote with lost channels runs at most so long
    proof_ns: int = 0  # I25: a full proof test is due each so long, 0 = never
    override: Override | None = None


class Alarm(_Rule, frozen=True, kw_only=True, tag="alarm"):
    """A condition that people are told of. `latch` keeps it until it is reset."""

    latch: bool = False
    reset_role: Role = "operator"
    pst_ns: int = 0
    bypass: BypassTerms = BypassTerms(max_ns=0)


class Control(_Rule, frozen=True, kw_only=True, tag="control"):
    """A linkage without latch: on when `when` is true, off when `clear` is (without one: when `when` is false).

    A movement towards the safe state is never delayed by `min_on_ns` or `min_off_ns`.
    """

    sets: tuple[Set, ...]
    clear: Expression | None = None
    min_on_ns: int = 0
    min_off_ns: int = 0
    announce: bool = False  # `then alarm`: its being on is an alarm too
    pst_ns: int = 0


class Advisory(_Rule, frozen=True, kw_only=True, tag="advisory"):
    """A condition on which people are spoken to or told; it commands nothing."""

    announce: bool = False  # `then alarm`
    latch: bool = False
    reset_role: Role = "operator"


class Permit(_Rule, frozen=True, kw_only=True, tag="permit"):
    """A necessary condition for issuing a work permit: given only while `when` is certainly true, denied otherwise."""

    valid_ns: int = 8 * HOUR  # an issued permit ends by itself after this


Rule = Interlock | Control | Alarm | Advisory | Permit


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of a site in the order of evaluation: that of the rule files by name, then of the lines."""

    rules: tuple[Rule, ...] = ()
    version: int = 1
    candidates: tuple[
        Interlock, ...
    ] = ()  # on trial beside the version in `rules` that protects; never part of what is signed

    def every(self) -> tuple[Rule, ...]:
        """The rules and then the candidates: a rule's place here is its index in a kernel."""
        return (*self.rules, *self.candidates)


_canonical = msgspec.json.Encoder(order="deterministic")


def canonical(thing: Rule | Program) -> bytes:
    """Canonical JSON: fields in declared order with their defaults, mapping keys sorted, numbers as shortest round-trip."""
    return _canonical.encode(thing)


def rule_hash(thing: Rule | Program) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical(thing)).hexdigest()


def load(data: bytes) -> Program:
    """Program from canonical bytes. Raises msgspec.ValidationError."""
    return msgspec.json.decode(data, type=Program, strict=True)
