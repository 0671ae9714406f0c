"""`gatehouse cert`: the certificates of a site, a new one for the broker by request and install, and when each ends; no daemon needed."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.access.authority import files_of
from gateway.access.store import make_folder, write

OK, FAILED, USAGE, NOT_FOUND, REFUSED, INVALID = 0, 1, 2, 4, 6, 9
SOON_DAYS = 30
PENDING = "request.key"

_WORDS = {
    "site": ("site.toml cannot be read: {why}", "无法读取 site.toml：{why}"),
    "no-upstream": (
        "The site has no [upstream]: there is no certificate to ask for.",
        "站点没有 [upstream]，无需申请证书。",
    ),
    "failed": ("It did not work: {why}", "操作失败：{why}"),
    "asked": (
        "Give this request to who signs certificates, then: gatehouse cert install SITE FILE. The key stays on this box.",
        "请将此申请交给证书签发方，签发后执行 gatehouse cert install SITE FILE。私钥始终留在本机。",
    ),
    "no-request": (
        "There is no open request: gatehouse cert request SITE",
        "没有未完成的申请，请先执行 gatehouse cert request SITE",
    ),
    "other-key": ("This certificate is not for the key of the open request.", "该证书与未完成申请的私钥不匹配。"),
    "other-ca": ("This certificate is not signed by {ca}.", "该证书不是由 {ca} 签发的。"),
    "dates": ("This certificate is not valid now: {begin} to {end}.", "该证书当前无效：有效期 {begin} 至 {end}。"),
    "installed": (
        "Installed, good until {end}. The gateway takes it up at its next connection; the files before it end in .old.",
        "已安装，有效期至 {end}。网关下次连接时启用，原文件改名为 .old。",
    ),
    "row": ("{name:<10} {days:>6} days  {subject}  {file}", "{name:<10} 剩余 {days:>5} 天  {subject}  {file}"),
    "gone": ("{name:<10} {file}: {why}", "{name:<10} {file}：{why}"),
}


class Refused(Exception):
    """A key of the words with its arguments, and the exit code."""

    def __init__(self, code: int, key: str, /, **args: object) -> None:
        super().__init__(key)
        self.code, self.key, self.args_of_text = code, key, args


def cert(verb: str, site: Path, args: dict[str, str]) -> int:
    """list, request or install. Data to stdout, talk to stderr."""
    zh = args.get("lang", "en").startswith("zh")
    try:
        return _VERBS[verb](site, args, zh)
    except Refused as refused:
        print(_WORDS[refused.key][zh].format(**refused.args_of_text), file=sys.stderr)
        return refused.code
    except (OSError, ValueError) as error:
        print(_WORDS["failed"][zh].format(why=error), file=sys.stderr)
        return FAILED


def _settings(site: Path) -> dict[str, dict[str, str]]:
    try:
        found = tomllib.loads((site / "site.toml").read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise Refused(INVALID, "site", why=error) from None
    return {name: part for name, part in found.items() if isinstance(part, dict)}


def _state(site: Path) -> Path:
    return site / str(_settings(site).get("storage", {}).get("directory", "state"))


def _upstream(site: Path) -> tuple[Path, Path, Path]:
    """CA, certificate and key for the broker."""
    part = _settings(site).get("upstream", {})
    if not {"ca", "certificate", "key"} <= part.keys():
        raise Refused(NOT_FOUND, "no-upstream")
    return site / part["ca"], site / part["certificate"], site / part["key"]


def _files(site: Path) -> dict[str, Path]:
    settings, page = _settings(site), _settings(site).get("page", {})
    found: dict[str, Path] = {}
    if "upstream" in settings:
        ca, certificate, _ = _upstream(site)
        found |= {"broker-ca": ca, "broker": certificate}
    if page.get("certificate"):
        found["page"] = site / page["certificate"]
    elif page.get("tls"):
        own = files_of(_state(site))
        found |= {"page-ca": own.authority, "page": own.certificate}
    return found


def _list(site: Path, args: dict[str, str], zh: bool) -> int:
    rows: list[dict[str, object]] = []
    for name, file in _files(site).items():
        try:
            one = x509.load_pem_x509_certificates(file.read_bytes())[0]
        except (OSError, ValueError) as error:
            rows.append({"name": name, "file": str(file), "why": str(error), "days": -1})
            continue
        days = (one.not_valid_after_utc - datetime.now(UTC)).days
        ends = int(one.not_valid_after_utc.timestamp() * 1000)
        rows.append(
            {
                "name": name,
                "file": str(file),
                "subject": one.subject.rfc4514_string(),
                "days": days,
                "ends_utc_ms": ends,
            }
        )
    if args.get("output", "table") in ("json", "jsonl"):
        print(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for row in rows:
            print(_WORDS["gone" if "why" in row else "row"][zh].format(**row))
    soon = any(int(str(row["days"])) < SOON_DAYS for row in rows)
    return FAILED if soon and args.get("strict") else OK


def _request(site: Path, _args: dict[str, str], zh: bool) -> int:
    _upstream(site)
    key = ec.generate_private_key(ec.SECP256R1())
    name = str(_settings(site).get("gateway", {}).get("id", "gateway"))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write(make_folder(_state(site)) / PENDING, private)
    sys.stdout.write(asked.public_bytes(serialization.Encoding.PEM).decode())
    print(_WORDS["asked"][zh], file=sys.stderr)
    return OK


def _install(site: Path, args: dict[str, str], zh: bool) -> int:
    ca, certificate, key = _upstream(site)
    pending = _state(site) / "access" / PENDING
    if not pending.exists():
        raise Refused(NOT_FOUND, "no-request")
    data, private = Path(args["file"]).read_bytes(), pending.read_bytes()
    leaf = x509.load_pem_x509_certificates(data)[0]
    _fits(leaf, private, ca)
    for file in (certificate, key):
        if file.exists():
            os.replace(file, file.with_name(f"{file.name}.old"))
    write(key, private)
    write(certificate, data)
    pending.unlink()
    print(_WORDS["installed"][zh].format(end=f"{leaf.not_valid_after_utc:%Y-%m-%d}"), file=sys.stderr)
    return OK


def _fits(leaf: x509.Certificate, private: bytes, ca: Path) -> None:
    """The certificate is of our key, of the CA that the site names, and valid now. Raises Refused."""
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    ours = serialization.load_pem_private_key(private, None).public_key().public_bytes(*form)
    if leaf.public_key().public_bytes(*form) != ours:
        raise Refused(REFUSED, "other-key")
    for authority in x509.load_pem_x509_certificates(ca.read_bytes()):
        try:
            leaf.verify_directly_issued_by(authority)
            break
        except (ValueError, TypeError, InvalidSignature):
            continue
    else:
        raise Refused(REFUSED, "other-ca", ca=ca)
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not begin <= datetime.now(UTC) <= end:
        raise Refused(REFUSED, "dates", begin=f"{begin:%Y-%m-%d}", end=f"{end:%Y-%m-%d}")


_VERBS: dict[str, Callable[[Path, dict[str, str], bool], int]] = {
    "list": _list,
    "request": _request,
    "install": _install,
}
