"""What `gatehouse user` says, in English and Chinese."""

from __future__ import annotations

_WORDS = {
    "layout": (
        "{file} is laid out in a way that cannot be edited here without loss. Nothing was changed: edit it by hand.",
        "{file} 的写法无法自动修改，未做任何改动，请手工编辑。",
    ),
    "not-permitted": (
        "{file} may not be written by this account. Run it as root, as with: sudo gatehouse user …",
        "当前账号无权写入 {file}，请以 root 身份运行，例如：sudo gatehouse user …",
    ),
    "failed": ("It did not work: {why}", "操作失败：{why}"),
    "site": (
        "The site folder is wrong, and nothing was changed:\n{problems}",
        "站点文件夹有误，未做任何改动：\n{problems}",
    ),
    "no-user": (
        "There is no user “{user}” in users.toml. Add them first: gatehouse user add",
        "users.toml 中没有用户“{user}”，请先用 gatehouse user add 添加。",
    ),
    "id": (
        "“{user}” cannot be an id: use 1 to 32 lower-case letters a-z, digits, _ and -, such as zhang-wei.",
        "“{user}”不能用作用户标识：请用 1 至 32 个小写字母、数字、_ 或 -，例如 zhang-wei。",
    ),
    "there": ("User “{user}” is there already.", "用户“{user}”已存在。"),
    "roles": ("These are no roles: {wrong}. Use: {right}.", "不是有效角色：{wrong}。可用：{right}。"),
    "added": (
        "User “{user}” is in users.toml. For the screen at the box they need a PIN: gatehouse user pin {site} {user}",
        "用户“{user}”已写入 users.toml。在本机屏幕登录还需设置 PIN：gatehouse user pin {site} {user}",
    ),
    "removed": ("User “{user}” is gone, with PIN and passphrase.", "用户“{user}”已删除，PIN 与口令一并清除。"),
    "retired": (
        "User “{user}” can neither sign in nor sign any more. The name and the revoked keys stay, because versions carry their signature.",
        "用户“{user}”不能再登录或签名。因已有版本带其签名，姓名与已吊销的密钥予以保留。",
    ),
    "again": ("Once more: ", "再输入一次："),
    "differ": ("The two were not the same. Nothing was changed.", "两次输入不一致，未做改动。"),
    "pin.ask": ("PIN of {user}, six digits: ", "{user} 的 PIN（6 位数字）："),
    "pin.set": ("The PIN of “{user}” is set.", "已设置“{user}”的 PIN。"),
    "pin.issued": (
        "PIN of “{user}”, good once: at the screen they choose their own.",
        "“{user}”的一次性 PIN：首次登录时须在屏幕上改为自己的 PIN。",
    ),
    "pin.cleared": ("“{user}” has no PIN any more.", "已清除“{user}”的 PIN。"),
    "pin.digits": ("A PIN has six digits.", "PIN 须为 6 位数字。"),
    "pin.same": ("Six times the same digit is the first that anybody tries.", "六位相同的数字最先被人猜到，请换一个。"),
    "pin.row": ("Digits in a row are the first that anybody tries.", "连续数字最先被人猜到，请换一个。"),
    "pin.twice": ("Two or three digits repeated are soon guessed. Take another.", "重复的数字容易被猜到，请换一个。"),
    "passphrase.ask": ("Passphrase of {user}: ", "{user} 的口令："),
    "passphrase.set": (
        "The passphrase of “{user}” is set: they may sign in from the network, over TLS.",
        "已设置“{user}”的口令，可经 TLS 从网络登录。",
    ),
    "passphrase.cleared": ("“{user}” cannot sign in from the network any more.", "“{user}”不能再从网络登录。"),
    "passphrase.weak": (
        "A passphrase has at least {least} characters, and not the same few again and again. Four words do.",
        "口令至少 {least} 个字符，且不能只是少数几个字符的重复。",
    ),
    "key": (
        "“{key}” is no public key. gatehouse rule keygen prints one: ed25519:…",
        "“{key}”不是公钥。gatehouse rule keygen 会给出形如 ed25519:… 的公钥。",
    ),
    "key.none": ("“{user}” has no such key.", "“{user}”没有该密钥。"),
    "key.there": ("This key belongs to “{user}” already.", "该密钥已属于“{user}”。"),
    "key.added": (
        "“{user}” signs with this key from the next start of the gateway.",
        "网关下次启动后，“{user}”即可用该密钥签名。",
    ),
    "key.revoked": (
        "The key of “{user}” is revoked from the next start. What it signed cannot be armed again.",
        "下次启动后“{user}”的该密钥即被吊销，其签名的版本不能再投用。",
    ),
    "token.name": ("“{name}” cannot be a name: use a-z, 0-9, . _ and -.", "名称“{name}”不可用：请用 a-z、0-9、. _ -。"),
    "token.none": ("There is no token “{name}”.", "没有名为“{name}”的令牌。"),
    "token.many": ("There are {most} tokens already. Remove one first.", "令牌已达 {most} 个，请先删除一个。"),
    "token.made": (
        "Read-only token “{name}”. It is shown once and kept nowhere: give it to the integrator now.",
        "只读令牌“{name}”，仅显示一次，不再保存，请立即交给集成方。",
    ),
    "token.removed": ("Token “{name}” opens nothing any more.", "令牌“{name}”已失效。"),
    "token.row": ("token {name}", "令牌 {name}"),
    "has.pin": ("PIN", "PIN"),
    "has.passphrase": ("passphrase", "口令"),
    "has.keys": ("{count} signing keys", "签名密钥 {count} 个"),
    "has.nothing": ("cannot sign in", "不能登录"),
    "role.operator": ("operator", "操作员"),
    "role.supervisor": ("supervisor", "班长"),
    "role.engineer": ("engineer", "工程师"),
    "role.maintainer": ("maintainer", "维护人员"),
    "role.safety-officer": ("safety officer", "安全员"),
    "role.medic": ("medic", "医护人员"),
    "role.worker": ("worker", "作业人员"),
}


def say(key: str, lang: str, /, **args: object) -> str:
    """The text `key` in English or Chinese."""
    return _WORDS[key][lang.startswith("zh")].format(**args)
