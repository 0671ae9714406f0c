"""Every sentence the rulebook says to people, in both languages, by stable code."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """What is wrong and what would be right; `{name}` fields are filled by whoever reports it."""

    en: str
    zh: str
    remedy_en: str
    remedy_zh: str
    warning: bool = False


SENTENCES: dict[str, Sentence] = {
    "rule.syntax": Sentence(
        "'{what}' is not expected here.",
        "此处不应出现“{what}”。",
        "Expected here: {expected}.",
        "此处应为：{expected}。",
    ),
    "rule.for-position": Sentence(
        "'{what}' follows a 'for' at the same level.",
        "同一层的 for 之后又出现“{what}”。",
        "'for' binds to everything before it: put brackets around the part it is meant for, as in (a > 1 for 2 s) or b > 2.",
        "for 作用于它之前的整个条件：请用括号括出它所作用的部分，例如 (a > 1 for 2 s) or b > 2。",
    ),
    "rule.full-width": Sentence(
        "'{what}' is a full-width character.",
        "“{what}”是全角字符。",
        "Type the half-width character {expected}.",
        "请改用半角字符 {expected}。",
    ),
    "rule.invisible": Sentence(
        "An invisible character ({what}) stands here.",
        "此处有不可见字符（{what}）。",
        "Delete it: people can only sign what they can see.",
        "请删除该字符：看不见的内容不能签字确认。",
    ),
    "rule.unclosed-string": Sentence(
        "This text has no closing quotation mark on its line.",
        "该文本在本行内缺少右引号。",
        'Close it with " on the same line.',
        '请在同一行用 " 结束。',
    ),
    "rule.unclosed": Sentence(
        "Rule {name} has no 'end'.",
        "规则 {name} 缺少 end。",
        "Write 'end' behind its last clause.",
        "请在最后一个子句之后写 end。",
    ),
    "rule.garbage": Sentence(
        "'{what}' stands outside every rule.",
        "“{what}”不属于任何规则。",
        "A rule begins with interlock or alarm and its name and closes with end; a comment begins with #.",
        "规则以 interlock 或 alarm 加规则名开头，以 end 结束；注释以 # 开头。",
    ),
    "rule.not-yet": Sentence(
        "{what}: comes with a later version.",
        "{what}：将在后续版本中提供。",
        "This version has interlock and alarm rules of comparisons, and, or, not, k of (…), hyst and for.",
        "本版本支持 interlock 与 alarm 规则，条件可用比较、and、or、not、k of (…)、hyst 和 for。",
    ),
    "rule.unknown-function": Sentence(
        "There is no function '{what}'.",
        "没有名为“{what}”的函数。",
        "Compare a tag with a limit; write a vote as 2 of (…, …, …).",
        "请将位号与限值比较；表决写作 2 of (…, …, …)。",
    ),
    "rule.too-long": Sentence(
        "The text is longer than {most} characters.",
        "文本超过 {most} 个字符。",
        "Split it into several rules or files.",
        "请拆分为多条规则或多个文件。",
    ),
    "rule.too-deep": Sentence(
        "The condition is nested deeper than {most} levels.",
        "条件嵌套超过 {most} 层。",
        "Write it flatter, or split the rule.",
        "请减少括号层数，或拆分规则。",
    ),
    "rule.too-many": Sentence(
        "The site has more than {most} rules.",
        "全站规则超过 {most} 条。",
        "Remove rules that are no longer needed.",
        "请删除不再需要的规则。",
    ),
    "rule.name": Sentence(
        "'{what}' is not a rule name.",
        "“{what}”不能作规则名。",
        "Use at most {most} of the characters A-Z, 0-9 and _, for example {expected}.",
        "请用 A-Z、0-9 和 _，至多 {most} 个字符，例如 {expected}。",
    ),
    "rule.reserved-name": Sentence(
        "The name {what} belongs to an alarm that the gateway makes by itself.",
        "名称 {what} 属于网关自带的报警。",
        "Choose a name that does not end in _FAILED, _DEGRADED or _DEVIATION, and is not SELF_CHECK or SOURCE_…",
        "请避免以 _FAILED、_DEGRADED、_DEVIATION 结尾，也不要用 SELF_CHECK 或 SOURCE_…。",
    ),
    "rule.duplicate-name": Sentence(
        "The name {name} is already used in {file}, line {line}.",
        "规则名 {name} 已在 {file} 第 {line} 行使用。",
        "Give this rule another name: every trip and alarm is known by it.",
        "请另取规则名：每次跳车和报警都以它为标识。",
    ),
    "rule.duplicate-clause": Sentence(
        "'{what}' is written twice in this rule.",
        "本规则中“{what}”写了两次。",
        "Keep one of them.",
        "请只保留一处。",
    ),
    "rule.no-when": Sentence(
        "Rule {name} has no condition.",
        "规则 {name} 没有条件。",
        "Add a line such as: when tank1.level < 30 cm.",
        "请添加条件，例如：when tank1.level < 30 cm。",
    ),
    "rule.no-stop": Sentence(
        "Interlock {name} stops nothing.",
        "联锁 {name} 没有停任何输出。",
        "Write 'then stop OUTPUT', or make it an alarm.",
        "请写 then stop 输出位号，或改为 alarm 规则。",
    ),
    "rule.no-action": Sentence(
        "Alarm {name} has no 'then alarm'.",
        "报警 {name} 缺少 then alarm。",
        "Write 'then alarm'.",
        "请写 then alarm。",
    ),
    "rule.not-for-alarm": Sentence(
        "'{what}' is not for alarms: an alarm commands nothing.",
        "alarm 规则不能用“{what}”：报警不发出任何控制命令。",
        "Make this rule an interlock, or leave it out.",
        "请改为 interlock 规则，或删去该项。",
    ),
    "rule.no-priority": Sentence(
        "Rule {name} has no priority; {expected} is taken.",
        "规则 {name} 未写优先级，按 {expected} 处理。",
        "Write priority P1, P2, P3 or P4.",
        "请写 priority P1、P2、P3 或 P4。",
        warning=True,
    ),
    "rule.priority": Sentence(
        "'{what}' is not a priority.",
        "“{what}”不是优先级。",
        "Write P1 (critical), P2, P3 or P4 (low).",
        "请写 P1（紧急）、P2、P3 或 P4（低）。",
    ),
    "rule.unknown-tag": Sentence(
        "There is no tag '{what}' in the tag list.",
        "位号表中没有位号“{what}”。",
        "{expected}",
        "{expected}",
    ),
    "rule.unit-missing": Sentence(
        "The value for {tag} has no unit.",
        "{tag} 的数值没有单位。",
        "Write the unit behind the number, for example {expected}.",
        "请在数值后写单位，例如 {expected}。",
    ),
    "rule.unit-unexpected": Sentence(
        "{tag} has no unit in the tag list, but '{what}' is written here.",
        "位号表中 {tag} 没有单位，此处却写了“{what}”。",
        "Leave the unit out, or give the tag one in the tag list.",
        "请删去单位，或在位号表中为该位号填写单位。",
    ),
    "rule.unit-unknown": Sentence(
        "'{what}' is not a known unit.",
        "无法识别单位“{what}”。",
        "{tag} is measured in {expected}: write that unit or one that converts to it.",
        "{tag} 的单位是 {expected}：请写该单位或可与其换算的单位。",
    ),
    "rule.unit-mismatch": Sentence(
        "'{what}' cannot be converted to {expected}, the unit of {tag}.",
        "“{what}”不能换算为 {tag} 的单位 {expected}。",
        "Write the value in {expected}; gauge (barg), absolute (bara) and plain (bar) pressure are kept apart.",
        "请用 {expected} 表示该值；表压（barg）、绝压（bara）与未注明的压力（bar）互不换算。",
    ),
    "rule.bool-value": Sentence(
        "{tag} is a yes/no tag; it is never {what}.",
        "{tag} 是开关量，不会等于 {what}。",
        "Write {tag} = 1 or {tag} = 0.",
        "请写 {tag} = 1 或 {tag} = 0。",
    ),
    "rule.bool-operator": Sentence(
        "{tag} is a yes/no tag; it has no {what}.",
        "{tag} 是开关量，不能用 {what} 比较。",
        "Write {tag} = 1 or {tag} = 0.",
        "请写 {tag} = 1 或 {tag} = 0。",
    ),
    "rule.out-of-range": Sentence(
        "This is {truth} true: {tag} is between {low} and {high}.",
        "该条件{truth}：{tag} 的量程为 {low} 至 {high}。",
        "Choose a limit inside the range, or correct low and high in the tag list.",
        "请在量程内取限值，或在位号表中更正 low 和 high。",
    ),
    "rule.on-bound": Sentence(
        "The limit lies on the end of the range of {tag} ({low} to {high}).",
        "限值正好落在 {tag} 的量程端点上（{low} 至 {high}）。",
        "Choose a limit inside the range; at its end the measurement itself decides.",
        "请在量程内取限值；落在端点时结果取决于测量本身。",
        warning=True,
    ),
    "rule.hyst-missing": Sentence(
        "The comparison of {tag} has no hysteresis: the alarm will chatter at its limit.",
        "{tag} 的比较没有回差：测量值在限值附近波动时报警会反复。",
        "Write for example hyst {expected}.",
        "请写回差，例如 hyst {expected}。",
        warning=True,
    ),
    "rule.hyst-negative": Sentence(
        "A hysteresis is not negative.",
        "回差不能为负。",
        "Write how far the value must come back, as a positive number.",
        "请用正数写明测量值须回落多少才恢复。",
    ),
    "rule.hyst-operator": Sentence(
        "'{what}' takes no hysteresis.",
        "“{what}”不能带回差。",
        "Use hyst with <, <=, > or >=.",
        "hyst 只用于 <、<=、> 和 >=。",
    ),
    "rule.hyst-range": Sentence(
        "Once true this never clears: it clears at {expected}, and {tag} is between {low} and {high}.",
        "一旦成立便无法恢复：恢复条件为 {expected}，而 {tag} 的量程为 {low} 至 {high}。",
        "Make the hysteresis smaller.",
        "请减小回差。",
    ),
    "rule.never-true": Sentence(
        "This can never be true: {first} and {second} exclude each other.",
        "该条件永远不会成立：{first} 与 {second} 互相矛盾。",
        "Correct a limit, or write 'or' where either is meant.",
        "请更正限值；若本意是二者之一，请用 or。",
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
    "rule.unknown-role": Sentence(
        "'{what}' is not a role.",
        "“{what}”不是角色。",
        "{expected}",
        "{expected}",
    ),
    "rule.duration-unit": Sentence(
        "'{what}' is not a time.",
        "“{what}”不是时间。",
        "Write a number and ms, s, min, h or d, for example {expected}.",
        "请写数字和 ms、s、min、h 或 d，例如 {expected}。",
    ),
    "rule.duration-range": Sentence(
        "{what} is not possible here.",
        "此处不能写 {what}。",
        "Write a time of at least {low} and at most {high}.",
        "请写不短于 {low}、不长于 {high} 的时间。",
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
    "rule.policy": Sentence(
        "'{what}' is not a policy for bad inputs here.",
        "此处“{what}”不是坏值处理方式。",
        "Write on bad {expected}.",
        "请写 on bad {expected}。",
    ),
    "rule.because": Sentence(
        "'on bad {what}' needs a written justification.",
        "on bad {what} 须写明理由。",
        'Write: on bad {what} because "…".',
        '请写：on bad {what} because "…"。',
    ),
    "rule.personal": Sentence(
        "{tag} is personal data; an interlock may not read it.",
        "{tag} 是个人数据，联锁不得读取。",
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
    "rule.model-on-bad": Sentence(
        "Interlock {name} reads the AI model tag {tag} and does not say what happens when the model is down.",
        "联锁 {name} 读取 AI 模型位号 {tag}，但未写模型中断时如何处理。",
        "Write for example: on bad trip after 10 s (restarting a model takes up to 10 s).",
        "请写明，例如：on bad trip after 10 s（模型重启最长需 10 s）。",
    ),
    "rule.vote-range": Sentence(
        "{what} of {count} is not a vote.",
        "{count} 取 {what} 不成立。",
        "Write a whole number from 1 to {count}.",
        "请写 1 至 {count} 的整数。",
    ),
    "rule.vote-single": Sentence(
        "A vote needs more than one condition.",
        "表决至少需要两个条件。",
        "Write the condition without 'of', or add the other channels.",
        "请去掉 of 直接写条件，或补上其他通道。",
    ),
    "rule.bypass-long": Sentence(
        "A bypass of {what} is too long.",
        "旁路时间 {what} 过长。",
        "Write at most 12 h; longer needs a new authorisation by another person.",
        "请不超过 12 h；更长须由另一人重新授权。",
    ),
    "rule.text-language": Sentence(
        "'{what}' is not a language of the texts.",
        "“{what}”不是可用的语言。",
        "Write en or zh.",
        "请写 en 或 zh。",
    ),
    "rule.text-field": Sentence(
        "'{what}' is not a text of a rule.",
        "“{what}”不是规则文本的栏目。",
        "Write title, cause, consequence or response.",
        "请写 title、cause、consequence 或 response。",
    ),
}
