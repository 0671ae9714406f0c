"""What a plant downloaded for an accelerator: taken where it drives the device, else refused with the reason and what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.appliance.making import accel
from gateway.appliance.making.accel_wheel import slot_versions
from gateway.appliance.making.fatbin import MAGIC, devices
from inference.runtime import accel as runtime

CUDA = "onnxruntime/capi/libonnxruntime_providers_cuda.so"
TENSORRT = "onnxruntime/capi/libonnxruntime_providers_tensorrt.so"
CANN = "onnxruntime/capi/libonnxruntime_providers_cann.so"
JETSON = "onnxruntime_gpu-1.31.1-cp311-cp311-linux_aarch64.whl"
INSTALLER = "Ascend-cann-toolkit_8.3.RC1_linux-aarch64.run"


def fat(*devices: int, kind: int = 2) -> bytes:
    """A fat binary with code of 40 bytes for each device, as nvcc lays them down."""
    parts = b"".join(struct.pack("<HHIQ12xI32x", kind, 0x101, 64, 40, sm) + bytes(40) for sm in devices)
    return b"\x7fELF" + bytes(77) + MAGIC + struct.pack("<HHQ", 1, 16, len(parts)) + parts + bytes(9)


def wheel(
    folder: Path, name: str, files: dict[str, bytes] | None = None, needs: tuple[str, ...] = (), inside: str = ""
) -> Path:
    """A wheel with its list of files, as a build makes it; `inside`: another version than that of the name."""
    distribution, version = name.split("-")[:2]
    info = f"{distribution}-{version}.dist-info"
    said = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {inside or version}\n"
    held = {**(files or {}), f"{info}/METADATA": (said + "".join(f"Requires-Dist: {one}\n" for one in needs)).encode()}
    sums = {one: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=") for one, data in held.items()}
    held[f"{info}/RECORD"] = "".join(f"{one},sha256={digest.decode()},\n" for one, digest in sums.items()).encode()
    with zipfile.ZipFile(folder / name, "w") as out:
        for one, data in held.items():
            out.writestr(one, data)
    return folder / name


def jetson(folder: Path) -> Path:
    """The wheel that an Orin needs."""
    return wheel(folder, JETSON, {CUDA: fat(80, 87), TENSORRT: b"so"}, ("numpy>=1.21.6", "protobuf>=4.25.8"))


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run fetch-accel on tmp_path/got; its exit code and what it says."""
    (tmp_path / "got").mkdir()

    def run(box: str, *more: str) -> tuple[int, str]:
        words = ["--box", box, "--from", str(tmp_path / "got"), "--out", str(tmp_path / "accel"), *more]
        code = accel.main(words)
        return code, capsys.readouterr().err

    return run


def test_what_an_orin_needs_is_laid_out_with_its_sums(asked: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    path = jetson(tmp_path / "got")
    sums = tmp_path / "sums"
    sums.write_text(f"{accel.digest(path)}  {JETSON}\n")
    code, said = asked("jetson-orin", "--sums", str(sums))
    assert code == 0, said
    out = tmp_path / "accel"
    assert (out / "lib/python3.11/site-packages" / TENSORRT).read_bytes() == b"so"
    assert json.loads((out / "accel.json").read_text())["taken"] == {JETSON: accel.digest(path)}
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=out, check=True)
    assert asked("jetson-orin")[0] == 6  # what is there is not written over


def test_the_wheel_of_the_public_index_is_refused_with_the_devices_it_was_built_for(
    asked: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    wheel(tmp_path / "got", "onnxruntime_gpu-1.31.1-cp311-cp311-manylinux_2_34_aarch64.whl", {CUDA: fat(89, 90, 121)})
    code, said = asked("jetson-orin")
    assert code == 6
    assert "sm_87" in said
    assert "sm_89, sm_90, sm_121" in said
    assert "libonnxruntime_providers_tensorrt.so" in said
    assert "sm_87" in asked("jetson-orin", "--lang", "zh-CN")[1]
    assert not (tmp_path / "accel").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("onnxruntime_gpu-1.31.1-cp310-cp310-linux_aarch64.whl", "another Python"),
        ("onnxruntime_gpu-1.31.1-cp311-cp311-linux_x86_64.whl", "another machine"),
        ("onnxruntime_gpu-1.31.1-cp311-cp311-manylinux_2_39_aarch64.whl", "newer than 2.35"),
        ("onnxruntime_gpu-1.31.1-cp311-cp311-linux_aarch64 (1).whl", "no name of a wheel"),
        ("onnxruntime_gpu-1.3.0-cp311-cp311-linux_aarch64.whl", "older than the models need"),
    ],
)
def test_a_wheel_of_something_else_is_named(
    asked: Callable[..., tuple[int, str]], tmp_path: Path, name: str, reason: str
) -> None:
    wheel(tmp_path / "got", name, {CUDA: fat(87), TENSORRT: b"so"})
    code, said = asked("jetson-orin")
    assert code == 6
    assert reason in said


