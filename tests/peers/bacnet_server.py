"""A BACnet/IP device made with bacpypes3: `bacnet_server.py ADDRESS/PREFIX PORT [all]`; prints the port once it listens.

With `all` it answers Who-Is to everybody, as most controllers do. It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import sys

from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address


class ToAll(NormalApplication):
    """Answers Who-Is by a broadcast, whoever asked."""

    async def do_WhoIsRequest(self, _apdu: object) -> None:
        """No destination: to everybody."""
        self.i_am()


async def main() -> None:
    address, port = sys.argv[1], int(sys.argv[2])
    device = DeviceObject(
        objectIdentifier=("device", 340_012),
        objectName="AHU-3",
        vendorIdentifier=999,
        vendorName="Plant Air",
        modelName="AHC-200",
        firmwareRevision="4.2",
        maxApduLengthAccepted=1024,
        segmentationSupported="noSegmentation",
    )
    (ToAll if "all" in sys.argv else NormalApplication)(device, IPv4Address(f"{address}:{port}"))
    await asyncio.sleep(0.2)  # its endpoint is opened by a task of its own
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
