"""What is said of files, site.toml, alarms.csv and users.toml."""

from __future__ import annotations

from gateway.site.sentence import Sentence

_FILES: dict[str, Sentence] = {
    "site.no-folder": Sentence(
        "There is no site folder at this path.",
        "此路径下没有站点文件夹。",
        "Give the folder that holds site.toml; config/demo/ is an example.",
        "请指定含有 site.toml 的文件夹；示例见 config/demo/。",
    ),
    "file.missing": Sentence(
        "The file {name} is missing.",
        "缺少文件 {name}。",
        "{right}",
        "{right}",
    ),
    "file.unreadable": Sentence(
        "The file cannot be read: {reason}.",
        "文件无法读取：{reason}。",
        "Check that it is a file and that the gateway's user may read it.",
        "请确认它是文件，且网关运行用户有读权限。",
    ),
    "file.too-large": Sentence(
        "The file has {size} MiB; at most {limit} MiB are read.",
        "文件大小为 {size} MiB，最多读取 {limit} MiB。",
        "Remove what does not belong in it.",
        "请删除与配置无关的内容。",
    ),
    "file.encoding": Sentence(
        "The file is not text in UTF-8 or GBK.",
        "文件不是 UTF-8 或 GBK 编码的文本。",
        'Save it again as "CSV UTF-8" from Excel, or as UTF-8 from a text editor.',
        "请在 Excel 中另存为“CSV UTF-8”，或在文本编辑器中以 UTF-8 编码保存。",
    ),
    "file.later": Sentence(
        "The file {name} is not read by this version.",
        "本版本不读取文件 {name}。",
        "Nothing in it takes effect yet; leave it where it is.",
        "其中的内容目前不起作用，保留即可。",
    ),
    "rules.not-read": Sentence(
        "The file {name} in rules/ is not read: its name does not end in .rules, .xlsx or .csv.",
        "rules/ 中的文件 {name} 不会被读取：文件名不以 .rules、.xlsx 或 .csv 结尾。",
        "Rename it to {right} if its rules are to take effect, otherwise move it away.",
        "若其中的规则需要生效，请改名为 {right}；否则请移出该文件夹。",
    ),
    "rules.misplaced": Sentence(
        "{name} is not read here.",
        "{name} 放在此处不会被读取。",
        "Move it into the folder rules/: a workbook there is compiled like a rule file.",
        "请移入 rules/ 文件夹：其中的因果表与规则文件同样编译。",
    ),
    "rules.none": Sentence(
        "The site has no rules: nothing is protected and no alarm is raised.",
        "站点没有任何规则：既无联锁保护，也不产生报警。",
        "Write at least one file rules/*.rules; config/demo/rules/ shows how.",
        "请至少编写一个 rules/*.rules 文件，写法见 config/demo/rules/。",
    ),
}

