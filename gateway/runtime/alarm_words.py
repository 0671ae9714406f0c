"""Texts of the alarms that the gateway itself brings along, in both languages: (title, cause, consequence, response)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.program import RuleText

Four = tuple[str, str, str, str]

# `{of}` is what the alarm is about: the name before the suffix, or the source.
_WHOLE: dict[str, tuple[Four, Four]] = {
    "SELF_CHECK": (
        (
            "Gateway self-check failed",
            "The gateway evaluates too slowly or its program does not match.",
            "All functions are tripped; heartbeats are withheld.",
            "Read `gatehouse doctor`; an engineer clears the fault.",
        ),
        (
            "网关自检失败",
            "网关运算过慢或程序校验不符。",
            "所有联锁动作，心跳停止。",
            "运行 gatehouse doctor 检查，由工程师清除故障。",
        ),
    ),
    "OVERRUN": (
        (
            "Gateway is slow",
            "A step took more than 20 ms, or an input waited more than 100 ms.",
            "Reactions are late; above 500 ms twice in a row all functions trip.",
            "Look for other load on the box: `gatehouse doctor`.",
        ),
        (
            "网关运算变慢",
            "单步运算超过 20 ms，或输入等待超过 100 ms。",
            "响应变慢；连续两次超过 500 ms 时所有联锁动作。",
            "运行 gatehouse doctor，检查本机是否有其他负载。",
        ),
    ),
    "CLOCK_UNCERTAIN": (
        (
            "Clock of the gateway uncertain",
            "The time server is away, or the bound of the clock is over 5 ms.",
            "Times in alarms, trip bundles and evidence may not fit those of the plant. Trips do not depend on it.",
            "Look at `gatehouse time status` and at the time server.",
        ),
        (
            "网关时钟不确定",
            "时间服务器中断，或时钟误差界超过 5 ms。",
            "报警、跳车包和佐证数据中的时间可能与装置不一致。联锁动作不受影响。",
            "运行 gatehouse time status，并检查时间服务器。",
        ),
    ),
    "TELLING_FAILED": (
        (
            "Words for people did not arrive",
            "The broker or the receiver of a speaker or role is away.",
            "Nobody heard what a rule had to say.",
            "Tell the people by radio or in person; then look at the source of that speaker: `gatehouse telling list`.",
        ),
        (
            "播报或通知未送达",
            "扬声器或角色所用的代理服务器或接收端中断。",
            "规则要告知的内容无人收到。",
            "先用对讲机或当面通知有关人员，再用 gatehouse telling list 查看相应通道。",
        ),
    ),
    "OOS_REVIEW": (
        (
            "An alarm out of service waits for its daily review",
            "24 h have passed since anybody looked at it.",
            "People rely on the replacing measure alone.",
            "Check the measure on site; then `gatehouse alarm oos` again, or bring the alarm back.",
        ),
        (
            "停用报警待每日复核",
            "距上次复核已满 24 小时。",
            "现场仅靠替代措施防护。",
            "现场检查替代措施后重新执行 gatehouse alarm oos，或恢复该报警。",
        ),
    ),
}
_SOURCE: tuple[Four, Four] = (
    (
        "Device {of} is lost",
        "No answer on the network, or the device refuses.",
        "Its values are BAD; functions that need them trip.",
        "Check power, cable and address of the device.",
    ),
    (
        "设备 {of} 通讯中断",
        "网络无应答或设备拒绝连接。",
        "其数据为坏值，依赖它的联锁会动作。",
        "检查设备电源、网线和地址。",
    ),
)
_OF_ONE: dict[str, tuple[Four, Four]] = {
    "FAILED": (
        (
            "{of}: trip not confirmed",
            "Read-back, effect or a foreign write.",
            "The final element may not be safe.",
            "Bring the equipment to its safe state at the machine.",
        ),
        (
            "{of}：联锁动作未确认",
            "回读不符、执行无反馈或输出被他人改写。",
            "最终元件可能未到安全状态。",
            "立即就地使设备处于安全状态。",
        ),
    ),
    "DEGRADED": (
        (
            "{of}: degraded voting",
            "An input of the vote is bad.",
            "The vote runs with fewer channels.",
            "Repair the input.",
        ),
        ("{of}：降级表决", "有表决输入信号坏。", "表决通道减少。", "修复该输入。"),
    ),
    "DEVIATION": (
        (
            "{of}: channels deviate",
            "A channel is more than 5 % of its range from the median for 10 s.",
            "One transmitter is probably wrong; the vote still counts it.",
            "Compare the transmitters on site and calibrate the wrong one.",
        ),
        (
            "{of}：表决通道偏差大",
            "某通道偏离中值超过量程 5%，持续 10 秒。",
            "可能有一台变送器失准，表决仍计入该通道。",
            "现场比对各变送器，校准失准的一台。",
        ),
    ),
    "BYPASS": (
        (
            "{of}: a bypass ends soon",
            "A bypass ends by itself within 15 minutes.",
            "The input is back in the vote then; if its cause is true, the function trips.",
            "Finish the work, or have another person extend the bypass.",
        ),
        (
            "{of}：旁路即将到期",
            "旁路将在 15 分钟内自动结束。",
            "到期后该输入重新参与表决，若原因成立则联锁动作。",
            "尽快完成作业，或由另一人授权延长。",
        ),
    ),
    "PROOF": (
        (
            "{of}: proof test overdue",
            "The last full proof test is older than its interval.",
            "Hidden failures of the final element may have gone unseen.",
            "Plan the test: gatehouse interlock proof start.",
        ),
        (
            "{of}：校验测试逾期",
            "距上次完整校验测试已超过规定周期。",
            "最终元件的隐藏故障可能未被发现。",
            "安排校验测试：gatehouse interlock proof start。",
        ),
    ),
    "REVOKED": (
        (
            "Permit {of} has ended",
            "A condition of the permit failed, or its time is over.",
            "The work is no longer permitted.",
            "Stop the work, leave the place, find out why; then issue anew.",
        ),
        (
            "作业许可 {of} 已失效",
            "许可条件不再满足，或有效期已到。",
            "作业不再被许可。",
            "停止作业并撤离，查明原因后重新办理。",
        ),
    ),
    "HUNTING": (
        (
            "Output {of} is hunting",
            "It moved away from safe six times within the hour.",
            "It stays safe until a person clears it.",
            "Find out why it moves; then an engineer clears the function.",
        ),
        (
            "输出 {of} 频繁动作",
            "一小时内已六次离开安全状态。",
            "该输出保持安全状态，须人工清除。",
            "查明频繁动作的原因，再由工程师清除。",
        ),
    ),
}


_SOUND: tuple[Four, Four] = (
    (
        "Horn or beacon {of} does not follow",
        "Its output is not read back as asked, or someone else moves it.",
        "Alarms are not heard in the hall.",
        "Watch the alarm list; check the horn, its output and its device.",
    ),
    (
        "声光报警器 {of} 未动作",
        "输出回读与要求不符，或被他人改写。",
        "现场听不到（看不到）报警。",
        "专人监视报警列表，检查报警器、输出点及其设备。",
    ),
)


def system_alarm(name: str, source: str) -> Mapping[str, RuleText]:
    """What people read of the gateway's own alarm `name`; {} where it is none."""
    of, _, suffix = name.rpartition("_")
    if name.startswith("SOURCE_"):
        of, texts = source, _SOURCE
    elif name.startswith("SOUND_") and suffix == "FAILED":
        of, texts = of.removeprefix("SOUND_").lower(), _SOUND
    elif (found := _WHOLE.get(name) or _OF_ONE.get(suffix)) is not None:
        texts = found
    else:
        return {}
    return {
        language: RuleText(*(text.format(of=of) for text in four))
        for language, four in zip(("en", "zh-CN"), texts, strict=True)
    }
