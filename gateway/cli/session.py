"""One run of the command line: asks the daemon, shows what it said. Data to stdout, talk to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.cli import codes
from gateway.cli.client import ACTING, READING, replies
from gateway.cli.columns import in_language
from gateway.cli.common import Common
from gateway.cli.tables import Column, csv_text, pairs, table
from gateway.cli.texts import say
from gateway.control.messages import Reply, Request

EVERY_MS = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """The common options of this run, and what can be done with them."""

    common: Common

    # --- talk ---

    def text(self, key: str, **args: object) -> str:
        """The text `key` in the language of this run."""
        return say(self.common.language, key, **args)

    def talk(self, text: str) -> None:
        """Say something to the person, beside the data."""
        if text:
            print(text, file=sys.stderr, flush=True)

    def problem(self, code: int, key: str, **args: object) -> int:
        """Say what went wrong; returns `code`."""
        self.talk(self.text(key, **args))
        return code

    # --- ask ---

    def ask(self, request: Request, *, acting: bool = False) -> Reply:
        """One reply. Raises Unreachable."""
        return next(replies(self.common.directory, self._roles(acting), self._spoken(request)))

    def _roles(self, acting: bool) -> tuple[str, ...]:
        if self.common.role:
            return (self.common.role,)
        return ACTING if acting else READING

    def _spoken(self, request: Request) -> Request:
        return msgspec.structs.replace(request, language=self.common.language, person=self.common.person)

    # --- read ---

    def read(self, request: Request, columns: Sequence[Column]) -> int:
        """Ask once, or again and again with --watch, and show the answer; returns the exit code. Raises Unreachable."""
        try:
            if not self.common.watch:
                reply = self.ask(request)
                return self.show(reply, columns)
            watched = msgspec.structs.replace(self._spoken(request), stream=True, every_ms=EVERY_MS)
            for reply in replies(self.common.directory, self._roles(acting=False), watched):
                if self.common.output == "table" and sys.stdout.isatty():
                    print("\x1b[H\x1b[2J", end="")
                code = self.show(reply, columns)
                if code:
                    return code
        except KeyboardInterrupt:  # the way to leave --watch
            pass
        return codes.OK

    def show(self, reply: Reply, columns: Sequence[Column]) -> int:
        """Show `reply`; returns its exit code."""
        self.talk(reply.message)
        if reply.code == codes.OK and reply.data is not None:
            self.data(reply.data, columns)
        return reply.code

    def data(self, data: Any, columns: Sequence[Column]) -> None:
        """Print `data` (a list of rows, or one thing) in the asked form."""
        output = self.common.output
        rows = data if isinstance(data, list) else [data]
        if output == "json":
            text = msgspec.json.format(msgspec.json.encode(data), indent=2).decode()
        elif output == "jsonl":
            text = "\n".join(msgspec.json.encode(row).decode() for row in rows)
        elif output == "csv":
            text = csv_text(rows)
        else:
            text = self._table(data, columns)
        if text:
            print(text, flush=True)

    def _table(self, data: Any, columns: Sequence[Column]) -> str:
        language, coloured = self.common.language, sys.stdout.isatty()
        headings = [self.text(f"column.{column.key}") for column in columns]
        if not isinstance(data, list):
            return pairs(columns, headings, data, language, coloured)
        if not data:
            self.talk(self.text("nothing"))
            return ""
        return table(columns, headings, data, language, coloured)

    # --- act ---

    def act(self, request: Request) -> int:
        """Ask for something to be done and say how it went; returns the exit code. Raises Unreachable."""
        reply = self.ask(request, acting=True)
        return self.show(reply, ())

    def act_confirmed(self, request: Request, *, plan: bool, token: str) -> int:
        """Do something dangerous: plan, type the name, act. Without a terminal a token of a preceding plan stands for it."""
        if token:
            return self.act(msgspec.structs.replace(request, token=token))
        if not plan and not sys.stdin.isatty():
            return self.problem(codes.NOT_CONFIRMED, "confirm.no-terminal")
        reply = self.ask(msgspec.structs.replace(request, plan=True), acting=True)
        if reply.code != codes.OK:
            return self.show(reply, ())
        planned: dict[str, Any] = reply.data
        self.talk(in_language(planned["effect"], self.common.language))
        for missing in planned["missing"]:
            self.talk(self.text("confirm.missing", what=in_language(missing, self.common.language)))
        if plan:
            return self._show_plan(planned)
        self.talk(self.text("confirm.type", name=planned["confirm"]))
        if typed() != planned["confirm"]:
            return self.problem(codes.NOT_CONFIRMED, "confirm.other")
        return self.act(msgspec.structs.replace(request, token=planned["token"]))

    def _show_plan(self, planned: dict[str, Any]) -> int:
        if self.common.output == "table":
            print(planned["token"])
            self.talk(self.text("confirm.token", seconds=planned["left_s"]))
        else:
            self.data(planned, ())
        return codes.OK


def typed() -> str:
    """What the person types, "" where they leave. The prompt goes to stderr: stdout is for data."""
    print("> ", end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip()
    except KeyboardInterrupt:
        return ""
