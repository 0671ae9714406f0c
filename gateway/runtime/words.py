"""What the daemon says of itself, in both languages: state words, what is missing, system alarms, answers to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.control.messages import Texts
from gateway.core.interlocks import State
from gateway.core.program import RuleText

TRIPPED_STATES = (State.TRIPPED, State.TRIPPING, State.TRIP_FAILED, State.FAULT, State.INIT, State.READY, State.ARMING)


def _both(en: str, zh: str) -> Texts:
    return {"en": en, "zh-CN": zh}


NORMAL = _both("All functions are in service.", "所有联锁均在投用状态。")
SHADOW = _both("No function is in service: rules are on trial.", "没有联锁投用，规则处于试运行。")
MONITOR_ONLY = _both("There are no interlocks: nothing is written.", "未配置联锁，仅监测，不写任何输出。")
UNCONFIGURED = _both("No devices and no rules are configured.", "尚未配置设备和规则。")
NOT_ARMED = _both("not in service: arm this version", "未投用：请先投用此版本")
DEMAND = _both("the cause is present, or not certainly gone", "联锁原因仍存在，或尚不能确认已消除")
PERMISSIVE = _both("a permissive is missing", "允许条件不满足")
BYPASSED = _both("bypassed", "已旁路")
LOST = _both("input bad", "输入信号坏")


def tripped(name: str, state: str, causes: Sequence[str]) -> Texts:
    """The banner's line for a tripped function."""
    first = ", ".join(causes) or state
    if state == "READY":
        return _both(f"{name}: ready for reset ({first})", f"{name}：可以复位（{first}）")
    if state == "TRIP_FAILED":
        return _both(
            f"{name}: the output did not go safe ({first}). Act at the machine.",
            f"{name}：输出未到安全状态（{first}），请就地处理。",
        )
    return _both(f"{name}: first-out {first}", f"{name}：首出原因 {first}")


def degraded(what: str) -> Texts:
    """The banner's line for a degraded gateway."""
    return _both(f"Not working: {what}", f"不正常：{what}")


def warning(alarms: Sequence[str]) -> Texts:
    """The banner's line for active alarms and bypasses."""
    names = ", ".join(alarms[:3])
    if not alarms:
        return _both("An input is bypassed.", "有输入被旁路。")
    return _both(f"{len(alarms)} alarm(s): {names}", f"{len(alarms)} 条报警：{names}")


def watchdog(source: str) -> Texts:
    """Arming waits for this proof."""
    return _both(f"the watchdog of {source} is not proven", f"{source} 的看门狗尚未验证")


def input_bad(tag: str) -> Texts:
    """READY waits for this input."""
    return _both(f"{tag} is not good", f"{tag} 信号不良")


def output(name: str) -> Texts:
    """READY waits for this output."""
    return _both(f"{name} is not verified safe", f"{name} 的安全状态未回读确认")


def system_alarm(name: str, source: str) -> Mapping[str, RuleText]:
    """Texts of the alarms that the gateway itself brings along."""
    if name == "SELF_CHECK":
        return {
            "en": RuleText(
                title="Gateway self-check failed",
                cause="The gateway evaluates too slowly or its program does not match.",
                consequence="All functions are tripped; heartbeats are withheld.",
                response="Read `gatehouse doctor`; an engineer clears the fault.",
            ),
            "zh-CN": RuleText(
                title="网关自检失败",
                cause="网关运算过慢或程序校验不符。",
                consequence="所有联锁动作，心跳停止。",
                response="运行 gatehouse doctor 检查，由工程师清除故障。",
            ),
        }
    if name.startswith("SOURCE_"):
        return {
            "en": RuleText(
                title=f"Device {source} is lost",
                cause="No answer on the network, or the device refuses.",
                consequence="Its values are BAD; functions that need them trip.",
                response="Check power, cable and address of the device.",
            ),
            "zh-CN": RuleText(
                title=f"设备 {source} 通讯中断",
                cause="网络无应答或设备拒绝连接。",
                consequence="其数据为坏值，依赖它的联锁会动作。",
                response="检查设备电源、网线和地址。",
            ),
        }
    if name.endswith("_DEVIATION"):
        vote = name.rsplit("_", 1)[0]
        return {
            "en": RuleText(
                title=f"{vote}: channels deviate",
                cause="A channel is more than 5 % of its range from the median for 10 s.",
                consequence="One transmitter is probably wrong; the vote still counts it.",
                response="Compare the transmitters on site and calibrate the wrong one.",
            ),
            "zh-CN": RuleText(
                title=f"{vote}：表决通道偏差大",
                cause="某通道偏离中值超过量程 5%，持续 10 秒。",
                consequence="可能有一台变送器失准，表决仍计入该通道。",
                response="现场比对各变送器，校准失准的一台。",
            ),
        }
    failed = name.endswith("_FAILED")
    function = name.rsplit("_", 1)[0]
    return {
        "en": RuleText(
            title=f"{function}: trip not confirmed" if failed else f"{function}: degraded voting",
            cause="Read-back, effect or a foreign write." if failed else "An input of the vote is bad.",
            consequence="The final element may not be safe." if failed else "The vote runs with fewer channels.",
            response="Bring the equipment to its safe state at the machine." if failed else "Repair the input.",
        ),
        "zh-CN": RuleText(
            title=f"{function}：联锁动作未确认" if failed else f"{function}：降级表决",
            cause="回读不符、执行无反馈或输出被他人改写。" if failed else "有表决输入信号坏。",
            consequence="最终元件可能未到安全状态。" if failed else "表决通道减少。",
            response="立即就地使设备处于安全状态。" if failed else "修复该输入。",
        ),
    }


