"""Runs a commissioning test list twice: on the real kernel, and on the reference that was written from the table."""

from __future__ import annotations

from gateway.core.effects import Answer, Effect
from gateway.core.interlocks import ENERGISED
from gateway.core.program import Alarm, Interlock, Program
from gateway.core.samples import Few
from gateway.core.tags import Cause, Group, Quality, Source, Tag, TagTable
from gateway.core.voting import TRUE, UNKNOWN
from gateway.rulebook import compile_rules
from gateway.rulebook.site import TagIndex
from gateway.rulebook.workbook.matrix import Matrix
from gateway.rulebook.workbook.render import MatrixSheet, sheet_of
from gateway.rulebook.workbook.testlist import Case, Step, test_list
from tests.core.stage import Stage
from tests.rulebook.workbook.reference import TICK_S, Table

FORM = {"code": "failed", "reason": "commissioning test of the matrix", "measure": "watched on site", "minutes": "60"}


def plant(analogue: int = 12, outputs: int = 4) -> TagTable:
    """Tags a0.. of 0 to 100 %, switches d0..d3, outputs y0..; one PLC."""
    tags: list[Tag] = []
    for at in range(analogue):
        tags.append(Tag(len(tags), f"a{at}", "plc1", 0, unit="%", low=0.0, high=100.0, area="hall"))
    for at in range(4):
        tags.append(Tag(len(tags), f"d{at}", "plc1", 0, boolean=True))
    for at in range(outputs):
        tags.append(Tag(len(tags), f"y{at}", "plc1", 0, boolean=True, writable=True, safe=float(at % 2), area="hall"))
    polled = len(tags)
    tags.append(Tag(len(tags), "plc1.$heartbeat", "plc1", 1, writable=True, hidden=True))
    groups = [Group(0, "poll", "plc1", 0, polled, 1000), Group(1, "write", "plc1", polled, 1, 1000)]
    return TagTable(tags, groups, [Source("plc1", "modbus", 100, heartbeat=polled)])


class Plant(Stage):
    """A stage whose signals can break."""

    bad: frozenset[str] = frozenset()
    refused: frozenset[int] = frozenset()  # outputs whose writes the device does not take

    def ask(self, verb: str, target: str = "", role: str = "supervisor", person: str = "li", **args: str) -> Answer:
        """As the stage asks, but a reset by the role that the function names."""
        wanted = self.function(target).rule.reset_role if verb == "interlock.reset" else role
        return super().ask(verb, target, wanted, person, **args)

    def poll(self, **values: float) -> list[Effect]:
        self.values |= values
        group = self.table.groups[0]
        tags = self.table.tags[: group.count]
        data = [self.field.get(tag.name, tag.safe) if tag.writable else self.values[tag.name] for tag in tags]
        broken = [tag.name in self.bad for tag in tags]
        qualities = [int(Quality.BAD) if bad else 0 for bad in broken]
        causes = [int(Cause.COMMS) if bad else 0 for bad in broken]
        return self.give(Few(0, list(range(group.count)), data, qualities, causes))


def compiled(file: str, text: str, table: TagTable) -> tuple[Program, Matrix]:
    """The program and the matrix of a workbook without errors."""
    made = compile_rules([(file, text)], table)
    assert made.program is not None, [(p.cell, p.text["en"]) for p in made.problems if p.severity == "error"]
    sheet = sheet_of(file, text, TagIndex(table))
    assert isinstance(sheet, MatrixSheet)
    return made.program, sheet.matrix


