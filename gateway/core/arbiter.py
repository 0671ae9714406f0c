"""All outputs of the box: who owns them, what they are asked, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway.core.deadlines import HELD, TRY
from gateway.core.effects import Write
from gateway.core.outputs import Output, Owner
from gateway.core.samples import WriteResult
from gateway.core.tags import Cause, Quality

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


class Arbiter:
    """Lets the outputs follow their owners at the end of each instant, and tells the owners what was read back."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.outputs: dict[str, Output] = {}
        self._unsettled: list[Output] = []  # outputs whose owners may want another value at the end of this instant
        self._waiting: dict[int, Output] = {}  # outputs by the id of their write in flight
        self._checked: list[list[Output]] = [[] for _ in kernel.table.groups]

    def output(self, name: str) -> Output:
        """The declared output `name`, which rules drive as a bit."""
        if name not in self.outputs:
            self._kernel.alarms.add_system(f"{name}_HUNTING", self._declare(name).tag.area, 2)
        return self.outputs[name]

    def sound(self, name: str) -> Output:
        """The declared output `name` of a horn or beacon, which no rule drives."""
        assert name not in self.outputs, f"{name} belongs to a rule or another sounder"
        output = self._declare(name)
        output.sound = True
        return output

    def _declare(self, name: str) -> Output:
        kernel = self._kernel
        tag = kernel.table.tags[kernel.names[name]]
        assert tag.writable, f"{name} is not a declared output"
        assert tag.boolean, f"{name}: an interlock drives bits"
        self.outputs[name] = output = Output(tag, kernel.count)
        self._checked[tag.group].append(output)
        return output

    def own(self, owner: Owner) -> None:
        """`owner` is in service: its outputs are arbitrated with it, in rule order."""
        self._unsettled += owner.outputs
        for output in owner.outputs:
            if owner not in output.owners:
                output.owners = sorted([*output.owners, owner], key=lambda each: each.index)

    def disown(self, owner: Owner) -> None:
        """`owner` is out of service."""
        self._unsettled += owner.outputs
        for output in owner.outputs:
            output.owners = [each for each in output.owners if each is not owner]

    # --- asking ---

    def unsettle(self, outputs: Sequence[Output]) -> None:
        """Look at these outputs again at the end of this instant."""
        self._unsettled += outputs

    def settle(self, now_ns: int) -> None:
        """Let the outputs follow their owners."""
        while self._unsettled:
            output = self._unsettled.pop(0)
            before = output.hunting
            self.ask(output, output.arbitrate(now_ns))
            if output.hunting and not before:
                self._latch_out(output, now_ns)

    def _latch_out(self, output: Output, now_ns: int) -> None:
        """I21: hunting, and only a person lets it move again; a restart does not."""
        name = output.tag.name
        self._kernel.record("output.hunting", name, now_ns, key=f"output:{name}", keep=b"hunting")
        self._kernel.alarms.system(f"{name}_HUNTING", True, now_ns)

    def clear(self, output: Output, now_ns: int) -> None:
        """A person lets a hunting output move again."""
        name = output.tag.name
        output.clear_hunting()
        self._kernel.record("output.cleared", name, now_ns, key=f"output:{name}")
        self._kernel.alarms.system(f"{name}_HUNTING", False, now_ns)
        self._unsettled.append(output)

    def restore(self, name: str) -> None:
        """The journal kept that this output was hunting."""
        if name in self.outputs:
            self.outputs[name].hunting = True

    def ask(self, output: Output, write: Write | None) -> None:
        """Emit a write with its deadline, or look again when what is held may move."""
        kernel = self._kernel
        if write is not None:
            kernel.emit(write)
            self._waiting[write.id] = output
            kernel.schedule(write.deadline_ns, TRY, output.tag.number, write.id)
        elif output.held_until_ns:
            kernel.schedule_once(output.held_until_ns, HELD, output.tag.number)

    # --- what came of it ---

    def check(self, number: int, now_ns: int) -> None:
        """I12: the group was heard or lost; hold what it says of our outputs against what is asked of them."""
        checked = self._checked[number]
        if not checked:
            return
        values, qualities = self._kernel.image.values, self._kernel.image.qualities
        for output in checked:
            tag = output.tag.number
            if qualities[tag] != Quality.GOOD:
                if output.unread(now_ns):
                    self.ask(output, None)
            elif not output.stands(values[tag]):
                write = output.polled(values[tag], now_ns)
                if output.external:
                    self._foreign_write(output, now_ns)
                self.ask(output, write)

    def _foreign_write(self, output: Output, now_ns: int) -> None:
        kernel = self._kernel
        kernel.record("output.foreign_write", output.tag.name, now_ns, {"asked": output.wanted, "read": output.read})
        self._tell(output, now_ns)
        kernel.alarms.foreign_write(output, now_ns)
        output.external = False

    def on_result(self, result: WriteResult, now_ns: int) -> None:
        """The answer to a write; too late, or for a movement that another one has replaced, it means nothing."""
        output = self._waiting.pop(result.id, None)
        if output is None or output.in_flight != result.id:
            return
        self.ask(output, output.answered(result.value, result.ok, now_ns))
        if not output.verified and not output.sound:  # a sounder has an alarm of its own, and is tried for ever
            row = {"value": result.value, "asked": output.wanted, "try": output.tries, "error": result.error}
            finite = {key: value for key, value in row.items() if value == value}  # NaN is nothing that JSON can say
            self._kernel.record("output.read_back_wrong", output.tag.name, now_ns, finite)
        elif self._kernel.image.causes[output.tag.number] not in (Cause.NONE, Cause.NEVER) and output.unread(now_ns):
            self.ask(output, None)
        self._tell(output, now_ns)

    def due_try(self, tag: int, write_id: int, now_ns: int) -> None:
        """A write may be unanswered at its deadline."""
        kernel = self._kernel
        output = self.outputs[kernel.table.tags[tag].name]
        self._waiting.pop(write_id, None)
        if output.in_flight == write_id:
            self.ask(output, output.overdue(write_id, now_ns))
            row = {"asked": output.wanted, "try": output.tries}
            if not output.sound:
                kernel.record("output.read_back_late", output.tag.name, now_ns, row)
            self._tell(output, now_ns)

    def due_held(self, tag: int, now_ns: int) -> None:
        """A movement that was held back may go on."""
        output = self.outputs[self._kernel.table.tags[tag].name]
        self.ask(output, output.again(now_ns))
        if output.failed and output.wanted != output.tag.safe:
            self._kernel.record("output.unread", output.tag.name, now_ns, {"asked": output.wanted})
            self._tell(output, now_ns)

    def _tell(self, output: Output, now_ns: int) -> None:
        """Tell the owners, and those whose trip goes on though they have let go of it."""
        for owner in list(output.owners):
            owner.read_back(now_ns)
        for function in self._kernel.functions.values():
            if function.live and output in function.outputs and function not in output.owners:
                function.read_back(now_ns)

    def all_safe(self) -> bool:
        """Every owned output of a rule is read back safe."""
        owned = [output for output in self.outputs.values() if output.owners and not output.sound]
        return all(output.verified and output.wanted == output.tag.safe for output in owned)

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [
            {name: output.save() for name, output in self.outputs.items()},
            [output.tag.name for output in self._unsettled],
        ]

    def load(self, state: Sequence[Any], owners: dict[int, Owner]) -> None:
        """Take a snapshot's state; `owners` are the rules that can own outputs, by index."""
        for name, saved in state[0].items():
            self.outputs[name].load(saved, owners)
        self._unsettled = [self.outputs[name] for name in state[1]]
        self._waiting = {output.in_flight: output for output in self.outputs.values() if output.in_flight}
