"""The sockets themselves: who may reach them, who is at the other end, and what a bad client can do (nothing to others)."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pwd
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
import uvloop

from gateway.cli.client import replies
from gateway.control import listening
from gateway.control.messages import REQUEST_MAX_BYTES, ROLES, Request
from gateway.control.peers import person_of
from gateway.control.server import ControlServer
from tests.control.fakes import Clerk, Plant, tag
from tests.control.living import FACTS, Link, Living, living


def test_each_role_has_a_socket_that_only_its_owner_reaches_without_groups(alive: Living) -> None:
    assert stat.S_IMODE(alive.directory.stat().st_mode) == 0o750
    for role in ROLES:
        assert stat.S_IMODE((alive.directory / f"{role}.sock").stat().st_mode) == 0o600


def test_a_socket_is_given_to_the_group_of_its_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getgid()
    asked: list[str] = []

    class Known:
        gr_gid = mine

    def group(name: str) -> type[Known]:
        asked.append(name)
        return Known

    monkeypatch.setattr(listening.grp, "getgrnam", group)
    with living(tmp_path / "control") as alive:
        for role in ROLES:
            found = (alive.directory / f"{role}.sock").stat()
            assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, mine)
    assert asked == ["gatehouse", *(f"gatehouse-{role}" for role in ROLES)]


def test_the_sockets_go_with_the_server(tmp_path: Path) -> None:
    with living(tmp_path / "control") as alive:
        assert alive.call("status.show")["code"] == 0
    assert list((tmp_path / "control").iterdir()) == []


def test_a_socket_of_a_dead_daemon_is_replaced_one_of_a_living_daemon_is_not(tmp_path: Path) -> None:
    directory = tmp_path / "control"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(directory / "operator.sock"))
    with living(directory) as alive:
        assert alive.call("status.show")["code"] == 0
        with pytest.raises(OSError, match="another daemon") as wrong:
            listening.listen(directory, "operator")
        assert wrong.value.errno == errno.EADDRINUSE
        assert alive.call("status.show")["code"] == 0


def test_a_plain_file_in_the_way_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "operator.sock").write_text("mine")
    with pytest.raises(FileExistsError):
        listening.listen(tmp_path, "operator")
    assert (tmp_path / "operator.sock").read_text() == "mine"


def test_a_site_deep_in_folders_with_long_names_works(tmp_path: Path) -> None:
    directory = tmp_path / ("酸洗车间" * 12) / "control"
    with living(directory):
        assert next(replies(directory, ("operator",), Request("status.show"))).code == 0


_CLIENT = """
import json, os, socket, sys
os.setgid(65534); os.setuid(65534)
link = socket.socket(socket.AF_UNIX); link.connect(sys.argv[1])
link.sendall(json.dumps({"verb": "interlock.trip", "target": "dry_run"}).encode() + b"\\n")
print(link.makefile().readline())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another person needs root")
def test_the_person_is_who_the_kernel_says(tmp_path: Path) -> None:
    with living(tmp_path / "control") as alive:
        path = alive.directory / "operator.sock"
        here = path
        while here != Path("/tmp").resolve() and here != here.parent:  # let the other person through to the socket
            os.chmod(here, stat.S_IMODE(here.stat().st_mode) | (0o666 if here == path else 0o055))
            here = here.parent
        ran = subprocess.run([sys.executable, "-c", _CLIENT, str(path)], capture_output=True, text=True, timeout=20)
        assert json.loads(ran.stdout)["code"] == 0, ran.stderr
        assert [given[0] for given in alive.clerk.given] == [pwd.getpwuid(65534).pw_name]


def test_an_account_without_a_name_has_its_number() -> None:
    assert person_of(4_123_456) == "uid-4123456"


