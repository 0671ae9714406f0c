"""An outstation made with c104, run by the interpreter of tests/peers/.venv (GPL: never part of the product).

iec104_server.py PORT CA:IOA:TYPE[:VALUE]... CA:IOA:TYPE>IOA[:select]...      prints the port; then a line each on stdin:
set CA IOA VALUE [BITS [NS]]   change and report a point; BITS of the quality as in c104, NS its time (UTC)
get CA IOA      writes normal|ignore|wrong IOA|late MS      refuse yes|no      connections      reset CA
"""

import datetime
import sys
import time

import c104

SERVER: c104.Server
MODE = ["normal"]
REFUSE = [False]


def on_order(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
    """A command arrived; the server confirms it with what this returns."""
    if REFUSE[0]:
        return c104.ResponseState.FAILURE
    if message.is_select_command:
        return c104.ResponseState.SUCCESS
    if MODE[0] == "late":
        time.sleep(float(MODE[1]) / 1000)
    if MODE[0] != "ignore":
        target = int(MODE[1]) if MODE[0] == "wrong" else TARGETS[point.station.common_address, point.io_address]
        shown = point.station.get_point(target)
        put(shown, float(number(point.value)))
        shown.transmit(cause=c104.Cot.RETURN_INFO_REMOTE)
    return c104.ResponseState.SUCCESS


TARGETS: dict[tuple[int, int], int] = {}


def number(value: object) -> float:
    """A value of c104 as a number."""
    if isinstance(value, c104.Double):
        return float(value == c104.Double.ON)
    return float(value)


def put(point: c104.Point, value: float, bits: int | None = None, stamp_ns: int | None = None) -> None:
    """Set value, quality and time of a point."""
    name = point.type.name
    stamp = None
    if name.endswith(("TB_1", "TD_1", "TE_1", "TF_1")):
        seconds = (stamp_ns if stamp_ns is not None else time.time_ns()) / 1e9
        stamp = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    if name.startswith("M_IT"):
        marks = [one for one in c104.BinaryCounterQuality.__members__.values() if int(one) & (bits or 0)]
        quality = c104.BinaryCounterQuality()
        for one in marks:
            quality |= one
        point.info = c104.BinaryCounterInfo(int(value), c104.UInt5(3), quality, stamp)
        return
    quality = c104.Quality()
    for one in c104.Quality.__members__.values():
        if int(one) & (bits or 0):
            quality |= one
    kind = name[2:4] if not name.startswith("M_ME") else name[2:7]
    point.info = {
        "SP": lambda: c104.SingleInfo(value != 0, quality, stamp),
        "DP": lambda: c104.DoubleInfo(
            {0: c104.Double.OFF, 1: c104.Double.ON, 2: c104.Double.INTERMEDIATE, 3: c104.Double.INDETERMINATE}[
                int(value)
            ],
            quality,
            stamp,
        ),
        "ST": lambda: c104.StepInfo(c104.Int7(int(value)), False, quality, stamp),
        "BO": lambda: c104.BinaryInfo(c104.Byte32(int(value).to_bytes(4, "little")), quality, stamp),
        "ME_NA": lambda: c104.NormalizedInfo(c104.NormalizedFloat(value), quality, stamp),
        "ME_TD": lambda: c104.NormalizedInfo(c104.NormalizedFloat(value), quality, stamp),
        "ME_ND": lambda: c104.NormalizedInfo(c104.NormalizedFloat(value), quality, stamp),
        "ME_NB": lambda: c104.ScaledInfo(c104.Int16(int(value)), quality, stamp),
        "ME_TE": lambda: c104.ScaledInfo(c104.Int16(int(value)), quality, stamp),
        "ME_NC": lambda: c104.ShortInfo(value, quality, stamp),
        "ME_TF": lambda: c104.ShortInfo(value, quality, stamp),
    }[kind]()


def build(words: list[str]) -> None:
    """Stations and points as the command line names them."""
    for word in words:
        head, _, target = word.partition(">")
        station, address, kind, *value = head.split(":")
        ca = int(station)
        made = SERVER.get_station(ca) or SERVER.add_station(common_address=ca)
        if target:
            shown, _, how = target.partition(":")
            mode = c104.CommandMode.SELECT_AND_EXECUTE if how == "select" else c104.CommandMode.DIRECT
            point = made.add_point(io_address=int(address), type=getattr(c104.Type, kind), command_mode=mode)
            TARGETS[ca, int(address)] = int(shown)
            point.on_receive(callable=on_order)
        else:
            put(
                made.add_point(io_address=int(address), type=getattr(c104.Type, kind)),
                float(value[0]) if value else 0.0,
            )


def command(line: str) -> str:
    """One line of the test."""
    verb, *rest = line.split()
    if verb == "writes":
        MODE[:] = rest
    elif verb == "refuse":
        REFUSE[0] = rest[0] == "yes"
    elif verb == "connections":
        return str(SERVER.open_connection_count)
    else:
        point = SERVER.get_station(int(rest[0])).get_point(int(rest[1]))
        if verb == "get":
            return str(number(point.value))
        put(point, float(rest[2]), int(rest[3]) if len(rest) > 3 else 0, int(rest[4]) if len(rest) > 4 else None)
        point.transmit(cause=c104.Cot.SPONTANEOUS)
    return "ok"


if __name__ == "__main__":
    SERVER = c104.Server(ip="127.0.0.1", port=int(sys.argv[1]), tick_rate_ms=50, max_connections=10)
    build(sys.argv[2:])
    SERVER.start()
    print(sys.argv[1], flush=True)
    for line in sys.stdin:
        try:
            print(command(line), flush=True)
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            print(error, file=sys.stderr)
            print("?", flush=True)
