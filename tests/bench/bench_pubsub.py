"""What reading a PubSub message costs: our decoder, and the driver behind it, beside asyncua.pubsub on the same bytes in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.pubsub import uadp

from drivers import pubsub, pubsub_uadp
from drivers.base import PointSpec
from drivers.pubsub_message import WriterKey
from gateway.core.samples import Block, Columns
from tests.bench.figure import figure, spread
from tests.contract.case import plan_of

FIELDS = 100
MESSAGES = 200
MUST = 5e6
RATIO = 10.2  # what 5 M are of the library's 0.49 M where both were first measured; absolute figures do not travel
KEY = WriterKey("2234", "100", 1)
KINDS = {
    "100 doubles": [ua.VariantType.Double] * FIELDS,
    "100 of five types": [
        ua.VariantType.Double, ua.VariantType.Int16, ua.VariantType.Boolean, ua.VariantType.Float, ua.VariantType.UInt32,
    ] * (FIELDS // 5),
}  # fmt: skip


def messages(kinds: list[ua.VariantType]) -> list[bytes]:
    """Key frames as the library writes them, with ascending numbers and changing values."""
    made = []
    for number in range(MESSAGES):
        values = [
            ua.Variant(bool(at % 2) if kind is ua.VariantType.Boolean else at + number, kind)
            for at, kind in enumerate(kinds)
        ]
        header = uadp.UadpDataSetMessageHeader(SequenceNo=ua.UInt16(number))
        made.append(
            uadp.UadpNetworkMessage(
                Header=uadp.UadpHeader(PublisherId=ua.UInt16(2234)),
                GroupHeader=uadp.UadpGroupHeader(WriterGroupId=ua.UInt16(100)),
                DataSetPayloadHeader=[ua.UInt16(1)],
                Payload=[uadp.UadpDataSetVariant(header, values)],  # type: ignore[arg-type]
            ).to_binary()
        )
    return made


def rate(read: Callable[[bytes], object], data: list[bytes]) -> float:
    """Values per second of this thread's processor time: other programs cost nothing."""
    begun = time.thread_time()
    for one in data:
        read(one)
    return FIELDS * len(data) / (time.thread_time() - begun)


def driver() -> Callable[[bytes], object]:
    """From a datagram to the block that the kernel gets."""
    settings = pubsub.Settings.model_validate(
        {"url": "opc.udp://127.0.0.1", "unsigned": {"reason": "a benchmark", "expires": "2099-12-31"}}
    )
    rows = [PointSpec(f"f{at}", f"2234/100/1/{at}", "") for at in range(FIELDS)]
    made = pubsub.Driver(settings, plan_of(pubsub, settings, rows))
    (writer,) = made.writers[KEY]

    def emit(block: Block) -> None:
        assert isinstance(block, Columns)

    def hear(data: bytes) -> None:
        made.hear(data, emit)
        if writer.sequence == MESSAGES - 1:
            writer.sequence = -1  # the recording begins again
            assert not made.counts.repeated

    return hear


def figures(quick: bool) -> list[dict[str, Any]]:
    """Values per second of a decoded message, and of a block handed to the kernel."""
    found = []
    for name, kinds in KINDS.items():
        data = messages(kinds)
        layouts = {KEY: pubsub_uadp.Layout()}
        sides: dict[str, Callable[[bytes], object]] = {
            "decoded": lambda one, layouts=layouts: pubsub_uadp.network(one, layouts),  # type: ignore[misc]
            "datagram to block": driver(),
            "asyncua": lambda one: uadp.UadpNetworkMessage.from_binary(Buffer(one)),
        }
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(7 if quick else 31):
            for side, read in sides.items():
                rates[side].append(rate(read, data))
        reference = median(rates["asyncua"])
        for side in ("decoded", "datagram to block"):
            value = median(rates[side])
            more = {"ours": spread(rates[side]), "theirs": spread(rates["asyncua"])}
            met = value >= MUST or value / reference >= RATIO
            found.append(figure(f"{name}, {side}", value, "values/s", "5e6, or ratio 10.2", met, reference, **more))
    return found
