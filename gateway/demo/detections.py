"""What cameras, microphones and wearables of the demo plant say. All of it is made up here, and every message says so.

    plant/leak/f12            {"sound": 0.08, "ir": 0.05}                        score 0..1 of a leak at flange 12
    plant/zone/crane_bay      {"occupied": false}                                somebody stands under crane 2
    plant/fatigue/worker      {"score": 0.2}                                     personal: 0..1
    plant/behaviour/harness   {"unhooked": 0, "event": 12, "worker": 7}          personal: 1 seen unhooked, 0 in order
    plant/behaviour/minor     {"seen": 0, "event": 3, "worker": 7, "kind": 2}    personal: a minor violation

An event is one observation with a running number; it is repeated until the next one, which has another number.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Message = dict[str, float | bool]

# tag -> topic and key
SCORES: dict[str, tuple[str, str]] = {
    "leak.sound.f12": ("plant/leak/f12", "sound"),
    "leak.ir.f12": ("plant/leak/f12", "ir"),
    "crane_bay.occupied": ("plant/zone/crane_bay", "occupied"),
    "fatigue.worker": ("plant/fatigue/worker", "score"),
}
EVENTS: dict[str, tuple[str, str]] = {
    "harness_unhooked": ("plant/behaviour/harness", "unhooked"),
    "minor_violation": ("plant/behaviour/minor", "seen"),
}


def _calm() -> dict[str, Message]:
    return {
        "plant/leak/f12": {"sound": 0.08, "ir": 0.05},
        "plant/zone/crane_bay": {"occupied": False},
        "plant/fatigue/worker": {"score": 0.2},
        "plant/behaviour/harness": {"unhooked": 0, "event": 0, "worker": 0},
        "plant/behaviour/minor": {"seen": 0, "event": 0, "worker": 0, "kind": 0},
    }


@dataclass(slots=True)
class Detections:
    """The last message of each topic."""

    said: dict[str, Message] = field(default_factory=_calm)

    def messages(self) -> dict[str, dict[str, object]]:
        """What is said now, without the time."""
        return {topic: {**message, "simulated": True} for topic, message in self.said.items()}

    def set(self, name: str, value: float) -> None:
        """A score or presence moves. Raises KeyError."""
        topic, key = SCORES[name]
        self.said[topic][key] = bool(value) if key == "occupied" else value

    def event(self, name: str, seen: bool, worker: int, kind: int = 1) -> None:
        """One observation of a worker. Raises KeyError."""
        topic, key = EVENTS[name]
        message = self.said[topic]
        message |= {key: int(seen), "event": int(message["event"]) + 1, "worker": worker}
        if "kind" in message:
            message["kind"] = kind
