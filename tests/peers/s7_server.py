"""An S7 CPU made with the C library Snap7 (python-snap7 2.0.2), run by the interpreter of tests/peers/.venv.

s7_server.py PORT      prints the port; then a line each on stdin:
set AREA START HEX     get AREA START SIZE     clients         AREA: DB1, M, I, Q
"""

import ctypes
import sys

import snap7
from snap7.type import SrvArea

SIZE = 1024
AREAS = {"DB1": (SrvArea.DB, 1), "M": (SrvArea.MK, 0), "I": (SrvArea.PE, 0), "Q": (SrvArea.PA, 0)}


def main() -> None:
    port = int(sys.argv[1])
    memory = {name: (ctypes.c_uint8 * SIZE)() for name in AREAS}
    server = snap7.server.Server(log=False)
    for name, (area, index) in AREAS.items():
        server.register_area(area, index, memory[name])
    server.start_to("127.0.0.1", tcp_port=port)
    print(port, flush=True)
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "set":
            data = bytes.fromhex(words[2])
            ctypes.memmove(ctypes.addressof(memory[words[0]]) + int(words[1]), data, len(data))
            print("ok", flush=True)
        elif verb == "get":
            start, size = int(words[1]), int(words[2])
            print(bytes(memory[words[0]][start : start + size]).hex(), flush=True)
        elif verb == "clients":
            print(server.get_status()[2], flush=True)
        else:
            print("?", flush=True)
    server.stop()


main()
