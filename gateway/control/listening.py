"""Making the sockets: one per role, for the group `gatehouse-<role>` where the box has it, else for the owner only."""

from __future__ import annotations

import errno
import grp
import logging
import os
import socket
import stat
import struct
from pathlib import Path

PATH_MAX_BYTES = 107  # sun_path of unix(7), less its closing zero
DIRECTORY_MODE = 0o750
BACKLOG = 16
# acl(5) as the kernel keeps it: version 2, then (tag, permissions, id) in the order of the tags
ACL, ACL_VERSION, NO_ID, READ_WRITE = "system.posix_acl_access", 2, 0xFFFFFFFF, 6
USER_OBJ, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x04, 0x08, 0x10, 0x20

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
    """Whether `group` may now use `path`: it belongs to the group, or names it in its access list.

    The list is for the shipped unit, whose sandbox has no chown; an owner may write the list of its own file.
    """
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        return False
    if os.stat(path).st_gid == number:
        return True
    try:
        os.chown(path, -1, number)
    except PermissionError:
        return _name(path, group, number)
    return True


def _name(path: Path, group: str, number: int) -> bool:
    rows = (
        (USER_OBJ, READ_WRITE, NO_ID), (GROUP_OBJ, 0, NO_ID), (GROUP, READ_WRITE, number), (MASK, READ_WRITE, NO_ID),
        (OTHER, 0, NO_ID),
    )  # fmt: skip
    try:
        os.setxattr(path, ACL, struct.pack("<I", ACL_VERSION) + b"".join(struct.pack("<HHI", *row) for row in rows))
    except OSError as error:
        _log.warning("%s stays with its owner: group %s cannot be let in (%s)", path, group, error.strerror)
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
