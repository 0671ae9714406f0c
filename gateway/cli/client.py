"""Talking to the daemon: one line out, one or more lines back, over the socket of a role."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gateway.cli import codes
from gateway.control.messages import ROLES, Reply, Request

PATH_MAX_BYTES = 107  # sun_path of unix(7), less its closing zero
CONNECT_S = 2.0
REPLY_S = 7.0  # the desk waits at most 5 s for the kernel
READING = ROLES  # the least role that lets us in is enough to look
ACTING = ("engineer", "supervisor", "operator", "maintainer")  # the highest one that this account has


class Unreachable(Exception):
    """No answer to be had: `code` is the exit code, `key` the text that says why."""

    def __init__(self, code: int, key: str, **args: object) -> None:
        super().__init__(key)
        self.code = code
        self.key = key
        self.args_of_text = args


def connect(directory: Path, roles: tuple[str, ...]) -> socket.socket:
    """A connected socket of the first of `roles` that lets us in. Raises Unreachable."""
    refused = False
    for role in roles:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(CONNECT_S)
        try:
            open_socket(link, directory, f"{role}.sock")
        except PermissionError:
            refused = True
        except TimeoutError:
            link.close()
            raise Unreachable(codes.TIMEOUT, "client.timeout", directory=directory) from None
        except OSError:  # not there, or nobody behind it: the next role may have one
            pass
        else:
            link.settimeout(REPLY_S)
            return link
        link.close()
    if refused:
        raise Unreachable(codes.NOT_PERMITTED, "client.not-permitted", directory=directory)
    raise Unreachable(codes.UNREACHABLE, "client.unreachable", directory=directory)


def open_socket(link: socket.socket, directory: Path, name: str) -> None:
    """Connect `link` to `directory/name`, also where that is longer than a socket's address can be. Raises OSError."""
    if len(os.fsencode(directory / name)) <= PATH_MAX_BYTES:
        link.connect(str(directory / name))
        return
    folder = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        link.connect(f"/proc/self/fd/{folder}/{name}")
    finally:
        os.close(folder)


def replies(directory: Path, roles: tuple[str, ...], request: Request) -> Iterator[Reply]:
    """The reply to `request`, and with `request.stream` those that follow. Raises Unreachable."""
    decoder = msgspec.json.Decoder(Reply)
    link = connect(directory, roles)
    with link, link.makefile("rwb") as lines:
        try:
            lines.write(msgspec.json.encode(request) + b"\n")
            lines.flush()
            rows: list[Any] = []
            while True:
                line = lines.readline()
                if not line:
                    raise Unreachable(codes.UNREACHABLE, "client.lost")
                reply = decoder.decode(line)
                if reply.more:
                    rows += reply.data
                    continue
                if rows:
                    reply.data, rows = rows + reply.data, []
                yield reply
                if not request.stream or reply.code != codes.OK:
                    return
        except TimeoutError:
            raise Unreachable(codes.TIMEOUT, "client.timeout", directory=directory) from None
        except OSError:
            raise Unreachable(codes.UNREACHABLE, "client.lost") from None
        except msgspec.DecodeError:
            raise Unreachable(codes.FAILED, "client.garbage") from None