ANSWERS: dict[str, Texts] = {
    "command.done": _both("Done.", "已执行。"),
    "command.unknown": _both("There is no command {verb}.", "没有命令 {verb}。"),
    "command.role": _both("This needs the role {role}; yours is {yours}.", "需要{role}权限，当前为{yours}。"),
    "command.too-many": _both("Too many commands wait for the disk.", "等待写盘的命令过多。"),
    "command.not-durable": _both(
        "Refused: the journal could not store it in time. Check the disk.", "已拒绝：日志未能及时写盘，请检查磁盘。"
    ),
    "command.timeout": _both("The gateway did not answer in time.", "网关未及时应答。"),
    "gateway.stopping": _both("The gateway is stopping.", "网关正在停止。"),
    "interlock.unknown": _both("There is no function {name}.", "没有联锁 {name}。"),
    "interlock.live": _both("{name} is in service; disarm it first.", "{name} 已投用，请先退出。"),
    "interlock.already-armed": _both("{name} is already armed.", "{name} 已投用。"),
    "interlock.no-heartbeat": _both(
        "{source} has no heartbeat in site.toml: its PLC could not go safe by itself.",
        "{source} 在 site.toml 中未配置心跳，PLC 无法自行进入安全状态。",
    ),
    "interlock.watchdog-not-proven": _both(
        "Heartbeat loss is not proven on {source}. Run: gatehouse interlock test watchdog {source}",
        "{source} 的心跳丢失尚未验证。请运行：gatehouse interlock test watchdog {source}",
    ),
    "interlock.not-live": _both("{name} is not in service.", "{name} 未投用。"),
    "interlock.changed": _both(
        "{name} changed since it was armed; arm this version first.", "{name} 投用后已修改，请先投用新版本。"
    ),
    "interlock.not-ready": _both(
        "{name} is {state}; only READY takes a reset.", "{name} 处于 {state}，只有 READY 可复位。"
    ),
    "interlock.not-clear": _both("The cause of {name} is not certainly gone.", "{name} 的联锁原因尚未确认消除。"),
    "interlock.hunting": _both(
        "{name} was reset six times within the hour: find the cause first.", "{name} 一小时内已复位六次，请先查明原因。"
    ),
    "interlock.no-fault": _both(
        "{name} has no fault to clear, or the self-check is down.", "{name} 无可清除的故障，或自检未通过。"
    ),
    "bypass.never": _both("{name} must not be bypassed.", "{name} 不允许旁路。"),
    "bypass.no-tag": _both("Name the input to bypass.", "请指定要旁路的输入。"),
    "bypass.no-such-input": _both("{name} has no input {tag}.", "{name} 没有输入 {tag}。"),
    "bypass.reason": _both("Give a reason of at least {characters} characters.", "原因至少 {characters} 个字符。"),
    "bypass.measure": _both("Name the compensating measure.", "请填写补偿措施。"),
    "bypass.minutes": _both("A whole number of minutes, at most {most}.", "请填写整数分钟，最多 {most}。"),
    "bypass.already": _both("{tag} is bypassed already; let it end first.", "{tag} 已旁路，请先结束。"),
    "bypass.group": _both("A channel of this voting group is bypassed already.", "该表决组已有通道旁路。"),
    "bypass.pretrip": _both("{name} is about to trip: no bypass now.", "{name} 即将动作，此时不可旁路。"),
    "bypass.demand": _both("{tag} is good and asks for a trip: no bypass.", "{tag} 信号正常且要求动作，不可旁路。"),
    "bypass.extension": _both(
        "{tag} was bypassed by {person} until just now: an extension needs another person.",
        "{tag} 刚由 {person} 旁路过，延长须由另一人授权。",
    ),
    "command.person": _both("Nobody is named: a command needs a person.", "未指明人员，命令须实名。"),
    "bypass.none": _both("{tag} is not bypassed.", "{tag} 未旁路。"),
    "alarm.unknown": _both("There is no alarm {name}.", "没有报警 {name}。"),
    "alarm.other-occurrence": _both(
        "Occurrence {given} is not the current one ({current}); look again.",
        "{given} 不是当前这次报警（{current}），请重新查看。",
    ),
    "alarm.ack-first": _both("Acknowledge {name} first.", "请先确认 {name}。"),
    "alarm.not-latched": _both("{name} has nothing to reset.", "{name} 无需复位。"),
    "alarm.not-active": _both("{name} has nothing to acknowledge.", "{name} 没有需要确认的报警。"),
    "source.unknown": _both("There is no device {name}.", "没有设备 {name}。"),
    "watchdog.state": _both(
        "begin, proven or failed; not {state}.", "只能是 begin、proven 或 failed，不能是 {state}。"
    ),
    "watchdog.energised": _both("{name} is energised: trip it first.", "{name} 处于得电状态，请先使其动作。"),
    "watchdog.dropped": _both(
        "The watchdog of {source} has dropped: reset it at the PLC first.",
        "{source} 的看门狗已动作，请先在 PLC 侧复位。",
    ),
    "watchdog.running": _both("A proof is running.", "验证正在进行。"),
    "watchdog.not-running": _both("No proof is running.", "没有正在进行的验证。"),
    "watchdog.measured": _both(
        "This PLC tells of its watchdog: the result is measured.", "该 PLC 自报看门狗状态，结果由测量得出。"
    ),
}


def answer(key: str, args: Mapping[str, str]) -> Texts:
    """An answer of the kernel in both languages."""
    return {language: text.format_map(args) for language, text in ANSWERS[key].items()}
