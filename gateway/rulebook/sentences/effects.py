"""What a rule may do, how fast, and on whose word: outputs, confirmations, time budgets, models, people."""

from __future__ import annotations

from gateway.rulebook.sentences.sentence import Sentence

EFFECTS: dict[str, Sentence] = {
    "rule.done-here": Sentence(
        "'done' may not decide here.",
        "此处不能用 done。",
        "What people noted belongs into a permit, a permissive, an alarm or an advisory.",
        "人工登记的事项只用于 permit、permissive、alarm 或 advisory。",
    ),
    "rule.not-writable": Sentence(
        "{tag} is not an output: the tag list does not declare it writable.",
        "{tag} 不是输出：位号表未将其声明为可写。",
        "Name a tag whose column writable says yes.",
        "请填写 writable 列为 yes 的位号。",
    ),
    "rule.no-safe": Sentence(
        "Output {tag} has no safe value.",
        "输出 {tag} 没有安全值。",
        "Fill the column safe in the tag list: the value that stop drives it to.",
        "请在位号表的 safe 列填写 stop 要使其到达的值。",
    ),
    "rule.not-a-bit": Sentence(
        "Output {tag} is not a yes/no tag.",
        "输出 {tag} 不是开关量。",
        "An interlock gives or takes a permission: name an output of type bool.",
        "联锁只给出或收回允许：请填写类型为 bool 的输出。",
    ),
    "rule.duplicate-output": Sentence(
        "Output {tag} is named twice.",
        "输出 {tag} 写了两次。",
        "Name each output once; the one behind else is another output.",
        "每个输出只写一次；else 之后应是另一个输出。",
    ),
    "rule.confirm-time": Sentence(
        "The confirmation by {tag} has no time.",
        "{tag} 的确认没有时限。",
        "Write how long it may take: within 3 s.",
        "请写明时限，例如 within 3 s。",
    ),
    "rule.confirm-output": Sentence(
        "{tag} is itself an output: reading it back does not confirm that anything moved.",
        "{tag} 本身是输出：回读它并不能证明设备已动作。",
        "Confirm by an independent signal, such as a running contact or a limit switch.",
        "请用独立信号确认，例如运行触点或限位开关。",
        warning=True,
    ),
    "rule.no-pst": Sentence(
        "Interlock {name} has no process safety time.",
        "联锁 {name} 未写过程安全时间。",
        "Write for example pst 10 s: how long the process bears the demand before harm.",
        "请写 pst，例如 pst 10 s：从需求出现到发生危害之间的时间。",
        warning=True,
    ),
    "rule.long-delay": Sentence(
        "A delay of {what} is long for an interlock on a measured value.",
        "模拟量联锁延时 {what} 偏长。",
        "Keep it at 2 s or less, or make sure that the process safety time allows it.",
        "请不超过 2 s，否则须确认过程安全时间允许。",
        warning=True,
    ),
    "rule.budget": Sentence(
        "{what} is more than half of the process safety time of {pst}.",
        "{what} 超过过程安全时间 {pst} 的一半。",
        "Keep delay and budget within half of pst.",
        "延时与动作时限均不得超过 pst 的一半。",
    ),
    "rule.budget-bad": Sentence(
        "A bad input is borne for {what}, more than half of the process safety time of {pst}.",
        "坏值容许时间 {what} 超过过程安全时间 {pst} 的一半。",
        "Write a shorter time, for example: on bad safe after {expected}.",
        "请缩短时间，例如：on bad safe after {expected}。",
        warning=True,
    ),
    "rule.personal": Sentence(
        "{tag} is personal data; interlocks, controls and permits may not read it.",
        "{tag} 是个人数据，联锁、联动控制和作业许可不得读取。",
        "Use an anonymous plant tag derived at the edge, such as crane_bay.occupied.",
        "请改用在边缘侧得出的匿名位号，例如 crane_bay.occupied。",
    ),
    "rule.model-not": Sentence(
        "{tag} is the value of an AI model under 'not': the model could withhold a trip.",
        "{tag} 是 AI 模型的结果，却位于 not 之下：模型可能阻止跳车。",
        "A model may add a trip or an alarm; use a measured signal here.",
        "模型只能增加跳车或报警；此处请用实测信号。",
    ),
    "rule.model-permissive": Sentence(
        "{tag} is the value of an AI model; a model never permits.",
        "{tag} 是 AI 模型的结果；模型不得给出许可。",
        "Use a measured signal in a permissive.",
        "许可条件请用实测信号。",
    ),
    "rule.no-group": Sentence(
        "There is no early-warning group or chart {what}.",
        "没有名为 {what} 的预警组或控制图。",
        "{expected}Learn one: gatehouse warn learn SITE GROUP TAG … ; a tag has a chart of its own with --chart TAG.",
        "{expected}可用 gatehouse warn learn SITE GROUP TAG … 学习；加 --chart TAG 可为单个位号建立控制图。",
    ),
    "rule.model-on-bad": Sentence(
        "Interlock {name} reads the AI model tag {tag} and does not say what happens when the model is down.",
        "联锁 {name} 读取 AI 模型位号 {tag}，但未写模型中断时如何处理。",
        "Write for example: on bad trip after 10 s (restarting a model takes up to 10 s).",
        "请写明，例如：on bad trip after 10 s（模型重启最长需 10 s）。",
    ),
    "rule.bypass-long": Sentence(
        "A bypass of {what} is too long.",
        "旁路时间 {what} 过长。",
        "Write at most 12 h; longer needs a new authorisation by another person.",
        "请不超过 12 h；更长须由另一人重新授权。",
    ),
}
