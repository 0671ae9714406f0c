"""How the daemon ends, and when it refuses to begin."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.daemon.rig import ROOT, Rig, until

TERMINATED_WITHIN_S = 3.0
# The command line under an audit hook that tells of every socket that is bound or connected.
WATCHED = """
import sys
def told(event, args):
    if event in ("socket.bind", "socket.connect", "socket.listen"):
        print("SOCKET", event, args[1:], file=sys.stderr, flush=True)
sys.addaudithook(told)
from gateway.cli.main import main
main()
"""


def test_sigterm_drives_the_outputs_safe_reads_them_back_and_exits_0(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        rig.start()
        second = subprocess.run(rig.command(), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 75, "one gateway per state directory"
        assert "Another gateway runs" in second.stderr
        rig.energise("PKL_LSLL", "PKL_LSHH")
        since_ns = time.monotonic_ns()
        code, took_s = rig.stop()
        assert code == 0
        assert took_s <= TERMINATED_WITHIN_S
        assert "read back safe" in rig.said()
        off = {row[1]: row[3] for row in rig.plant_log(since_ns) if row[2] == 0.0}
        assert off["pump7.permit"] == off["fill1.permit"] == "gateway", "not left to the PLC's watchdog"
        assert not list((rig.state / "control").glob("*.sock")), "no socket is left behind"
        kinds = [row.kind for row in rig.journal()]
        assert "gateway.stop" in kinds
        assert rig.receiver is not None
        status = rig.receiver.states["status"]
        assert status["online"] is False


def test_sigterm_with_the_plc_gone_still_ends_in_time(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        rig.start()
        rig.kill_plant()
        until(lambda: not rig.source()["up"], 10, "the gateway sees that the PLC is gone")
        code, took_s = rig.stop()
        assert code == 0
        assert took_s <= TERMINATED_WITHIN_S
        assert "NOT read back safe" in rig.said()


def test_a_wrong_site_ends_with_78_before_any_socket_opens(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        rules = rig.site / "rules" / "wrong.rules"
        rules.write_text((rig.site / "rules" / "10-pickling.rules").read_text().replace("tank1.level", "tank9.level"))
        command = [sys.executable, "-c", WATCHED, "run", str(rig.site)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 78
        assert "tank9.level" in ended.stderr
        assert "wrong.rules" in ended.stderr
        assert not (rig.state / "control").exists() or not list((rig.state / "control").glob("*.sock"))
        assert rig.to_plant.accepted == 0
        assert rig.to_broker.accepted == 0
        assert "SOCKET" not in ended.stderr
        rules.unlink()
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as right:
            until((rig.state / "control" / "supervisor.sock").exists, 10, "the right site starts")
            right.terminate()
            assert right.stderr is not None
            assert "SOCKET" in right.stderr.read(), "the watch on sockets works"


def test_a_port_that_is_taken_is_named_and_the_line_goes_on(armed_state: Path) -> None:
    with Rig(armed_state) as rig, socket.socket() as taken:
        taken.bind(("127.0.0.1", rig.page))
        taken.listen(1)
        rig.start()
        until(lambda: "page stopped" in rig.said(), 5, "the log names the page")
        line = next(line for line in rig.said().splitlines() if "page stopped" in line)
        assert str(rig.page) in line
        assert "Traceback" not in rig.said()
        until(lambda: rig.source()["up"], 5, "the PLC is read")
        assert rig.tag("tank1.level")["quality"] == "good"
        taken.close()

        def served() -> bool:
            with contextlib.suppress(OSError):
                return "<html" in rig.http(rig.page, "/")
            return False

        until(served, 20, "the page comes when the port is free", 0.3)
