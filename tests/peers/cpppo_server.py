"""A Logix controller simulated by cpppo, run by the interpreter of tests/peers/.venv (GPL: never part of the product).

cpppo_server.py PORT NAME=TYPE[SIZE]...      prints the port; then a line each on stdin:
set NAME INDEX VALUE      get NAME INDEX
"""

import socket
import sys
import threading
import time

import cpppo
from cpppo.server.enip import device
from cpppo.server.enip.main import main as serve

TAGS: dict[str, "Remembered"] = {}


class Remembered(device.Attribute):
    """An attribute that this script finds by its name."""

    def __init__(self, name, *given, **more):
        super().__init__(name, *given, **more)
        TAGS[name] = self


def command(line: str) -> str:
    verb, name, index, *rest = line.split()
    tag = TAGS[name]
    if verb == "get":
        return str(float(tag.default if tag.scalar else tag.default[int(index)]))
    value = float(rest[0]) if isinstance(tag.default if tag.scalar else tag.default[0], float) else int(float(rest[0]))
    if tag.scalar:
        tag.default = value
    else:
        tag.default[int(index)] = value
    return "ok"


def talk(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.02)
    print(port, flush=True)
    for line in sys.stdin:
        try:
            print(command(line), flush=True)
        except (KeyError, ValueError, IndexError):
            print("?", flush=True)


if __name__ == "__main__":
    port = int(sys.argv[1])
    threading.Thread(target=talk, args=(port,), daemon=True).start()
    control = cpppo.apidict(timeout=1.0, done=False)
    serve(["--address", f"127.0.0.1:{port}", *sys.argv[2:]], attribute_class=Remembered, server={"control": control})
