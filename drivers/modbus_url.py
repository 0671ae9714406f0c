"""Where a Modbus device is: `tcp://host:port`, `rtu+tcp://host:port`, `rtu:///dev/ttyUSB0?baud=19200&parity=E`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from gateway.core.errors import AddressError

PORT = 502
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A parsed url. `host` is the path of the port for "rtu"; the line's settings are the serial line's own (V1.02, 2.5.1)."""

    kind: Literal["tcp", "rtu+tcp", "rtu"]
    host: str
    port: int = 0
    baud: int = 19200
    parity: str = "E"
    stop: int = 1
    bits: int = 8

    @property
    def line(self) -> str:
        """What is shared by all units that can be reached there, as people write it."""
        if self.kind == "rtu":
            return f"{self.host} {self.baud} {self.bits}{self.parity}{self.stop}"
        return f"{self.host}:{self.port}"

    @property
    def bit_count(self) -> int:
        """Bits of one character on the line, with start, parity and stop."""
        return 1 + self.bits + (self.parity != "N") + self.stop


def endpoint(url: str) -> Endpoint:
    """Raises AddressError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _wrong(url) from None
    if parts.scheme == "rtu" and not parts.netloc and len(parts.path) > 1:
        return _serial(url, parts.path, parts.query)
    if parts.scheme not in ("tcp", "rtu+tcp") or not host or port == 0:
        raise _wrong(url)
    if parts.path.strip("/") or parts.query or parts.username:
        raise _wrong(url)
    return Endpoint("tcp" if parts.scheme == "tcp" else "rtu+tcp", host, PORT if port is None else port)


def _serial(url: str, path: str, query: str) -> Endpoint:
    given = dict(parse_qsl(query, keep_blank_values=True) if query else ())
    if (
        not set(given) <= {"baud", "parity", "stop", "bits"}
        or given.get("baud", "19200") not in {str(baud) for baud in BAUDS}
        or given.get("parity", "E") not in ("N", "E", "O")
        or given.get("stop", "1") not in ("1", "2")
        or given.get("bits", "8") not in ("7", "8")
    ):
        raise AddressError(
            f'"{url}": write rtu:///dev/ttyUSB0?baud=19200&parity=E&stop=1 with baud {", ".join(map(str, BAUDS))}, '
            "parity N, E or O, stop 1 or 2",
            f"“{url}”：应写成 rtu:///dev/ttyUSB0?baud=19200&parity=E&stop=1，baud 为 {'、'.join(map(str, BAUDS))}，"
            "parity 为 N、E 或 O，stop 为 1 或 2",
        )
    parity = given.get("parity", "E")
    # Without parity the specification asks for two stop bits; nearly every device has one, so one it is unless said.
    return Endpoint(
        "rtu", path, 0, int(given.get("baud", 19200)), parity, int(given.get("stop", 1)), int(given.get("bits", 8))
    )


def _wrong(url: str) -> AddressError:
    return AddressError(
        f'"{url}" is not the address of a Modbus device; write tcp://192.168.10.20:502, rtu+tcp://192.168.10.21:4001 '
        "for RTU through a serial server, or rtu:///dev/ttyUSB0?baud=19200&parity=E",
        f"“{url}”不是 Modbus 设备地址；应写成 tcp://192.168.10.20:502，经串口服务器的 RTU 写成 rtu+tcp://192.168.10.21:4001，"
        "本机串口写成 rtu:///dev/ttyUSB0?baud=19200&parity=E",
    )
