"""Kinds of deadline. The number breaks ties of equal due times, so the order is part of the contract."""

RULE, TRY, HELD, FRESH, PEER, FROZEN, BEAT, PROOF, BYPASS, SOURCE, PENDING, STOPPING = range(12)
PROOF_DUE, PROOF_END, CALM, ALARM, ESCALATE, FLOOD, CHATTER, STALE, TOLD = range(12, 21)
SOUND, UNHEEDED, REALARM, KPI, WARN = range(21, 26)
