"""A rule is changed under a running plant: what protects, who may change it, and what a damaged store does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.daemon.rig import WHY, Refused, Rig, until
from tests.daemon.signing import do

OLD, NEW = "tank1.level < 30 cm", "tank1.level < 60 cm"


def change(rig: Rig, old: str, new: str) -> None:
    """Another threshold in the rule file, and a restart."""
    assert rig.stop()[0] == 0
    path = rig.site / "rules" / "10-pickling.rules"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    rig.start()


def arm(rig: Rig, **more: str) -> None:
    args = {"reason": WHY, **more}
    plan = rig.call("interlock.arm", "PKL_LSLL", args, plan=True)
    rig.call("interlock.arm", "PKL_LSLL", args, token=plan["token"])


def refusal(rig: Rig, **more: str) -> str:
    with pytest.raises(Refused) as refused:
        arm(rig, **more)
    return str(refused.value)


def test_the_old_threshold_protects_until_two_persons_have_signed_the_new_one(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        rig.start()
        change(rig, OLD, NEW)
        rig.energise("PKL_LSLL")
        level = rig.tag("tank1.level")["value"]
        assert level > 30
        rig.plant("set", name="tank1.level", value=29.0)
        found = rig.wait_state("PKL_LSLL", "TRIPPED", within_s=15)
        assert found["first_out"]["causes"] == ["tank1.level < 30"], "the old limit protects"
        assert "submit" in refusal(rig)

        assert do(rig.site, "submit", person="sun-li") == 0
        path = max((rig.state / "versions").glob("*.version"))
        assert all(word in refusal(rig) for word in ("not been tried", "0 of 2"))
        assert (
            do(rig.site, "evidence", person="sun-li", version="2", kind="forced", note="level forced, pump stopped")
            == 0
        )
        first = rig.laptop.sign("sun-li", path)
        assert do(rig.site, "import-signature", file=str(first)) == 0
        assert do(rig.site, "import-signature", file=str(first)) == 6, "the same person twice"
        assert "1 of 2 signatures (sun-li)" in refusal(rig)
        replayed = rig.laptop.sign("ma-chao", min((rig.state / "versions").glob("*.version")))
        (rig.state / "versions" / "000002.ma-chao.sig").write_text(replayed.read_text())
        assert "1 of 2 signatures (sun-li)" in refusal(rig), "a signature of another version counts for nothing"
        (rig.state / "versions" / "000002.ma-chao.sig").unlink()
        assert do(rig.site, "import-signature", file=str(rig.laptop.sign("ma-chao", path))) == 0

        rig.plant("set", name="tank1.level", value=80.0)
        rig.energise("PKL_LSLL")
        arm(rig)
        assert rig.interlock("PKL_LSLL")["state"] == "ARMED", "one step, and nothing moves"
        rig.plant("set", name="tank1.level", value=55.0)
        found = rig.wait_state("PKL_LSLL", "TRIPPED", within_s=15)
        assert found["first_out"]["causes"] == ["tank1.level < 60"]
        arm(rig, version="1")
        assert "already" in refusal(rig, version="1").lower()


def test_one_flipped_byte_in_the_armed_version_takes_everything_down_and_says_why(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        path = rig.state / "versions" / "000001.version"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o640)
        path.write_bytes(data)
        rig.start()
        until(lambda: rig.alarm("SELF_CHECK")["active"], 10, "the alarm of the self-check")
        assert set(rig.states().values()) == {"FAULT"}
        assert "000001.version is damaged" in rig.said()
        assert "submit" in refusal(rig) or "already" in refusal(rig)


def test_a_site_that_only_monitors_writes_nothing_whatever_was_armed_before(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        rig.start()
        assert rig.interlock("PKL_LSLL")["mode"] == "live", "armed in its life before"
        assert rig.stop()[0] == 0
        path = rig.site / "site.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("[gateway]\n", '[gateway]\nmode = "monitor"\n', 1))
        since_ns = time.monotonic_ns()
        rig.start()
        until(lambda: rig.tag("tank1.level")["quality"] == "good", 10, "values")
        assert not any(rig.interlock(name)["mode"] == "live" for name in rig.states())
        assert "only monitors" in refusal(rig)
        with pytest.raises(Refused, match="only monitors"):
            rig.call("source.watchdog", "plc1", {"state": "begin"})
        rig.plant("set", name="tank1.level", value=10.0)
        until(
            lambda: "PKL_LSLL" in {row.subject for row in rig.journal() if row.kind == "interlock.would_trip"},
            10,
            "shadow",
        )
        written = [row for row in rig.plant_log(since_ns) if row[3] != "watchdog"]
        assert written == []
        assert rig.stop()[0] == 0
