"""Signed permits: what is signed is what is read, any change is found, and the page verifies them in a real browser offline."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parents[2]))

from gateway.offline import slip
from gateway.offline.slip import Slip, SlipError
from tests.web.browser import browser, chromium

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
# RFC 8032 §7.1: secret key, message
VECTORS = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", b""),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", bytes.fromhex("72")),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", bytes.fromhex("af82")),
]


def made(**more: Any) -> Slip:
    now = int(time.time() * 1000)
    facts: dict[str, Any] = {
        "site": "demo", "permit": "HOT_WORK", "number": "3-17", "person": "wang", "place": "3 号罐 <tank 3>",
        "since": now - 60_000, "until": now + 3_600_000, "en": "Hot work", "zh": "动火作业", **more,
    }  # fmt: skip
    return Slip(**facts)


def test_what_is_signed_is_what_is_read() -> None:
    text = slip.sign(KEY, made())
    assert slip.verify(KEY.public_key(), text).place == "3 号罐 <tank 3>"
    assert slip.verify(KEY.public_key(), f" {text[:40]}\n{text[40:]} ") == slip.verify(KEY.public_key(), text)
    assert len(text) < 700, "a QR code that a phone can read from a screen"
    with pytest.raises(SlipError):
        slip.verify(OTHER.public_key(), text)


def test_every_changed_letter_is_found() -> None:
    text = slip.sign(KEY, made())
    for at, letter in enumerate(text):
        changed = text[:at] + ("B" if letter == "A" else "A") + text[at + 1 :]
        with pytest.raises(SlipError):
            slip.verify(KEY.public_key(), changed)


@pytest.mark.parametrize("text", ["", "GHP1", "GHP1.a.b", "GHP2.e30.AAAA", "….….…", "GHP1.e30"])
def test_what_is_no_slip(text: str) -> None:
    with pytest.raises(SlipError):
        slip.verify(KEY.public_key(), text)


def test_a_page_takes_the_keys_of_other_boxes_and_refuses_what_is_none() -> None:
    whole = slip.page("<b>", KEY.public_key(), slip.key_text(OTHER.public_key()))
    assert "\\u003cb>" in whole
    assert whole.count('"key":"') == 2
    for wrong in ("ed25519:AAAA", "key", "ed25519:" + "é"):
        with pytest.raises(SlipError):
            slip.page("demo", KEY.public_key(), wrong)


def tampered(text: str) -> dict[str, str]:
    """Text -> the verdict that a page with KEY's key must give."""
    head, facts, signature = text.split(".")
    data = json.loads(base64.urlsafe_b64decode(facts + "=" * (-len(facts) % 4)))
    data["until"] += 3_600_000
    longer = base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
    flipped = signature[:10] + ("B" if signature[10] == "A" else "A") + signature[11:]
    now = int(time.time() * 1000)
    zero = base64.urlsafe_b64encode(bytes(64)).decode().rstrip("=")
    return {
        text: "ok",
        f"  {text[:50]}\n {text[50:]}": "ok",
        f"{head}.{longer}.{signature}": "forged",
        f"{head}.{facts}.{flipped}": "forged",
        f"{head}.{facts}.{zero}": "forged",
        slip.sign(OTHER, made()): "forged",
        slip.sign(KEY, made(until=now - 1000)): "late",
        slip.sign(KEY, made(since=now + 600_000)): "early",
        f"{head}.{facts}": "form",
        "https://example.invalid/permit": "form",
        "": "empty",
    }


def test_the_page_verifies_offline_in_a_real_browser(tmp_path: Path) -> None:
    if chromium() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("Chromium is not installed")
    path = tmp_path / "verify.html"
    path.write_text(slip.page("demo", KEY.public_key()), encoding="utf-8")
    text = slip.sign(KEY, made())

    async def look() -> None:
        async with browser(390, 844) as tab:
            await tab.call(
                "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
            )
            await tab.open(path.as_uri())
            await tab.until("document.querySelectorAll('#boxes li').length === 1")
            for given, verdict in tampered(text).items():
                shown = await tab.ask(
                    f"(document.getElementById('text').value = {json.dumps(given)}, show(), "
                    "document.getElementById('verdict').dataset.verdict)"
                )
                assert shown == verdict, given
                rows = await tab.ask("document.querySelectorAll('#facts tr').length")
                assert rows == (8 if verdict in ("ok", "late", "early") else 0)
            for secret, message in VECTORS:
                key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
                signature, public = key.sign(message), slip.raw(key.public_key())
                for bit, expected in ((None, True), (0, False), (511, False), (255, False)):
                    number = int.from_bytes(signature, "little") ^ (0 if bit is None else 1 << bit)
                    wrong = number.to_bytes(64, "little")
                    call = f"genuine(fromHex('{public.hex()}'), fromHex('{wrong.hex()}'), Uint8Array.from({list(message)}))"
                    assert await tab.ask(call) is expected
            await tab.open(f"{path.as_uri()}#{text}")
            await tab.open("about:blank")
            await tab.open(f"{path.as_uri()}#{text}")
            await tab.until("document.getElementById('verdict').dataset.verdict === 'ok'")
            assert await tab.ask("document.querySelector('#facts').textContent.includes('<tank 3>')")
            assert [url for url in tab.requests if not url.startswith(("file:", "about:"))] == []
            assert tab.problems == []

    asyncio.run(look())


def test_the_qr_code_reads_back_as_the_slip(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    segno = pytest.importorskip("segno")
    text, file = slip.sign(KEY, made(since=1_795_000_000_000, until=1_795_003_600_000)), tmp_path / "permit.png"
    read = ""
    for scale in range(3, 12):  # this reader is no telephone: it takes some sizes of a code and not others
        segno.make(text, error="m").save(str(file), scale=scale)
        read = read or cv2.QRCodeDetector().detectAndDecode(cv2.imread(str(file)))[0]
    assert slip.verify(KEY.public_key(), read) == slip.verify(KEY.public_key(), text)
    assert msgspec.structs.asdict(slip.verify(KEY.public_key(), read))["zh"] == "动火作业"
