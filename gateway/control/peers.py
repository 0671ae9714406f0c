"""Who is at the other end of a Unix socket, as the kernel says it: nothing that the peer claims is used."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from dataclasses import dataclass

_UCRED = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)


@dataclass(frozen=True, slots=True)
class Peer:
    """A person at a socket: the name of their account, and the process for the log."""

    person: str
    uid: int
    pid: int


def peer_of(file_number: int) -> Peer:
    """The peer of the connected Unix socket `file_number`. Raises OSError. Asks the user database: call it in a thread."""
    with socket.socket(fileno=os.dup(file_number)) as copy:
        pid, uid, _gid = _UCRED.unpack(copy.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(person_of(uid), uid, pid)


def person_of(uid: int) -> str:
    """The account name of `uid`, or `uid-N` where the box has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
