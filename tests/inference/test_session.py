"""Providers: the one that was asked for, or none; never another one by silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.runtime import session
from inference.runtime.session import ProviderMissing, UnusableModel, open_session
from tests.inference.zoo import HEIGHT, WIDTH, examples, put

V8 = next(one for one in examples() if one.row == "v8")
PICTURE = np.zeros((1, 3, HEIGHT, WIDTH), np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return put(tmp_path, V8)


def test_a_provider_that_is_not_there_is_an_error_and_a_second_entry_is_an_answer(model: Path) -> None:
    with pytest.raises(ProviderMissing, match="tensorrt is not installed") as caught:
        open_session(model, providers="tensorrt")
    assert isinstance(caught.value, SourceError)  # the source is lost: BAD, alarm, DEGRADED
    assert caught.value.slow
    assert caught.value.cause is Cause.DEVICE
    assert open_session(model, providers=["tensorrt", "cpu"]).provider == "cpu"
    with pytest.raises(ProviderMissing, match="no such provider"):
        open_session(model, providers="gpu")


class Silent:
    """An onnxruntime that takes the provider and runs the model on the CPU without a word."""

    def __init__(self, *_args: Any, **_more: Any) -> None:
        pass

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def test_a_silent_fall_back_to_the_cpu_is_not_taken(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "available", lambda: ["cann", "cpu"])
    monkeypatch.setattr(session.ort, "InferenceSession", Silent)
    with pytest.raises(ProviderMissing, match="runs it on CPUExecutionProvider"):
        open_session(model, providers="cann")


def test_a_provider_that_would_leave_nodes_to_the_cpu_is_told_to_refuse(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Noting:
        def __init__(self, _path: str, options: Any, providers: list[str]) -> None:
            asked.append(options.get_session_config_entry("session.disable_cpu_ep_fallback"))
            raise session.state.Fail("nodes were assigned to the default CPU EP")

    monkeypatch.setattr(session, "available", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(session.ort, "InferenceSession", Noting)
    with pytest.raises(ProviderMissing, match="assigned to the default CPU EP"):
        open_session(model, providers="cuda")
    assert asked == ["1"]


def test_auto_takes_the_first_there_is_and_says_which(model: Path) -> None:
    found = open_session(model)
    assert found.provider == session.available()[0]
    assert session.number(found.provider) > 0
    assert [port.name for port in found.inputs] == ["images"]
    assert np.allclose(found.run(PICTURE)[0], V8.outputs["output0"])


def test_openvino_gives_what_onnxruntime_gives(model: Path) -> None:
    pytest.importorskip("openvino", reason="the extra `openvino` is not installed")
    plain, other = (open_session(model, providers=one) for one in ("cpu", "openvino"))
    assert [port.shape for port in other.outputs] == [port.shape for port in plain.outputs]
    assert np.allclose(other.run(PICTURE)[0], plain.run(PICTURE)[0], atol=1e-5)


def test_what_is_no_model_or_no_such_input_is_said_in_one_line(model: Path, tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"\x08\x07rubbish")
    with pytest.raises(UnusableModel) as caught:
        open_session(tmp_path / "no.onnx", providers="cpu")
    assert "\n" not in str(caught.value)
    with pytest.raises(UnusableModel):
        open_session(model, providers="cpu").run(np.zeros((1, 3, 8, 8), np.float32))
