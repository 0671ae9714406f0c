"""The table of common units says what pint says, and a site that uses them starts without pint."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.rulebook.common_units import COMMON
from gateway.rulebook.units import Unit, by_registry


@pytest.mark.parametrize("symbol", sorted(COMMON))
def test_a_row_is_what_pint_says(symbol: str) -> None:
    assert Unit(*COMMON[symbol]) == by_registry(symbol)


def test_the_daemon_starts_without_what_it_does_not_need_yet() -> None:
    """Half a second of every start is pint; z3, models and pictures belong to other processes."""
    code = "import sys, gateway.app.daemon\nfrom gateway.rulebook.units import parse_unit\nparse_unit('m3/h'), parse_unit('degC/min')\n"
    heavy = ("pint", "z3", "onnx", "onnxruntime", "cv2", "av", "openpyxl", "pyarrow", "asyncua", "amqtt")
    code += f"print(sorted(set(sys.modules) & set({heavy!r})))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
