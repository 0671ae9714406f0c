"""What a worker gives up before it parses the first byte that came from outside (Linux)."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_PARENT_DEATH, _SET_DUMPABLE, _NO_NEW_PRIVILEGES = 1, 4, 38
FILES = 256  # descriptors of a worker: models, cameras, rings


def confine(*, memory: int, network: bool, files: int = FILES, cpu_s: int = 0) -> list[str]:
    """Drop what this process does not need; returns by name what could not be dropped. Call before the first thread exists.

    `memory`: bytes of address space, 0 = no limit here. `cpu_s` ends it hard after so many seconds of computing, 0 = never.
    It can gain no privileges, dies with the daemon, leaves no core, and has no network unless its jobs need one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    missing = []
    libc.prctl(_PARENT_DEATH, signal.SIGKILL, 0, 0, 0)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        missing.append("no_new_privileges")
    if not network and libc.unshare(_NEW_NET if os.geteuid() == 0 else _NEW_NET | _NEW_USER) != 0:
        missing.append("network")
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    limits = {resource.RLIMIT_NOFILE: files, resource.RLIMIT_CORE: 0}
    limits |= {resource.RLIMIT_AS: memory} if memory else {}
    limits |= {resource.RLIMIT_CPU: cpu_s} if cpu_s else {}
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))
    return missing
