"""Our certificate and the broker's: what is wrong with them, in words that say which, why and what to do.

Used when files are read, when a handshake fails, and every minute for what will expire.
"""

from __future__ import annotations

import math
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

WARN_DAYS = (30, 7, 1)  # an expiry is told at each of these

Level = Literal["refused", "warning"]
Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """One finding: `days` left (the smallest of `WARN_DAYS` reached, 0 = over), what it is and what to do."""

    code: str
    days: int
    text: Texts


def both(en: str, zh: str) -> Texts:
    return {"en": en, "zh-CN": zh}


def examine(ca: str, certificate: str, key: str, now: datetime) -> list[Notice]:
    """What is wrong, or soon will be, with the three PEM files, the worst first. Reads them; never raises for their content."""
    notices: list[Notice] = []
    found = _read(certificate, notices)
    notices += [notice for one in _read(ca, notices) for notice in _dates("CA", ca, one, now)]
    if found:
        notices += _dates("own", certificate, found[0], now)
        notices += _match(found[0], certificate, key)
    return sorted(notices, key=lambda notice: notice.days)


def signature(*paths: str) -> tuple[tuple[int, int, int], ...]:
    """Changes when one of the files is another one or has other content; (0, 0, 0) for a file that is not there."""
    found = []
    for path in paths:
        try:
            stat = os.stat(path)
            found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)


def untrusted(error: ssl.SSLCertVerificationError, host: str) -> Texts:
    """Why we refuse the broker's certificate."""
    why = _VERIFY.get(error.verify_code)
    if why is None:
        return both(
            f"the broker's certificate is not trusted: {error.verify_message}",
            f"不信任服务器证书：{error.verify_message}",
        )
    return both(
        f"the broker's certificate is not trusted: {why[0].format(host=host)}",
        f"不信任服务器证书：{why[1].format(host=host)}",
    )


def refused(alert: str, notices: list[Notice]) -> Texts:
    """Why the broker refuses ours, from the alert it sent and from what we see in our own files."""
    low = alert.lower()
    en, zh = next((words for key, words in _ALERTS if key in low), (f"{alert}.", f"{alert}。"))
    own = [notice for notice in notices if notice.days <= 0]
    en_more = "".join(f" {notice.text['en']}" for notice in own)
    zh_more = "".join(notice.text["zh-CN"] for notice in own)
    return both(f"the broker refused our certificate: {en}{en_more}", f"服务器拒绝了本机证书：{zh}{zh_more}")


_VERIFY = {
    9: (
        "it is not valid yet. Check the clock of this gateway first.",
        "证书尚未生效，请先核对本网关时钟。",
    ),
    10: (
        "it has expired. Renew it at the broker; if it is valid there, check the clock of this gateway.",
        "证书已过期，请在服务器上更新；若服务器侧有效，请核对本网关时钟。",
    ),
    18: (
        "it is self-signed. Put that certificate, or better the CA that signs it, into [upstream] ca.",
        "证书为自签名，请将该证书或其签发 CA 填入 [upstream] ca。",
    ),
    19: (
        "its chain ends in a CA that is not in [upstream] ca. Put the right CA file there.",
        "证书链的根 CA 不在 [upstream] ca 中，请换成正确的 CA 文件。",
    ),
    20: (
        "it is signed by a CA that is not in [upstream] ca. Put the right CA file there.",
        "签发它的 CA 不在 [upstream] ca 中，请换成正确的 CA 文件。",
    ),
    23: ("it has been revoked. Ask who runs the broker.", "证书已被吊销，请联系服务器管理员。"),
    62: (
        "it is not made out for {host}. Write the name that is in it into [upstream] url, or have it made out for {host}.",
        "证书中没有 {host}，请在 [upstream] url 中写证书里的名称，或为 {host} 重新签发。",
    ),
    64: (
        "it is not made out for the address {host}. Use a host name that is in it, or have it made out for {host}.",
        "证书中没有地址 {host}，请改用证书里的主机名，或为 {host} 重新签发。",
    ),
}
_ALERTS: tuple[tuple[str, tuple[str, str]], ...] = (
    (
        "unknown ca",
        (
            "it does not know the CA that signed it. Have ours signed by the broker's CA.",
            "服务器不认识签发 CA，请用服务器认可的 CA 签发。",
        ),
    ),
    (
        "expired",
        (
            "it says that it has expired. Renew [upstream] certificate.",
            "服务器认为证书已过期，请更新 [upstream] certificate。",
        ),
    ),
    ("revoked", ("it has been revoked. Have a new one signed.", "证书已被吊销，请重新签发。")),
    (
        "certificate required",
        (
            "it got none. Check [upstream] certificate and key.",
            "服务器未收到证书，请检查 [upstream] certificate 和 key。",
        ),
    ),
    (
        "access denied",
        ("it is known but not allowed. Ask who runs the broker.", "证书有效但无权限，请联系服务器管理员。"),
    ),
    (
        "unsupported certificate",
        ("its kind does not fit: it must be for client authentication.", "证书用途不符，须含客户端认证用途。"),
    ),
    ("bad certificate", ("it is damaged, or its purpose or signature does not fit.", "证书损坏，或用途、签名不符。")),
)


def _read(path: str, notices: list[Notice]) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes())
    except OSError as error:
        notices.append(
            Notice(
                "missing", 0, both(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。")
            )
        )
    except ValueError:
        notices.append(Notice("unreadable", 0, both(f"{path} is no PEM certificate.", f"{path} 不是 PEM 证书。")))
    return []


def _dates(whose: str, path: str, certificate: x509.Certificate, now: datetime) -> list[Notice]:
    end = certificate.not_valid_after_utc
    day = f"{end:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        begin = f"{certificate.not_valid_before_utc:%Y-%m-%d}"
        en, zh = f"{path} is valid from {begin} only: check the clock.", f"{path} 自 {begin} 起有效，请核对时钟。"
        return [Notice(f"{whose}-not-yet", 0, both(en, zh))]
    if now >= end:
        return [
            Notice(
                f"{whose}-expired", 0, both(f"{path} expired on {day}: renew it.", f"{path} 已于 {day} 过期，请更新。")
            )
        ]
    left = math.ceil((end - now).total_seconds() / 86_400)
    reached = [days for days in WARN_DAYS if left <= days]
    if not reached:
        return []
    en, zh = (
        f"{path} expires on {day}, in {left} days: renew it.",
        f"{path} 将于 {day} 过期（还剩 {left} 天），请更新。",
    )
    return [Notice(f"{whose}-expires", min(reached), both(en, zh))]


def _match(certificate: x509.Certificate, path: str, key: str) -> list[Notice]:
    try:
        private = load_pem_private_key(Path(key).read_bytes(), None)
    except OSError as error:
        return [
            Notice(
                "missing", 0, both(f"{key} cannot be read: {error.strerror}.", f"无法读取 {key}：{error.strerror}。")
            )
        ]
    except (ValueError, TypeError):
        return [
            Notice("unreadable", 0, both(f"{key} is no PEM key without a password.", f"{key} 不是无口令的 PEM 私钥。"))
        ]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form):
        return []
    en, zh = (
        f"{key} is not the key of {path}: put the pair that was made together.",
        f"{key} 与 {path} 不是一对，请成对更换。",
    )
    return [Notice("key-mismatch", 0, both(en, zh))]


def utc_now() -> datetime:
    return datetime.now(UTC)
