"""A model that is ready to run, on a provider that was accepted: never on another one by silence. For worker processes.

onnxruntime by default; OpenVINO's own runtime for the provider "openvino". CANN and TensorRT are known to fall back to the CPU
without a word, so what runs is asked for after the session is made, and a provider that left nodes to the CPU is named with them.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as state

from gateway.core.errors import SourceError
from gateway.core.tags import Cause

# our word -> onnxruntime's; the order is that of "auto": the fastest first. Its place here, from 1, is the value of a tag `provider`.
PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cann": "CANNExecutionProvider",
    "openvino": "",  # its own runtime, not onnxruntime's provider
    "cpu": "CPUExecutionProvider",
}

Array = NDArray[Any]

# onnxruntime's own errors share no base but Exception
_REFUSALS = (
    state.EPFail,
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NoModel,
    state.NoSuchFile,
    state.NotImplemented,
    state.RuntimeException,
    RuntimeError,
    ValueError,
    MemoryError,
)


class ProviderMissing(SourceError):
    """None of the accepted providers was obtained: an alarm and DEGRADED through the source that is lost."""

    def __init__(self, wanted: Sequence[str], why: str) -> None:
        super().__init__(f"provider {' or '.join(wanted)} was not obtained: {why}", Cause.DEVICE, slow=True)


class UnusableModel(SourceError):
    """The runtime refuses the model."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the model cannot be run: {why}", Cause.DEVICE, slow=True)


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: name, shape (None = free), numpy type."""

    name: str
    shape: tuple[int | None, ...]
    type: str


class Session(Protocol):
    """A model that is ready to run."""

    provider: str
    load_ms: float
    inputs: list[Port]
    outputs: list[Port]
    metadata: dict[str, str]

    def run(self, *arrays: Array) -> list[Array]:
        """All outputs for arrays in the order of the inputs."""


_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


def number(provider: str) -> float:
    """The value of a tag `provider`."""
    return float(list(PROVIDERS).index(provider) + 1)


def available() -> list[str]:
    """The providers that this installation has, the fastest first; whether the device is there only a session can tell."""
    theirs = ort.get_available_providers()
    has_openvino = importlib.util.find_spec("openvino") is not None
    return [ours for ours, name in PROVIDERS.items() if (name in theirs if name else has_openvino)]


def order(providers: Sequence[str] | str) -> list[str]:
    """The accepted providers, the best first: for "auto" all that are installed."""
    wanted = [providers] if isinstance(providers, str) else list(providers)
    return available() if wanted == ["auto"] else wanted


def open_session(path: Path, *, providers: Sequence[str] | str = "auto", threads: int = 1) -> Session:
    """Load a model. `providers`: "auto", or those that are accepted, the best first. Raises ProviderMissing, UnusableModel."""
    wanted, has = order(providers), available()
    unknown = [name for name in wanted if name not in PROVIDERS]
    if unknown:
        raise ProviderMissing(unknown, f"there is no such provider; known are {', '.join(PROVIDERS)}")
    reasons = []
    for name in wanted:
        if name not in has:
            reasons.append(f"{name} is not installed (installed: {', '.join(has)})")
            continue
        try:
            return _OpenVino(path, threads) if name == "openvino" else _Onnx(path, name, threads)
        except _NotObtained as error:
            reasons.append(str(error))
    raise ProviderMissing(wanted, "; ".join(reasons))


def open_exact(path: Path) -> Session:
    """The same on the CPU, every operator by itself as the file has it: nothing is fused, so nothing is rounded otherwise. Slow.

    Raises UnusableModel.
    """
    return _Onnx(path, "cpu", 1, exact=True)


class _NotObtained(Exception):
    """This provider does not take the model, or not all of it."""


def options(threads: int) -> ort.SessionOptions:
    """One thread unless asked, and none that spins while it waits: the line shares these cores."""
    found = ort.SessionOptions()
    found.intra_op_num_threads = threads
    found.inter_op_num_threads = 1
    found.log_severity_level = 4
    found.add_session_config_entry("session.intra_op.allow_spinning", "0")
    found.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return found


class _Onnx:
    """onnxruntime on one provider."""

    def __init__(self, path: Path, provider: str, threads: int, *, exact: bool = False) -> None:
        name = PROVIDERS[provider]
        settings = options(threads)
        if exact:
            settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        if provider != "cpu":  # else a session is made that runs on the CPU in part or as a whole
            settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        began = time.perf_counter()
        try:
            self._session = ort.InferenceSession(str(path), settings, providers=[name])
        except _REFUSALS as error:
            if provider != "cpu":
                raise _NotObtained(f"{provider}: {_first_line(error)}") from None
            raise UnusableModel(_first_line(error)) from None
        self.load_ms = (time.perf_counter() - began) * 1e3
        got = self._session.get_providers()
        if not got or got[0] != name:
            raise _NotObtained(f"{provider}: onnxruntime runs it on {', '.join(got) or 'nothing'}")
        self.provider = provider
        self.inputs = [_port(one) for one in self._session.get_inputs()]
        self.outputs = [_port(one) for one in self._session.get_outputs()]
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self._names = [one.name for one in self.inputs]

    def run(self, *arrays: Array) -> list[Array]:
        try:
            return list(self._session.run(None, dict(zip(self._names, arrays, strict=True))))
        except _REFUSALS as error:
            raise UnusableModel(_first_line(error)) from None


class _OpenVino:
    """OpenVINO on the CPU: faster than onnxruntime on x86 (docs/models.md)."""

    def __init__(self, path: Path, threads: int) -> None:
        import openvino

        began = time.perf_counter()
        core = openvino.Core()
        try:
            model = core.read_model(path)
            hints = {
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",  # else bf16 where the processor has it: 3 % off at the golden batch
            }
            self._request = core.compile_model(model, "CPU", hints).create_infer_request()
        except RuntimeError as error:
            raise _NotObtained(f"openvino: {_first_line(error)}") from None
        self.load_ms = (time.perf_counter() - began) * 1e3
        self.provider = "openvino"
        self.inputs = [_openvino_port(one) for one in model.inputs]
        self.outputs = [_openvino_port(one) for one in model.outputs]
        # OpenVINO keeps ONNX metadata under "framework"; what is missing there the card says
        self.metadata: dict[str, str] = {}

    def run(self, *arrays: Array) -> list[Array]:
        try:
            self._request.infer(list(arrays), share_inputs=True)
        except RuntimeError as error:
            raise UnusableModel(_first_line(error)) from None
        return [np.array(self._request.get_output_tensor(i).data) for i in range(len(self.outputs))]


def _port(one: Any) -> Port:
    shape = tuple(side if isinstance(side, int) else None for side in one.shape)
    return Port(one.name, shape, _TYPES.get(one.type, one.type))


def _openvino_port(one: Any) -> Port:
    shape = tuple(None if side.is_dynamic else int(side.get_length()) for side in one.partial_shape)
    return Port(one.any_name, shape, str(np.dtype(one.element_type.to_dtype())))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
