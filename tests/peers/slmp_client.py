"""What pymcprotocol reads and writes at a PLC, run by the interpreter of tests/peers/.venv: slmp_client.py PORT. Prints JSON."""

import json
import sys

import pymcprotocol

client = pymcprotocol.Type3E()
client.connect("127.0.0.1", int(sys.argv[1]))
found = {
    "words": client.batchread_wordunits(headdevice="D100", readsize=4),
    "bits": client.batchread_bitunits(headdevice="M174", readsize=2),
    "hexadecimal": client.batchread_wordunits(headdevice="W1F", readsize=1),
    "input": client.batchread_bitunits(headdevice="X1E", readsize=2),
}
client.batchwrite_wordunits(headdevice="D300", values=[11, 22])
client.batchwrite_bitunits(headdevice="M325", values=[1])
try:
    client.batchread_wordunits(headdevice="D903", readsize=1)
except pymcprotocol.mcprotocolerror.MCProtocolError as error:
    found["bad"] = str(error)
found["codes"] = {}
for device in sys.argv[2:]:
    constants = pymcprotocol.mcprotocolconst
    code, base = constants.DeviceConstants.get_binary_devicecode(constants.Q_SERIES, device)
    found["codes"][device] = [code, base]
client.close()
print(json.dumps(found))
