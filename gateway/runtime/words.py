"""What the daemon says of itself, in both languages: state words, what is missing, system alarms, answers to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.control.messages import Texts
from gateway.core.interlocks import State

TRIPPED_STATES = (State.TRIPPED, State.TRIPPING, State.TRIP_FAILED, State.FAULT, State.INIT, State.READY, State.ARMING)


def _both(en: str, zh: str) -> Texts:
    return {"en": en, "zh-CN": zh}


NORMAL = _both("All functions are in service.", "所有联锁均在投用状态。")
SHADOW = _both("No function is in service: rules are on trial.", "没有联锁投用，规则处于试运行。")
MONITOR_ONLY = _both("There are no interlocks: nothing is written.", "未配置联锁，仅监测，不写任何输出。")
MONITOR_MODE = _both("This site only monitors: nothing is written.", "本站点设为仅监测，不写任何输出。")
UNCONFIGURED = _both("No devices and no rules are configured.", "尚未配置设备和规则。")
NOT_ARMED = _both("not in service: arm this version", "未投用：请先投用此版本")
DEMAND = _both("the cause is present, or not certainly gone", "联锁原因仍存在，或尚不能确认已消除")
PERMISSIVE = _both("a permissive is missing", "允许条件不满足")
BYPASSED = _both("bypassed", "已旁路")
LOST = _both("input bad", "输入信号坏")


def with_confidence(note: Texts, sure: float) -> Texts:
    """A note of the truth tree with the confidence of what stands there."""
    said = _both(f"confidence {sure:.2f}", f"置信度 {sure:.2f}")
    return {language: "; ".join(filter(None, (note.get(language, ""), text))) for language, text in said.items()}


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


def clock(bound_ms: float | None) -> Texts:
    """The banner's line for a clock that nobody keeps near UTC."""
    if bound_ms is None:
        return _both("Clock: no time server is followed", "时钟：未与任何时间服务器同步")
    return _both(f"Clock: may be off by {bound_ms:.1f} ms", f"时钟：误差可达 {bound_ms:.1f} ms")


