"""The writer of sticks: what it refuses, that it reads back from the medium, and the boxes of a table."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.appliance.answers import read as read_answers
from gateway.appliance.flash import boxes, disks, gpt, image, main, write
from gateway.appliance.flash.boxes import TableError
from gateway.appliance.flash.progress import line
from gateway.appliance.trust import public_pem
from gateway.appliance.words import ApplianceError
from tests.appliance import stick
from tests.appliance.box import KEY
from tests.appliance.stick import MB

KEYS = {"release": KEY.public_key()}
STICK: dict[str, Any] = {
    "path": "/dev/sdx", "type": "disk", "size": 64 * MB, "model": "Plain", "serial": "A1B2C3", "tran": "usb", "rm": True, "ro": False,
    "fstype": None, "mountpoints": [None],
}  # fmt: skip


def row(**changed: Any) -> dict[str, Any]:
    return {**STICK, **changed}


def part(**changed: Any) -> list[dict[str, Any]]:
    return [row(path="/dev/sdx1", type="part", **changed)]


@pytest.mark.parametrize(
    ("seen", "code", "clears"),
    [
        (row(children=part(mountpoints=["/mnt"])), "mounted", "umount /mnt"),
        (row(children=part(fstype="swap", mountpoints=["[SWAP]"])), "swap", "swapoff /dev/sdx1"),
        (row(children=part(fstype="LVM2_member")), "lvm", "pvremove /dev/sdx1"),
        (row(children=part(fstype="linux_raid_member")), "raid", "mdadm --stop"),
        (row(fstype="crypto_LUKS"), "luks", "cryptsetup close"),
        (row(children=part(fstype="zfs_member")), "zfs", "zpool export"),
        (row(children=part(mountpoints=["/"])), "system", "running system"),
        (
            row(children=[{**part()[0], "children": [row(path="/dev/mapper/v", type="lvm", mountpoints=["/home"])]}]),
            "mounted",
            "/home",
        ),
        (row(children=[{**part()[0], "children": [row(path="/dev/md0", type="raid1")]}]), "held", "/dev/md0"),
        (row(ro=True), "read-only", "blockdev --setrw"),
        (row(size=MB), "small", "34 MB"),
        (row(rm=False, tran="sata"), "fixed", "--allow-fixed"),
        (part()[0], "not-a-disk", "lsblk -d"),
    ],
)
def test_what_is_in_use_is_not_written_to(seen: dict[str, Any], code: str, clears: str) -> None:
    found = list(disks.refusals(disks.parsed(seen), 32 * MB))
    assert code in [one.code for one in found]
    one = next(one for one in found if one.code == code)
    assert clears in one.text("en")
    assert one.text("zh-CN") != one.text("en")


def test_a_plain_stick_may_be_written() -> None:
    assert list(disks.refusals(disks.parsed(STICK), 32 * MB)) == []
    assert list(disks.refusals(disks.parsed(row(rm=False, tran="nvme")), 32 * MB, allow_fixed=True)) == []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stick.needed()
    folder = tmp_path_factory.mktemp("image")
    (folder / "trust").mkdir()
    (folder / "trust/release.pem").write_bytes(public_pem(KEY.public_key()))
    return stick.make(folder)


def flash(made: Path, *words: str) -> int:
    return main.main(["--image", str(made), "--trust", str(made.parent / "trust"), *words])


def test_an_image_is_written_read_back_stretched_and_gets_its_answers(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    (site / "site/rules").mkdir(parents=True)
    (site / "box.toml").write_text('[box]\nid = "gw-01"\n', encoding="utf-8")
    (site / "site/rules/10.rules").write_text("# 罐区\n", encoding="utf-8")
    with stick.loop(tmp_path, 32) as (disk, behind):
        assert flash(made, "--disk", str(disk), "--site", str(site)) == 6
        assert "--allow-fixed" in capsys.readouterr().err
        assert flash(made, "--disk", str(disk), "--site", str(site), "--allow-fixed", "--serial", "nope") == 6
        assert flash(made, "--disk", str(disk), "--site", str(site), "--allow-fixed", "--serial", disk.name) == 0
        said = capsys.readouterr()
        assert "reading back" in said.err
        assert "MB/s" in said.err
        subprocess.run(["sync"], check=True)
        assert subprocess.run(["sfdisk", "--verify", str(disk)], capture_output=True, check=False).returncode == 0
    with behind.open("rb") as file:
        assert [one.name for one in gpt.partitions(file)] == ["SITE", "rootA"]
        file.seek(32 * MB - 512)
        assert file.read(8) == gpt.MAGIC
    volume = f"{behind}@@{MB}"
    assert (
        subprocess.run(["mtype", "-i", volume, "::/site/rules/10.rules"], capture_output=True, check=True).stdout
        == "# 罐区\n".encode()
    )


@pytest.mark.parametrize("fault", ["bad block", "short write"])
def test_what_the_medium_does_not_hold_is_found(made: Path, tmp_path: Path, fault: str) -> None:
    """The file behind the loop is changed when the writer has flushed: the page cache of the disk still holds what was written."""
    plan = image.read(made, KEYS)
    last = plan.ranges[-1]
    with stick.loop(tmp_path, 32) as (disk, behind):

        def planted(phase: str, done: int, total: int) -> None:
            if (phase, done, total) == ("sync", 1, 1):
                with behind.open("r+b") as file:
                    file.seek(last.offset + 4096)
                    file.write(b"\xff" * 512 if fault == "bad block" else bytes(last.size - 4096))

        with pytest.raises(ApplianceError) as caught:
            write.write(made, disk, plan, planted)
        assert caught.value.key == "read-back"
        assert str(last.offset) in caught.value.text("en")


def test_a_changed_image_is_not_written(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / made.name
    for suffix in ("", image.MAP, image.SIGNATURE):
        (tmp_path / (made.name + suffix)).write_bytes((made.parent / (made.name + suffix)).read_bytes())
    plan = image.read(copy, KEYS)
    with copy.open("r+b") as file:
        file.seek(plan.ranges[-1].offset)
        file.write(b"\xff")
    with stick.loop(tmp_path, 32) as (disk, _behind), pytest.raises(ApplianceError) as caught:
        write.write(copy, disk, plan, lambda *_: None)
    assert caught.value.key == "differs"
    mapped = tmp_path / (made.name + image.MAP)
    mapped.write_bytes(mapped.read_bytes().replace(b'"form":1', b'"form":2'))
    with pytest.raises(ApplianceError) as caught:
        image.read(copy, KEYS)
    assert caught.value.key == "signature"


def test_really_used_disks_are_refused(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "mnt"
    where.mkdir()
    with stick.loop(tmp_path, 32) as (disk, _behind):
        subprocess.run(["mkfs.ext4", "-q", str(disk)], check=True)
        subprocess.run(["mount", str(disk), str(where)], check=True)
        try:
            assert flash(made, "--disk", str(disk), "--allow-fixed", "--serial", disk.name) == 6
            assert f"umount {where}" in capsys.readouterr().err
        finally:
            subprocess.run(["umount", str(where)], check=True)
    with stick.loop(tmp_path, 8) as (small, _behind):
        assert flash(made, "--disk", str(small), "--allow-fixed", "--serial", small.name) == 6
        assert "the image needs" in capsys.readouterr().err


def test_boxes_of_a_table_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    rows = [
        "id;address;router;time;users;language",
        "gw-01;10.20.1.41/24;10.20.1.1;10.20.1.1;wanglei:supervisor lina:operator;zh-CN",
    ]
    table.write_bytes("\r\n".join(rows).encode("utf-8-sig"))
    (box,) = boxes.read(table)
    (tmp_path / "box.toml").write_bytes(box.answers())
    answers, findings = read_answers(tmp_path)
    assert findings == []
    assert answers is not None
    assert (answers.id, answers.address, answers.language) == ("gw-01", "10.20.1.41/24", "zh-CN")
    assert [(one.name, one.role) for one in answers.people] == [("wanglei", "supervisor"), ("lina", "operator")]


@pytest.mark.parametrize(
    ("text", "line_number", "column"),
    [
        ("name,address\ngw-01,10.0.0.1/8\n", 1, "id"),
        ("id,address\nGW 01,10.0.0.1/8\n", 2, "id"),
        ("id,address\ngw-01,10.0.0.1\n", 2, "address"),
        ("id,address\ngw-01,10.0.0.1/8\ngw-01,10.0.0.2/8\n", 3, "id"),
        ("id,address,users\ngw-01,10.0.0.1/8,wanglei:boss\n", 2, "users"),
        ("id,address,router\ngw-01,10.0.0.1/8,10.0.0.254/8\n", 2, "router"),  # the box itself would refuse it
    ],
)
def test_a_wrong_table_says_where(tmp_path: Path, text: str, line_number: int, column: str) -> None:
    (tmp_path / "boxes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as caught:
        boxes.read(tmp_path / "boxes.csv")
    assert (caught.value.line, caught.value.column) == (line_number, column)


def test_the_progress_says_phase_rate_and_time_left() -> None:
    shown = line("write", 50_000_000, 200_000_000, 2.0, "en")
    assert "writing" in shown
    assert "25.0 MB/s" in shown
    assert "6 s" in shown
    assert "25%" in shown
    assert "写入" in line("write", 1, 2, 1.0, "zh-CN")
