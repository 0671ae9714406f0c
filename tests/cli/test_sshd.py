"""A real sshd with the shipped settings: a key is one person, runs one program, forwards nothing."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.control.living import Living, living

ROOT = Path(__file__).parents[2]
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
WAIT_S = 60  # a Python starts behind each command, on a machine that may be busy


@dataclass
class Ssh:
    """A client with one key."""

    folder: Path
    port: int
    alive: Living

    def __call__(self, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [
            "ssh", "-F", "none", "-p", str(self.port), "-i", str(self.folder / "key"), "-o", "IdentitiesOnly=yes",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
            *options, f"{getpass.getuser()}@127.0.0.1", *words,
        ]  # fmt: skip
        return subprocess.run(
            command, capture_output=True, text=True, timeout=WAIT_S, stdin=subprocess.DEVNULL, check=False
        )


def missing(what: str) -> None:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ssh]:
    if not Path(SSHD).exists() or shutil.which("ssh") is None:
        missing("sshd is missing (apt-get install openssh-server)")
    if os.geteuid() != 0:
        pytest.skip("sshd changes accounts, which only root may")
    folder = tmp_path_factory.mktemp("ssh")
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    example = (ROOT / "systemd/ssh/authorized_keys.example").read_text().splitlines()[1]
    options = example.partition(" ssh-ed25519")[0]
    control = folder / "control"
    ours = f"cd {ROOT} && {sys.executable} -m gateway.cli.main --control {control} shell"
    options = options.replace("/opt/gatehouse/current/bin/gatehouse shell", ours)
    (folder / "keys").write_text(f"{options} {(folder / 'key.pub').read_text()}")
    shipped = (ROOT / "systemd/ssh/sshd_gatehouse.conf").read_text()
    settings = shipped.replace("gatehouse-ssh", getpass.getuser()).replace(
        "/etc/gatehouse/authorized_keys", f"{folder}/keys"
    )
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n{settings}"
    )
    roles = {"zhang-wei": ("operator", "supervisor")}
    with living(control, shell_account=getpass.getuser(), roles_of=lambda person: roles.get(person, ())) as alive:
        with (folder / "log").open("w") as log:
            daemon = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "config")], stderr=log)
        try:
            until(port)
            yield Ssh(folder, port, alive)
        finally:
            daemon.terminate()
            daemon.wait()


def until(port: int) -> None:
    """Wait for sshd to listen."""
    import time

    for _ in range(200):
        with socket.socket() as link:
            if link.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd does not listen")


def test_a_key_acts_as_its_person_and_nobody_else(ssh: Ssh) -> None:
    ran = ssh("gatehouse", "alarm", "ack", "level_low")
    assert (ran.returncode, ran.stderr) == (0, "done\n")
    assert ssh.alive.clerk.given == [("zhang-wei", "supervisor", "alarm.ack", "level_low", {"occurrence": "3-17"})]
    for line in ("sh -c id", "status; id", "shell --as chen-jing"):
        other = ssh(line)
        assert (other.returncode, other.stdout) == (2, ""), line
    assert len(ssh.alive.clerk.given) == 1


def test_nothing_is_forwarded_and_no_file_is_moved(ssh: Ssh) -> None:
    with socket.socket() as inside:
        inside.bind(("127.0.0.1", 0))
        inside.listen()
        inside.settimeout(0.2)
        through = ssh(options=("-W", f"127.0.0.1:{inside.getsockname()[1]}"))
        assert through.returncode != 0
        with pytest.raises(TimeoutError):
            inside.accept()
    reverse = ssh("status", options=("-R", "0:127.0.0.1:22", "-o", "ExitOnForwardFailure=yes"))
    assert reverse.returncode == 255
    assert ssh("sftp", options=("-s",)).returncode == 2  # the forced command runs, not the subsystem
