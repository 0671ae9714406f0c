"""Where log lines go: for a person with the time, or into the system's log with their priority, so that `journalctl -p warning` finds them.

systemd sets JOURNAL_STREAM to device and inode of the stderr that it reads (systemd.exec(5)); each line may then begin with `<N>`, N as in
syslog(3) (sd-daemon(3)). The system's log has its own time and name of the unit.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

ERROR, WARNING, INFO, DEBUG = 3, 4, 6, 7
CRITICAL = 2
PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Prioritised(logging.Formatter):
    """Every line of a record, those of a traceback too, with its priority before it."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        mark = f"<{priority(record.levelno)}>"
        return "\n".join(mark + line for line in super().format(record).splitlines())


def priority(level: int) -> int:
    """A level of logging as syslog's."""
    steps = ((logging.CRITICAL, CRITICAL), (logging.ERROR, ERROR), (logging.WARNING, WARNING), (logging.INFO, INFO))
    return next((number for least, number in steps if level >= least), DEBUG)


def read_by_journald(stream: TextIO) -> bool:
    """Whether `stream` is the very one that the system's log reads; a pipe or file that stands in its place is not."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def set_up() -> None:
    """Log to stderr, as whoever reads it wants it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Prioritised() if read_by_journald(sys.stderr) else logging.Formatter(PLAIN))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
