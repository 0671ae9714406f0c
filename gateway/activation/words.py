"""What this room says, in both languages."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "unsubmitted": (
        "No kept version holds this wording of {name}: submit it first (gatehouse rule submit).",
        "没有任何已存版本包含 {name} 的当前内容，请先提交（gatehouse rule submit）。",
    ),
    "findings": ("The check of version {number} found {count} error(s).", "版本 {number} 的检查有 {count} 个错误。"),
    "not-proven": (
        "What the rules of version {number} can do is not proven: install the prover, then submit it again (gatehouse rule submit).",
        "版本 {number} 的规则未经证明：请安装求解器后重新提交（gatehouse rule submit）。",
    ),
    "unproven": (
        "Version {number} has not been tried: record a backtest, its time in shadow or a test with forced inputs (rule evidence).",
        "版本 {number} 尚无验证记录，请先登记回测、试运行或强制输入试验（gatehouse rule evidence）。",
    ),
    "signatures": (
        "Version {number} has {count} of 2 signatures{who}.",
        "版本 {number} 需两人签名，现有 {count} 个{who}。",
    ),
    "engineering": (
        "One of the two who sign version {number} must be an engineer or safety officer.",
        "版本 {number} 的两名签名人中须有一名工程师或安全员。",
    ),
    "tags-changed": (
        "The tags of {name} mean something else here than in version {number} (unit, range, safe state or name).",
        "{name} 所用位号的含义（单位、量程、安全位或名称）与版本 {number} 提交时不同。",
    ),
    "damaged": (
        "{name} in the store of versions is damaged; nothing of it is loaded.",
        "版本库中的 {name} 已损坏，不予装载。",
    ),
    "lost": (
        "The version of {name} that is armed is not in the store of versions or is damaged: it stays tripped until one is armed anew.",
        "{name} 已投用的版本不在版本库中或已损坏：重新投用某一版本前，{name} 保持动作状态。",
    ),
    "other-version": ("This signature is of another version.", "该签名属于另一个版本。"),
    "unknown-key": ("Nobody in users.toml has the key that signed.", "users.toml 中没有人持有该签名密钥。"),
    "shared-key": ("Several persons have the key that signed.", "多人登记了同一密钥，签名无效。"),
    "revoked": ("The key that signed is revoked.", "该签名密钥已作废。"),
    "not-valid": ("The signature is not valid for this version.", "签名对该版本无效。"),
    "role": (
        "Only an engineer, safety officer or supervisor may sign.",
        "只有工程师、安全员或班长可以签名。",
    ),
    "same-person": (
        "{person} has signed version {number} already; the second signature needs another person.",
        "{person} 已签过版本 {number}，第二个签名须由另一人完成。",
    ),
    "text": ("Line {line} of the signature is mistyped or missing.", "签名第 {line} 行有误或缺失。"),
    "text-whole": ("The signature is incomplete.", "签名不完整。"),
    "monitor": (
        'This site only monitors ([gateway] mode = "monitor" in site.toml): nothing is armed and nothing is written.',
        '本站点设为仅监测（site.toml 中 [gateway] mode = "monitor"）：不投用任何联锁，也不写任何输出。',
    ),
    "no-version": ("There is no version {number}.", "没有版本 {number}。"),
}


def say(key: str, lang: str, **args: object) -> str:
    """The text `key` in `lang`."""
    return WORDS[key][lang.startswith("zh")].format(**args)


def both(key: str, **args: object) -> dict[str, str]:
    """The text `key` in both languages."""
    return {"en": say(key, "en", **args), "zh-CN": say(key, "zh-CN", **args)}
