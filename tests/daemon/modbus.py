"""Someone else on the PLC's network who writes a coil."""

from __future__ import annotations

import socket
import struct


def write_coil(port: int, address: int, value: bool, unit: int = 1) -> None:
    """Function 5 on a connection of its own. Raises OSError, AssertionError where the PLC refuses."""
    frame = struct.pack(">HHHBBHH", 1, 0, 6, unit, 5, address, 0xFF00 if value else 0)
    with socket.create_connection(("127.0.0.1", port), 3) as link:
        link.sendall(frame)
        assert link.recv(260)[7] == 5
