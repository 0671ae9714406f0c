"""Giving up everything this process does not need, before the first hostile byte is read (Linux)."""

from __future__ import annotations

import ctypes
import os
import resource

_NOBODY = 65_534
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_SET_DUMPABLE, _NO_NEW_PRIVILEGES = 4, 38
MEMORY = 1536 << 20  # bytes of address space; libraries take about a third of it before anything is read


def confine(cpu_s: int = 0) -> list[str]:
    """Drop privileges, the network, new files and new processes; returns what could not be dropped, by name.

    Everything must be imported before: from here on this process can open no file and no socket. What it holds already
    (the capture, its standard streams) stays usable. `cpu_s` ends it hard after that many seconds of computing, 0: never.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    missing = []
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        missing.append("no_new_privileges")
    root = os.geteuid() == 0
    # without privileges a network of its own needs a user namespace, which some systems forbid
    if libc.unshare(_NEW_NET if root else _NEW_NET | _NEW_USER) != 0:
        missing.append("network")
    if root:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    limits = {resource.RLIMIT_NOFILE: 0, resource.RLIMIT_NPROC: 0, resource.RLIMIT_CORE: 0}
    limits |= {resource.RLIMIT_AS: MEMORY} | ({resource.RLIMIT_CPU: cpu_s} if cpu_s else {})
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    return missing
