"""What an update, a stick and a SITE folder say to people, in both languages; and the error that carries it."""

from __future__ import annotations

OK, FAILED, NOT_FOUND, NOT_PERMITTED, REFUSED = 0, 1, 4, 5, 6

WORDS: dict[str, tuple[str, str]] = {
    # --- bundle ---
    "unreadable": ("{file} cannot be read: {why}", "无法读取 {file}：{why}"),
    "not-a-bundle": (
        "{file} is not a bundle of this product, or its first bytes are damaged.",
        "{file} 不是本产品的安装包，或其开头已损坏。",
    ),
    "no-keys": (
        "No trusted key in {folder}. Put the release key there by hand and compare its fingerprint with the one you were"
        " given on paper.",
        "{folder} 中没有可信公钥。请人工放入发布公钥，并与书面提供的指纹核对。",
    ),
    "bad-key": ("{file} is not an Ed25519 public key in PEM.", "{file} 不是 PEM 格式的 Ed25519 公钥。"),
    "signature": (
        "{file} is not signed by a trusted key ({known}). Nothing of it was used.",
        "{file} 没有可信密钥的签名（可信密钥：{known}），其内容未被使用。",
    ),
    "manifest": ("The signed manifest cannot be understood: {why}", "已签名的清单无法解析：{why}"),
    "differs": ("{path} is not what was signed. Nothing was installed.", "{path} 与签名时不一致，未安装任何内容。"),
    "trailing": (
        "{file} goes on behind its end, or ends too early. Nothing was installed.",
        "{file} 末尾有多余内容或提前结束，未安装任何内容。",
    ),
    "older": (
        "The bundle has version {version}, this box has run {installed}. A version never goes back; gatehouse update"
        " rollback goes to the slot before.",
        "安装包版本 {version}，本机已运行过 {installed}。版本不得回退；如需回到前一槽位请用 gatehouse update rollback。",
    ),
    "same": ("Version {version} is what runs now.", "当前运行的就是版本 {version}。"),
    "minimum": (
        "Version {version} can be installed over {minimum} or newer; this box has {installed}.",
        "版本 {version} 只能在 {minimum} 或更新版本上安装；本机为 {installed}。",
    ),
    "schema": (
        "Version {version} keeps its data in form {theirs}, this box in form {ours}: the version before could not read it"
        " after a rollback.",
        "版本 {version} 的数据格式为 {theirs}，本机为 {ours}：回退后旧版本将无法读取。",
    ),
    "architecture": (
        "The bundle is for {theirs}, this box is {ours}.",
        "安装包适用于 {theirs}，本机为 {ours}。",
    ),
    "verified": (
        "{file}: version {version}, {files} files, signed by {key}. Every byte is as signed.",
        "{file}：版本 {version}，{files} 个文件，签名密钥 {key}，逐字节核对一致。",
    ),
    "verified-system": (
        "{file}: system {version}, signed by a trusted certificate. Its blocks are read and checked before the first one is"
        " written.",
        "{file}：系统版本 {version}，签名证书可信。写入前将逐块读取并核验。",
    ),
    # --- install ---
    "no-box": (
        "This gatehouse does not run from a slot ({prefix}). Updates are for a box that was installed from a bundle.",
        "当前 gatehouse 不在槽位中运行（{prefix}）。升级仅适用于由安装包安装的设备。",
    ),
    "locked": ("Another update is going on.", "另一个升级正在进行。"),
    "trial-on": (
        "Version {version} is on trial; wait for its end, or gatehouse update rollback.",
        "版本 {version} 正在试用；请等待结束，或执行 gatehouse update rollback。",
    ),
    "armed": (
        "In service and not tripped: {names}. An update restarts the gateway, and a restart trips them. Stop the plant, then"
        " a supervisor says so: gatehouse update confirm GATEWAY --reason …",
        "以下联锁已投用且未动作：{names}。升级会重启网关，重启将触发联锁。请先停车，再由值长确认："
        "gatehouse update confirm 网关编号 --reason …",
    ),
    "bypassed": (
        "Bypassed: {names}. Clear every bypass first: nobody would see it end during an update.",
        "存在旁路：{names}。请先撤销全部旁路：升级期间无人能看到其到期。",
    ),
    "unsigned": (
        "Version {number} of the rules waits for signatures. Have it signed first, so that one change at a time is tried.",
        "规则版本 {number} 尚待签署。请先完成签署，一次只试一项变更。",
    ),
    "unknown-plant": (
        "The gateway runs but does not say how its interlocks stand ({why}). Without that nothing is updated.",
        "网关在运行，但未能读取联锁状态（{why}），不执行升级。",
    ),
    "selftest": ("Self-test in slot {slot} failed: {why}", "槽位 {slot} 自检未通过：{why}"),
    "rules-differ": (
        "The new version reads these rules differently: {names}. They could not stay in service.",
        "新版本对以下规则的解读不同：{names}，无法保持投用。",
    ),
    "no-python": (
        "{file} is missing, and the bundle brings no Python of its own for this architecture.",
        "缺少 {file}，安装包也没有为该架构自带 Python。",
    ),
    "slot-broken": ("Slot {slot} is not whole.", "槽位 {slot} 不完整。"),
    "space": ("{need} MB are needed in {folder}, {free} MB are free.", "{folder} 需要 {need} MB，剩余 {free} MB。"),
    "step-VERIFIED": ("verified: version {version}", "已核验：版本 {version}"),
    "step-UNPACKED": ("unpacked into slot {slot}", "已解包到槽位 {slot}"),
    "step-SELFTEST": ("self-test passed in slot {slot}", "槽位 {slot} 自检通过"),
    "step-SWITCHED": (
        "switched: slot {slot} runs on trial for {minutes} min. Nothing can be armed or reset until it ends.",
        "已切换：槽位 {slot} 试用 {minutes} 分钟，结束前不能投用或复位联锁。",
    ),
    "step-GOOD": ("version {version} in slot {slot} is good", "槽位 {slot} 的版本 {version} 已确认"),
    "step-ROLLED_BACK": (
        "rolled back to slot {slot}, version {version}: {reason}",
        "已回退到槽位 {slot}，版本 {version}：{reason}",
    ),
    "no-roots": (
        "{file} is a system, and this box has no second root for it: it was not set up from an image. Updates of the product"
        " end in .ghb.",
        "{file} 是系统包，而本机不是由镜像安装，没有第二个根分区。产品升级包以 .ghb 结尾。",
    ),
    "system-signature": (
        "{file} is not a system that a trusted certificate has signed ({why}). Nothing of it was used.",
        "{file} 没有可信证书的签名（{why}），其内容未被使用。",
    ),
    "system-write": (
        "{file} was not installed; the system that runs is as it was: {why}",
        "{file} 未安装，正在运行的系统未受影响：{why}",
    ),
    "system-damaged": (
        "{file} is damaged: what it holds is not what was signed. The system that runs and the other root are as they were; copy it again.",
        "{file} 已损坏：其内容与签名不符。正在运行的系统和另一个根分区均未改动，请重新复制安装包。",
    ),
    "system-boot": ("The boot loader's settings could not be changed: {why}", "无法更改引导设置：{why}"),
    "root": ("root {name}  {version}  {boots}{next}  {why}", "根分区 {name}  {version}  {boots}{next}  {why}"),
    "root-next": (", boots next", "，下次启动"),
    "root-good": ("good", "良好"),
    "root-bad": ("bad", "不可用"),
    "restart-yourself": (
        "No systemd here: restart the gateway yourself ({command}).",
        "本机没有 systemd，请自行重启网关（{command}）。",
    ),
    "no-trial": ("No version is on trial.", "没有版本在试用。"),
    "no-slot-before": ("There is no other slot to go back to.", "没有可回退的槽位。"),
    "not-yet": ("Not yet: {why}", "尚不满足：{why}"),
    # --- flash ---
    "read-back": (
        "{disk} does not hold what was written: {size} bytes at {offset} read back differently. Throw it away.",
        "{disk} 未能保存写入的内容：偏移 {offset} 处 {size} 字节回读不符。请更换介质。",
    ),
    "short": ("The disk took no more bytes at {offset}.", "磁盘在偏移 {offset} 处不再接受写入。"),
    "serial": (
        "Type the last four characters of the serial number of {disk}: ",
        "请输入 {disk} 序列号的最后四位：",
    ),
    "other-serial": (
        "That is not the serial number of {disk}. Nothing was written.",
        "与 {disk} 的序列号不符，未写入。",
    ),
    "no-site": ("The image on {disk} has no partition SITE.", "{disk} 上的镜像没有 SITE 分区。"),
    "next-stick": ("Put in the next stick and press Enter. ", "请插入下一个 U 盘后按回车。"),
    # --- accelerators ---
    "accel-there": ("{folder} is there already; name another, or remove it.", "{folder} 已存在；请换名或先删除。"),
    "accel-missing": (
        "Missing in {folder}: {what} ({architecture}, CPython {python}): {en}.",
        "{folder} 中缺少：{what}（{architecture}，CPython {python}）：{zh}。",
    ),
    "accel-name": (
        "{file}: that is no name of a wheel; give it back the name it had on its page (a browser may have added “(1)”).",
        "{file}：不是 wheel 文件名；请恢复下载页上的原名（浏览器可能加了“(1)”）。",
    ),
    "accel-architecture": (
        "{file} is for another machine; this box is {architecture}.",
        "{file} 适用于其他架构；本设备为 {architecture}。",
    ),
    "accel-python": (
        "{file} is for another Python; a slot runs CPython {python} (its tag is cp311).",
        "{file} 适用于其他 Python 版本；槽位使用 CPython {python}（标签为 cp311）。",
    ),
    "accel-libc": (
        "{file} wants a C library newer than {glibc}, which the vendor's system does not have.",
        "{file} 需要高于 {glibc} 的 C 库，厂家系统不具备。",
    ),
    "accel-sum": (
        "{file} is not the file whose SHA-256 was given, or is not in that list. Download it again.",
        "{file} 与给定的 SHA-256 不符，或不在清单中。请重新下载。",
    ),
    "accel-damaged": ("{file} is damaged: {why}. Download it again.", "{file} 已损坏：{why}。请重新下载。"),
    "accel-library": ("{file} does not bring {lacks}.", "{file} 不含 {lacks}。"),
    "accel-not-this-device": (
        "{file} does not drive this device, which is sm_{sm}: it brings code for {brings}, and lacks {lacks}. The wheel of the"
        " public index is for servers; it would load, name its provider, and fail at the first picture. Needed: one {en}.",
        "{file} 不能驱动本设备（sm_{sm}）：其中只有 {brings} 的代码，缺少 {lacks}。公共软件源的安装包面向服务器：能加载、能列出后端，"
        "但第一幅图像就会失败。所需安装包{zh}。",
    ),
    "accel-old": (
        "{file}: version {version} is older than the models need.",
        "{file}：版本 {version} 低于模型所需版本。",
    ),
    "accel-done": (
        "{folder} is ready for {name} (provider {provider}). On the box: sha256sum --quiet -c SHA256SUMS in it, then"
        " sudo cp -rT . /opt/gatehouse/accel; gatehouse doctor says whether it works.",
        "{folder} 已就绪，适用于 {name}（后端 {provider}）。在设备上：先在该目录执行 sha256sum --quiet -c SHA256SUMS，再执行"
        " sudo cp -rT . /opt/gatehouse/accel；可用 gatehouse doctor 查看是否可用。",
    ),
    "accel-compare": (
        "Compare these SHA-256 with those on their makers' pages, or give them with --sums.",
        "请将以上 SHA-256 与各厂家页面核对，或用 --sums 给出。",
    ),
    # --- trial ---
    "trial": (
        "An update is on trial: nothing is put in service or reset until it ends (gatehouse update status).",
        "升级试用中：结束前不能投用或复位联锁（gatehouse update status）。",
    ),
}

