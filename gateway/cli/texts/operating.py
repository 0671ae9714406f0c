"""What the commands do with which a plant is run."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "help.root": (
        "The safety gateway at the machine. It asks, the PLC decides.",
        "设备旁的安全网关：网关提请求，PLC 做决定。",
    ),
    "help.run": ("Run the gateway on a site folder until it is stopped.", "按现场目录运行网关，直到被停止。"),
    "help.check": ("Check a site folder, offline; every problem at once.", "离线检查现场目录，一次列出全部问题。"),
    "help.demo": (
        "Run the demo plant: a simulated PLC, a broker and the gateway on it.",
        "运行演示装置：模拟 PLC、消息服务器和网关。",
    ),
    "help.status": ("The state of the whole in a few lines.", "用几行文字显示整体状态。"),
    "help.doctor": (
        "Check the box and say what to do; works with the daemon dead.",
        "检查本机并给出处理办法；网关程序停止时也可用。",
    ),
    "help.version": ("What is installed, and what runs.", "显示已安装的版本和正在运行的版本。"),
    "help.alarm": ("Alarms.", "报警。"),
    "help.alarm.list": ("The active alarms, by priority then time.", "当前报警，按级别、时间排列。"),
    "help.alarm.show": ("One alarm with cause, consequence and response.", "单条报警及其原因、后果和处置。"),
    "help.alarm.ack": (
        "Acknowledge alarms by name: for each the occurrence that stands now.",
        "按名称确认报警：每条只确认当前这一次。",
    ),
    "help.alarm.reset": ("Reset a latched alarm.", "复位已锁存的报警。"),
    "help.alarm.handover": (
        "What the next shift must know: all that is active, unacknowledged or silent.",
        "交接班清单：活动、未确认及被屏蔽的全部报警。",
    ),
    "help.alarm.shelve": ("Silence an alarm for a time; it ends by itself.", "限时搁置报警，到时自动恢复。"),
    "help.alarm.dispose": ("Record the cause and the action of one occurrence.", "登记某次报警的原因和处置措施。"),
    "help.alarm.unshelve": ("End a shelf now.", "立即结束搁置。"),
    "help.alarm.suppress": (
        "Name the rule while whose truth an alarm is silent by design.",
        "指定设计抑制逻辑：该规则成立期间不报警。",
    ),
    "help.alarm.unsuppress": ("End a suppression by design.", "取消设计抑制。"),
    "help.alarm.oos": (
        "Take an alarm out of service under a change; asked again, it is the daily review.",
        "按变更停用报警；停用期间再次执行即为每日复核。",
    ),
    "help.alarm.in-service": ("Bring an alarm back into service.", "恢复停用的报警。"),
    "help.alarm.propose": (
        "Hysteresis and delays for bad actors, each with its effect on the recorded history; changes nothing.",
        "为问题报警建议回差和延时，并用历史记录重放给出效果；不作任何修改。",
    ),
    "help.alarm.silence": ("Silence the horn; the alarms stay.", "消音，报警仍保留。"),
    "help.alarm.watch": ("A line for every alarm that changes.", "报警每有变化输出一行。"),
    "help.alarm.judge": (
        "Say whether a candidate that nobody was told of was a true alarm.",
        "判定某个未通知的候选报警是否为真报警。",
    ),
    "help.alarm.stats": (
        "Key figures of the alarm system (ISA-18.2, EEMUA 191) beside their targets, or the bad actors.",
        "报警系统关键指标（ISA-18.2、EEMUA 191）与目标对照，或问题报警清单。",
    ),
    "help.interlock": ("Interlocks: functions that trip and latch.", "联锁：动作后锁存的功能。"),
    "help.interlock.list": ("All interlocks with state, mode and first-out.", "全部联锁的状态、方式和首出。"),
    "help.interlock.show": (
        "One interlock: causes in their band, outputs, what is still missing.",
        "单个联锁：触发条件、输出及尚缺条件。",
    ),
    "help.interlock.explain": (
        "The live truth tree: why it is true, false or unknown.",
        "实时逻辑树：说明为何为真、为假或未知。",
    ),
    "help.interlock.test": (
        "Prove that the PLC goes safe by itself when the heartbeat stops; needed before arming.",
        "验证心跳停止后 PLC 能自行进入安全位；投用前必须完成。",
    ),
    "help.interlock.shadow": (
        "Let an interlock run along without commanding anything.",
        "联锁试运行，不发出任何动作。",
    ),
    "help.interlock.arm": (
        "Put an interlock in service; it comes up TRIPPED until it is reset.",
        "投用联锁；投用后处于已联锁状态，须复位。",
    ),
    "help.interlock.disarm": ("Take an interlock out of service; its outputs go safe.", "退出联锁，其输出回到安全位。"),
    "help.interlock.trip": ("Trip an interlock by hand, at once.", "立即手动触发联锁。"),
    "help.interlock.reset": (
        "Reset a tripped interlock: gives permission, starts nothing.",
        "复位联锁：给出允许，不启动设备。",
    ),
    "help.interlock.clear": (
        "Clear a FAULT after its cause is repaired; then the interlock is TRIPPED.",
        "故障排除后清除 FAULT，清除后为已联锁状态。",
    ),
    "help.interlock.stats": (
        "Demands, spurious trips, trip times and time under bypass of every interlock.",
        "各联锁的要求次数、误动次数、动作时间和旁路时长。",
    ),
    "help.interlock.reset-group": (
        "Reset all interlocks of a group that wait for it, all or none.",
        "整组复位待复位的联锁，任一条件不满足则全部不复位。",
    ),
    "help.interlock.sos": (
        "Start-up override: no trip while the equipment starts, 15 min at most.",
        "开车旁路：开车期间暂不触发联锁，最长 15 分钟。",
    ),
    "help.interlock.sos-end": ("End a start-up override now.", "立即结束开车旁路。"),
    "help.bypass": ("Bypasses: one input out of the vote for a time.", "旁路：单个输入限时退出表决。"),
    "help.bypass.list": ("All bypasses with who, why and time left.", "全部旁路：操作人、原因和剩余时间。"),
    "help.bypass.set": (
        "Bypass one input of an interlock for a time; it ends by itself.",
        "将联锁的一个输入限时旁路，到时自动恢复。",
    ),
    "help.bypass.clear": ("End a bypass now.", "立即解除旁路。"),
    "help.tag": ("Tags of the plant.", "现场位号。"),
    "help.tag.list": ("Tags with value, quality and age.", "位号的值、质量和时效。"),
    "help.tag.show": ("One tag.", "单个位号。"),
    "help.tag.trend": ("The last values of a tag.", "位号的近期数值。"),
    "help.tag.import": (
        "Take in a tag list of another tool, or without FILE what the device itself tells (OPC UA, EtherNet/IP):"
        " shows what would change; writes only with --apply.",
        "导入其他工具的位号表；不给出 FILE 时向设备本身询问（OPC UA、EtherNet/IP）：先列出差异，加 --apply 才写入。",
    ),
    "help.tag.diff": (
        "What a tag list of another tool has that this site has not.",
        "比较其他工具的位号表与本站点位号表。",
    ),
    "help.tag.export": ("The tag list of a site as CSV.", "将站点位号表导出为 CSV。"),
    "help.tag.watch": ("A line for every tag that changes.", "位号每有变化输出一行。"),
    "help.device": ("Devices and feeds.", "设备与数据源。"),
    "help.device.list": ("All devices with link, bad tags and heartbeat.", "全部设备的通信、坏值和心跳。"),
    "help.device.show": ("One device.", "单台设备。"),
    "help.device.identify": (
        "Recognise devices from a capture or by listening; nothing is sent.",
        "从抓包文件或监听中识别设备；不发送任何报文。",
    ),
    "help.device.scan": ("Ask approved devices what they are, by reads only.", "仅以读取方式询问经批准的设备。"),
    "help.leak": ("Places that are watched for leaks by ear and by infrared.", "泄漏监视点（声学与红外）。"),
    "help.leak.list": (
        "All places with their sensors, the evidence against the alarm's threshold, and the level in 25–70 kHz.",
        "全部监视点：传感器状态、证据占报警判据的比例、25–70 kHz 声级。",
    ),
    "help.leak.spectrum": (
        "One place drawn: a minute of sound by bands, the plume in the picture, and why there is an alarm or none.",
        "绘出一个监视点：一分钟分频带声音、画面中的气羽，以及报警或不报警的依据。",
    ),
    "help.leak.baseline": (
        "What a place has learned without a leak; --accept enables its alarms with that. Offline, on the site's files.",
        "查看监视点在无泄漏时学到的基线；--accept 以此启用报警。离线使用，直接读写现场文件。",
    ),
    "help.time": ("Clock.", "时钟。"),
    "help.time.status": (
        "How far the clock may be from UTC, and who keeps it.",
        "时钟与 UTC 的最大偏差，以及由谁同步。",
    ),
    "help.shell": (
        "What a key opens over SSH: one command, or lines until the end; every command is asked in the person's name.",
        "SSH 密钥登录后的受限命令环境：执行一条命令或逐行执行，均以本人名义进行。",
    ),
    "help.kiosk": (
        "Open the page on the screen at the box, where people may acknowledge and sign in.",
        "在网关本机屏幕上打开页面，可确认报警并登录。",
    ),
    "help.warn": (
        "Early warning: groups of tags that no longer behave as in a clean period.",
        "早期预警：与正常期表现不同的位号组。",
    ),
    "help.warn.learn": (
        "Learn a group from a clean period of the history or of an export, and put its card into the site folder.",
        "从历史记录或导出文件的正常时期学习一个组，并将预警卡写入站点文件夹。",
    ),
    "help.warn.list": (
        "All groups: how far each is from its limit, since when, and which tags say so.",
        "所有预警组：各为限值的多少倍、自何时起、由哪些位号引起。",
    ),
    "help.warn.show": (
        "One group with all its scores and what it was learned from.",
        "单个预警组的全部得分及其学习依据。",
    ),
    "help.upstream": ("The link to the plant network.", "与厂级网络的链路。"),
    "help.upstream.status": ("Connection, queue and balance.", "连接、队列和账目。"),
    "help.upstream.watch": (
        "On the other side of the broker: check sequence, holes, repeats and balance of every gateway, and tell of"
        " one that is lost.",
        "在服务器另一侧核对每台网关的序号、缺口、重复和账目，网关失联时告知。",
    ),
    "help.proof": ("Proof tests of interlocks: measured trips and due dates.", "联锁校验测试：实测动作与到期日。"),
    "help.proof.list": ("Results, due dates and tests under way.", "测试结果、到期日和进行中的测试。"),
    "help.proof.start": (
        "Begin a test: partial (to the word of the PLC, 10 trips) or full (to the final element).",
        "开始测试：partial（至 PLC 字，10 次）或 full（至最终元件）。",
    ),
    "help.proof.finish": (
        "End a test with its result; what was measured decides whether it can pass.",
        "结束测试并填写结果，能否合格以实测为准。",
    ),
    "help.control": ("Controls: linkages without latch.", "控制联动：不锁存。"),
    "help.control.list": (
        "All controls: in service, where they stand, whether their outputs follow.",
        "所有控制联动：是否投用、当前位置、输出是否跟随。",
    ),
    "help.control.arm": (
        "Put a control in service; it starts safe and needs no reset.",
        "投用控制联动，先处于安全位，无需复位。",
    ),
    "help.control.disarm": ("Take a control out of service; its outputs go safe.", "退出控制联动，其输出回到安全位。"),
    "help.control.clear": ("Let a control go on that was latched out for hunting.", "清除因频繁动作而闭锁的控制联动。"),
    "help.camera": (
        "Cameras: how they stand, their zones, pictures with people hidden, clips of alarms.",
        "摄像机：状态、区域、隐去人员的画面、报警录像片段。",
    ),
    "help.camera.list": (
        "All cameras: connected, what is wrong with the picture, pictures a second, seconds kept, why there is no"
        " picture.",
        "所有摄像机：是否连接、画面异常、每秒分析帧数、已缓存秒数，以及无图像的原因。",
    ),
    "help.camera.zone": (
        "The zones of a camera and what they say now; with --out a picture with the zones drawn in it.",
        "摄像机的各区域及其当前结果；加 --out 可输出标有区域的画面。",
    ),
    "help.camera.snapshot": (
        "Write the last picture of a camera as JPEG, people hidden: to draw zones in, or as its reference.",
        "将摄像机最近一帧保存为 JPEG（人员已模糊）：用于绘制区域或作为参考图像。",
    ),
    "help.camera.clips": (
        "The clips of alarms on this box, newest first; they never leave it.",
        "本机上的报警录像片段，最新在前；录像绝不外传。",
    ),
    "help.telling": ("What rules tell people: spoken, notified, escalated.", "规则的播报、通知与逐级升级。"),
    "help.telling.list": (
        "All rules that tell people: to whom, when last, what waits for an answer, what did not arrive.",
        "所有播报或通知的规则：对象、最近时间、待应答项及未送达原因。",
    ),
    "help.telling.answer": ("Answer an escalation: you take care of it.", "应答逐级通知：表示由您处理。"),
    "help.permit": (
        "Work permits: the necessary condition, and permits that are out.",
        "作业许可：必要条件和已签发的许可。",
    ),
    "help.permit.list": (
        "All permits: allowed now, and what is issued until when.",
        "所有许可：当前是否允许、已签发的有效期。",
    ),
    "help.permit.show": (
        "One permit; with --qr as a signed code that a phone verifies without a network.",
        "单个许可；--qr 显示带签名的二维码，手机无需网络即可核验。",
    ),
    "help.permit.page": (
        "Write the page with which a phone verifies signed permits, the box's public key in it.",
        "写出手机核验许可用的网页，其中含本网关的公钥。",
    ),
    "help.permit.done": ("Note something as done, such as a gas test.", "登记某项工作已完成，如气体分析。"),
    "help.permit.confirm": (
        "Confirm one item of a checklist; each item needs another person.",
        "确认清单中的一项，每一项须由不同人员确认。",
    ),
    "help.permit.issue": ("Issue a permit for a place, where its condition is met.", "条件满足时为某地点签发许可。"),
    "help.permit.revoke": ("Revoke an issued permit at once.", "立即收回已签发的许可。"),
    "help.person": (
        "What wearables say of people: each sees their own, and hardly anybody anything else.",
        "可穿戴设备的个人数据：本人可看本人的，他人几乎看不到。",
    ),
    "help.person.status": (
        "Where the key of the vault is, and whether the vault is open.",
        "保险库密钥存放在哪里，保险库是否可用。",
    ),
    "help.person.purposes": ("What consent is asked for, with the texts.", "征求同意的用途与文本。"),
    "help.person.see": ("Everything of yours that is kept, at a glance.", "查看保存的本人全部数据概览。"),
    "help.person.consent": ("Read the text of a purpose, and agree to it.", "阅读某项用途的说明并表示同意。"),
    "help.person.withdraw": (
        "Take a consent back: collection stops and the records are erased.",
        "撤回同意：停止采集并删除记录。",
    ),
    "help.person.export": (
        "Every record of yours into a file, as JSON lines or CSV.",
        "将本人全部记录导出为 JSON 行或 CSV 文件。",
    ),
    "help.person.correct": (
        "Say that a record of yours is wrong; the original is kept beside it.",
        "声明本人的某条记录有误；原始记录一并保留。",
    ),
    "help.person.erase": (
        "Destroy the key of everything of yours. Nothing brings it back.",
        "销毁本人全部数据的密钥，无法恢复。",
    ),
    "help.person.access": ("Who looked at your data, when and why.", "谁在何时因何查看过本人数据。"),
    "help.person.report": ("Your monthly report as a page to print.", "本人的月度报告（可打印网页）。"),
    "help.person.events": (
        "Safety officer: events of the last 24 h, without vital values. Those concerned are told.",
        "安全员：最近 24 小时的行为事件，不含生命体征；会通知当事人。",
    ),
    "help.person.counts": (
        "Safety officer: how often each kind was seen in a month, where ten people or more are behind it.",
        "安全员：某月各类行为的次数，仅在涉及 10 人及以上时显示。",
    ),
    "help.person.glass": (
        "Medic: ask to see the latest vital values of somebody in need.",
        "医务：申请查看需救助人员的最新生命体征。",
    ),
    "help.person.confirm": (
        "Second person: confirm what a medic asks for. The worker is told.",
        "第二人：确认医务人员的申请；会通知本人。",
    ),
    "help.person.vitals": (
        "Medic: the latest values, for 15 min after the confirmation.",
        "医务：确认后 15 分钟内查看最新数值。",
    ),
    "help.person.backup": (
        "Maintainer: the vault's ciphertext into the folder backups.",
        "维护人员：将保险库密文备份到 backups 目录。",
    ),
    "help.person.restore": (
        "Maintainer: put back what is missing, from the folder backups.",
        "维护人员：从 backups 目录恢复缺失的文件。",
    ),
    "help.person.anew": (
        "Engineer: begin the vault anew after its key is lost for good.",
        "工程师：密钥彻底丢失后重建保险库。",
    ),
}