@pytest.mark.parametrize(("claim", "code"), [("person", 5), ("role", 2)])
def test_nobody_can_claim_to_be_another(alive: Living, claim: str, code: int) -> None:
    """`person` is believed of the account that runs nothing but `gatehouse shell`; there is no field for a role."""
    with alive.connect() as link:
        reply = link.ask({"verb": "interlock.trip", "target": "dry_run", claim: "engineer"})
    assert reply["code"] == code
    assert alive.clerk.given == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"\n",
        b"hello\n",
        b"{}\n",
        b"[]\n",
        b"\xff\xfe\x00\n",
        b'{"verb": 7}\n',
        b'{"verb": "status.show", "args": {"a": 1}}\n',
        b'{"verb": "status.show", "every_ms": 1e99}\n',
        b"[" * 5000 + b"\n",
    ],
)
def test_garbage_gets_one_answer_and_ends_only_its_connection(alive: Living, garbage: bytes) -> None:
    with alive.connect() as good, alive.connect() as bad:
        assert good.ask({"verb": "status.show"})["code"] == 0
        bad.send(garbage)
        assert bad.reply()["code"] == 2
        with pytest.raises(EOFError):
            bad.reply()
        assert good.ask({"verb": "status.show"})["code"] == 0


def test_an_oversize_request_is_refused(alive: Living) -> None:
    with alive.connect() as link:
        link.send(b"x" * (REQUEST_MAX_BYTES * 2 + 2))
        reply = link.reply()
        assert (reply["code"], str(REQUEST_MAX_BYTES) in reply["message"]) == (2, True)
    assert alive.call("status.show")["code"] == 0


def test_half_a_request_does_nothing(alive: Living) -> None:
    with alive.connect() as link:
        link.send(b'{"verb": "interlock.trip", "target": "dry_run"}')
        link.socket.shutdown(socket.SHUT_WR)
        with pytest.raises(EOFError):
            link.reply()
    assert alive.clerk.given == []


def test_several_requests_in_one_packet_are_answered_in_order(alive: Living) -> None:
    with alive.connect() as link:
        link.send(b'{"verb": "version.show"}\n{"verb": "frob"}\n{"verb": "upstream.status"}\n')
        assert [link.reply()["code"] for _ in range(3)] == [0, 2, 0]


def test_connections_of_one_role_are_bounded_and_others_stay_free(tmp_path: Path) -> None:
    with living(tmp_path / "control", connections_max=2) as alive:
        with alive.connect() as one, alive.connect() as two:
            assert one.ask({"verb": "status.show"})["code"] == 0
            assert two.ask({"verb": "status.show"})["code"] == 0
            with alive.connect() as three:
                assert three.reply()["code"] == 8
            assert alive.call("status.show", role="engineer")["code"] == 0
        deadline = time.monotonic() + 5
        while True:  # the places are free again as soon as the server has seen the hang-up
            with alive.connect() as again:
                try:
                    if again.ask({"verb": "status.show"})["code"] == 0:
                        break
                except (EOFError, BrokenPipeError, ConnectionResetError):
                    pass
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_an_idle_connection_is_ended(tmp_path: Path) -> None:
    with living(tmp_path / "control", idle_s=0.1) as alive, alive.connect() as link:
        link.send(b'{"verb": "status')  # drip-feeding counts as idle
        with pytest.raises((EOFError, ConnectionResetError)):
            link.reply()


def _read_all(link: Link) -> None:
    while link.reply()["more"]:
        pass


def test_a_client_that_does_not_read_is_dropped_and_delays_nobody(tmp_path: Path) -> None:
    with living(tmp_path / "control", send_s=0.3) as alive:
        alive.plant.tag_rows = [tag(f"area{at // 100}.measuring_point{at}", float(at), "bar") for at in range(10_000)]
        with alive.connect() as slow:
            slow.send(b'{"verb": "tag.list"}\n')
            began = time.monotonic()
            while time.monotonic() - began < 0.5:
                asked = time.monotonic()
                assert alive.call("version.show")["code"] == 0
                assert time.monotonic() - asked < 0.25
            with pytest.raises((EOFError, ConnectionResetError, json.JSONDecodeError)):  # cut off in the middle
                _read_all(slow)


