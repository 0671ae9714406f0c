"""What a condition may say: functions, tags, units, limits, times, votes."""

from __future__ import annotations

from gateway.rulebook.sentences.sentence import Sentence

CONDITIONS: dict[str, Sentence] = {
    "rule.unknown-function": Sentence(
        "There is no function '{what}', and no tag of that name in brackets.",
        "没有名为“{what}”的函数，也没有这样带括号的位号。",
        "{expected}Functions are min max avg abs rate delta moving eta since age good count consecutive both done in_zone.",
        "{expected}可用函数：min max avg abs rate delta moving eta since age good count consecutive both done in_zone。",
    ),
    "rule.arguments": Sentence(
        "{what} is not used like this.",
        "{what} 的写法不对。",
        "Write it like this: {expected}.",
        "请写作：{expected}。",
    ),
    "rule.argument": Sentence(
        "A condition stands where a value is needed.",
        "此处需要数值，却写了条件。",
        "Write {expected} here.",
        "此处请写{expected}。",
    ),
    "rule.constant": Sentence(
        "Only constants stand here: the result never changes.",
        "此处只有常数，结果不会变化。",
        "Put a tag into it, or work the number out.",
        "请加入位号，或直接写出结果。",
    ),
    "rule.tag-first": Sentence(
        "The limit stands before the tag.",
        "限值写在了位号前面。",
        "Turn it round, as in level < 30 cm.",
        "请调换次序，例如 level < 30 cm。",
    ),
    "rule.no-comparison": Sentence(
        "{what} alone is neither true nor false.",
        "只写 {what} 不能成为条件。",
        "Compare it with a value, as in pump7.running = 1.",
        "请与数值比较，例如 pump7.running = 1。",
    ),
    "rule.bool-number": Sentence(
        "{tag} is a yes/no tag; there is nothing to calculate with.",
        "{tag} 是开关量，不能参与计算。",
        "Write {tag} = 1; count({tag} = 1, 10 min) counts how often it came.",
        "请写 {tag} = 1；要统计次数请用 count({tag} = 1, 10 min)。",
    ),
    "rule.alone": Sentence(
        "{what} is a time; it can only be compared with a time.",
        "{what} 的结果是时间，只能与时间比较。",
        "Write for example age(tag) > 8 h.",
        "例如写作 age(位号) > 8 h。",
    ),
    "rule.time-equal": Sentence(
        "A time that runs is never exactly equal: '{what}' is of no use here.",
        "连续变化的时间不会恰好相等，此处不能用“{what}”。",
        "Use < or >.",
        "请用 < 或 >。",
    ),
    "rule.unit-product": Sentence(
        "{left} and {right} are not multiplied or divided here.",
        "{left} 与 {right} 不能在此相乘或相除。",
        "Multiply or divide by a plain number, or divide by a value of the same unit.",
        "请乘以或除以不带单位的数，或除以同单位的量。",
    ),
    "rule.whole-number": Sentence(
        "A whole number from {low} to {high} is needed here.",
        "此处须为 {low} 至 {high} 的整数。",
        "Write it without a unit.",
        "请写整数，不带单位。",
    ),
    "rule.no-event": Sentence(
        "{what} is not an event: the tag list has no {tag}.",
        "{what} 不是事件：位号表中没有 {tag}。",
        "Its tags are NAME (1 seen, 0 in order), NAME.event (running number) and NAME.KEY for each key in by.",
        "事件的位号为：NAME（1 为出现，0 为正常）、NAME.event（流水号）以及 by 中每个键的 NAME.键。",
    ),
    "rule.not-yes-no": Sentence(
        "{tag} is not a yes/no tag.",
        "{tag} 不是开关量。",
        "Whether something is in a zone is a tag of type bool.",
        "是否在区域内须为 bool 类型的位号。",
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
        "Write the value in {expected}. {apart}",
        "请用 {expected} 表示该值。{apart}",
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
}
