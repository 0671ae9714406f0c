"""What the control server says itself, in both languages. Answers of the kernel come with texts of their own."""

from __future__ import annotations

from gateway.control.messages import LANGUAGES, Texts

TEXTS: dict[str, Texts] = {
    "request.garbage": {"en": "This is not a request: {why}", "zh-CN": "无法识别的请求：{why}"},
    "request.too-long": {
        "en": "The request is longer than {limit} bytes.",
        "zh-CN": "请求超过 {limit} 字节上限。",
    },
    "server.busy": {
        "en": "Too many connections of role {role} are open. Close one and try again.",
        "zh-CN": "角色“{role}”的连接数已达上限，请关闭一个后重试。",
    },
    "verb.unknown": {"en": "There is no verb “{verb}”.", "zh-CN": "没有“{verb}”这个命令。"},
    "verb.no-stream": {"en": "“{verb}” cannot be watched.", "zh-CN": "“{verb}”不支持持续刷新。"},
    "verb.no-plan": {
        "en": "“{verb}” needs no plan; ask for it directly.",
        "zh-CN": "“{verb}”无需预演，可直接执行。",
    },
    "role.needed": {
        "en": "“{verb}” needs the role {needed}; you came as {role}.",
        "zh-CN": "“{verb}”需要{needed}权限，当前身份为{role}。",
    },
    "target.needed": {"en": "“{verb}” needs a name to act on.", "zh-CN": "“{verb}”需要指定对象名称。"},
    "target.none": {"en": "“{verb}” takes no name.", "zh-CN": "“{verb}”不需要对象名称。"},
    "argument.unknown": {"en": "“{verb}” has no argument “{name}”.", "zh-CN": "“{verb}”没有参数“{name}”。"},
    "argument.missing": {"en": "“{verb}” needs “{name}”.", "zh-CN": "“{verb}”缺少参数“{name}”。"},
    "argument.wrong": {
        "en": "“{name}” is “{value}”; it must be {right}.",
        "zh-CN": "参数“{name}”的值“{value}”不正确，应为{right}。",
    },
    "argument.too-long": {
        "en": "“{name}” is longer than {limit} characters.",
        "zh-CN": "参数“{name}”超过 {limit} 个字符。",
    },
    "reason.short": {
        "en": "The reason must have at least {least} characters: say why, so that the next shift understands.",
        "zh-CN": "原因至少填写 {least} 个字，请写清楚，便于下一班了解情况。",
    },
    "alarm.no-place": {
        "en": "There are no key figures of “{place}”: write box, area:NAME or position:NAME.",
        "zh-CN": "没有“{place}”的指标，请写 box、area:区域 或 position:岗位。",
    },
    "alarm.none": {"en": "There is no alarm “{target}”.", "zh-CN": "没有名为“{target}”的报警。"},
    "update.other-gateway": {
        "en": "This gateway is “{right}”, not “{target}”.",
        "zh-CN": "本网关是“{right}”，不是“{target}”。",
    },
    "interlock.none": {"en": "There is no interlock “{target}”.", "zh-CN": "没有名为“{target}”的联锁。"},
    "interlock.no-bundle": {
        "en": "Interlock “{target}” has no trip bundle. One is written half a minute after each trip.",
        "zh-CN": "联锁“{target}”没有动作证据包。每次动作后约半分钟生成。",
    },
    "interlock.no-tag": {
        "en": "Interlock “{target}” does not read tag “{tag}”.",
        "zh-CN": "联锁“{target}”不使用位号“{tag}”。",
    },
    "bypass.none": {
        "en": "Tag “{tag}” of interlock “{target}” is not bypassed.",
        "zh-CN": "联锁“{target}”的位号“{tag}”未处于旁路状态。",
    },
    "control.none": {"en": "There is no control “{target}”.", "zh-CN": "没有名为“{target}”的控制联动。"},
    "telling.none": {
        "en": "No rule “{target}” tells anybody anything.",
        "zh-CN": "没有名为“{target}”的播报或通知规则。",
    },
    "warn.none": {"en": "There is no early-warning group “{target}”.", "zh-CN": "没有名为“{target}”的预警组。"},
    "permit.none": {"en": "There is no permit “{target}”.", "zh-CN": "没有名为“{target}”的作业许可。"},
    "permit.not-out": {
        "en": "Permit “{target}” is not issued: there is nothing to sign.",
        "zh-CN": "作业许可“{target}”尚未签发，没有可签名的内容。",
    },
    "permit.no-key": {
        "en": "The box could not sign: its key cannot be used, or one of the other boxes' keys is none. The log says which.",
        "zh-CN": "网关无法签名：本机密钥不可用，或所给的其他网关公钥无效，详见日志。",
    },
    "tag.none": {"en": "There is no tag “{target}”.", "zh-CN": "没有位号“{target}”。"},
    "camera.none": {"en": "There is no camera “{target}”.", "zh-CN": "没有名为“{target}”的摄像机。"},
    "camera.away": {
        "en": "Camera “{target}” shows no picture just now: `gatehouse camera list` says why.",
        "zh-CN": "摄像机“{target}”当前无图像，原因见 `gatehouse camera list`。",
    },
    "source.none": {"en": "There is no device “{target}”.", "zh-CN": "没有名为“{target}”的设备。"},
    "person.not-yours": {
        "en": "This account may not speak for anybody else.",
        "zh-CN": "当前账号不得代表他人操作。",
    },
    "person.unknown": {
        "en": "“{person}” is not in users.toml: ask an engineer to add you (gatehouse user add).",
        "zh-CN": "users.toml 中没有“{person}”，请工程师用 gatehouse user add 添加。",
    },
    "page.nonce": {
        "en": "This page has lost its place. Nothing was done: press again.",
        "zh-CN": "页面状态已失效，未执行任何操作，请重试。",
    },
    "page.read-only": {
        "en": "From here the page is read-only. Go to the screen at the box, or use gatehouse over SSH.",
        "zh-CN": "此处页面只读。请到网关本机屏幕操作，或通过 SSH 使用 gatehouse 命令。",
    },
    "page.socket-only": {
        "en": "“{verb}” is for the command line at the box alone: gatehouse, or gatehouse shell over SSH.",
        "zh-CN": "“{verb}”只能用本机命令行执行：gatehouse，或通过 SSH 使用 gatehouse shell。",
    },
    "page.sign-in": {"en": "Sign in first.", "zh-CN": "请先登录。"},
    "leak.none": {"en": "“{target}” is no place that is watched for leaks.", "zh-CN": "“{target}”不是泄漏监视点。"},
    "token.needed": {
        "en": "“{verb}” must be confirmed: ask for a plan first and send its token.",
        "zh-CN": "“{verb}”需要确认：请先预演（--plan），再带上令牌执行。",
    },
    "token.wrong": {
        "en": "This token is not good for this: used, older than {limit} s, or of another plan or person.",
        "zh-CN": "令牌无效：已使用、超过 {limit} 秒，或不属于本次操作、本人。",
    },
}

ROLE_WORDS: dict[str, Texts] = {
    "operator": {"en": "operator", "zh-CN": "操作员"},
    "supervisor": {"en": "supervisor", "zh-CN": "班长"},
    "engineer": {"en": "engineer", "zh-CN": "工程师"},
    "maintainer": {"en": "maintainer", "zh-CN": "维护人员"},
    "safety-officer": {"en": "safety officer", "zh-CN": "安全员"},
    "medic": {"en": "medic", "zh-CN": "医护人员"},
    "worker": {"en": "worker", "zh-CN": "作业人员"},
    "nobody": {"en": "nobody who signed in", "zh-CN": "未登录"},
}


def known(language: str) -> str:
    """`language` where we speak it, else English."""
    return language if language in LANGUAGES else "en"


def say(key: str, language: str, **args: str | int) -> str:
    """The text `key` in `language`, with `args` filled in."""
    return TEXTS[key][known(language)].format(**args)


def role_word(role: str, language: str) -> str:
    """The role as people call it."""
    return ROLE_WORDS[role][known(language)]