_TOML: dict[str, Sentence] = {
    "toml.syntax": Sentence(
        "This is not valid TOML: {what}.",
        "TOML 语法错误：{what}。",
        'Write key = value, one a line; text stands in "double quotes", sections in [brackets].',
        '每行写一个 键 = 值；文本用英文双引号 "…" 括起，节名写在 [方括号] 内。',
    ),
    "site.unknown-key": Sentence(
        'The key "{key}" is not known in {section}.',
        "{section} 中没有“{key}”这个键。",
        "{near}Known here: {known}.",
        "{near}此处可用的键：{known}。",
    ),
    "site.missing-key": Sentence(
        'The key "{key}" is missing in {section}.',
        "{section} 缺少键“{key}”。",
        "Add it; config/demo/site.toml shows every key.",
        "请补上该键；全部键的写法见 config/demo/site.toml。",
    ),
    "site.wrong-type": Sentence(
        '"{key}" must be {expected}, not {got}.',
        "“{key}”应为{expected}，现为{got}。",
        "Write it in this form: {key} = {example}",
        "请按此格式填写：{key} = {example}",
    ),
    "site.not-one-of": Sentence(
        '"{key}" is {value}, which is none of its values.',
        "“{key}”的取值为 {value}，不在允许范围内。",
        "{near}Write one of: {expected}.",
        "{near}可选值：{expected}。",
    ),
    "site.length": Sentence(
        '"{key}" is {what}.',
        "“{key}”{what}。",
        "Fill it in; config/demo/ shows an example.",
        "请正确填写，示例见 config/demo/。",
    ),
    "site.bounds": Sentence(
        '"{key}" is {value}; it must be {bound}.',
        "“{key}”为 {value}，应{bound}。",
        "Choose a value inside the bound.",
        "请改为界限之内的值。",
    ),
    "site.name": Sentence(
        '"{key}" is {value}: this name does not fit {pattern}.',
        "“{key}”为 {value}：名称不符合 {pattern}。",
        "Use 1 to 32 lower-case letters a-z, digits and hyphens, such as gw-demo-01.",
        "请用 1 至 32 个小写字母、数字或连字符，例如 gw-demo-01。",
    ),
    "site.form": Sentence(
        '"{key}" is {value}: it does not have the form {pattern}.',
        "“{key}”为 {value}：格式不符合 {pattern}。",
        "Write it in that form; docs/drivers.md has an example of every driver.",
        "请按该格式填写；docs/drivers.zh-CN.md 中有各驱动的示例。",
    ),
    "site.listen": Sentence(
        '"{key}" is {value}: this is no address to listen on.',
        "“{key}”为 {value}：不是有效的监听地址。",
        'Write host:port with a port from 1 to 65535, such as "127.0.0.1:8080".',
        '应写作 主机:端口，端口为 1 至 65535，例如 "127.0.0.1:8080"。',
    ),
    "site.same-port": Sentence(
        "[metrics] listens on port {port}, and so does [page].",
        "[metrics] 与 [page] 使用了同一端口 {port}。",
        "Give each its own port, such as 8080 and 9464.",
        "请分配不同端口，例如 8080 和 9464。",
    ),
    "site.timezone": Sentence(
        '"{value}" is not a known time zone.',
        "“{value}”不是已知的时区。",
        '{near}Write an IANA name, such as "Asia/Shanghai".',
        '{near}请写 IANA 时区名，例如 "Asia/Shanghai"。',
    ),
    "site.url": Sentence(
        '"{key}" is {value}: this is no address of a broker.',
        "“{key}”为 {value}：不是有效的代理服务器（MQTT broker）地址。",
        'Write "mqtts://host:8883"; summaries leave the plant over TLS only.',
        '应写作 "mqtts://主机:8883"；报警摘要只经 TLS 外送。',
    ),
    "site.prefix": Sentence(
        '"{key}" is {value}: this is no topic prefix.',
        "“{key}”为 {value}：不是有效的主题前缀。",
        "Use levels of a-z, 0-9, _ and - between slashes, such as gatehouse/v1.",
        "各级由小写字母、数字、_ 或 - 组成，以 / 分隔，例如 gatehouse/v1。",
    ),
    "site.address": Sentence(
        '"{key}" has {value}: this is no network address.',
        "“{key}”中的 {value} 不是有效的网络地址。",
        "Write {example}.",
        "应写作 {example}。",
    ),
    "site.value": Sentence(
        '"{key}" is not accepted: {what}.',
        "“{key}”的值不被接受：{what}。",
        "Correct this value; the driver's page in the manual lists what it takes.",
        "请修改该值；可用写法见手册中该驱动的说明。",
    ),
    "site.certificate": Sentence(
        'The file {name} for "{key}" does not exist.',
        "“{key}”指定的文件 {name} 不存在。",
        "In the demo ./scripts/run creates it; on a plant put the file from your certificate authority there.",
        "演示站点由 ./scripts/run 自动生成；现场请放入证书颁发机构签发的文件。",
    ),
    "site.no-sources": Sentence(
        "The site has no source of data.",
        "站点没有任何数据源。",
        'Add a section such as [source.plc1] with driver = "modbus".',
        '请添加数据源，例如 [source.plc1]，并写 driver = "modbus"。',
    ),
    "source.name": Sentence(
        'The source name "{value}" cannot be used.',
        "数据源名称“{value}”不可用。",
        "Use a letter first, then letters, digits, _ and -, 32 at most, such as plc1.",
        "以字母开头，后接字母、数字、_ 或 -，最多 32 个字符，例如 plc1。",
    ),
    "source.unknown-driver": Sentence(
        'There is no driver "{value}".',
        "没有名为“{value}”的驱动。",
        "{near}This version has: {known}.",
        "{near}本版本支持：{known}。",
    ),
    "source.driver-missing": Sentence(
        'The driver "{value}" needs the library {library}, which is not installed.',
        "驱动“{value}”所需的库 {library} 未安装。",
        "Install the software again from its bundle or with ./scripts/run.",
        "请用安装包或 ./scripts/run 重新安装软件。",
    ),
    "source.no-tags": Sentence(
        'No tag is read from source "{value}".',
        "数据源“{value}”没有任何位号。",
        "Add its tags to the tag list, or remove the section.",
        "请在位号表中添加其位号，或删除该节。",
    ),
    "source.no-heartbeat": Sentence(
        'Source "{value}" has outputs but no heartbeat: interlocks that use them cannot be armed.',
        "数据源“{value}”有输出位号但未配置心跳：使用这些输出的联锁无法投用。",
        "Add heartbeat = {{ address = …, period_ms = 250 }} and watch that counter in the PLC.",
        "请添加 heartbeat = {{ address = …, period_ms = 250 }}，并在 PLC 中监视该计数器。",
    ),
    "source.healthy": Sentence(
        '"{value}" is no bool tag that source "{source}" only reads.',
        "“{value}”不是数据源“{source}”的只读开关量位号。",
        "{near}Name the tag with which this PLC tells that its watchdog has not tripped.",
        "{near}请填写该 PLC 表示看门狗正常的位号。",
    ),
    "channel.name": Sentence(
        'The name "{value}" of a {kind} cannot be used.',
        "名称“{value}”（{kind}）不可用。",
        "Begin with a letter and use letters, digits, _ and -, up to 32, such as helmet.",
        "以字母开头，后接字母、数字、_ 或 -，最多 32 个字符，例如 helmet。",
    ),
    "channel.source": Sentence(
        'There is no source "{value}" that could carry words to people.',
        "没有可用于播报和通知的数据源“{value}”。",
        "{near}Sources are: {known}.",
        "{near}现有数据源：{known}。",
    ),
    "channel.driver": Sentence(
        'Source "{value}" ({driver}) cannot carry words to people.',
        "数据源“{value}”（{driver}）不能用于播报和通知。",
        'Name a source with driver = "mqtt".',
        '请填写 driver = "mqtt" 的数据源。',
    ),
    "channel.unread": Sentence(
        'No tag is read from source "{value}": nobody would see that it is lost.',
        "没有位号取自数据源“{value}”，其中断将无人察觉。",
        "Read at least one tag from it, such as the battery of the receiver.",
        "请至少从中读取一个位号，例如接收端的电量。",
    ),
    "channel.topic": Sentence(
        'Nothing can be told on topic "{value}": {what}.',
        "主题“{value}”不能用于播报和通知：{what}。",
        "Write the topic that the receiver subscribes to.",
        "请填写接收端所订阅的主题。",
    ),
    "ladder.role": Sentence(
        'The ladder names the role "{value}", and there is no [role.{value}].',
        "升级顺序中的角色“{value}”没有对应的 [role.{value}]。",
        "{near}Add the section with source and topic. Roles are: {known}.",
        "{near}请添加该节并填写 source 与 topic。现有角色：{known}。",
    ),
    "source.address": Sentence(
        'The address "{value}" of {key} is not understood: {what}',
        "{key} 的地址“{value}”无法识别：{what}",
        "Write the address as this driver wants it.",
        "请按该驱动的要求填写地址。",
    ),
}

