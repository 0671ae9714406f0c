"""What pycomm3 finds in a controller's tag list, run by the interpreter of tests/peers/.venv: logix_client.py PORT. Prints JSON.

One line per number or bit, as its own list tells it: name, type, dimensions; members of structures in their order.
"""

import json
import sys

from pycomm3 import LogixDriver


def told(name: str, data_type, dimensions) -> list:
    """A tag, or its members where it is a structure."""
    if isinstance(data_type, str):
        return [[name, data_type, [one for one in dimensions if one]]]
    found = []
    for member in data_type["attributes"]:
        inner = data_type["internal_tags"][member]
        found += told(f"{name}.{member}", inner["data_type"], [inner.get("array") or 0])
    return found


with LogixDriver(f"127.0.0.1:{sys.argv[1]}/0") as plc:
    print(
        json.dumps([one for name, tag in plc.tags.items() for one in told(name, tag["data_type"], tag["dimensions"])])
    )
