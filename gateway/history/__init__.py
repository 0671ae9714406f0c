"""What was: every admitted input in segments on disk, kernel snapshots with them, value rings for trends in memory.

May touch: its own folder of files, one writer thread, numpy, msgspec, `core.samples` and `core.tags`.
May not touch: the kernel's state, personal values (refused by type), sockets; nothing here may block the loop.
"""
