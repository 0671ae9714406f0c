"""Signatures and the text in which they travel."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.activation.people import Signer, signed_by
from gateway.activation.signature import TextError, from_text, generate, load_private, public_text, sign, to_text

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
DIGEST = "ab" * 32


def person(id: str, *roles: str, key: Ed25519PrivateKey = KEY, revoked: frozenset[bytes] = frozenset()) -> Signer:
    return Signer(id, roles, (key.public_key(),), revoked)


def test_text_survives_how_people_type() -> None:
    signature = sign(KEY, 7, DIGEST)
    text = to_text(signature)
    typed = text.lower().replace(" ", "-").replace("o", "0").replace("b", "8")
    assert from_text(text) == from_text(typed) == signature


def test_each_wrong_letter_names_its_line() -> None:
    lines = to_text(sign(KEY, 7, DIGEST)).splitlines()
    for number, line in enumerate(lines[1:], 1):
        wrong = ("A" if line[0] != "A" else "C") + line[1:]
        with pytest.raises(TextError) as error:
            from_text("\n".join([*lines[:number], wrong, *lines[number + 1 :]]))
        assert error.value.line == number


@pytest.mark.parametrize("text", ["", "GHSIG1", "hello"])
def test_what_is_no_signature_is_refused(text: str) -> None:
    with pytest.raises(TextError):
        from_text(text)


def test_a_key_opens_only_with_its_passphrase() -> None:
    pem, public = generate("a long passphrase")
    assert public_text(load_private(pem, "a long passphrase").public_key()) == public
    with pytest.raises(ValueError):
        load_private(pem, "another passphrase")
    with pytest.raises(ValueError, match="passphrase"):
        generate("short")


def test_who_signed_is_found_by_the_key_and_every_refusal_has_its_reason() -> None:
    good = sign(KEY, 7, DIGEST)
    people = {"li": person("li", "engineer"), "wang": person("wang", "supervisor", key=OTHER)}
    assert signed_by(people, good, 7, DIGEST) == ("li", "")
    assert signed_by(people, good, 8, DIGEST) == ("", "other-version")
    assert signed_by(people, good, 7, "cd" * 32) == ("", "other-version")
    assert signed_by(people, sign(KEY, 7, DIGEST[:16] + "cd" * 24), 7, DIGEST) == ("", "not-valid")
    assert signed_by({"wang": people["wang"]}, good, 7, DIGEST) == ("", "unknown-key")
    assert signed_by({"li": person("li", "operator")}, good, 7, DIGEST) == ("", "role")
    assert signed_by({**people, "xu": person("xu", "engineer")}, good, 7, DIGEST) == ("", "shared-key")
    assert signed_by({"li": person("li", "engineer", revoked=frozenset([good.key]))}, good, 7, DIGEST) == (
        "",
        "revoked",
    )
