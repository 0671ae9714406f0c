"""Places that are watched for leaks: in a word, in a line, drawn, and their baselines accepted by somebody with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from gateway.app.leaks import SENSORS, Leaks, leak
from inference.leak import baseline as baselines
from inference.leak.judge import State
from inference.leak.view import Seen

SITE = """
[gateway]
site = "s"
id = "gw-1"
area = "tanks"
timezone = "UTC"

[source.f7]
driver = "leak"
sound = "alsa:hw:1,0"
"""
TAGS = "tag,source,address,type,low,high\nf7.leak,f7,alarm,bool,,\nf7.level,f7,level_db,,-20,160\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, "utf-8")
    (tmp_path / "tags.csv").write_text(TAGS, "utf-8")
    return tmp_path


class Fake:
    """A driver with a view."""

    def __init__(self, seen: bytes) -> None:
        self.folder: Path | None = None
        self.seen = seen

    def view(self) -> bytes:
        return self.seen


def seen(age_s: float = 0.1, **values: float | None) -> bytes:
    at = time.monotonic_ns() - int(age_s * 1e9)
    return msgspec.json.encode(Seen(at, [20_000], [[40]], [30], [], [], values))


def test_the_words_of_sensors_are_those_of_the_judge() -> None:
    assert tuple(SENSORS) == tuple(state.name.lower() for state in State)


@pytest.mark.parametrize(
    ("view", "state"),
    [
        (partial(seen, armed=1.0, alarm=1.0, degraded=1.0), "alarm"),
        (partial(seen, armed=1.0, alarm=0.0, degraded=1.0), "degraded"),
        (partial(seen, armed=1.0, alarm=0.0, degraded=0.0), "watching"),
        (partial(seen, armed=0.0, degraded=0.0), "learning"),
        (partial(seen, 30.0, armed=1.0, alarm=1.0), "lost"),
        (bytes, "lost"),
        (partial(bytes, b"{"), "lost"),
    ],
)
def test_a_place_in_a_word(tmp_path: Path, view: Callable[[], bytes], state: str) -> None:
    places, driver = Leaks(tmp_path, ["f7"]), Fake(view())
    places.take("plc1", Fake(b""))
    places.take("f7", driver)
    assert driver.folder == tmp_path / "leak"
    assert [one.state for one in places.views()] == [state]
    spectrum = places.spectrum("f7")
    assert spectrum is not None
    assert spectrum.state == state
    assert places.spectrum("plc1") is None


def baseline(site: Path, capsys: pytest.CaptureFixture[str], **more: str) -> tuple[int, str]:
    args = {"name": "f7", "accept": "", "hours": "24", "reason": "", "output": "table", "lang": "en"} | more
    code = leak("baseline", site, args)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_baseline_is_accepted_with_hours_and_a_reason(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learning, accepted = baselines.paths(site / "state" / "leak", "f7")
    assert baseline(site, capsys, name="f8") == (4, "“f8” is no leak source of this site; there is f7.\n")
    assert "alarms of this place are off" in baseline(site, capsys)[1]
    learner = baselines.Learner("f7")
    learner.second(None, None, 0.5)
    baselines.write(learning, msgspec.structs.replace(learner.baseline(), hours=20.0))
    reason = {"reason": "walked round with a sniffer", "accept": "yes"}
    assert baseline(site, capsys, **reason)[0] == 6
    assert "20.00 小时" in baseline(site, capsys, **reason, lang="zh-CN")[1]
    assert baseline(site, capsys, accept="yes", hours="8")[0] == 6, "no reason"
    assert not accepted.exists()
    code, said = baseline(site, capsys, **reason, hours="8")
    assert (code, "are enabled" in said) == (0, True)
    found = baselines.read(accepted)
    assert found is not None
    assert found.accepted_by
    assert found.reason == "walked round with a sniffer"
    assert "Accepted: 20.00 h" in baseline(site, capsys)[1]
    learning.write_text("{}", "utf-8")
    assert baseline(site, capsys)[0] == 4
