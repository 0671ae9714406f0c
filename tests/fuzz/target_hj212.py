"""HJ 212: what a caller sends, through framing, password and decoder to blocks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

from drivers import hj212
from drivers.base import PointSpec
from drivers.base_serve import Door
from tests.contract.case import plan_of
from tests.fuzz.wire import Good, Nowhere, on_loop, pieces

SETTINGS = hj212.Settings.model_validate({"url": "tcp://127.0.0.1:9003", "stations": [{"mn": "A1", "pw": "123456"}]})
ROWS = [PointSpec(one, f"A1/{one}", "") for one in ("w01018-Rtd", "w01001-Rtd", "2061/w01018-Avg")]
ROWS.append(PointSpec("pump", "A1/2021/SB1-RS", "bool"))
PLAN = plan_of(hj212, SETTINGS, ROWS)
PARTS = {"2011": ("w01018-Rtd", "w01001-Rtd"), "2061": ("w01018-Avg",), "2021": ("SB1-RS",)}
HEAD = "QN=20160801085857223;ST=32;CN={};PW=123456;MN=A1;Flag=5;CP=&&{}&&"


def check_sum(data: bytes) -> int:
    """Bit by bit."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


def framed(text: str) -> bytes:
    """A frame with its sum."""
    data = text.encode()
    return b"##%04d%s%04x\r\n" % (len(data), data, check_sum(data))


SEEDS: Sequence[bytes] = (
    framed(HEAD.format(2011, "w01018-Rtd=1.5,w01018-Flag=N;w01001-Rtd=-7,w01001-Flag=D")),
    framed(HEAD.format(2061, "w01018-Cou=3,w01018-Avg=.25,w01018-Flag=N")),
    framed(HEAD.format(2021, "SB1-RS=1")),
    framed(HEAD.format(2011, "w01001-Rtd=1e3,w01001-Flag=N").replace("A1", "B2")),
    b"+DTU 1\r\n" + framed(HEAD.format(2011, "w01001-Rtd=1e3,w01001-Flag=N")) * 2,
    framed("QN=20160801085857223;ST=32;CN=1013;PW=123456;MN=A1;Flag=5;CP=&&PolId=w01018&&"),
)


def feed(data: bytes) -> None:
    """One caller, whose bytes come in two pieces. Mutated sums never fit, so the frames found are also given with theirs."""
    whole = re.search(rb"##\d{4}(.*)....\r\n", data, re.DOTALL)
    for given in (
        (data, framed(whole[1].decode("latin-1").encode("ascii", "replace")[:9999].decode())) if whole else (data,)
    ):
        _one(given)


def _one(data: bytes) -> None:
    good = Good()

    def turn() -> None:
        driver = hj212.Driver(SETTINGS, PLAN)
        driver._late = lambda at_ns, command: False  # type: ignore[method-assign]
        line = hj212.Line(driver, Door(4, 9.0), good)
        line.connection_made(Nowhere())
        for piece in pieces(data):
            line.data_received(piece)
        line.connection_lost(None)

    on_loop(turn)
    told = {(_name(tag), repr(value)) for tag, value in good.values}
    assert told <= strictly(data), (told, strictly(data))


def _name(tag: int) -> str:
    return next(one.tag.name.rpartition("/")[2] for tags in PLAN.tags for one in tags if one.tag.number == tag)


def strictly(data: bytes) -> set[tuple[str, str]]:
    """Every value marked N (a state: unmarked) of every frame of the station with its password, wherever it begins."""
    found: set[tuple[str, str]] = set()
    for begin in re.finditer(rb"(?=##(\d{4}))", data):
        at, size = begin.start() + 6, int(begin[1])
        segment, tail = data[at : at + size], data[at + size : at + size + 6]
        if len(segment) != size or tail.upper() != b"%04X\r\n" % check_sum(segment):
            continue
        text = segment.decode("latin-1")
        command = re.search(r"(?:^|;)CN=(\d{4});", text)
        if not command or not re.search(r"(?:^|;)PW=123456;", text) or not re.search(r"(?:^|;)MN=A1;", text):
            continue
        for field in PARTS.get(command[1], ()):
            factor = field.partition("-")[0]
            value = re.search(rf"[;,&]{field}=([-+.0-9eE]+)[;,&]", text)
            marked = re.search(rf"[;,&]{factor}-Flag=N[;,&]", text)
            if value and (marked or field == "SB1-RS"):
                name = "pump" if field == "SB1-RS" else field
                with contextlib.suppress(ValueError):
                    found.add((name, repr(float(value[1]) + 0.0)))
    return found