REASONS: dict[str, tuple[str, str]] = {
    "starts": ("two starts failed", "连续两次启动失败"),
    "interrupted": ("the switch was interrupted", "切换过程被中断"),
    "sources": ("fewer sources are up than before", "在线数据源少于升级前"),
    "slow": ("the kernel's steps take longer than before", "内核步进耗时高于升级前"),
    "restarted": ("the gateway restarted during its trial", "试用期间网关重启"),
    "silent": ("the gateway did not answer during its trial", "试用期间网关无应答"),
    "boots": ("the new system did not come up", "新系统未能启动"),
    "person": ("asked for by {who}", "由 {who} 要求"),
    "judge": ("the trial could not be judged", "无法评定试用"),
    "": ("", ""),
}


class ApplianceError(Exception):
    """Something is refused or went wrong: an exit code, a key of WORDS and what belongs into its text."""

    def __init__(self, code: int, key: str, /, **words: object) -> None:
        super().__init__(key)
        self.code, self.key, self.words = code, key, words

    def text(self, lang: str) -> str:
        """What is wrong, in the language of the reader."""
        return say(self.key, lang, **self.words)

    def __str__(self) -> str:
        return self.text("en")


def say(key: str, lang: str, /, **words: object) -> str:
    """The text `key` in one language."""
    return WORDS[key][lang.startswith("zh")].format(**words)


def both(key: str, /, **words: object) -> dict[str, str]:
    """The text `key` in every language."""
    return {"en": say(key, "en", **words), "zh-CN": say(key, "zh-CN", **words)}


def reason_text(reason: str, lang: str) -> str:
    """Why a version was rolled back: a code and who, joined by a colon, as it stands in the state file."""
    code, _, who = reason.partition(":")
    texts = REASONS.get(code)
    return texts[lang.startswith("zh")].format(who=who) if texts else reason
