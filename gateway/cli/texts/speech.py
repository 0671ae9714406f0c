"""What the command line says by itself: of the daemon, of confirming, of usage, of a terminal, of files."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "client.unreachable": (
        "The daemon does not answer: no control socket in {directory}. Is it running? Try: gatehouse doctor",
        "网关程序无响应：{directory} 下没有控制套接字。程序是否在运行？可执行：gatehouse doctor",
    ),
    "client.not-written": ("{file} could not be written: {error}", "无法写入 {file}：{error}"),
    "client.not-permitted": (
        "This account may not use the control sockets in {directory}. Ask to be put into one of the groups"
        " gatehouse-operator, -supervisor, -engineer or -maintainer.",
        "当前账号无权使用 {directory} 下的控制套接字。请联系管理员将账号加入 gatehouse-operator、"
        "gatehouse-supervisor、gatehouse-engineer 或 gatehouse-maintainer 组。",
    ),
    "client.timeout": (
        "The daemon did not answer in time ({directory}). What was asked may still happen: look before you ask again.",
        "网关程序未在规定时间内应答（{directory}）。刚才的操作仍可能生效，请先查看状态再重试。",
    ),
    "client.lost": ("The connection to the daemon was lost.", "与网关程序的连接已断开。"),
    "client.garbage": (
        "The daemon answered something that this version does not understand. Try: gatehouse version",
        "网关程序的应答无法识别，可能版本不一致。可执行：gatehouse version",
    ),
    "help.usage": ("Usage: {usage}", "用法：{usage}"),
    "help.arguments": ("Words:", "参数："),
    "help.options": ("Options:", "选项："),
    "help.commands": ("Commands:", "命令："),
    "help.required": ("(required)", "（必填）"),
    "help.example": ("Example: {example}", "示例：{example}"),
    "help.common": ("Everywhere:", "通用选项："),
    "confirm.no-terminal": (
        "Not confirmed. Without a terminal, run it with --plan first and then with --token TOKEN.",
        "未确认。不在终端上操作时，请先用 --plan 预演，再用 --token 令牌 执行。",
    ),
    "confirm.missing": ("Still missing: {what}", "尚缺条件：{what}"),
    "confirm.type": ("Type {name} to go on, anything else to leave.", "请输入 {name} 确认执行，输入其他内容则放弃。"),
    "confirm.other": ("Not confirmed. Nothing was done.", "未确认，未执行任何操作。"),
    "confirm.token": (
        "Nothing was done. Run it again with --token within {seconds} s.",
        "尚未执行。请在 {seconds} 秒内带 --token 再次执行。",
    ),
    "ack.one": ("--occurrence goes with one alarm only.", "--occurrence 只能用于单条报警。"),
    "ack.nothing": ("Alarm {name} has no occurrence to acknowledge.", "报警 {name} 没有可确认的记录。"),
    "watchdog.withheld": (
        "The heartbeat to {source} is withheld. The PLC must drive its outputs safe within 1.0 s.",
        "已停发至 {source} 的心跳。PLC 应在 1.0 秒内将输出置于安全位。",
    ),
    "watchdog.proven": (
        "Proven: {source} went safe in time and stayed latched. It is recorded.",
        "验证通过：{source} 按时进入安全位并保持锁存，结果已记录。",
    ),
    "watchdog.failed": (
        "Not proven: {source} did not go safe in time, or did not stay latched. Functions on it cannot be armed.",
        "验证未通过：{source} 未按时进入安全位，或未保持锁存。其上的联锁不能投用。",
    ),
    "watchdog.say": (
        "The gateway cannot see the watchdog of {source}. Look at the PLC, then run this again with --state proven or"
        " --state failed.",
        "网关无法读取 {source} 的看门狗状态。请到 PLC 现场查看，然后带 --state proven（通过）或 --state"
        " failed（未通过）再次执行。",
    ),
    "watchdog.question": (
        "Did the PLC drive its outputs safe within 1.0 s, and does it hold them there? (yes / no)",
        "PLC 是否在 1.0 秒内将输出置于安全位并保持？（yes / no）",
    ),
    "usage.value": ("{option} needs a value.", "{option} 后面缺少取值。"),
    "usage.choice": ("“{value}” is not right for {option}; use {right}.", "{option} 不能为“{value}”，可选：{right}。"),
    "usage.no-option": ("There is no option {option}.", "没有选项 {option}。"),
    "usage.no-command": ("There is no command {name}.", "没有命令 {name}。"),
    "usage.missing": ("{name} is missing.", "缺少 {name}。"),
    "usage.extra": ("“{words}” is too much here.", "多余的参数：{words}。"),
    "usage.integer": ("{name} needs a whole number.", "{name} 须为整数。"),
    "usage.number": ("{name} needs a number.", "{name} 须为数字。"),
    "usage.wrong": ("The command line is not right: {why}", "命令行有误：{why}"),
    "usage.help": ("Try: {command} --help", "查看帮助：{command} --help"),
    "camera.no-picture": (
        "No picture of {name} came in time; look at `gatehouse camera list`.",
        "未能及时取得 {name} 的画面；请查看 `gatehouse camera list`。",
    ),
    "camera.not-written": ("{file} cannot be written: {why}", "无法写入 {file}：{why}"),
    "camera.written": ("Written: {file}", "已写入：{file}"),
    "kiosk.not-permitted": (
        "This account is not the kiosk: {directory}/kiosk.sock is for the group gatehouse-kiosk.",
        "当前账号不是本机屏幕：{directory}/kiosk.sock 仅供用户组 gatehouse-kiosk 使用。",
    ),
    "kiosk.no-browser": (
        "There is no browser: apt-get install chromium",
        "没有浏览器，请执行 apt-get install chromium",
    ),
    "shell.hello": (
        "Gatehouse. You act as {person}. help lists the commands, exit leaves.",
        "Gatehouse。当前身份 {person}。输入 help 查看命令，exit 退出。",
    ),
    "shell.long": ("A line has at most {limit} characters.", "每行最多 {limit} 个字符。"),
    "shell.letters": ("The line has letters that cannot be printed.", "输入中有不可显示的字符。"),
    "shell.quotes": ("The line cannot be split into words: {why}", "无法拆分命令行：{why}"),
    "shell.option": ("{option} is fixed here.", "此处不可指定 {option}。"),
    "shell.not-allowed": (
        "“{command}” is not for this shell. help lists what is.",
        "此环境不能执行“{command}”，输入 help 查看可用命令。",
    ),
    "man.name": ("NAME", "名称"),
    "man.synopsis": ("SYNOPSIS", "概要"),
    "man.common": ("OPTIONS", "选项"),
    "man.commands": ("COMMANDS", "命令"),
    "man.exit": ("EXIT STATUS", "退出状态"),
    "man.files": ("FILES", "文件"),
    "model.answers": (
        "Three answers (compliant/violation/uncertain); uncertain never counts as compliant:",
        "三种答案（合规/违规/无法判断）；“无法判断”绝不算作合规：",
    ),
    "model.promise": (
        "Kept: the next picture of the same camera and light misses at most {most} on average; the upper bound holds"
        " with {confidence} confidence. Nothing is said about other places.",
        "“达到”表示：同一摄像头、同样光照下，下一幅图像平均漏检不超过 {most}；上界的置信度为 {confidence}。"
        "对其他地点不作任何说明。",
    ),
    "model.too-few": (
        "{name}: not reached. {pictures} pictures show it; so many can promise {least} at best, if none is missed.",
        "{name}：未达到。有 {pictures} 幅图像含该类；即使一个不漏，这么多图像最好也只能做到 {least}。",
    ),
    "model.died": (
        "The process that reads models and pictures did not survive ({why}): a file in it is damaged or hostile."
        " Nothing else is affected.",
        "读取模型与图像的进程异常结束（{why}）：其中有文件已损坏或含恶意内容。其他部分不受影响。",
    ),
    "model.exit": ("exit code {code}", "退出码 {code}"),
    "model.share": ("A share is written 1% or 0.01, not {value}.", "比例应写作 1% 或 0.01，而不是 {value}。"),
    "reference.title": ("The command line", "命令行"),
    "reference.note": (
        "Made from the commands; every text here is what `--help` says. Dangerous commands (arm, disarm, reset,"
        " bypass set) need `--reason` and the name of the thing typed; without a terminal, run them with `--plan` and"
        " then with `--token` within 120 s.",
        "本文由命令自动生成，内容与 `--help` 一致。危险命令（arm、disarm、reset、bypass set）需要 `--reason`"
        " 并输入对象名称确认；不在终端上操作时，先带 `--plan` 执行，再在 120 秒内带 `--token` 执行。",
    ),
    "reference.codes": (
        "Exit codes: 0 ok · 1 failed · 2 usage · 3 daemon unreachable · 4 not found · 5 not permitted · 6 refused by"
        " safety state · 7 not confirmed · 8 timeout · 9 site invalid · with `status --exit-code` also 20 WARNING or"
        " DEGRADED · 21 TRIPPED · 22 SHADOW or UNCONFIGURED (MONITOR ONLY is 0).",
        "退出码：0 成功 · 1 失败 · 2 用法错误 · 3 网关无响应 · 4 未找到 · 5 无权限 · 6 因安全状态被拒绝 · 7 未确认 ·"
        " 8 超时 · 9 现场配置无效；使用 `status --exit-code` 时另有 20 预警或降级 · 21 已联锁 · 22"
        " 试运行或未配置（仅监测为 0）。",
    ),
    "person.no-purpose": (
        "There is no purpose “{purpose}”; see: gatehouse person purposes.",
        "没有用途“{purpose}”，请查看 gatehouse person purposes。",
    ),
    "person.no-terminal": (
        "A consent is read and typed at a terminal; a script gives --text and --signature.",
        "同意须在终端阅读并输入确认；脚本请提供 --text 与 --signature。",
    ),
    "person.exported": ("{count} records.", "共 {count} 条记录。"),
}
