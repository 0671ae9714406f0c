"""Cameras: what stands in which zone, what moves there, who wears what; whether the picture can be believed.

Specification: RTSP 1.0 (RFC 2326), RTP (RFC 3550), H.264 and H.265. Library: PyAV, OpenCV, onnxruntime, all in a worker process
(`inference.runtime`). Pictures never leave the box; docs/cameras.md says how to draw a zone and what is kept.

Address of a tag: the name of a value.

    persons, machines, moving        how many are seen; how many of the machines move
    zone.<name>.persons | occupied   how many stand in a zone; whether anybody does, by m of n pictures
    zone.<name>.confidence           of the likeliest person in it
    zone.<name>.machines | moving | intrusion    a person in it while a machine moves in it
    zone.<name>.compliant | uncertain | violations | violation    of people in it, where the zone has ppe
    health.dark | covered | defocused | moved | frozen    1 = so it is; then everything above is BAD
    connected, reason, losses, fps, ms, provider, clips, ring_s, age_ms, skipped, worker_restarts

name: Camera | 摄像机
done: network cameras over RTSP (H.264, H.265), USB cameras, video files, folders of pictures
  | RTSP 网络摄像机（H.264、H.265）、USB 摄像机、视频文件、图片文件夹
done: zones with people by where their feet are, m of n pictures with a hard cap, machines that move, intrusion
  | 区域内人员（按脚的位置）、n 取 m 帧并有时间上限、移动的机械、人机混入
done: helmets and vests in three answers; uncertain never counts as worn | 安全帽与反光衣三种结论；“无法判断”绝不算合规
done: dark, covered, defocused, moved, frozen or silent cameras are BAD within 2 s | 过暗、遮挡、失焦、移位、冻结、无信号在 2 秒内判为坏值
done: clips of alarms from before to after, people hidden, never sent | 报警前后的录像片段，人员模糊处理，绝不外传
todo: an FFmpeg without x264 and x265 for the bundle | 随安装包提供不含 x264、x265 的 FFmpeg
exempt: ONVIF, pan and tilt: a camera is set up with its maker's tool | ONVIF 与云台：请用厂家工具设置
exempt: faces: nobody is recognised | 人脸识别：不识别任何人
exempt: writing: a camera has no outputs | 写入：摄像机没有输出
peer: aio-rtsp-toolkit 0.1.4 as server (H.264, H.265 over TCP); our own camera process in the tests
  | aio-rtsp-toolkit 0.1.4（服务端，TCP 上的 H.264、H.265）；测试中另有自制摄像机进程
"""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path

import msgspec

from drivers.base import Emit, Plan, Point, PointSpec, ReadBack, WriteCommand
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause
from inference.cameras.link import WORDS, Reason
from inference.cameras.orders import Clip, Snapshot
from inference.cameras.settings import Settings
from inference.cameras.zones import PPE_VALUES, SCENE, VALUES
from inference.runtime.ring import Ring
from inference.runtime.source import Task, follow, value_point, worker
from inference.runtime.worker import Following, Worker

__all__ = ["Driver", "Settings", "parse"]

ENTRY = "inference.cameras.job:Job"
HEALTH = ("health.dark", "health.covered", "health.defocused", "health.moved", "health.frozen")
STANDING = ("connected", "reason", "losses", "fps", "ms", "provider", "clips", "ring_s")
TRUTHS = ("occupied", "intrusion", "violation")
JPEG_MAX = 4 << 20  # bytes of a snapshot


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    zones = {zone.name: VALUES + (PPE_VALUES if zone.ppe else ()) for zone in settings.zone}
    names = tuple(f"zone.{name}.{value}" for name, values in zones.items() for value in values)
    truths = tuple(name for name in names if name.rpartition(".")[2] in TRUTHS)
    parts = spec.address.split(".")
    if parts[0] == "zone":
        _check_zone(spec.address, parts, zones)
    if spec.address == "health.moved" and settings.reference is None:
        raise AddressError(
            'health.moved needs a picture of where the camera should look: reference = "gate3.jpg" (gatehouse camera snapshot)',
            '使用 health.moved 须有参考图像：reference = "gate3.jpg"（用 gatehouse camera snapshot 获取）',
        )
    return value_point(spec, (*SCENE, *names, *HEALTH, *STANDING), booleans=(*truths, *HEALTH, "connected"))