class Bench:
    """One rule of a workbook alone in a kernel, armed and energised once; every test begins from a fresh one."""

    def __init__(self, program: Program, table: TagTable, written: Table) -> None:
        self.rules = {rule.name: rule for rule in program.rules if isinstance(rule, Interlock | Alarm)}
        self.table = table
        self.written = written

    def run(self, case: Case) -> None:
        """Asserts that the list, the kernel and the reference agree on one test."""
        if case.kind == "impossible":
            return
        found, first = self._kernel(case)
        assert found == case.expect, case
        if case.expect in ("trip", "failed"):
            assert set(first) == set(case.first_out), (case, first)
        tags = {cause["id"]: cause["tag"] for cause in self.written.causes}
        meant, causes = self._reference(case)
        assert meant == case.expect, case
        if case.expect in ("trip", "failed"):
            # Of a lost signal the kernel names the tag, whichever of its causes it was that tripped.
            shown = [{tags[id] if case.kind == "bad" else id for id in ids} for ids in (causes, case.first_out)]
            assert shown[0] == shown[1], (case, causes)

    # --- the kernel ---

    def _kernel(self, case: Case) -> tuple[str, list[str]]:
        rule = self.rules[case.effect]
        stage = Plant([rule], self.table)
        stage.answer = lambda write: (False, 0.0) if write.output in stage.refused else (True, write.value)
        stage.values |= case.start
        name = case.effect
        if isinstance(rule, Alarm):
            stage.boot()
            assert stage.kernel.watches[name].truth & 3 != TRUE
            self._steps(stage, case.steps, name)
            return ("alarm" if stage.kernel.watches[name].truth & 3 in (TRUE, UNKNOWN) else "quiet"), []
        if case.expect in ("ready", "blocked"):
            self._steps(stage, case.steps, name)
            stage.boot()
            stage.prove()
            assert stage.ask("interlock.arm", name).code == 0
            stage.run(18)
            return ("ready" if stage.ask("interlock.reset", name).code == 0 else "blocked"), []
        stage.energise(name)
        assert stage.state(name) == "ARMED"
        if self._steps(stage, case.steps, name):
            return "refused", []
        function = stage.function(name)
        state = stage.state(name)
        tags = function.first_out.tags if function.first_out else ()
        causes = [cause.split()[0] for cause in (function.first_out.causes if function.first_out else ())]
        assert list(tags) == causes
        if state == "TRIP_FAILED":
            return "failed", self._ids(case, list(tags), function.first_out)
        if function.state in ENERGISED:
            assert all(stage.field[stop.output] != self._safe(stop.output) for stop in rule.stops)
            return "hold", []
        assert all(stage.field[stop.output] == self._safe(stop.output) for stop in rule.stops)
        return "trip", self._ids(case, list(tags), function.first_out)

    def _safe(self, output: str) -> float:
        return next(tag.safe for tag in self.table.tags if tag.name == output)

    def _ids(self, case: Case, tags: list[str], first_out: object) -> list[str]:
        """Cause ids of a first-out, which names tags and limits."""
        found = []
        for tag, said in zip(tags, first_out.causes, strict=True):  # type: ignore[attr-defined]
            marks = self.written.function(case.effect).wires()
            rows = [wire.row for wire in marks if wire.row.tag == tag]
            exact = [row.id for row in rows if said == f"{row.tag} {row.op} {row.limit:g}"]
            found += exact or [row.id for row in rows]
        return found

    def _steps(self, stage: Plant, steps: tuple[Step, ...], name: str) -> bool:
        """Does what the test says; True where a bypass was refused."""
        moves: dict[str, float] = {}
        for step in steps:
            if step.do == "set":
                moves[step.tag] = step.value
                continue
            if step.do == "bad":
                stage.bad |= {step.tag}
            elif step.do == "refuse":
                stage.refused |= {next(tag.number for tag in self.table.tags if tag.name == step.tag)}
            elif step.do == "bypass":
                role = self.rules[name].bypass.role
                if stage.ask("bypass.set", name, tag=step.tag, role=role, **FORM).code != 0:
                    return True
            elif step.do == "wait":
                if stage.kernel.booted:
                    stage.poll(**moves)
                moves = {}
                stage.run(step.value)
        stage.values |= moves
        return False

    # --- the reference ---

    def _reference(self, case: Case) -> tuple[str, set[str]]:
        values, bad = dict(case.start), set[str]()
        if case.expect in ("ready", "blocked"):
            for step in case.steps:
                values |= {step.tag: step.value} if step.do == "set" else {}
                bad |= {step.tag} if step.do == "bad" else set()
            return ("ready" if self.written.may_reset(case.effect, values, bad) else "blocked"), set()
        column = self.written.function(case.effect)
        alarm = isinstance(self.rules[case.effect], Alarm)
        now_s, refused = 0.0, False
        column.tick(now_s, values, bad)
        for step in case.steps:
            if step.do == "set":
                values[step.tag] = step.value
            elif step.do == "bad":
                bad.add(step.tag)
            elif step.do == "bypass":
                if not column.bypassable:
                    return "refused", set()
                column.left.add(step.tag)
            elif step.do == "refuse":
                refused = True
            else:
                for _ in range(round(step.value / TICK_S) + 1):
                    tripped, causes = column.tick(now_s, values, bad)
                    if tripped:
                        return ("alarm" if alarm else "failed" if refused else "trip"), causes
                    now_s += TICK_S
                now_s -= TICK_S
        return ("quiet" if alarm else "hold"), set()


def run_all(file: str, text: str, csv_form: str, table: TagTable, most: int | None = None, skip: int = 1) -> int:
    """Runs the list of a workbook (every `skip`-th test, at most `most`); the number of tests that ran."""
    program, matrix = compiled(file, text, table)
    bench = Bench(program, table, Table(csv_form))
    cases = [case for case in test_list(matrix, program, table) if case.kind != "impossible"][::skip][:most]
    for case in cases:
        bench.run(case)
    return len(cases)
