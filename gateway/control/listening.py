"""Making the sockets: one per role, for the group `gatehouse-<role>` where the box has it, else for the owner only."""

from __future__ import annotations

import errno
import grp
import logging
import os
import socket
import stat
from pathlib import Path

PATH_MAX_BYTES = 107  # sun_path of unix(7), less its closing zero
DIRECTORY_MODE = 0o750
BACKLOG = 16

_log = logging.getLogger("gatehouse.control")


def prepare(directory: Path) -> None:
    """Make `directory` (0750, group `gatehouse` where there is one). Raises OSError."""
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    os.chmod(directory, DIRECTORY_MODE)
    _give(directory, "gatehouse")


def listen(directory: Path, role: str) -> socket.socket:
    """A listening socket `directory/<role>.sock`, its permissions set before anyone can connect.

    A socket left by a dead daemon is replaced; raises OSError (EADDRINUSE) where a living one answers.
    """
    path = directory / f"{role}.sock"
    _remove_dead(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setblocking(False)
        _through_short_name(listener.bind, path)
        os.chmod(path, 0o600)
        if _give(path, f"gatehouse-{role}"):
            os.chmod(path, 0o660)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _give(path: Path, group: str) -> bool:
    """Whether `path` now belongs to `group`."""
    try:
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
    except KeyError:
        return False
    except PermissionError:
        _log.warning("%s stays with its owner: this account is not a member of group %s", path, group)
        return False
    return True


def _remove_dead(path: Path) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "is not a socket and is in the way", str(path))
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            _through_short_name(probe.connect, path)
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            pass  # its queue is full, so it lives
    raise OSError(errno.EADDRINUSE, "another daemon answers on this socket", str(path))


def _through_short_name(call: object, path: Path) -> None:
    """`call(path)` for a socket, also where the path is longer than a socket address can be."""
    assert callable(call)
    if len(os.fsencode(path)) <= PATH_MAX_BYTES:
        call(str(path))
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        call(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
