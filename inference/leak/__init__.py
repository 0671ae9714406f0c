"""Leaks heard and seen: a microphone and a thermal camera, one second at a time, fused by one small network.

May touch: `inference.runtime`, `inference.models`, `drivers.base`, `gateway.core.{tags,samples,errors}`.
May not touch: `inference.leaksim`, or any other room.

Specification: ISO 9613-1 (simulator), RTP (RFC 3550, 3551, 3190). Library: PyAV, OpenCV, onnxruntime, all in a worker process
(`inference.runtime`). The model was trained on simulation only; docs/leak.md says what that means. Sound and pictures stay in the box.

Address of a tag: the name of a value, such as `alarm`, `evidence`, `level_db` (docs/leak.md has all of them). Until a baseline of
the place was accepted (`gatehouse leak baseline`) `alarm` is BAD.

name: Leak, acoustic and infrared | 泄漏（声学与红外）
done: microphones over ALSA, RTP (L16, L24) and from recordings, 44.1 to 192 kHz; self-test with or without a sounder
  | ALSA、RTP（L16、L24）与录音文件的麦克风，44.1 至 192 kHz；带或不带校验声源的自检
done: thermal cameras with 16-bit counts over V4L2 (Y16), UDP and from recordings; shutter
  | V4L2（Y16）、UDP 与录像文件的 16 位热像仪；快门处理
done: works with either sensor alone and then says degraded | 任一传感器失效时继续工作，并标为降级
done: a baseline of the place before alarms; evidence as FLAC and 16-bit video | 启用报警前先学习现场基线；证据以 FLAC 与 16 位视频保存
todo: a model trained on recordings of real leaks: none are public | 用真实泄漏录音训练的模型：目前没有公开数据
exempt: which gas it is, and a mass flow to settle bills by | 气体种类识别，以及用于计量的质量流量
exempt: writing: it has no outputs | 写入：没有输出
"""

from __future__ import annotations

from inference.leak.settings import Settings
from inference.leak.source import Driver, parse

__all__ = ["Driver", "Settings", "parse"]
