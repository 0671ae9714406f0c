"""Every sentence the rulebook says to people, in both languages, by stable code; those of workbooks are apart."""

from __future__ import annotations

from gateway.rulebook.sentences.clauses import CLAUSES
from gateway.rulebook.sentences.conditions import CONDITIONS
from gateway.rulebook.sentences.effects import EFFECTS
from gateway.rulebook.sentences.sentence import Sentence

SENTENCES: dict[str, Sentence] = {**CLAUSES, **CONDITIONS, **EFFECTS}
