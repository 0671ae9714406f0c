"""A peer that hangs or ends fails its test in words, and leaves no process."""

from __future__ import annotations

import sys

import pytest

from tests.peers.lines import LinePeer


def test_a_peer_that_never_speaks_is_ended() -> None:
    made = LinePeer([sys.executable, "-c", "import time; time.sleep(600)"], answer_s=0.3)
    with pytest.raises(RuntimeError, match=r"did not say its port within 0\.3 s"), made:
        pass
    assert made._process.returncode is not None


def test_a_peer_that_ends_or_no_longer_answers_says_to_what() -> None:
    with LinePeer([sys.executable, "-c", "print(7, flush=True); input(); input()"]) as made:
        made._answer_s = 0.0
        with pytest.raises(RuntimeError, match="the answer to 'get 1' within 0 s"):
            made.ask("get 1")
    with pytest.raises(RuntimeError, match="ended before it said its port"), LinePeer([sys.executable, "-c", ""]):
        pass
