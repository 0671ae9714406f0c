"""What a site says of a camera: `[source.<name>]` with `driver = "camera"`, its zones and its evidence."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.core.errors import AddressError
from inference.cameras.orders import Camera, EvidenceGiven, ZoneGiven
from inference.cameras.polygon import POINTS_MAX, POINTS_MIN, fault
from inference.runtime.source import ModelSettings

ZONES_MAX = 32
SHIPPED = Path(__file__).parents[1] / "shipped"
_ZONE = re.compile(r"[a-z0-9_]{1,32}")
_PIXELS = "polygon = [[100, 80], [420, 80], [420, 340], [100, 340]]"

Side = Annotated[int, Field(ge=16, le=8192)]
Share = Annotated[float, Field(ge=0.01, le=0.999)]

_FAULTS = {
    "few": (
        f"a zone needs {POINTS_MIN} to {POINTS_MAX} different corners, such as {_PIXELS}",
        f"区域需要 {POINTS_MIN} 至 {POINTS_MAX} 个互不相同的顶点，例如 {_PIXELS}",
    ),
    "crossing": (
        "the sides of the zone cross each other; name the corners in the order in which one walks round it",
        "区域的边相互交叉；请按绕行一周的顺序填写顶点",
    ),
    "outside": (
        "a corner has a negative coordinate; [0, 0] is the upper left corner of the picture",
        "有顶点坐标为负；[0, 0] 是图像左上角",
    ),
    "flat": ("the corners lie on one line and enclose nothing", "顶点在一条直线上，没有围成区域"),
}


class ZoneSettings(BaseModel):
    """One zone, `[[source.<name>.zone]]`. Corners in pixels of `picture`; m of n pictures, at the latest `cap_ms` after the first."""

    model_config = ConfigDict(extra="forbid")
    name: str
    polygon: list[tuple[float, float]]
    ppe: list[Literal["helmet", "vest"]] = []
    m: int = Field(default=2, ge=1, le=25)
    n: int = Field(default=3, ge=1, le=25)
    cap_ms: int = Field(default=300, ge=0, le=2000)
    hold_ms: int = Field(default=500, ge=0, le=60_000)

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if not _ZONE.fullmatch(name):
            raise AddressError(
                f'"{name}" cannot be part of an address; a zone is named with a-z, 0-9 and _, up to 32 of them, such as press1',
                f"“{name}”不能作为地址的一部分；区域名只能用 a-z、0-9 和 _，最多 32 个字符，例如 press1",
            )
        return name

    @field_validator("polygon")
    @classmethod
    def _simple(cls, polygon: list[tuple[float, float]]) -> list[tuple[float, float]]:
        what = fault(polygon, math.inf, math.inf)
        if what:
            raise AddressError(*_FAULTS[what])
        return polygon

    @model_validator(mode="after")
    def _votes(self) -> ZoneSettings:
        if self.m > self.n:
            raise AddressError(
                f"{self.m} of {self.n} pictures cannot be; m is at most n, such as m = 2 and n = 3",
                f"{self.n} 幅中不可能有 {self.m} 幅；m 不得大于 n，例如 m = 2、n = 3",
            )
        return self


class EvidenceSettings(BaseModel):
    """`[source.<name>.evidence]`: what is kept of an alarm. `clear_for` names the rules whose clips show people as they are."""

    model_config = ConfigDict(extra="forbid")
    keep: bool = True
    before_s: float = Field(default=10.0, ge=1.0, le=60.0)
    after_s: float = Field(default=10.0, ge=1.0, le=60.0)
    days: float = Field(default=30.0, ge=0.01, le=3650.0)
    bytes_max: int = Field(default=2 << 30, ge=1 << 20, le=1 << 40)
    clear_for: list[str] = []


class Settings(ModelSettings):
    """The keys of `[source.<name>]` with `driver = "camera"`. Exactly one of `url`, `file` and `folder` says where pictures come from."""

    admission: ClassVar[str] = "inference.cameras.sight:admitted"
    url: str = ""  # rtsp://user@192.168.10.31/stream2, rtsps://…, usb:/dev/video0
    file: Path | None = None
    folder: Path | None = None
    password_file: Path | None = None
    transport: Literal["tcp", "udp"] = "tcp"
    repeat: bool = False  # a file or folder begins anew at its end
    fps: float = Field(default=10.0, ge=0.2, le=60.0)  # pictures looked at in a second
    oldest_ms: int = Field(default=1000, ge=100, le=60_000)
    model: Path | None = None  # the shipped detector
    thresholds: dict[str, Share] = {}  # by class, over those of the model's card
    calibration: Path | None = None  # what `gatehouse model calibrate --out` wrote for this camera
    picture: tuple[Side, Side] | None = None  # width and height in which the zones were drawn
    frozen_s: float = Field(default=1.5, ge=0.0, le=60.0)  # 0 = a repeating picture is not looked for
    reference: Path | None = None  # a picture of this camera where it should look
    zone: list[ZoneSettings] = Field(default=[], max_length=ZONES_MAX)
    evidence: EvidenceSettings = EvidenceSettings()

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        parts = urlsplit(url)
        network = parts.scheme in ("rtsp", "rtsps") and parts.hostname
        if url and not network and not (parts.scheme == "usb" and parts.path):
            raise AddressError(
                f'"{url}" is not the address of a camera; write rtsp://user@192.168.10.31/stream2 or usb:/dev/video0',
                f"“{url}”不是摄像机地址；应写成 rtsp://user@192.168.10.31/stream2 或 usb:/dev/video0",
            )
        if parts.password is not None:
            raise AddressError(
                'the password stands in the url, where everybody reads it; put it into a file and write password_file = "gate3.password"',
                'url 中含有口令，人人可见；请把口令放入文件，并写 password_file = "gate3.password"',
            )
        return url

    @model_validator(mode="after")
    def _one_origin(self) -> Settings:
        if sum(bool(one) for one in (self.url, self.file, self.folder)) != 1:
            raise AddressError(
                'write exactly one of url = "rtsp://…", file = "gate.mp4" and folder = "pictures"',
                'url = "rtsp://…"、file = "gate.mp4"、folder = "pictures" 三者须且只能写一个',
            )
        if self.password_file is not None and not urlsplit(self.url).username:
            raise AddressError(
                "password_file needs the user in the url: rtsp://user@192.168.10.31/stream2",
                "使用 password_file 时 url 中须有用户名：rtsp://user@192.168.10.31/stream2",
            )
        return self

    @model_validator(mode="after")
    def _drawn(self) -> Settings:
        names = [zone.name for zone in self.zone]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise AddressError(f'two zones are called "{twice}"', f"有两个区域同名：“{twice}”")
        if self.zone and self.picture is None:
            raise AddressError(
                "zones need the size of the picture in which they were drawn: picture = [1280, 720]",
                "有区域时须写明绘制区域所用图像的尺寸：picture = [1280, 720]",
            )
        width, height = self.picture or (0, 0)
        for zone in self.zone:
            if fault(zone.polygon, width, height):
                raise AddressError(
                    f"a corner of zone {zone.name} lies outside the picture of {width} x {height} pixels",
                    f"区域 {zone.name} 有顶点超出 {width} x {height} 像素的图像",
                )
        return self

    def kind(self) -> Literal["rtsp", "usb", "file", "folder"]:
        """What the pictures come from."""
        if self.file is not None:
            return "file"
        return "folder" if self.folder is not None else "usb" if self.url.startswith("usb:") else "rtsp"

    def weights(self) -> Path | None:
        """The model that looks: the one that is named, else the shipped one; None where there is none."""
        return self.model or shipped()

    def job(self, name: str, password: str, folder: Path | None) -> Camera:
        """The settings of the job. `folder`: where clips go, None = nothing is kept."""
        kept = self.evidence
        return Camera(
            name=name,
            kind=self.kind(),
            url=str(self.file or self.folder or self.url.removeprefix("usb:")),
            model=str(self.weights() or ""),
            password=password,
            transport=self.transport,
            repeat=self.repeat,
            size=(self.picture or (0, 0)) if self.kind() == "usb" else (0, 0),
            fps=self.fps,
            provider=self.provider,
            threads=self.threads,
            thresholds=dict(self.thresholds),
            calibration=str(self.calibration or ""),
            picture=self.picture or (0, 0),
            zones=[
                ZoneGiven(one.name, one.polygon, list(one.ppe), one.m, one.n, one.cap_ms, one.hold_ms)
                for one in self.zone
            ],
            frozen_s=self.frozen_s,
            reference=str(self.reference or ""),
            folder=str(folder) if folder is not None and kept.keep else "",
            evidence=EvidenceGiven(kept.before_s, kept.after_s, kept.days, kept.bytes_max, list(kept.clear_for)),
        )


def shipped() -> Path | None:
    """The detector that comes with the gateway, the quantised one where there is one."""
    found = sorted(SHIPPED.glob("ppe*.onnx"), key=lambda path: ("int8" not in path.name, path.name))
    return found[0] if found else None
