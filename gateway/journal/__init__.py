"""The journal: an append-only event store of which every committed row survives kill -9 and a power cut.

May touch: its own directory, one writer thread, `core.effects` and `core.summary`.
May not touch: the network, the kernel's state, the payloads that leave (the outbox takes part through `Participant`).
"""
