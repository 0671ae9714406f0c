"""PINs, lock-out, sessions and the kiosk's proof, with clocks that the test moves."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.access import pins, store
from gateway.access.kiosk import KEY_BYTES, Kiosk, key_of
from gateway.access.lockout import FAILURES, STRANGERS_MAX, Lockouts
from gateway.access.sessions import ABOVE_IDLE_S, SHIFT_S, Person, Session, Sessions
from gateway.access.signin import SignIn, set_pin

SECOND = 1_000_000_000
LI = Person("li-na", "李娜", "Li Na", ("operator",))
ZHANG = Person("zhang-wei", "张伟", "", ("operator", "supervisor"))
WANG = Person("wang-lei", "王磊", "", ("engineer",))


@dataclass
class Clock:
    s: float = 1_000.0

    def ns(self) -> int:
        return int(self.s * SECOND)

    def utc_ms(self) -> int:
        return 1_780_000_000_000 + int(self.s * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lockouts(folder: Path, clock: Clock) -> Lockouts:
    made = Lockouts(folder / "lockouts.json", clock.utc_ms, clock.ns)
    made.read()
    return made


def test_a_pin_that_anybody_guesses_is_none() -> None:
    wrong = {"12345": "digits", "1234567": "digits", "12345a": "digits", "１２３４５７": "digits", "777777": "same",
             "123456": "row", "098765": "row", "123123": "twice", "121212": "twice"}  # fmt: skip
    assert {pin: pins.weakness(pin) for pin in wrong} == wrong
    assert pins.weakness("802417") == ""
    assert pins.weak_passphrase("short")
    assert pins.weak_passphrase("ababababababababab")
    assert not pins.weak_passphrase("four words of a song")


def test_a_hash_matches_its_secret_and_nothing_else() -> None:
    text = pins.hashed("802417")
    assert text != pins.hashed("802417")  # a new salt
    assert pins.matches("802417", text)
    assert not pins.matches("802418", text)
    assert not pins.matches("802417", "")
    assert not pins.matches("802417", text.replace("ln=15", "ln=30"))  # nobody makes us spend a gigabyte


def test_secrets_are_for_the_gateway_alone(tmp_path: Path) -> None:
    store.change(tmp_path, lambda kept: kept.pins.update(x="scrypt:…"))
    assert store.read(tmp_path).pins == {"x": "scrypt:…"}
    files = [tmp_path / "access", tmp_path / "access/secrets.json", tmp_path / "access/lock"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o700, 0o600, 0o600]
    with pytest.raises(ZeroDivisionError):
        store.change(tmp_path, lambda kept: kept.pins.clear() or 1 / 0)  # type: ignore[func-returns-value]
    assert store.read(tmp_path).pins == {"x": "scrypt:…"}
    files[1].write_text('{"pins": {"x": 3}}')
    with pytest.raises(store.DamagedError):
        store.change(tmp_path, lambda kept: kept.pins.clear())
    assert files[1].read_text() == '{"pins": {"x": 3}}'  # nothing is guessed, nothing is overwritten


def test_the_lock_out_doubles_to_a_quarter_of_an_hour(tmp_path: Path, clock: Clock) -> None:
    locks, waits = lockouts(tmp_path, clock), []
    for _ in range(6):
        assert [locks.failed("li-na") for _ in range(FAILURES - 1)] == [0] * (FAILURES - 1)
        waits.append(locks.failed("li-na"))
        assert locks.left_s("li-na") == waits[-1]
        assert locks.left_s("zhang-wei") == 0  # per person
        clock.s += waits[-1]
        assert locks.left_s("li-na") == 0
    assert waits == [60, 120, 240, 480, 900, 900]
    locks.passed("li-na")
    assert [locks.failed("li-na") for _ in range(FAILURES)][-1] == 60


def test_the_lock_out_survives_a_restart_and_a_clock_that_jumps(tmp_path: Path, clock: Clock) -> None:
    locks = lockouts(tmp_path, clock)
    for _ in range(FAILURES):
        locks.failed("li-na")
    clock.s += 20
    assert lockouts(tmp_path, clock).left_s("li-na") == 40
    clock.s -= 86_400  # set back by a day: never longer than the longest
    assert lockouts(tmp_path, clock).left_s("li-na") == 900
    again = lockouts(tmp_path, clock)
    clock.s += 900
    for _ in range(FAILURES - 1):
        again.failed("li-na")
    assert again.failed("li-na") == 120  # what came before the restart counts


def test_a_name_that_nobody_has_is_locked_out_as_one_that_somebody_has(tmp_path: Path, clock: Clock) -> None:
    locks = lockouts(tmp_path, clock)
    waits = {
        stranger: [locks.failed(name, stranger=stranger) for _ in range(FAILURES)]
        for name, stranger in (("li-na", False), ("nobody", True))
    }
    assert waits[False] == waits[True]
    assert locks.left_s("nobody") == locks.left_s("li-na") == 60
    for number in range(STRANGERS_MAX):
        locks.failed(f"made-up-{number}", stranger=True)
    assert locks.left_s("nobody") == 0  # forgotten, the oldest of them
    assert locks.left_s("li-na") == lockouts(tmp_path, clock).left_s("li-na") == 60  # never the people of the site


def test_above_the_shift_ninety_seconds_of_nothing_end_it(clock: Clock) -> None:
    session = Session(kiosk=True)
    session.sign_in(LI, clock.ns())
    assert session.standing(clock.ns()).roles == ("operator",)
    session.sign_in(WANG, clock.ns())
    clock.s += ABOVE_IDLE_S - 1
    session.active(clock.ns())
    clock.s += ABOVE_IDLE_S - 1
    assert session.standing(clock.ns()).person == WANG
    assert session.standing(clock.ns()).left_s == 1
    clock.s += 1
    session.active(clock.ns())  # too late: it does not come back
    assert session.standing(clock.ns()).person == LI  # whoever is on shift still is
    clock.s += SHIFT_S
    assert session.standing(clock.ns()).person is None


def test_a_supervisor_who_walks_away_leaves_an_operator(clock: Clock) -> None:
    session = Session(kiosk=True)
    session.sign_in(ZHANG, clock.ns())
    assert session.standing(clock.ns()).roles == ("operator", "supervisor")
    clock.s += ABOVE_IDLE_S
    assert session.standing(clock.ns()).roles == ("operator",)
    other = Session(kiosk=True)
    other.sign_in(WANG, clock.ns())
    clock.s += ABOVE_IDLE_S
    assert other.standing(clock.ns()).person is None  # no operator, so nothing is left


def test_a_nonce_is_good_once_and_soon_and_for_one_session(clock: Clock) -> None:
    sessions = Sessions(clock.ns)
    cookie, one = sessions.open(kiosk=True)
    _, other = sessions.open(kiosk=True)
    assert sessions.find(cookie) is one
    assert sessions.find("") is sessions.find("x") is None
    nonce, late = one.nonce(clock.ns()), one.nonce(clock.ns())
    assert not other.redeem(nonce, clock.ns())
    assert one.redeem(nonce, clock.ns())
    assert not one.redeem(nonce, clock.ns())
    clock.s += 60
    assert not one.redeem(late, clock.ns())
    one.sign_in(LI, clock.ns())
    sessions.ended("li-na")
    assert one.standing(clock.ns()).person is None
    sessions.close(cookie)
    assert sessions.find(cookie) is None


def test_the_kiosk_proves_itself_once_and_keeps_its_proof(tmp_path: Path, clock: Clock) -> None:
    kiosk = Kiosk(key_of(tmp_path), clock.ns, clock.utc_ms)
    token, late = kiosk.token(), kiosk.token()
    cookie = kiosk.cookie(token)
    assert cookie
    assert (kiosk.cookie(token), kiosk.cookie("guess")) == ("", "")
    again = Kiosk(key_of(tmp_path), clock.ns, clock.utc_ms)  # a restart of the daemon
    assert again.proves(cookie)
    for wrong in ("", "x", cookie + "0", cookie[:-1], cookie.replace(".", "-"), "a.99999." + cookie[-64:], "é.1.é"):
        assert not again.proves(wrong), wrong
    assert not Kiosk(b"k" * KEY_BYTES, clock.ns, clock.utc_ms).proves(cookie)
    clock.s += 60
    assert kiosk.cookie(late) == ""
    clock.s += 401 * 86_400
    assert not again.proves(cookie)


def test_signing_in_counts_and_forgets(tmp_path: Path, clock: Clock) -> None:
    async def act() -> None:
        locks = lockouts(tmp_path, clock)
        signing = SignIn(tmp_path, lambda: {"li-na": LI, "zhang-wei": ZHANG}, locks)
        store.change(tmp_path, lambda kept: set_pin(kept, "li-na", "802417", fresh=True))
        assert [(await signing.by_pin("li-na", "000000")).why for _ in range(5)] == ["wrong"] * 4 + ["locked"]
        locked = await signing.by_pin("li-na", "802417")
        assert (locked.why, locked.left_s) == ("locked", 60)  # the right one too
        assert (await signing.by_pin("nobody", "802417")).why == "wrong"
        assert (await signing.by_pin("zhang-wei", "802417")).why == "wrong"  # has no PIN
        clock.s += 60
        first = await signing.by_pin("li-na", "802417")
        assert (first.why, first.fresh, first.person) == ("ok", True, LI)
        assert (await signing.change_pin("li-na", "802417", "111111")).why == "weak"
        assert (await signing.change_pin("li-na", "802417", "802417")).why == "weak"
        assert (await signing.change_pin("li-na", "802417", "735902")).why == "ok"
        own = await signing.by_pin("li-na", "735902")
        assert (own.why, own.fresh) == ("ok", False)

    asyncio.run(act())


def test_a_damaged_store_lets_nobody_in_and_says_so(tmp_path: Path, clock: Clock) -> None:
    store.make_folder(tmp_path).joinpath("secrets.json").write_text("{")
    signing = SignIn(tmp_path, lambda: {"li-na": LI}, lockouts(tmp_path, clock))
    answer = asyncio.run(signing.by_pin("li-na", "802417"))
    assert answer.why == "damaged"
    assert "secrets.json" in answer.detail