def test_a_download_that_is_not_the_file_is_named(asked: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    path = jetson(tmp_path / "got")
    sums = tmp_path / "sums"
    sums.write_text(f"{'0' * 64}  {JETSON}\n")
    assert "SHA-256" in asked("jetson-orin", "--sums", str(sums))[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    assert "damaged" in asked("jetson-orin")[1]
    path.write_bytes(b"<!DOCTYPE html><title>Sign in</title>")
    assert "a page of a web site" in asked("jetson-orin")[1]
    with zipfile.ZipFile(jetson(tmp_path / "got"), "a") as out, pytest.warns(UserWarning, match="Duplicate"):
        out.writestr(TENSORRT, b"other")
    assert "not what its list says" in asked("jetson-orin")[1]
    wheel(tmp_path / "got", JETSON, {CUDA: fat(87), TENSORRT: b"so"}, inside="1.0.0")
    assert "another name or version" in asked("jetson-orin")[1]


def test_a_bit_of_a_download_that_turned_is_an_answer_and_never_a_crash(
    asked: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    path = jetson(tmp_path / "got")
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        shutil.rmtree(tmp_path / "accel", ignore_errors=True)
        code, said = asked("jetson-orin")
        assert (code, bool(said)) in ((0, True), (6, True))
        refused += code == 6
    assert refused > 50


def test_everything_that_is_missing_is_said_at_once(asked: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    got = tmp_path / "got"
    assert "onnxruntime-cann" in asked("atlas")[1]
    wheel(
        got,
        "onnxruntime_cann-1.24.4-cp311-cp311-manylinux_2_28_aarch64.whl",
        {CANN: b"so"},
        ("numpy", "sympy", "ml_dtypes; extra == 'quantization'"),
    )
    said = asked("atlas")[1]
    assert "Ascend-cann-" in said
    assert "sympy" in said
    assert "ml_dtypes" not in said
    wheel(got, "sympy-1.14.0-py3-none-any.whl", needs=("mpmath<1.4,>=1.1",))
    wheel(got, "mpmath-1.4.1-py3-none-any.whl")
    (got / INSTALLER).write_bytes(b"<html>")
    said = asked("atlas")[1]
    assert "mpmath<1.4" in said
    assert "no installer inside" in said
    wheel(got, "mpmath-1.3.0-py3-none-any.whl")
    (got / INSTALLER).write_bytes(b"#!/bin/bash\n")
    code, said = asked("atlas")
    assert code == 0, said
    assert (tmp_path / "accel/vendor" / INSTALLER).read_bytes() == b"#!/bin/bash\n"
    assert sorted(json.loads((tmp_path / "accel/accel.json").read_text())["taken"])[0] == INSTALLER
    assert (tmp_path / "accel/lib/python3.11/site-packages/sympy-1.14.0.dist-info").is_dir()


def test_what_a_slot_has_already_is_not_asked_for() -> None:
    assert "numpy" in slot_versions("aarch64")
    assert "sympy" not in slot_versions("aarch64")


def test_devices_are_read_from_heads_and_never_beyond_the_file() -> None:
    library = fat(80, 87, 90) + fat(120)
    assert devices(library) == {80, 87, 90, 120}
    assert devices(fat(87, kind=1)) == set()  # PTX is translated at every first load: not machine code
    assert all(devices(library[:end]) <= {80, 87, 90, 120} for end in range(len(library)))
    assert devices(b"") == set()


def test_only_processes_with_models_see_it_and_only_on_its_own_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, folder = tmp_path / "opt/gatehouse/slots/A", tmp_path / "opt/gatehouse/accel"
    slot.mkdir(parents=True)
    folder.mkdir()
    monkeypatch.setattr(sys, "prefix", str(slot))
    monkeypatch.setattr(sys, "path", ["slot"])
    assert runtime.first() is None
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for said, path in (
        ({"form": 1, "architecture": "riscv64", "python": python}, ["slot"]),
        ({"form": 1, "architecture": platform.machine(), "python": "3.10"}, ["slot"]),
        ({"form": 1, "architecture": platform.machine(), "python": python}, [str(folder / runtime.PACKAGES), "slot"]),
    ):
        (folder / "accel.json").write_text(json.dumps(said))
        runtime.first()
        assert sys.path == path
    (folder / "accel.json").write_text("{")
    assert runtime.first() is None
