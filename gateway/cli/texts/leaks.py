"""Places that are watched for leaks: what stands there, and what their sensors say."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "leak.alarm": ("ALARM: leak", "报警：泄漏"),
    "leak.watching": ("watching", "监视中"),
    "leak.learning": ("learning: alarms off", "学习中：报警未启用"),
    "leak.degraded": ("DEGRADED", "降级（DEGRADED）"),
    "leak.lost": ("lost", "失联"),
    "leak.sound": ("Microphone", "麦克风"),
    "leak.picture": ("Thermal camera", "热像仪"),
    "leak.strip": (
        "Sound over the floor of its band, one letter a second (· 2, ░ 5, ▒ 10, ▓ 15, █ 25 dB and more, ? none):",
        "各频带高于底噪的声级，每秒一格（· 2、░ 5、▒ 10、▓ 15、█ 25 dB 及以上，? 无数据）：",
    ),
    "leak.plume": (
        "Where a plume is likely in the picture (░ 25 %, ▓ 50 %, █ 75 %):",
        "画面中可能有气羽的位置（░ 25 %、▓ 50 %、█ 75 %）：",
    ),
    "leak.evidence": ("Evidence: {value} % of the alarm's threshold.", "证据：报警判据的 {value} %。"),
    "leak.level_db": ("Level in 25–70 kHz: {value} dB.", "25–70 kHz 声级：{value} dB。"),
    "leak.over_floor_db": ("Mean over the floor in that band: {value} dB.", "该频段平均高于底噪：{value} dB。"),
    "leak.sound_probability": ("By sound alone: {value} % likely.", "仅凭声音：可能性 {value} %。"),
    "leak.picture_probability": ("By picture alone: {value} % likely.", "仅凭画面：可能性 {value} %。"),
    "leak.agreement": ("The sensors agree to {value} %.", "两传感器一致程度：{value} %。"),
    "leak.distance_m": ("Estimated distance: {value} m.", "估计距离：{value} m。"),
    "leak.flow_kg_s": (
        "Estimated flow: {value} g/s, within a factor of three at best.",
        "估计流量：{value} g/s，误差至少三倍。",
    ),
    "leak.unarmed": (
        "Alarms are off: no baseline was accepted ({hours} h learned). See gatehouse leak baseline.",
        "报警未启用：尚未接受基线（已学习 {hours} 小时）。见 gatehouse leak baseline。",
    ),
    "leak-sensor.ok": ("in order", "正常"),
    "leak-sensor.none": ("not fitted", "未安装"),
    "leak-sensor.missing": ("missing", "无数据"),
    "leak-sensor.silent": ("silent: unplugged?", "无声：是否断线？"),
    "leak-sensor.clipped": ("overloaded", "过载"),
    "leak-sensor.tone": ("self-test failed", "自检不合格"),
    "leak-sensor.frozen": ("frozen picture", "画面冻结"),
    "leak-sensor.blind": ("blind", "被遮挡"),
    "leak-sensor.starting": ("starting", "启动中"),
    "leak-sensor.0": ("in order", "正常"),
    "leak-sensor.1": ("not fitted", "未安装"),
    "leak-sensor.2": ("missing", "无数据"),
    "leak-sensor.3": ("silent: unplugged?", "无声：是否断线？"),
    "leak-sensor.4": ("overloaded", "过载"),
    "leak-sensor.5": ("self-test failed", "自检不合格"),
    "leak-sensor.6": ("frozen picture", "画面冻结"),
    "leak-sensor.7": ("blind", "被遮挡"),
    "leak-sensor.8": ("starting", "启动中"),
}
