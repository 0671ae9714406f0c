"""What the people room says, in both languages."""

from __future__ import annotations

Texts = dict[str, str]

SENTENCES: dict[str, Texts] = {
    "closed": {
        "en": "The vault cannot be used ({state}). Nothing of people is collected; interlocks and alarms are not touched by it.",
        "zh-CN": "个人数据保险库不可用（{state}）。目前不采集任何个人数据；联锁与报警不受影响。",
    },
    "none": {
        "en": "This site has no people.toml: nothing of people is kept.",
        "zh-CN": "本站点没有 people.toml，不保存个人数据。",
    },
    "not-worker": {
        "en": "{person} is no worker of people.toml: there is nothing of yours here.",
        "zh-CN": "{person} 不是 people.toml 中的人员，这里没有您的数据。",
    },
    "own-only": {
        "en": "Only the person concerned may do this. No other role can, and there is no exception.",
        "zh-CN": "仅限本人操作，任何其他角色都不能，没有例外。",
    },
    "role": {"en": "This needs the role {role}.", "zh-CN": "此操作需要角色：{role}。"},
    "no-worker": {"en": "There is no worker “{target}”.", "zh-CN": "没有人员“{target}”。"},
    "no-purpose": {"en": "There is no purpose “{purpose}”.", "zh-CN": "没有用途“{purpose}”。"},
    "text": {
        "en": "The text that was read is not the present one. Read it again, then consent.",
        "zh-CN": "所阅读的文本不是现行版本，请重新阅读后再同意。",
    },
    "signature": {
        "en": "The signature is not of this consent. Give ed25519:… of your key, paper:SHA-256 of the signed sheet, or leave it"
        " empty to sign by this sign-in.",
        "zh-CN": "签名与本次同意不符。请提供本人密钥的 ed25519:…、纸质签字页的 paper:SHA-256，或留空以本次登录签署。",
    },
    "consented": {
        "en": "Consent to “{purpose}” is kept until {until}. You may withdraw it at any time, without any disadvantage.",
        "zh-CN": "已记录对“{purpose}”的同意，有效期至 {until}。可随时撤回，且不会带来任何不利。",
    },
    "no-consent": {"en": "There is no consent to “{purpose}” in force.", "zh-CN": "对“{purpose}”没有有效的同意。"},
    "withdrawn": {
        "en": "Withdrawn. Collection has stopped and the records are erased; certificate attached.",
        "zh-CN": "已撤回。采集已停止，记录已删除，附删除证明。",
    },
    "erased": {"en": "Erased; certificate attached.", "zh-CN": "已删除，附删除证明。"},
    "nothing": {"en": "Nothing of yours is kept.", "zh-CN": "没有保存您的任何数据。"},
    "no-record": {"en": "You have no record {stream} {sequence}.", "zh-CN": "没有您的记录 {stream} {sequence}。"},
    "corrected": {
        "en": "Your correction is kept beside the original, which is not changed.",
        "zh-CN": "已记录更正；原始记录保持不变。",
    },
    "few": {
        "en": "Fewer than {least} people are behind this figure: it would point at persons and is not shown.",
        "zh-CN": "统计对象不足 {least} 人，会指向个人，不予显示。",
    },
    "glass.asked": {
        "en": "Asked. A second person (medic or safety officer) must confirm within {minutes} min: gatehouse person confirm {target}.",
        "zh-CN": "已提出。须由第二人（医务或安全员）在 {minutes} 分钟内确认：gatehouse person confirm {target}。",
    },
    "glass.none": {
        "en": "Nobody has asked for “{target}”, or it is too late.",
        "zh-CN": "没有针对“{target}”的申请，或已超时。",
    },
    "glass.same": {
        "en": "The second person must be another one, and not the worker.",
        "zh-CN": "确认人不能是申请人，也不能是本人。",
    },
    "glass.open": {
        "en": "Open for {asker} for {minutes} min. The worker has been told.",
        "zh-CN": "已为 {asker} 开放 {minutes} 分钟，并已通知本人。",
    },
    "glass.closed": {
        "en": "Not open: a medic asks with a reason, a second person confirms, then it is open for {minutes} min.",
        "zh-CN": "未开放：须由医务人员说明理由提出、第二人确认，然后开放 {minutes} 分钟。",
    },
    "permit.name-workers": {
        "en": "{permit} asks for certificates: name who will work on it (--worker).",
        "zh-CN": "{permit} 需要核对证书，请指明作业人员（--worker）。",
    },
    "permit.frozen": {
        "en": "The certificate {kind} of {worker} ends on {ends}: renew it before a permit is issued on it.",
        "zh-CN": "{worker} 的证书 {kind} 将于 {ends} 到期，请先换证再签发。",
    },
    "permit.lacking": {"en": "{worker} has no certificate {kind}.", "zh-CN": "{worker} 没有证书 {kind}。"},
    "not-lost": {"en": "The vault is in order: there is nothing to begin anew.", "zh-CN": "保险库正常，无需重建。"},
    "anew": {"en": "The vault begins anew, empty.", "zh-CN": "保险库已重建，内容为空。"},
    "backed-up": {"en": "{count} files of ciphertext in {file}.", "zh-CN": "已将 {count} 个密文文件写入 {file}。"},
    "restored": {"en": "{count} files put back.", "zh-CN": "已恢复 {count} 个文件。"},
    "file": {
        "en": "Give a plain file name; it is kept in the folder backups.",
        "zh-CN": "请只填写文件名，文件保存在 backups 目录。",
    },
    "failed": {"en": "That did not work: {why}", "zh-CN": "未能完成：{why}"},
    "unknown": {"en": "There is no verb {verb}.", "zh-CN": "没有命令 {verb}。"},
}


def both(key: str, **args: object) -> Texts:
    """The sentence `key` in both languages."""
    return {language: text.format(**args) for language, text in SENTENCES[key].items()}
