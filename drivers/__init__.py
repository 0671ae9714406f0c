"""Protocols: one file each. A driver connects, reads, emits blocks and writes what it is told to.

May touch: `drivers.base`, `gateway.core.{tags,samples,errors}`, its one protocol library.
May not touch: any other room, threads and queues of its own, reconnecting (the supervisor does that).
"""
