"""Upstream: the durable queue of alarm summaries and the MQTT session that delivers them. Only alarm summaries leave.

May touch: `core.summary`, the journal's transactions (by shape, through `journal.participant`), the broker.
May not touch: samples, tags, rules, history, people; nothing that comes from upstream arms, bypasses, resets or writes.
"""
