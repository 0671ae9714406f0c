"""How rules are written: letters, brackets, names, clauses, texts."""

from __future__ import annotations

from gateway.rulebook.sentences.sentence import Sentence

CLAUSES: dict[str, Sentence] = {
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
    "rule.spelling": Sentence(
        "'{what}' is not written like this here.",
        "此处不能写“{what}”。",
        "Write {expected}.",
        "请写 {expected}。",
    ),
    "rule.chained": Sentence(
        "A comparison has one limit.",
        "一个比较只能有一个限值。",
        "Write two comparisons, as in level > 50 cm and level < 60 cm.",
        "请写成两个比较，例如 level > 50 cm and level < 60 cm。",
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
        "A rule begins with interlock, control, alarm, advisory or permit and its name and closes with end; a comment begins with #.",
        "规则以 interlock、control、alarm、advisory 或 permit 加规则名开头，以 end 结束；注释以 # 开头。",
    ),
    "rule.not-for-kind": Sentence(
        "'{what}' is not for this kind of rule ({kind}).",
        "{kind}规则不能用“{what}”。",
        "Leave it out, or choose the kind that has it: only interlocks and controls command outputs, only interlocks have permissives.",
        "请删去，或改用相应类型的规则：只有联锁和联动控制可以操作输出，只有联锁有投用条件。",
    ),
    "rule.no-set": Sentence(
        "Control {name} sets no output.",
        "联动控制 {name} 没有设置任何输出。",
        "Write 'then set OUTPUT = 1'.",
        "请写 then set 输出位号 = 1。",
    ),
    "rule.no-telling": Sentence(
        "Advisory {name} tells nobody.",
        "提示 {name} 没有任何动作。",
        'Write then speak "…" at SPEAKER, notify ROLE, escalate or alarm.',
        '请写 then speak "…" at 扬声器、notify 角色、escalate 或 alarm。',
    ),
    "rule.no-words": Sentence(
        "There is nothing to speak.",
        "没有可播报的内容。",
        'Write the words, as in speak "请休息 | Please rest" at helmet.',
        '请写播报内容，例如 speak "请休息 | Please rest" at helmet。',
    ),
    "rule.unreachable": Sentence(
        "The site declares no {kind} '{what}'.",
        "站点未声明{kind}“{what}”。",
        "{expected}Add {section} with source and topic to site.toml.",
        "{expected}请在 site.toml 中添加 {section}，填写 source 与 topic。",
    ),
    "rule.no-ladder": Sentence(
        "The site does not say who is told, and in which order.",
        "站点未声明逐级通知的次序。",
        'Write escalate ROLE, or add [ladder] with levels = ["…", "…"] to site.toml.',
        '请写 escalate 角色，或在 site.toml 中添加 [ladder]，填写 levels = ["…", "…"]。',
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
    "rule.unknown-role": Sentence(
        "'{what}' is not a role.",
        "“{what}”不是角色。",
        "{expected}",
        "{expected}",
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
