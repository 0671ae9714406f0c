"""The heartbeats to the PLCs, the counters of theirs that we watch, and the guided proof of their watchdogs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gateway.core.deadlines import BEAT, PEER, PROOF
from gateway.core.effects import Beat
from gateway.core.limits import MS, SECOND
from gateway.core.tags import Quality

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

SAFE_WITHIN_NS = 1 * SECOND  # interlocks.md §7: silence to safe outputs
LATCHED_FOR_NS = 2 * SECOND  # the heartbeat is back this long and the PLC still holds its outputs safe
PROOF_NS = 3 * SECOND  # time given to a PLC that tells of its watchdog
PROOF_BY_HAND_NS = 120 * SECOND  # time given to a person who has to look at the PLC

Proof = Literal["none", "running", "latched", "proven"]


@dataclass(slots=True)
class _Peer:
    """One source's heartbeat state; times in kernel ns."""

    counter: int = 0
    beat_ns: int = -1
    peer_value: float = float("inf")
    peer_ns: int = -1
    silent: bool = False
    proof: Proof = "none"
    began_ns: int = -1
    safe_ns: int = -1
    person: str = ""
    generation: int = 0


class Heartbeats:
    """Beats are deadlines of the kernel: a kernel that does not step does not beat."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._sources = kernel.table.sources
        self.peers = [_Peer() for _ in self._sources]

    def start(self, now_ns: int) -> None:
        """Begin to beat."""
        for at, source in enumerate(self._sources):
            if source.heartbeat >= 0:
                self._kernel.schedule(now_ns, BEAT, at)

    def due(self, at: int, now_ns: int) -> None:
        """A beat is due: the counter moves unless it is withheld on purpose (I3) or for a proof."""
        source, peer = self._sources[at], self.peers[at]
        self._kernel.schedule(now_ns + source.heartbeat_ms * MS, BEAT, at)
        if self.withheld(at):
            return
        peer.counter = (peer.counter + 1) & 0xFFFF
        peer.beat_ns = now_ns
        self._kernel.emit(Beat(source.name, source.heartbeat, peer.counter))

    def withheld(self, at: int) -> bool:
        """The PLC is to go safe by itself now."""
        return self.peers[at].proof == "running" or self._kernel.silent(self._sources[at].name)

    # --- the PLC's own counter (I4) ---

    def peer_seen(self, at: int, value: float, now_ns: int) -> bool:
        """Note the PLC's counter; True if it moves again after a silence."""
        peer = self.peers[at]
        if value == peer.peer_value or value != value:  # what is no number does not count
            return False
        first = peer.peer_ns < 0 or peer.silent
        peer.peer_value, peer.peer_ns = value, now_ns
        was_silent, peer.silent = peer.silent, False
        if first:
            self._kernel.schedule(now_ns + self._sources[at].peer_stale_ms * MS, PEER, at)
        return was_silent

    def peer_silent(self, at: int, now_ns: int) -> bool:
        """The watch on the PLC's counter is due; True if it has just become silent."""
        peer = self.peers[at]
        due_ns = peer.peer_ns + self._sources[at].peer_stale_ms * MS
        if due_ns > now_ns:
            self._kernel.schedule(due_ns, PEER, at)
            return False
        peer.silent = True
        return True

    # --- the guided proof (§7) ---

    def proven(self, source: str) -> bool:
        """Heartbeat loss has been proven on this PLC."""
        return self.peers[self._kernel.sources[source]].proof == "proven"

    def begin_proof(self, at: int, person: str, now_ns: int) -> None:
        """Stop the heartbeat and wait for the PLC to go safe by itself."""
        peer = self.peers[at]
        peer.proof, peer.began_ns, peer.safe_ns, peer.person = "running", now_ns, -1, person
        peer.generation += 1
        by_hand = self._sources[at].healthy < 0
        self._kernel.schedule(now_ns + (PROOF_BY_HAND_NS if by_hand else 50 * MS), PROOF, at, peer.generation)

    def proof_due(self, at: int, generation: int, now_ns: int) -> None:
        """Look at the PLC's word during a proof: first it must go safe in time, then stay latched under a new heartbeat."""
        peer, source = self.peers[at], self._sources[at]
        if generation != peer.generation or peer.proof not in ("running", "latched"):
            return
        if source.healthy < 0:
            self.end_proof(at, "failed", now_ns, "nobody answered")
            return
        image = self._kernel.image
        good = image.qualities[source.healthy] == Quality.GOOD
        safe = good and image.values[source.healthy] == 0.0
        allowed_ns = SAFE_WITHIN_NS + 2 * source.period_ms * MS + 50 * MS
        if peer.proof == "running":
            if safe:
                peer.safe_ns = now_ns
                if now_ns - peer.beat_ns > allowed_ns:
                    self.end_proof(at, "failed", now_ns, "the PLC went safe too late")
                    return
                peer.proof = "latched"
            elif now_ns - peer.began_ns > PROOF_NS:
                self.end_proof(at, "failed", now_ns, "the PLC did not go safe")
                return
        elif not safe:
            self.end_proof(at, "failed", now_ns, "the PLC did not stay latched")
            return
        elif now_ns - peer.safe_ns >= LATCHED_FOR_NS:
            self.end_proof(at, "proven", now_ns, "")
            return
        self._kernel.schedule(now_ns + 50 * MS, PROOF, at, generation)

    def end_proof(self, at: int, result: Literal["proven", "failed"], now_ns: int, why: str) -> None:
        """Record the result; a proven watchdog is kept over restarts, a failed one takes the earlier proof away."""
        peer, source = self.peers[at], self._sources[at]
        detail: dict[str, Any] = {"result": result}
        if why:
            detail["why"] = why
        if peer.safe_ns >= 0:
            detail["safe_after_ms"] = (peer.safe_ns - peer.began_ns) // MS
        peer.proof = "proven" if result == "proven" else "none"
        keep = msgspec.msgpack.encode([peer.proof, source.heartbeat]) if result == "proven" else None
        self._kernel.record(
            "watchdog.proof", source.name, now_ns, detail, person=peer.person, key=f"watchdog:{source.name}", keep=keep
        )

    def restore(self, source: str, data: bytes) -> None:
        """Take what the journal kept of an earlier proof."""
        at = self._kernel.sources.get(source)
        if at is not None and msgspec.msgpack.decode(data)[0] == "proven":
            self.peers[at].proof = "proven"

    _SAVED = tuple(_Peer.__slots__)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [[getattr(peer, name) for name in self._SAVED] for peer in self.peers]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        for peer, saved in zip(self.peers, state, strict=True):
            for name, value in zip(self._SAVED, saved, strict=True):
                setattr(peer, name, value)