_PEOPLE: dict[str, Sentence] = {
    "alarm.name": Sentence(
        'The alarm name "{value}" cannot be used.',
        "报警名称“{value}”不可用。",
        "Write the name of the rule, such as PKL_LSLL.",
        "请填写规则名称，例如 PKL_LSLL。",
    ),
    "alarm.duplicate": Sentence(
        'The alarm "{value}" already stands in row {row}.',
        "报警“{value}”与第 {row} 行重复。",
        "Keep one row per alarm.",
        "每个报警只保留一行。",
    ),
    "alarm.no-response": Sentence(
        'The alarm "{value}" has no {language} response text.',
        "报警“{value}”没有{language}处置说明。",
        "Write what the operator does first, in one sentence.",
        "请用一句话写明操作人员首先应做什么。",
    ),
    "limits.op": Sentence(
        '"{value}" is not a comparison of a limit.',
        "“{value}”不是限值的比较符。",
        "Write <=, >=, < or >.",
        "请写 <=、>=、< 或 >。",
    ),
    "limits.value": Sentence(
        '"{value}" is not a number.',
        "“{value}”不是数字。",
        "Write the limit as a number, its unit in the column unit.",
        "请填写数字，单位写在 unit 列。",
    ),
    "limits.time": Sentence(
        '"{value}" is not a longest time.',
        "“{value}”不是最长时间。",
        "For valid and done write <=, a number, and min, h or d.",
        "valid 与 done 行请写 <=、数字和 min、h 或 d。",
    ),
    "limits.status": Sentence(
        '"{value}" is not a status.',
        "“{value}”不是有效状态。",
        "Write unverified, or signed once the safety engineer has compared it with the edition in force.",
        "请写“未核实”；安全工程师对照现行标准核对后写“已核实”。",
    ),
    "limits.unsigned": Sentence(
        "Limit {value} is called signed, but names no approver and date.",
        "限值 {value} 标为已核实，但未写批准人和日期。",
        "Fill approver, and date as 2026-03-01.",
        "请填写批准人，日期如 2026-03-01。",
    ),
    "limits.no-permit": Sentence(
        'There is no permit rule "{value}".',
        "没有名为“{value}”的作业许可规则。",
        "{near}Write the rule, or remove the row.",
        "{near}请编写该规则，或删除本行。",
    ),
    "limits.no-tag": Sentence(
        'There is no tag "{value}".',
        "没有位号“{value}”。",
        "{near}Write the tag that the permit rule reads, done NAME, or valid.",
        "{near}请填写许可规则所读的位号、done 名称或 valid。",
    ),
    "limits.unit": Sentence(
        "The limit is in {value}, the tag in {unit}.",
        "限值单位为 {value}，位号单位为 {unit}。",
        "Write the limit in a unit of the same kind. %LEL and %vol differ by the gas: convert it for the gas that is measured.",
        "请用同类单位。%LEL 与 %vol 的换算取决于气体，请按所测气体换算。",
    ),
    "limits.not-asked": Sentence(
        "Permit {value} does not ask for {wanted} ({clause}).",
        "许可 {value} 未要求 {wanted}（{clause}）。",
        "Add it to the condition of the rule with and.",
        "请用 and 加入该规则的条件。",
    ),
    "limits.laxer": Sentence(
        "Permit {value} allows {said}, but the limit is {wanted} ({clause}).",
        "许可 {value} 允许 {said}，而限值为 {wanted}（{clause}）。",
        "Tighten the rule, or let the safety engineer sign another limit.",
        "请收紧规则，或由安全工程师签署其他限值。",
    ),
    "limits.unverified": Sentence(
        "{value} ({clause}) is a template: no safety engineer of this site has signed it.",
        "{value}（{clause}）为模板，本站点安全工程师尚未签署。",
        "Compare it with the edition in force; then status signed, approver and date.",
        "请对照现行标准核对，然后将 status 改为“已核实”并填写批准人和日期。",
    ),
    "alarm.not-in-dictionary": Sentence(
        'The rule "{value}" has no row in alarms.csv: its alarm has no response text.',
        "规则“{value}”在 alarms.csv 中没有对应行：其报警没有处置说明。",
        "Add a row with cause, consequence and response in both languages.",
        "请添加一行，写明原因、后果和处置（中英文）。",
    ),
    "alarm.no-rule": Sentence(
        'No rule is called "{value}".',
        "没有名为“{value}”的规则。",
        "{near}Correct the name or remove the row.",
        "{near}请改正名称或删除该行。",
    ),
    "user.id": Sentence(
        'The user "{value}" cannot be used as a name in commands.',
        "用户标识“{value}”不可用。",
        "Use 1 to 32 lower-case letters a-z, digits, _ and -, such as zhang-wei; the full name goes under name.",
        "请用 1 至 32 个小写字母、数字、_ 或 -，例如 zhang-wei；姓名写在 name 中。",
    ),
    "user.key": Sentence(
        'A key of "{value}" is not an Ed25519 key.',
        "“{value}”的密钥不是 Ed25519 公钥。",
        "Copy the line that `gatehouse rule keygen` printed; it begins with ed25519: .",
        "请复制 `gatehouse rule keygen` 输出的以 ed25519: 开头的一行。",
    ),
    "user.same-key": Sentence(
        '"{value}" and "{other}" have the same key.',
        "“{value}”与“{other}”登记了同一密钥。",
        "Each person makes a key of their own with `gatehouse rule keygen`.",
        "请每人用 `gatehouse rule keygen` 生成自己的密钥。",
    ),
    "user.pin": Sentence(
        'The PIN of user "{value}" stands in the site folder, which many may read.',
        "用户“{value}”的 PIN 写在站点文件夹中，可被多人读取。",
        "Take the line out; `gatehouse user pin SITE {value}` keeps the PIN apart, readable by the gateway alone.",
        "请删除该行；用 `gatehouse user pin SITE {value}` 设置，PIN 单独保存，仅网关可读。",
    ),
}

SITE: dict[str, Sentence] = {**_FILES, **_TOML, **_PEOPLE}
