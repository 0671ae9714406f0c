"""What the commands do with which a gateway is set up, maintained and asked afterwards."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "help.commission": (
        "From the address of a PLC to checked tags; no daemon is needed.",
        "从 PLC 地址到经检查的位号；无需运行守护进程。",
    ),
    "help.commission.profiles": (
        "Device profiles: usual addresses, word order and limits of a brand.",
        "设备模板：各品牌的常用地址、字序与限制。",
    ),
    "help.commission.start": (
        "Put a PLC into site.toml; makes the site folder where there is none.",
        "将 PLC 写入 site.toml；没有站点目录时自动建立。",
    ),
    "help.commission.next": ("What is done, and the next step with its command.", "已完成的步骤，以及下一步的命令。"),
    "help.commission.check": (
        "Read a source for some seconds and say what looks wrong: silent, bad, constant, word order, address base.",
        "读取数据源若干秒，指出可疑之处：无应答、坏值、不变化、字序、地址基准。",
    ),
    "help.commission.loop": (
        "Loop check: compare what was applied at the transmitter with what arrives, and record it.",
        "回路校验：比对变送器处的施加值与读数，并记录。",
    ),
    "help.commission.report": (
        "The record of the commissioning as a page, or as JSON.",
        "以网页或 JSON 输出调试记录。",
    ),
    "help.record": ("The recorded inputs of a site.", "现场的输入记录。"),
    "help.record.list": ("What is recorded.", "查看已有记录。"),
    "help.record.export": ("Write recorded values to a file.", "将记录的数值导出到文件。"),
    "help.record.replay": (
        "Run a site's record, or the bundle of one trip, through the kernel again and compare every decision.",
        "将现场记录或单次动作的证据包重新送入内核，逐项比对判断结果。",
    ),
    "help.record.bundles": ("The signed bundles of the trips of a site.", "本现场各次联锁动作的签名证据包。"),
    "help.record.verify": ("Check every byte of a trip bundle against its signature.", "按签名逐字节核对动作证据包。"),
    "help.record.report": ("Tell the story of a trip as a page to print.", "生成一次联锁动作的可打印报告。"),
    "help.support": ("For whoever helps from afar.", "供远程支持人员使用。"),
    "help.support.bundle": (
        "One archive about this box: doctor, log, rules, tags; secrets, names and personal data are taken out.",
        "打包本机信息：自检、日志、规则、位号与版本；机密、姓名和个人数据均已去除。",
    ),
    "help.completion": ("Print the completion script of a shell.", "输出 shell 补全脚本。"),
    "help.cert": ("Certificates of a site: for the broker, and of the page.", "站点证书：上报用证书与页面证书。"),
    "help.cert.list": ("Every certificate, whose it is and how long it is good.", "列出全部证书、持有者和剩余有效期。"),
    "help.cert.expiry": (
        "The same, with exit code 1 where one ends within 30 days or cannot be read: for a timer.",
        "同上；有证书在 30 天内到期或无法读取时退出码为 1，可用于定时检查。",
    ),
    "help.cert.request": (
        "Make a new key, which stays here, and print the request for a certificate.",
        "生成新私钥（留在本机）并输出证书申请。",
    ),
    "help.cert.install": (
        "Put the signed certificate and its key in place, once both are checked against each other and the CA.",
        "核对证书、私钥与 CA 一致后安装。",
    ),
    "help.user": (
        "The people of a site, how they prove who they are, and tokens that only read.",
        "现场人员、身份验证方式与只读令牌。",
    ),
    "help.user.list": ("Everyone, with roles and what they can sign in with.", "列出全部人员、角色及可用的登录方式。"),
    "help.user.add": ("Put a person into users.toml.", "在 users.toml 中添加人员。"),
    "help.user.pin": (
        "Set the PIN for the screen at the box. It is kept apart as a scrypt hash that only the gateway can read.",
        "设置本机屏幕登录用的 PIN，以 scrypt 摘要单独保存，仅网关可读。",
    ),
    "help.user.passphrase": (
        "Set the passphrase for signing in from the network, over TLS.",
        "设置经 TLS 从网络登录用的口令。",
    ),
    "help.user.key": (
        "Add the public key that a person signs versions with, or revoke it.",
        "添加或吊销本人签名版本所用的公钥。",
    ),
    "help.user.token": (
        "Make a token for an integrator. It reads what the page shows, and nothing personal.",
        "为集成方生成令牌，只能读取页面所显示的内容，不含个人数据。",
    ),
    "help.user.remove": (
        "Take a person out, with PIN and passphrase; whoever has signed something stays as a name.",
        "删除人员及其 PIN 和口令；签过名的人保留姓名。",
    ),
    "help.rule": ("The rules of a site, offline.", "离线处理站点规则。"),
    "help.rule.check": (
        "Prove what the rules of a site can do: contradictions, conflicts, hunting, bad inputs, times; with examples.",
        "证明站点规则的行为：矛盾、输出冲突、反复动作、坏值、时间预算，并给出实例。",
    ),
    "help.rule.format": (
        "Lay out a rule file, comments kept; its meaning and its hashes stay the same.",
        "统一规则文件的排版，保留注释；含义与哈希不变。",
    ),
    "help.rule.export": (
        "Write all rules as a cause & effect workbook (.xlsx, .csv); what a matrix cannot say stands in it as text.",
        "将全部规则写成因果表（.xlsx、.csv）；因果表无法表示的规则以文本形式写入其中。",
    ),
    "help.rule.import": (
        "Print a workbook in the text language, or all its mistakes by cell.",
        "以文本规则形式输出因果表；有错误时按单元格逐一列出。",
    ),
    "help.rule.backtest": (
        "What these rules would have done on recorded history or on the export of a historian.",
        "用历史记录或历史库导出数据回测规则：会在何时动作、发出什么指令。",
    ),
    "help.rule.tests": ("Print the commissioning test list of a workbook.", "输出因果表的调试试验清单。"),
    "help.rule.keygen": (
        "Make a key of your own on a laptop; the private half never comes onto the box.",
        "在笔记本电脑上生成本人密钥；私钥不得放到网关上。",
    ),
    "help.rule.sign": (
        "Sign a version on the laptop: prints the signature as short text, and as a QR code if asked.",
        "在笔记本电脑上签署版本：输出简短文本签名，可同时生成二维码。",
    ),
    "help.rule.submit": (
        "Prove what the site folder says, and keep it as a new version with what was found; nothing is kept that can fail.",
        "证明站点文件夹的当前规则，并连同检查结果存为新版本；有错误的规则不予保存。",
    ),
    "help.rule.versions": (
        "All versions, who signed them, and what each still lacks.",
        "列出全部版本、签名人及各版本尚缺的条件。",
    ),
    "help.rule.show": ("One version with its rules, hashes and findings.", "显示某一版本的规则、摘要与检查结果。"),
    "help.rule.evidence": (
        "Record how a version was tried: backtest, shadow, or forced inputs.",
        "登记版本的验证方式：回测、试运行或强制输入试验。",
    ),
    "help.rule.import-signature": (
        "Take in a signature from a file, or - for typed or pasted text.",
        "导入签名文件；- 表示键入或粘贴。",
    ),
    "help.rule.diff": ("What differs between two versions, rule by rule.", "逐条比较两个版本的规则差异。"),
    "help.update": (
        "A new version of this box: signed bundles, two slots, a trial, and the way back.",
        "本机的新版本：签名安装包、双槽位、试用与回退。",
    ),
    "help.update.verify": (
        "Check a bundle against the trusted keys, byte by byte. Changes nothing.",
        "用可信公钥逐字节核验安装包，不作任何更改。",
    ),
    "help.update.confirm": (
        "A supervisor says that the plant is stopped, so that an update may trip what is in service.",
        "值长确认装置已停车，允许升级使已投用的联锁动作。",
    ),
    "help.update.install": (
        "Verify, unpack into the idle slot, test it there, switch, and try it for ten minutes.",
        "核验、解包到空闲槽位、自检、切换，并试用十分钟。",
    ),
    "help.update.status": (
        "Both slots, which one runs, and how the last update stands.",
        "两个槽位、当前运行的槽位及上次升级的状态。",
    ),
    "help.update.commit": ("End the trial now, where its criteria hold.", "在条件满足时提前结束试用并确认新版本。"),
    "help.update.rollback": (
        "Back to the slot before. During a trial, and also after it.",
        "回到前一槽位；试用期间和之后均可。",
    ),
    "help.update.history": (
        "Every step of every update with its time, person and reason.",
        "每次升级的每一步：时间、人员和原因。",
    ),
    "help.update.trial": (
        "Judge the trial that is on; gatehouse-trial.service runs this.",
        "评定正在进行的试用，由 gatehouse-trial.service 调用。",
    ),
    "help.report": (
        "What was shown: the acceptance of a box, and three figures of half a year, signed and counted again.",
        "设备验收报告，以及半年期证据：三项指标，签名并可独立重算。",
    ),
    "help.report.shift": (
        "What a shift hands over: trips, alarms, who did what, what was refused, what is still bypassed.",
        "交接班报告：联锁动作、报警、人员操作、被拒绝的操作、仍在旁路的输入。",
    ),
    "help.report.bypass": (
        "Every bypass of a window: who, why, the measure, how long, how it ended.",
        "时间段内的全部旁路：何人、原因、替代措施、时长、结束方式。",
    ),
    "help.report.prooftest": (
        "Every test of an interlock and of a watchdog in a window.",
        "时间段内的联锁试验与看门狗试验。",
    ),
    "help.report.acceptance": (
        "One page for FAT and SAT: check, commissioning, versions, watchdogs, proof tests, places to sign.",
        "出厂/现场验收一页报告：站点检查、调试记录、规则版本、看门狗与联锁试验、签字栏。",
    ),
    "help.report.evidence": (
        "Write the evidence figures of a window as signed JSON, CSV and printable pages in both languages.",
        "将统计周期内的证据指标写为签名 JSON、CSV 及中英文可打印页面。",
    ),
    "help.report.verify": (
        "Check the signature of a report, and count every figure again from the journal with another program.",
        "核对报告签名，并用另一套程序由日志重新计算全部指标。",
    ),
    "help.report.sample": (
        "Draw the candidates to review: every suppressed P1, and a share of each other priority.",
        "抽取待复核的候选报警：全部被抑制的 P1 及其他各优先级的一部分。",
    ),
    "help.journal": ("The journal as evidence.", "作为证据的日志。"),
    "help.journal.verify": (
        "Walk the hash chain against every anchor; finds edits, insertions, removals, truncation and roll-back.",
        "沿哈希链逐行核对并比对锚点，查出改动、插入、删除、截断和回滚。",
    ),
    "help.journal.head": (
        "The last place of the chain that was written beside the journal, to be kept elsewhere.",
        "日志旁记下的最后链头，请另处保存。",
    ),
    "help.journal.backup": (
        "Copy the journal, also of a running gateway, into a new folder, and check it.",
        "把日志（网关运行中亦可）备份到新文件夹并校验。",
    ),
    "help.journal.restore": (
        "Put a checked backup in the place of the journal; the gateway must be stopped.",
        "用校验过的备份替换日志；须先停止网关。",
    ),
    "help.model": (
        "Models that a plant brings: what they are, how fast, how good, in eight bits, with thresholds.",
        "现场自带的模型：是什么、多快、多准、八位量化与阈值。",
    ),
    "help.model.list": (
        "The models of folders, those that are shipped where none is named.",
        "列出文件夹中的模型；未指定时列出随附模型。",
    ),
    "help.model.check": (
        "Read a model, run it, compare its golden batch; says what it is, or asks what it cannot tell.",
        "读取并试运行模型，比对基准样本；说明它是什么，或提出无法判断的问题。",
    ),
    "help.model.bench": (
        "Milliseconds a 720p picture takes, for every provider there is.",
        "各执行后端处理一幅 720p 图像的毫秒数。",
    ),
    "help.model.quantise": (
        "Make the 8-bit twin: tries the calibration methods on your pictures, keeps the best, shows both.",
        "生成八位模型：在现场图像上尝试各种校准方法，保留最好的，并列出前后对比。",
    ),
    "help.model.calibrate": (
        "Choose thresholds on labelled pictures of the site so that at most a share is missed.",
        "用现场标注图像选取阈值，使漏检比例不超过给定值。",
    ),
    "help.model.install": (
        "Admit a model and copy it with its card and golden batch.",
        "准入检查后，连同模型卡与基准样本一起复制。",
    ),
    "help.model.detect": (
        "What is in pictures: boxes in pixels, class, score; one line a picture with -o jsonl.",
        "图像中有什么：像素坐标的框、类别、得分；-o jsonl 时每幅图像一行。",
    ),
}
