"""What speaks for a protocol in one flow, and from when on it is said.

Agreement is counted in bits, as `frames.py` says. A frame that has been seen before proves nothing new and adds nothing.

* **confirmed**: LIKELY_BITS, and an answer that echoes the ids of a request, all lengths consistent;
* **likely**: LIKELY_BITS: three consistent frames of ordinary framing (16 bits each), or one whose nested lengths, check sum or
  long constants carry as much by themselves;
* anything less is no identification: it is counted as a port-only hint where the port is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.identify.checks.found import REQUEST, RESPONSE, Found

LIKELY_BITS = 48.0
MOST_MISSED = 0.5  # share of payloads that may fail to fit: a protocol that explains less than it leaves open is none
_MOST_ASKED, _MOST_DISTINCT, _MOST_FACTS, _SAMPLE = 32, 64, 16, 32


@dataclass(slots=True)
class Hits:
    """The frames of one protocol in one flow; ends are 0 and 1, `votes` says which of them is the device."""

    protocol: str
    rule: str
    frames: int = 0
    bits: float = 0.0
    best_bits: float = 0.0
    answered: int = 0
    sample: bytes = b""
    answer: bytes = b""
    votes: list[int] = field(default_factory=lambda: [0, 0])
    senders: list[int] = field(default_factory=lambda: [0, 0])
    facts: list[dict[str, str]] = field(default_factory=lambda: [{}, {}])
    asked: dict[bytes, int] = field(default_factory=dict)
    distinct: set[int] = field(default_factory=set)

    def add(self, frame: bytes, sender: int, bits: float, found: Found) -> None:
        """One frame that fits."""
        self.frames += 1
        self.senders[sender] += 1
        mark = hash(frame[:96])
        if mark not in self.distinct and len(self.distinct) < _MOST_DISTINCT:
            self.distinct.add(mark)
            self.bits += bits
            if bits > self.best_bits:
                self.best_bits, self.sample = bits, frame[:_SAMPLE]
        if found.role == REQUEST:
            self.votes[1 - sender] += 1
        elif found.role == RESPONSE:
            self.votes[sender] += 1
        told = self.facts[sender]
        for name, value in found.facts:
            if len(told) < _MOST_FACTS or name in told:
                told[name] = value
        self._echo(frame, sender, found.role, found.key)

    def _echo(self, frame: bytes, sender: int, role: int, key: bytes) -> None:
        """An answer carries the key of a request that went the other way before."""
        if not key:
            return
        asker = self.asked.get(key)
        if asker is not None and asker != sender and role != REQUEST:
            self.answered += 1
            self.answer = self.answer or frame[:_SAMPLE]
            self.votes[sender] += 1
            del self.asked[key]
        elif role != RESPONSE:
            if len(self.asked) >= _MOST_ASKED:
                del self.asked[next(iter(self.asked))]
            self.asked[key] = sender

    def confidence(self, missed: int) -> str:
        """confirmed, likely or "" for too little."""
        if self.bits < LIKELY_BITS or missed > MOST_MISSED * (missed + self.frames):
            return ""
        return "confirmed" if self.answered else "likely"
