"""What the loss of each input of an interlock does, by the voting tables."""

from __future__ import annotations

from typing import Literal

import z3

from gateway.core.program import Expression, Good, Interlock, Vote
from gateway.core.voting import FALSE, TRUE
from gateway.rulebook.prove.example import Example
from gateway.rulebook.prove.finding import Desk, seen
from gateway.rulebook.prove.question import LOST, Asker, Claim, Verdict
from gateway.rulebook.prove.rehearse import replayed
from gateway.rulebook.prove.scene import Logic, Scene
from gateway.rulebook.prove.truth import Lossy, Reading
from gateway.rulebook.prove.walk import inside, leaves, parts, tags, tags_of_leaf

# What losing one input does: it trips whatever the others read; it trips in some states of the others, which are GOOD;
# it trips only beside the loss of others; it never does.
Effect = Literal["trips", "may trip", "with others", "never", "open"]


def coverage(rule: Interlock, desk: Desk, asker: Asker) -> None:
    """Find what losing each input does; lay down where it can never trip, or hides a demand, without a justification."""
    found: dict[str, str] = {}
    for tag in tags(rule.when):
        effect = found[tag] = _effect(rule, tag, asker)
        if effect == "open":
            desk.undecided("bad", rule, tag=tag)
        elif effect == "never" and not rule.because:
            desk.say("check.bad-never", rule, None, tag=tag)
        elif effect != "never" and not rule.because and _told_apart(rule.when, tag):
            _hides(rule, tag, desk, asker)
    desk.coverage[rule.name] = found


def _effect(rule: Interlock, tag: str, asker: Asker) -> Effect:
    if _straight(rule.when, tag):
        return "trips"
    others = [other for other in tags(rule.when) if other != tag]
    steps: tuple[tuple[Effect, Verdict, list[str], bool], ...] = (
        ("trips", "no", [], True),
        ("may trip", "yes", [], False),
        ("with others", "yes", others, False),
    )
    for effect, wanted, also, quiet in steps:
        verdict, _ = asker.ask([rule.when], _claim(rule, tag, also, quiet=quiet), example=False)
        if verdict == wanted:
            return effect
        if verdict == "open":
            return "open"
    return "never"


def _claim(rule: Interlock, tag: str, also: list[str], *, quiet: bool) -> Claim:
    """`quiet`: its loss does not trip. Else: its loss trips, and its being GOOD would not; those of `also` may be lost."""

    def claim(scene: Scene) -> list[Logic]:
        gone = {other: z3.Bool(f"{LOST}{other}") for other in also}
        lost = Lossy(scene, {**gone, tag: z3.BoolVal(True)}, rule.on_bad).truth(rule.when).true
        if quiet:
            return [z3.Not(lost)]
        return [lost, z3.Not(Lossy(scene, gone, rule.on_bad).truth(rule.when).true)]

    return claim


def _straight(node: Expression, tag: str) -> bool:
    """The whole condition is one comparison of this tag: lost, it is unknown, and unknown is demand."""
    return (
        not inside(node)
        and not isinstance(node, Good)
        and tag in {t for leaf in leaves(node) for t in tags_of_leaf(leaf)}
    )


def _told_apart(node: Expression, tag: str) -> bool:
    """Does the tag stand outside every vote, and is it asked whether it is good? A vote of many channels bears a loss by design."""
    voted = {other for part in parts(node) if isinstance(part, Vote) for item in part.items for other in tags(item)}
    return tag not in voted and any(isinstance(leaf, Good) and leaf.tag == tag for leaf in leaves(node))


def _hides(rule: Interlock, tag: str, desk: Desk, asker: Asker) -> None:
    def claim(scene: Scene) -> list[Logic]:
        lost = Lossy(scene, {tag: z3.BoolVal(True)}, rule.on_bad).truth(rule.when).true
        return [Reading(scene).holds(rule.when), z3.Not(lost)]

    verdict, example = asker.ask([rule.when], claim)
    if verdict == "open":
        desk.undecided("bad", rule, tag=tag)
    elif example is not None:
        desk.say("check.bad-hides", rule, seen(example, replayed=_hidden(example, rule, tag, desk)), tag=tag)


def _hidden(example: Example, rule: Interlock, tag: str, desk: Desk) -> bool:
    """The kernel trips on the example, and does not where `tag` is lost in its last instant."""
    last = {**example.instants[-1], tag: None}
    gone = Example((*example.instants[:-1], last), example.times, example.timed)
    plant, when = desk.plant, [rule.when]
    return replayed(example, when, lambda truths: truths[0] & 3 == TRUE, plant, rule.on_bad) and replayed(
        gone, when, lambda truths: truths[0] & 3 == FALSE, plant, rule.on_bad
    )
