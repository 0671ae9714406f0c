"""Every IPv4 packet of this network namespace with its time, one line each: `wire_tap.py`; prints "ready", ends with its stdin.

A line: seconds since 1970, protocol number, source, its port, target, its port, payload in hex ("-" = none).
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time

ALL, IPV4 = 3, b"\x08\x00"


def told(frame: bytes) -> str:
    """The line of one Ethernet frame, "" where it is no TCP or UDP."""
    if frame[12:14] != IPV4 or frame[23] not in (6, 17):
        return ""
    head, total = (frame[14] & 15) * 4, int.from_bytes(frame[16:18], "big")
    packet = frame[14 + head : 14 + total]
    source, target = struct.unpack_from(">HH", packet)
    payload = packet[(packet[12] >> 4) * 4 if frame[23] == 6 else 8 :]
    ends = f"{socket.inet_ntoa(frame[26:30])} {source} {socket.inet_ntoa(frame[30:34])} {target}"
    return f"{time.time():.6f} {frame[23]} {ends} {payload.hex() or '-'}"


def main() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as tap:
        print("ready", flush=True)
        while sys.stdin not in (ready := select.select([tap, sys.stdin], [], [])[0]):
            line = told(tap.recv(65_535)) if ready else ""
            if line:
                print(line, flush=True)


main()
