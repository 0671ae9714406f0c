"""What the prover says to people, in both languages, by stable code."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class Said(NamedTuple):
    """What was found and what to do; `{name}` fields are filled by whoever found it, `{example}` by the example."""

    severity: Severity
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str


SAID: dict[str, Said] = {
    # --- conditions ---
    "check.never": Said(
        "error",
        "{rule}: '{what}' can never be true: no values inside the ranges of its tags fulfil {part}.",
        "{rule}：{what} 条件永远不会成立：各位号量程内没有任何取值能满足 {part}。",
        "Correct a limit, write 'or' where either is meant, or correct low and high in the tag list.",
        "请更正限值；若本意是二者之一请用 or；或在位号表中更正 low 和 high。",
    ),
    "check.always": Said(
        "error",
        "{rule}: 'when' is always true, whatever its tags read: {part}.",
        "{rule}：无论各位号取何值，when 条件恒成立：{part}。",
        "Write the limit that was meant, or 'and' where 'or' stands.",
        "请写出本意的限值，或把 or 改为 and。",
    ),
    "check.part-never": Said(
        "warning",
        "{rule}: a part of its condition can never be true and adds nothing: {part}.",
        "{rule}：条件中有一部分永远不会成立，不起作用：{part}。",
        "Correct its limit or delete it: people who read the rule rely on it.",
        "请更正其限值或删除：读规则的人会以为它有效。",
    ),
    "check.vote-never": Said(
        "error",
        "{rule}: the vote is never reached: {part}.",
        "{rule}：该表决永远达不到：{part}。",
        "So many of its channels cannot be true together: correct their limits, or ask for fewer votes.",
        "这么多通道不可能同时成立：请更正限值，或减少所需票数。",
    ),
    "check.permissive-never": Said(
        "error",
        "{rule} can never be armed: its permissive holds only while it trips.",
        "{rule} 永远无法投用：其投用条件只有在联锁动作时才成立。",
        "Correct 'permissive' so that it can be true while 'when' is false.",
        "请更正 permissive，使其在 when 不成立时也能成立。",
    ),
    "check.clear-never": Said(
        "error",
        "{rule} never goes off: 'clear when' cannot be true while 'when' is false.",
        "{rule} 开启后不会关闭：when 不成立时，clear when 也不可能成立。",
        "Correct 'clear when': once the condition is over it must be able to come true.",
        "请更正 clear when：条件消失后它必须能够成立。",
    ),
    # --- outputs ---
    "check.two-controls": Said(
        "error",
        "Controls {rule} and {other} both drive {output}, and can want different states of it: {rule} {here} and {other} "
        "{there} when {example}.",
        "联动控制 {rule} 与 {other} 都驱动 {output}，且可能要求不同状态：当 {example} 时，{rule} {here}，{other} {there}。",
        "Let one control drive the output: join the two conditions with 'or' or 'and'.",
        "一个输出只由一条联动控制驱动：请用 or 或 and 合并两个条件。",
    ),
    "check.two-controls-same": Said(
        "error",
        "Controls {rule} and {other} both drive {output}.",
        "联动控制 {rule} 与 {other} 都驱动 {output}。",
        "They always want the same of it: delete one of them.",
        "两者对它的要求总是一致：请删除其中一条。",
    ),
    "check.interlock-wins": Said(
        "note",
        "{other} asks for {output} = {wanted} while interlock {rule} holds it safe, when {example}. The interlock wins.",
        "当 {example} 时，{other} 要求 {output} = {wanted}，而联锁 {rule} 使其处于安全值。以联锁为准。",
        "Nothing to do if that is meant.",
        "若本意如此，无须处理。",
    ),
    # --- hunting ---
    "check.overlap": Said(
        "error",
        "{rule} would hunt: 'when' and 'clear when' are both true when {example}.",
        "{rule} 会反复动作：当 {example} 时，when 与 clear when 同时成立。",
        "Leave a gap between the two, as in: when level > 80 cm, clear when level < 70 cm.",
        "请在两者之间留出间隔，例如 when level > 80 cm，clear when level < 70 cm。",
    ),
    "check.no-hysteresis": Said(
        "error",
        "{rule} would hunt: at {example} the smallest movement switches it on and off.",
        "{rule} 会反复动作：在 {example} 处，测量值稍有波动就会使其开、关。",
        "Write hyst behind the comparison, or a 'clear when' with a gap.",
        "请在比较之后写 hyst，或写留有间隔的 clear when。",
    ),
    "check.slow-hunting": Said(
        "warning",
        "{rule} has no hysteresis: at {example} the smallest movement switches it; only its times hold it back.",
        "{rule} 没有回差：在 {example} 处，测量值稍有波动就会使其切换，仅靠时间限制。",
        "Write hyst behind the comparison, or a 'clear when' with a gap.",
        "请在比较之后写 hyst，或写留有间隔的 clear when。",
    ),
    "check.loop": Said(
        "error",
        "{rules} would hunt in a circle: what is driven changes its own cause, and nothing stands still when {example}.",
        "{rules} 会循环反复动作：驱动的结果改变了其自身的条件；当 {example} 时没有任何稳定状态。",
        "Break the circle: let the condition read what is measured, and not what the rules themselves drive.",
        "请断开该循环：条件应读取实测量，而不是规则自身所驱动的量。",
    ),
    "check.loop-always": Said(
        "error",
        "{rules} would hunt in a circle: what is driven changes its own cause, and nothing ever stands still.",
        "{rules} 会循环反复动作：驱动的结果改变了其自身的条件，永远没有稳定状态。",
        "Break the circle: let the condition read what is measured, and not what the rules themselves drive.",
        "请断开该循环：条件应读取实测量，而不是规则自身所驱动的量。",
    ),
    "check.locks-itself": Said(
        "error",
        "{rule} can never be reset: once tripped, what it did keeps its own condition true ({tags}).",
        "{rule} 动作后永远无法复位：动作的结果使其条件一直成立（{tags}）。",
        "Do not demand by the effect of the trip itself; use 'confirm' to see that it happened.",
        "请勿以动作的结果作为动作条件；要确认动作请用 confirm。",
    ),
    "check.reads-itself": Said(
        "note",
        "{rules}: the condition reads what the rule itself drives ({tags}). It comes to rest in every case.",
        "{rules}：条件读取了规则自身所驱动的量（{tags}）。任何情况下都会稳定下来。",
        "Nothing to do if that is meant.",
        "若本意如此，无须处理。",
    ),
    # --- bad inputs ---
    "check.bad-never": Said(
        "error",
        "{rule}: losing {tag} never trips, whatever the other inputs are.",
        "{rule}：{tag} 变坏后，无论其他输入如何都不会触发联锁。",
        'Let a lost input count, or write why it need not: on bad avail because "…".',
        '请让坏值参与判断，或写明理由：on bad avail because "…"。',
    ),
    "check.bad-hides": Said(
        "warning",
        "{rule}: losing {tag} hides a demand: it would trip when {example}, and does not while {tag} is bad.",
        "{rule}：{tag} 变坏会掩盖需求：当 {example} 时本应动作，而 {tag} 为坏值时不会动作。",
        'Let a lost input count, or write why it need not: on bad … because "…".',
        '请让坏值参与判断，或写明理由：on bad … because "…"。',
    ),
    # --- rules beside rules ---
    "check.shadowed": Said(
        "warning",
        "{rule} never acts first: whenever it would trip, {other} has tripped the same outputs already.",
        "{rule} 永远不会先动作：每当它要动作时，{other} 已使相同输出动作。",
        "Correct its limit, or delete it: it protects against nothing more.",
        "请更正其限值，或删除：它没有增加任何保护。",
    ),
    "check.same": Said(
        "warning",
        "{rule} and {other} are true in exactly the same situations.",
        "{rule} 与 {other} 在完全相同的情况下成立。",
        "Keep one of them: two messages of one cause bury others.",
        "请只保留一条：同一原因的两条信息会掩盖其他报警。",
    ),
    # --- times ---
    "check.budget": Said(
        "error",
        "{rule} cannot act in time: {sum} together are {total}, more than {half}, half of the process safety time.",
        "{rule} 来不及动作：{sum}，合计 {total}，超过过程安全时间的一半 {half}。",
        "Shorten the delay or the poll period, use a faster final element, or check the process safety time.",
        "请缩短延时或轮询周期、选用更快的执行元件，或核实过程安全时间。",
    ),
    "check.within": Said(
        "error",
        "{rule} cannot stop {output} within {within}: {sum} together are {total}.",
        "{rule} 不能在 {within} 内停 {output}：{sum}，合计 {total}。",
        "Allow more time in 'within', or shorten the delay or the poll period.",
        "请放宽 within，或缩短延时、轮询周期。",
    ),
    "check.blind": Said(
        "warning",
        "{rule} bears a lost input too long: {sum} together are {total}, more than {half}, half of the process safety time.",
        "{rule} 容许坏值的时间过长：{sum}，合计 {total}，超过过程安全时间的一半 {half}。",
        "Write a shorter 'on bad … after', or a shorter stale_ms in the tag list.",
        "请缩短 on bad … after，或在位号表中缩短 stale_ms。",
    ),
    "check.stale": Said(
        "warning",
        "{rule}: {tag} may be silent for {stale} before it counts as bad, more than a quarter of the process safety time "
        "of {pst}.",
        "{rule}：{tag} 失去更新 {stale} 后才判为坏值，超过过程安全时间 {pst} 的四分之一。",
        "Write a shorter stale_ms in the tag list, and poll its source more often.",
        "请在位号表中缩短 stale_ms，并缩短数据源的轮询周期。",
    ),
    # --- what was not proven ---
    "check.not-decided": Said(
        "warning",
        "{rule}: not decided within the time limit: {what}.",
        "{rule}：在时限内未能判定：{what}。",
        "Give it more time with --limit, or write the condition simpler.",
        "请用 --limit 放宽时限，或把条件写得更简单。",
    ),
    "check.not-proven": Said(
        "warning",
        "Not proven, because the solver is not installed: contradictions over several tags, conflicts, hunting, bad inputs, "
        "rules that shadow others.",
        "未安装求解器，以下各项未证明：跨位号的矛盾、输出冲突、反复动作、坏值覆盖、被遮蔽的规则。",
        "Install it, on any computer: {command}",
        "请在任一计算机上安装：{command}",
    ),
}

# The questions, as "not decided" names them.
QUESTIONS: dict[str, tuple[str, str]] = {
    "never": ("whether it can be true", "条件能否成立"),
    "always": ("whether it is always true", "条件是否恒成立"),
    "part": ("whether each part of it can be true", "各部分能否成立"),
    "permissive": ("whether it can be armed", "能否投用"),
    "clear": ("whether it goes off again", "能否关闭"),
    "conflict": ("whether it fights {other} over {output}", "与 {other} 对 {output} 的要求是否冲突"),
    "hunting": ("whether it hunts", "是否反复动作"),
    "loop": ("whether it hunts in a circle with what it drives", "是否与所驱动的量循环动作"),
    "bad": ("what losing {tag} does", "{tag} 变坏的后果"),
    "shadowed": ("whether {other} makes it superfluous", "是否因 {other} 而多余"),
}
