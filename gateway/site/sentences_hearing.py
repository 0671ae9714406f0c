"""What is said of sounds, shifts and routes in site.toml."""

from __future__ import annotations

from gateway.site.sentence import Sentence

HEARING: dict[str, Sentence] = {
    "sound.no-tag": Sentence(
        'Sound "{name}": the tag list has no "{value}".',
        "声响“{name}”：位号表中没有“{value}”。",
        "{near}Name a writable bit of the tag list.",
        "{near}请填写位号表中可写的开关量位号。",
    ),
    "sound.not-output": Sentence(
        'Sound "{name}": "{value}" is no writable bit.',
        "声响“{name}”：“{value}”不是可写的开关量。",
        "In the tag list mark the coil of the horn as writable with a safe state, usually 0.",
        "请在位号表中将该线圈设为可写，并填写安全状态（通常为 0）。",
    ),
    "sound.same-output": Sentence(
        'Sounds "{name}" and "{other}" share the output "{value}".',
        "声响“{name}”与“{other}”共用输出“{value}”。",
        "Give each sound its own output, or let one serve more priorities.",
        "请为每个声响分配独立输出，或让一个声响服务多个优先级。",
    ),
    "sound.driven": Sentence(
        'Sound "{name}": the output "{value}" is driven by the rule {rule}.',
        "声响“{name}”：输出“{value}”已被规则 {rule} 驱动。",
        "A horn belongs to alarms alone: take it out of the rule, or name another output.",
        "声响输出只由报警驱动：请从规则中移除，或改用其他输出。",
    ),
    "sound.cadence": Sentence(
        '"{key}" is {value}: this is no cadence.',
        "“{key}”为 {value}：不是有效的鸣响节奏。",
        'Write "steady", or on and off in milliseconds such as "1000/1000".',
        '请写 "steady"（常响），或以毫秒写 响/停，例如 "1000/1000"。',
    ),
    "shift.time": Sentence(
        '"{key}" is {value}: this is no time of day.',
        "“{key}”为 {value}：不是有效的时刻。",
        'Write hours and minutes of the site\'s wall clock, such as "08:00".',
        '请按站点当地时间写 时:分，例如 "08:00"。',
    ),
    "route.no-sound": Sentence(
        'Route {number} names the sound "{value}", which is not declared.',
        "第 {number} 条 route 引用了未声明的声响“{value}”。",
        "{near}Declare it as [sound.{value}], or remove it here.",
        "{near}请以 [sound.{value}] 声明，或在此处删除。",
    ),
    "route.no-shift": Sentence(
        'Route {number} names the shift "{value}", which is not declared.',
        "第 {number} 条 route 引用了未声明的班次“{value}”。",
        "{near}Declare it as [shift.{value}] with from and to, or remove it here.",
        "{near}请以 [shift.{value}] 声明起止时间，或在此处删除。",
    ),
    "route.silent-p1": Sentence(
        "Route {number} keeps P1 or P2 from the plant network.",
        "第 {number} 条 route 使 P1 或 P2 报警不上传。",
        "P1 and P2 always leave, in a lane no lower than their own: name P3 and P4 only, or take upstream out.",
        "P1、P2 必须上传且不得降级：priorities 只写 3、4，或删除 upstream。",
    ),
    "route.no-area": Sentence(
        'Route {number} names the area "{value}", in which there is no tag and no rule.',
        "第 {number} 条 route 的区域“{value}”中没有任何位号或规则。",
        "{near}No alarm will ever go this way.",
        "{near}不会有报警按此路由。",
    ),
}
