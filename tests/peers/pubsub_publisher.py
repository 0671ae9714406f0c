"""The publisher of asyncua.pubsub: three data set writers (Variant, DataValue, Raw) over UDP, driven by lines on stdin.

Arguments: host, port, milliseconds. Prints 0, then answers "set NAME VALUE" with "ok".
"""

from __future__ import annotations

import asyncio
import sys

from asyncua import ua
from asyncua.pubsub.connection import PubSubConnection
from asyncua.pubsub.dataset import DataSetMeta, PublishedDataSet, PubSubDataSourceDict
from asyncua.pubsub.pubsub import PubSub
from asyncua.pubsub.udp import UdpSettings
from asyncua.pubsub.writer import DataSetWriter, WriterGroup

FIELDS = {
    "double": (ua.VariantType.Double, 50.5),
    "int16": (ua.VariantType.Int16, -300),
    "bit": (ua.VariantType.Boolean, True),
    "float": (ua.VariantType.Float, -0.25),
    "uint64": (ua.VariantType.UInt64, 1 << 40),
}
WRITERS = {1: ("variant", False, False), 2: ("datavalue", True, False), 3: ("raw", False, True)}


def data_set(name: str, *, nothing: bool) -> tuple[PublishedDataSet, PubSubDataSourceDict]:
    meta = DataSetMeta.Create(name)
    for field, (kind, _) in FIELDS.items():
        meta.add_scalar(field, kind)
    if nothing:
        meta.add_scalar("nothing", ua.VariantType.Double)
    source = PubSubDataSourceDict(meta)
    source.datasources[name] = {field: ua.DataValue(ua.Variant(value, kind)) for field, (kind, value) in FIELDS.items()}
    return PublishedDataSet.Create(name, meta, source), source


async def main() -> None:
    host, port, period_ms = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    sets, sources, writers = [], {}, []
    for number, (name, whole, raw) in WRITERS.items():
        made, sources[name] = data_set(name, nothing=number == 2)
        sets.append(made)
        writers.append(DataSetWriter.new_uadp(name, name, ua.UInt16(number), datavalue=whole, raw=raw))
    group = WriterGroup.new_uadp("group", ua.UInt16(100), publishing_interval=period_ms, writer=writers)
    to = UdpSettings(Addr=(host, port), Adapter=("127.0.0.2", port))
    connection = PubSubConnection.udp_uadp("udp", ua.UInt16(2234), to, writer_groups=[group])
    application = PubSub.new([connection], sets)
    connection.set_if(application)
    async with application:
        print(0, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            _, name, value = line.split()
            kind = FIELDS[name][0]
            typed = float(value) if kind in (ua.VariantType.Double, ua.VariantType.Float) else int(float(value))
            for of, source in sources.items():
                source.datasources[of][name] = ua.DataValue(ua.Variant(typed, kind))
            print("ok", flush=True)


asyncio.run(main())