def _check_zone(address: str, parts: list[str], zones: dict[str, tuple[str, ...]]) -> None:
    name = parts[1] if len(parts) > 1 else ""
    if name not in zones:
        known = ", ".join(zones) or "-"
        raise AddressError(
            f'"{address}": this camera has no zone "{name}"; it has {known}',
            f"“{address}”：该摄像机没有区域“{name}”；现有：{known}",
        )
    value = ".".join(parts[2:])
    if value in PPE_VALUES and value not in zones[name]:
        raise AddressError(
            f'"{address}": zone {name} asks for nothing to be worn; write ppe = ["helmet"] into it',
            f'“{address}”：区域 {name} 未要求穿戴；请在该区域写 ppe = ["helmet"]',
        )
    if value not in zones[name]:
        known = ", ".join(zones[name])
        raise AddressError(f'"{address}": a zone gives {known}', f"“{address}”：区域可给出 {known}")


class Driver:
    """One camera: its job in the worker, followed from here."""

    entry = ENTRY

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.clips: Path | None = None  # where clips go, set by the daemon
        self._following: tuple[Worker, Following] | None = None
        self._ring: Ring | None = None
        self._numbers = itertools.count(1)

    async def run(self, emit: Emit) -> None:
        """Follow the camera until cancelled. Raises SourceError."""
        given = self.settings
        if given.model is None and not given.job(self.plan.source, "", None).model:
            raise SourceError('there is no model: write model = "….onnx"', Cause.DEVICE, slow=True)
        password = await asyncio.to_thread(_line, given.password_file)
        settings = msgspec.to_builtins(given.job(self.plan.source, password, self.clips))
        accelerator = given.provider if isinstance(given.provider, str) else given.provider[0]
        where = worker(accelerator, network=given.kind() == "rtsp")
        ring = self._ring = Ring.create(JPEG_MAX)
        try:
            await follow(where, Task(self.entry, settings, given.oldest_ms), self.plan, emit, ring, self._began)
        finally:
            self._following = self._ring = None
            ring.close()

    def _began(self, where: Worker, following: Following) -> None:
        self._following = where, following

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: a camera has no outputs."""
        return ReadBack(False, error="a camera has no outputs")

    def values(self) -> dict[str, float]:
        """What the job said last, every value of it; empty while there is none."""
        last = self._following[1].last if self._following else None
        return {} if last is None else {key: float("nan") if one is None else one for key, one in last.values.items()}

    def reason(self) -> dict[str, str]:
        """Why there is no picture, language -> text; empty where pictures come."""
        number = self.values().get("reason", float(Reason.STARTING))
        if number == Reason.NONE:
            return {}
        en, zh = WORDS[Reason(int(number))]
        return {"en": en, "zh-CN": zh}

    def clip(self, rule: str, kind: str, number: str, utc_ms: int) -> bool:
        """Ask for a clip of what `rule` did just now; False while the camera is away. Raises SourceError."""
        return self._tell(Clip(rule, "trip" if kind == "trip" else "alarm", number, utc_ms, time.monotonic_ns()))

    def ask(self, *, zones: bool) -> int:
        """Wish for a picture with people hidden; its number, 0 while the camera is away. Raises SourceError."""
        number = next(self._numbers)
        return number if self._tell(Snapshot(number, zones)) else 0

    def picture(self, number: int) -> bytes:
        """The picture of that number as JPEG, empty while it has not come."""
        if self._ring is None or self.values().get("snapshot", 0.0) < number:
            return b""
        found = self._ring.latest()
        return b"" if found is None else found.pixels.tobytes()

    def _tell(self, what: Clip | Snapshot) -> bool:
        if self._following is None:
            return False
        where, following = self._following
        where.tell(following, msgspec.to_builtins(what))
        return True


def _line(file: Path | None) -> str:
    """The password of a file. Raises SourceError."""
    try:
        return file.read_text("utf-8").strip() if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read ({error})", Cause.REFUSED, slow=True) from error
