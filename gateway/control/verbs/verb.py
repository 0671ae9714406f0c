"""What a verb declares: who may, what it takes, and how it reads or what must be so before it may act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.control.cameras import Cameras, NoCameras
from gateway.control.messages import Request, Role, Texts
from gateway.control.views import PermitView, UpdateView, Views

ARGUMENT_MAX = 1_000  # characters of one argument; a compensating measure takes some lines


class Refusal(Exception):
    """A request that is not carried out: the exit code, a key of `control.texts` and its arguments."""

    def __init__(self, code: int, key: str, **args: str | int) -> None:
        super().__init__(key)
        self.code = code
        self.key = key
        self.args_of_text = args


@dataclass(frozen=True, slots=True)
class Facts:
    """What the daemon knows of itself for `version.show` and `doctor.show`; `more` may add facts of the moment."""

    version: str
    more: Callable[[], Mapping[str, str]] = field(default=lambda: {})
    last_bundle: Callable[[str], str] = field(default=lambda _function: "")  # file of the last trip of an interlock
    slip: Callable[[PermitView], str] = field(default=lambda _permit: "")  # signed text of an issued permit
    slip_page: Callable[[str], str] = field(default=lambda _others: "")  # the page that verifies it offline
    cameras: Cameras = field(default_factory=NoCameras)
    update: Callable[[], UpdateView] = field(default=UpdateView)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a verb; `check` returns what would be right where the value is not, else ""."""

    name: str
    required: bool = False
    check: Callable[[str], str] = field(default=lambda _value: "")


def one_of(*words: str) -> Callable[[str], str]:
    """A check that accepts only `words`."""
    return lambda value: "" if value in words else " | ".join(words)


def whole(low: int, high: int) -> Callable[[str], str]:
    """A check that accepts whole numbers from `low` to `high`."""

    def check(value: str) -> str:
        right = f"{low} … {high}"
        if not value.isascii() or not value.isdigit() or len(value) > len(str(high)):
            return right
        return "" if low <= int(value) <= high else right

    return check


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. A verb with `read` answers from the views; one without goes to the desk under its own name.

    `minimum` is the least role (None: every role); `role` may ask for more than that, by the thing acted on. `check`
    raises Refusal where the target does not exist. `dangerous` verbs need a reason and the token of a plan. `open` ones
    may be done at the kiosk by anybody, without a login: nothing that makes people safe waits for a PIN. `socket_only`
    ones are for the command line: no page reaches a verb that names a file of the box or begins the vault anew.
    """

    name: str
    minimum: Role | None = None
    read: Callable[[Views, Facts, Request], Any] | None = None
    check: Callable[[Views, Request], None] = field(default=lambda _views, _request: None)
    role: Callable[[Views, Request], Role | None] = field(default=lambda _views, _request: None)
    missing: Callable[[Views, Request], tuple[Texts, ...]] = field(default=lambda _views, _request: ())
    arguments: tuple[Argument, ...] = ()
    target: bool = True
    dangerous: bool = False
    reason_min: int = 1
    confirm: str = ""  # the argument whose value is to be typed; "" = the target
    effect: Texts = field(default_factory=dict)
    open: bool = False
    socket_only: bool = False

    def check_form(self, request: Request) -> None:
        """Raises Refusal (2) where the request has not the form of this verb."""
        if self.target and not request.target:
            raise Refusal(2, "target.needed", verb=self.name)
        if request.target and not self.target:
            raise Refusal(2, "target.none", verb=self.name)
        declared = {argument.name: argument for argument in self.arguments}
        for name, value in request.args.items():
            if name not in declared:
                raise Refusal(2, "argument.unknown", verb=self.name, name=name[:40])
            if len(value) > ARGUMENT_MAX:
                raise Refusal(2, "argument.too-long", name=name, limit=ARGUMENT_MAX)
            right = declared[name].check(value)
            if right:
                raise Refusal(2, "argument.wrong", name=name, value=value[:40], right=right)
        for argument in self.arguments:
            if argument.required and not request.args.get(argument.name, "").strip():
                raise Refusal(2, "argument.missing", verb=self.name, name=argument.name)
        if self.dangerous and len(request.args["reason"].strip()) < self.reason_min:
            raise Refusal(2, "reason.short", least=self.reason_min)
