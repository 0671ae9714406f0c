"""The way from an unknown PLC to checked tags: tag lists of other tools, device profiles, live sanity, loop checks.

May touch: the site room, drivers through `drivers.base`, `offline.html` for its report. Runs in a process of its own, never in the daemon.
May not touch: the kernel, the daemon's control sockets, anything that writes to a device.
"""
