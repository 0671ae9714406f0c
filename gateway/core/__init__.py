"""The kernel: everything that decides. `step(stamp, input) -> effects`, synchronous and deterministic.

May touch: its own memory, numpy, msgspec.
May not touch: I/O, clocks, threads, asyncio, randomness, logging, any other room.
"""
