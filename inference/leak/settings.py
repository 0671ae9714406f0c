"""What a site says of a leak source: `[source.<name>]` with `driver = "leak"`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from gateway.core.errors import AddressError
from inference.runtime.source import ModelSettings

SHIPPED = Path(__file__).parents[1] / "shipped" / "leak.onnx"
RATES_HZ = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
DEVICES = {
    "alsa": "alsa:hw:1,0",
    "udp": "udp:0.0.0.0:5004",
    "v4l2": "v4l2:/dev/video2",
    "file": "file:/var/lib/gatehouse/a.wav",
}


class Settings(ModelSettings):
    """At least one of `sound` and `picture` says where a sensor is; a place with one works, and says so."""

    admission: ClassVar[str] = "inference.leak.model:Model"
    sound: str = ""  # alsa:hw:1,0, udp:0.0.0.0:5004 (RTP, L16 or L24), file:/….wav
    rate_hz: int = 192_000
    full_scale_db: float = Field(
        default=120.0, ge=60.0, le=180.0
    )  # level of a sine that just reaches full scale, re 20 µPa
    channels: int = Field(default=1, ge=1, le=32)
    channel: int = Field(default=0, ge=0, le=31)  # counted from 0
    coding: Literal["L16", "L24"] = "L16"
    tone_hz: float = Field(
        default=0.0, ge=0.0, le=90_000.0
    )  # of a sounder that tests the microphone; 0 = there is none
    tone_db: float = Field(default=0.0, ge=0.0, le=160.0)
    tone_every_s: float = Field(default=3600.0, ge=10.0, le=86_400.0)
    picture: str = ""  # v4l2:/dev/video2 (Y16), udp:0.0.0.0:5005, file:/….mkv or .npy
    kelvin_per_count: float = Field(default=0.01, gt=0.0, le=1.0)
    offset_k: float = Field(default=0.0, ge=-400.0, le=400.0)
    frame_hz: float = Field(default=9.0, ge=1.0, le=60.0)
    repeat: bool = False  # a file begins anew at its end
    wind_m_s: float | None = Field(default=None, ge=0.0, le=40.0)  # usual wind at the place, where it is known
    model: Path | None = None  # the shipped one
    evidence_mb: int = Field(default=512, ge=0, le=1 << 20)  # what evidence of alarms may take; 0 = none is kept

    @field_validator("rate_hz")
    @classmethod
    def _rate(cls, rate_hz: int) -> int:
        if rate_hz not in RATES_HZ:
            known = ", ".join(str(one) for one in RATES_HZ)
            raise AddressError(
                f"{rate_hz} Hz is no rate of a sound card; use one of {known}",
                f"{rate_hz} Hz 不是声卡的采样率；可用：{known}",
            )
        return rate_hz

    @field_validator("sound")
    @classmethod
    def _sound(cls, address: str) -> str:
        return checked(address, ("alsa", "udp", "file"))

    @field_validator("picture")
    @classmethod
    def _picture(cls, address: str) -> str:
        return checked(address, ("v4l2", "udp", "file"))

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        if not self.sound and not self.picture:
            raise AddressError(
                'a leak source needs a sensor: sound = "alsa:hw:1,0", picture = "v4l2:/dev/video2", or both',
                '泄漏数据源至少需要一个传感器：sound = "alsa:hw:1,0"、picture = "v4l2:/dev/video2"，或两者都写',
            )
        if self.channel >= self.channels:
            raise AddressError(
                f"channel {self.channel} does not exist: channels = {self.channels}, and they are counted from 0",
                f"没有通道 {self.channel}：channels = {self.channels}，从 0 开始计数",
            )
        if self.tone_hz and not self.tone_db:
            raise AddressError(
                "tone_hz needs tone_db, the level of the sounder at the microphone as it was measured",
                "写了 tone_hz 就须写 tone_db：校验声源在麦克风处的实测声级",
            )
        return self

    def weights(self) -> Path:
        """The model that judges: the one that is named, else the shipped one."""
        return self.model or SHIPPED

    @property
    def network(self) -> bool:
        """Whether the job needs the network."""
        return self.sound.startswith("udp:") or self.picture.startswith("udp:")

    def job(self, source: str, folder: Path | None) -> dict[str, Any]:
        """What the worker is given."""
        given = self.model_dump(mode="json")
        return {**given, "model": str(self.weights()), "source": source, "folder": str(folder) if folder else ""}


def checked(address: str, kinds: tuple[str, ...]) -> str:
    """An address of one of these kinds, or nothing. Raises AddressError."""
    kind, _, rest = address.partition(":")
    right = " | ".join(DEVICES[one] for one in kinds)
    good = kind in kinds and bool(rest)
    if good and kind == "udp":
        host, _, port = rest.rpartition(":")
        good = bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65_536
    if address and not good:
        raise AddressError(
            f'"{address}" is no address of a sensor; write {right}', f"“{address}”不是传感器地址；应写成 {right}"
        )
    return address