def test_a_long_list_comes_in_parts_and_whole(alive: Living) -> None:
    alive.plant.tag_rows = [tag(f"t{at}", float(at), "bar") for at in range(1_234)]
    with alive.connect() as link:
        parts = [link.ask({"verb": "tag.list"})]
        while parts[-1]["more"]:
            parts.append(link.reply())
    assert [len(part["data"]) for part in parts] == [500, 500, 234]
    assert [row["name"] for part in parts for row in part["data"]] == [f"t{at}" for at in range(1_234)]


def test_a_stream_follows_the_plant_until_the_client_goes(alive: Living) -> None:
    with alive.connect() as link:
        assert link.ask({"verb": "status.show", "stream": True, "every_ms": 1})["data"]["state"] == "NORMAL"
        alive.plant.become("TRIPPED", "dry_run tripped", "防干转已联锁")
        began = time.monotonic()
        assert link.reply()["data"]["state"] == "TRIPPED"
        assert time.monotonic() - began > 0.1  # never faster than five times a second
    assert alive.call("status.show")["code"] == 0


def test_a_stream_ends_when_its_thing_is_gone(alive: Living) -> None:
    with alive.connect() as link:
        assert link.ask({"verb": "alarm.show", "target": "level_low", "stream": True, "every_ms": 200})["code"] == 0
        alive.plant.alarm_rows.clear()
        assert link.reply()["code"] == 4
        with pytest.raises(EOFError):
            link.reply()


def test_acting_cannot_be_streamed(alive: Living) -> None:
    assert alive.call("interlock.trip", "dry_run", stream=True)["code"] == 2
    assert alive.clerk.given == []


def test_the_server_ends_at_once_with_clients_connected(tmp_path: Path) -> None:
    with living(tmp_path / "control") as alive:
        entered = alive.connect()
        link = entered.__enter__()
        link.ask({"verb": "status.show", "stream": True, "every_ms": 60_000})
        began = time.monotonic()
    assert time.monotonic() - began < 2
    entered.__exit__(None, None, None)
    assert not any(thread.name.startswith("asyncio_") for thread in threading.enumerate())


def test_it_works_on_the_loop_of_the_daemon(tmp_path: Path) -> None:
    with living(tmp_path / "control", run=uvloop.run) as alive:
        assert alive.call("interlock.trip", "dry_run")["code"] == 0
        assert alive.clerk.given[0][0] == person_of(os.getuid())
        assert alive.call("doctor.show")["data"]["loop"] == "uvloop"
        with alive.connect() as link:
            link.send(b"x" * (REQUEST_MAX_BYTES * 2 + 2))
            assert link.reply()["code"] == 2


def test_a_value_that_is_no_number_travels_as_null(alive: Living) -> None:
    alive.plant.tag_rows = [msgspec.structs.replace(tag("t", 1.0, ""), value=float("nan"))]
    assert alive.call("tag.show", "t")["data"]["value"] is None


def test_a_client_that_calls_while_the_server_ends_is_hung_up_on(tmp_path: Path) -> None:
    """The call is taken by the kernel before the end, and by the loop after it."""
    wrong: list[dict[str, object]] = []
    answers: list[str] = []

    def answer(caller: socket.socket) -> str:
        try:
            return caller.recv(1).decode()
        except ConnectionResetError:  # never left the queue of the listener
            return ""

    async def call_at_the_end() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: wrong.append(context))
        server = ControlServer(tmp_path / "control", Plant(), Clerk(), FACTS)
        running = asyncio.ensure_future(server.run())
        await server.listening.wait()
        callers = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(8)]
        for number, caller in enumerate(callers):
            caller.settimeout(5)
            caller.connect(str(tmp_path / "control" / "operator.sock"))
            if number == 3:
                await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})
        await asyncio.sleep(0)
        for caller in callers:
            with caller:
                answers.append(await asyncio.to_thread(answer, caller))

    uvloop.run(call_at_the_end())
    assert answers == [""] * 8
    assert wrong == []