def slow(names: Sequence[str]) -> Texts:
    """The banner's line for functions whose trips come too close to their budget."""
    listed = ", ".join(names)
    return _both(f"Trips close to their time budget: {listed}", f"动作时间接近预算：{listed}")


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
        "An output of {name} moved six times within the hour and is latched out: find the cause; an engineer clears it.",
        "{name} 的输出一小时内已动作六次，现已闭锁。请查明原因，由工程师清除。",
    ),
    "interlock.no-fault": _both(
        "{name} has nothing to clear, or the self-check is down.", "{name} 无可清除的故障，或自检未通过。"
    ),
    "bypass.never": _both("{name} must not be bypassed.", "{name} 不允许旁路。"),
    "interlock.no-version": _both(
        "This version of {name} is not loaded: restart the gateway to put it on trial first.",
        "{name} 的该版本尚未装载，请先重启网关使其进入试运行。",
    ),
    "interlock.trip-first": _both(
        "The new version of {name} drives other outputs: trip {name} first.",
        "{name} 的新版本驱动的输出不同，请先使 {name} 动作到安全位。",
    ),
    "bypass.no-tag": _both("Name the input to bypass.", "请指定要旁路的输入。"),
    "bypass.no-such-input": _both("{name} has no input {tag}.", "{name} 没有输入 {tag}。"),
    "bypass.code": _both("Say why by one of: {codes}.", "请选择旁路原因代码：{codes}。"),
    "bypass.reason": _both("Give a reason of at least {characters} characters.", "原因至少 {characters} 个字符。"),
    "bypass.measure": _both("Name the compensating measure.", "请填写补偿措施。"),
    "bypass.minutes": _both("A whole number of minutes, at most {most}.", "请填写整数分钟，最多 {most}。"),
    "bypass.already": _both(
        "You have bypassed {tag} already: an extension needs another person.", "{tag} 已由您旁路，延长须由另一人授权。"
    ),
    "bypass.group": _both("A channel of this voting group is bypassed already.", "该表决组已有通道旁路。"),
    "bypass.pretrip": _both("{name} is about to trip: no bypass now.", "{name} 即将动作，此时不可旁路。"),
    "bypass.demand": _both("{tag} is good and asks for a trip: no bypass.", "{tag} 信号正常且要求动作，不可旁路。"),
    "bypass.extension": _both(
        "{tag} was bypassed by {person} until just now: an extension needs another person.",
        "{tag} 刚由 {person} 旁路过，延长须由另一人授权。",
    ),
    "command.person": _both("Nobody is named: a command needs a person.", "未指明人员，命令须实名。"),
    "bypass.none": _both("{tag} is not bypassed.", "{tag} 未旁路。"),
    "interlock.grouped": _both(
        "{name} belongs to group {group}: reset the group.", "{name} 属于联锁组 {group}，请对整组复位。"
    ),
    "group.unknown": _both("There is no group {name}.", "没有联锁组 {name}。"),
    "group.nothing": _both("Nothing in group {name} waits for a reset.", "联锁组 {name} 中没有待复位的联锁。"),
    "sos.none": _both("{name} has no start-up override.", "{name} 未设置开车旁路。"),
    "sos.running": _both("The start-up override of {name} runs already.", "{name} 的开车旁路已在进行。"),
    "sos.not-running": _both("No start-up override of {name} runs.", "{name} 没有正在进行的开车旁路。"),
    "sos.started": _both(
        "{name} is {state}: an override is for the start only.", "{name} 处于 {state}，开车旁路只用于开车前。"
    ),
    "sos.over": _both(
        "The condition that ends the override of {name} is true already.", "{name} 的开车旁路结束条件已满足，无需旁路。"
    ),
    "control.unknown": _both("There is no control {name}.", "没有控制联动 {name}。"),
    "control.already-armed": _both("{name} is in service already.", "{name} 已投用。"),
    "control.not-live": _both("{name} is not in service.", "{name} 未投用。"),
    "control.not-hunting": _both("{name} is not latched out.", "{name} 未被闭锁。"),
    "permit.unknown": _both("There is no permit {name}.", "没有作业许可 {name}。"),
    "permit.issued": _both("{name} is issued already; revoke it first.", "{name} 已签发，请先收回。"),
    "permit.not-issued": _both("{name} is not issued.", "{name} 未签发。"),
    "permit.denied": _both(
        "{name} is denied: its conditions are not certainly met.", "{name} 不予许可：条件未全部确认满足。"
    ),
    "permit.place": _both("Say where the work is.", "请填写作业地点。"),
    "permit.minutes": _both("A whole number of minutes, at most {most}.", "请填写整数分钟，最多 {most}。"),
    "permit.checklist": _both(
        "{name} is a checklist: confirm its items one by one.", "{name} 是确认清单，请逐项确认。"
    ),
    "permit.nothing-asks": _both("No rule asks whether {name} is done.", "没有规则要求 {name}。"),
    "confirm.unknown": _both("There is no checklist {name}.", "没有确认清单 {name}。"),
    "confirm.no-item": _both("{name} has the items {items}.", "{name} 的确认项为：{items}。"),
    "confirm.same-person": _both(
        "You have confirmed {item}: every item needs another person.", "您已确认 {item}，每一项须由不同人员确认。"
    ),
    "telling.none": _both("{name} waits for no answer.", "{name} 没有待应答的升级通知。"),
    "proof.kind": _both(
        "partial (to the PLC's word) or full (to the final element).",
        "只能是 partial（至 PLC 字）或 full（至最终元件）。",
    ),
    "proof.running": _both("A proof test of {name} is running.", "{name} 正在进行校验测试。"),
    "proof.not-running": _both("No proof test of {name} is running.", "{name} 没有正在进行的校验测试。"),
    "proof.result": _both("The result is passed or failed.", "结果只能是 passed（合格）或 failed（不合格）。"),
    "proof.note": _both(
        "Say in at least {characters} characters what was done and seen.", "请用至少 {characters} 个字说明所做与所见。"
    ),
    "proof.trip-failed": _both(
        "A trip of {name} in this test was not confirmed: the test has failed.",
        "本次测试中 {name} 有动作未得到确认，测试不合格。",
    ),
    "proof.too-few": _both(
        "{trips} trip(s) measured, {least} are needed.", "已测得 {trips} 次动作，至少需要 {least} 次。"
    ),
    "proof.too-slow": _both(
        "The longest trip took {longest} ms, more than its budget.", "最长动作时间 {longest} ms，超出时间预算。"
    ),
    "proof.not-seen": _both(
        "The final element of {name} was not seen to go safe: say that you looked.",
        "{name} 的最终元件未确认到达安全状态，须现场查看并声明。",
    ),
    "alarm.unknown": _both("There is no alarm {name}.", "没有报警 {name}。"),
    "alarm.other-occurrence": _both(
        "Occurrence {given} is not the current one ({current}); look again.",
        "{given} 不是当前这次报警（{current}），请重新查看。",
    ),
    "alarm.ack-first": _both("Acknowledge {name} first.", "请先确认 {name}。"),
    "alarm.not-latched": _both("{name} has nothing to reset.", "{name} 无需复位。"),
    "alarm.not-active": _both("{name} has nothing to acknowledge.", "{name} 没有需要确认的报警。"),
    "alarm.shelf": _both(
        "The kind of shelf is timed or one-shot.", "搁置方式只能是 timed（定时）或 one-shot（单次）。"
    ),
    "alarm.minutes": _both(
        "A whole number of minutes; this priority and role may shelve for {most}.",
        "请填写整数分钟，该优先级和角色最多可搁置 {most} 分钟。",
    ),
    "alarm.shelve-p1": _both(
        "{name} is critical: only a supervisor shelves it.", "{name} 为最高优先级，须由班长搁置。"
    ),
    "alarm.same-reason": _both(
        "{name} was shelved for this reason before: a renewal needs a new one.",
        "{name} 曾以同样原因搁置，再次搁置须填写新的原因。",
    ),
    "alarm.reason": _both("Give a reason of at least {characters} characters.", "原因至少 {characters} 个字符。"),
    "alarm.verdict": _both(
        "A verdict is one of {verdicts}, for a candidate named by its begin in UTC ms.",
        "判定只能是 {verdicts}，候选报警以起始时刻（UTC 毫秒）指明。",
    ),
    "alarm.code": _both("The cause is one of {codes}.", "原因代码只能是 {codes}。"),
    "alarm.action": _both("Name the occurrence and what was done.", "请指明报警次号并填写处置措施。"),
    "alarm.no-sound": _both("Nothing sounds.", "当前没有声响。"),
    "alarm.not-shelved": _both("{name} is not shelved.", "{name} 未搁置。"),
    "alarm.logic": _both(
        "Name the alarm rule that suppresses {name} by design; there is none called “{logic}”.",
        "请指明抑制 {name} 的设计逻辑（报警规则），没有名为“{logic}”的规则。",
    ),
    "alarm.armed": _both(
        "{name} belongs to the cause of an armed interlock: it cannot be suppressed.",
        "{name} 与已投用联锁属同一原因，不能抑制。",
    ),
    "alarm.not-suppressed": _both("{name} has no suppression by design.", "{name} 未设置设计抑制。"),
    "alarm.moc": _both("Name the management-of-change id.", "请填写变更管理（MOC）编号。"),
    "alarm.measure": _both("Name the measure that replaces {name}.", "请填写替代 {name} 的措施。"),
    "alarm.in-service": _both("{name} is in service.", "{name} 未停用。"),
    "alarm.self": _both(
        "{name} watches over the masks and cannot be masked itself.", "{name} 用于监督报警屏蔽，不能被屏蔽。"
    ),
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
