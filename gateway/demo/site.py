"""A copy of a demo site in a folder of its own with ports of its own, so that several can run beside each other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

MQTT_SOURCES = ("sensors", "detections", "people")
FILES = ("site.toml", "tags.csv", "alarms.csv", "users.toml")


def prepare(source: Path, target: Path, *, plant: int, broker: int, page: int, metrics: int, upstream: int = 0) -> Path:
    """Copy the site's files to `target` and put in the ports of 127.0.0.1; returns `target`.

    `upstream` is the broker's port as the upstream session sees it, where that is another one (a proxy). Certificates
    and state are not copied. Raises OSError; ValueError where site.toml has not the demo's form.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(source / name, target / name)
    shutil.copytree(source / "rules", target / "rules", dirs_exist_ok=True)
    text = (target / "site.toml").read_text(encoding="utf-8")
    for pattern, port in (
        (r"(\[upstream\](?:(?!\n\[).)*?mqtts?://127\.0\.0\.1:)\d+", upstream or broker),
        *((rf"(\[source\.{source}\](?:(?!\n\[).)*?mqtts?://127\.0\.0\.1:)\d+", broker) for source in MQTT_SOURCES),
        (r"(\[source\.plc1\](?:(?!\n\[).)*?tcp://127\.0\.0\.1:)\d+", plant),
        (r'(\[page\](?:(?!\n\[).)*?listen = "127\.0\.0\.1:)\d+', page),
        (r'(\[metrics\](?:(?!\n\[).)*?listen = "127\.0\.0\.1:)\d+', metrics),
    ):
        text, count = re.subn(pattern, rf"\g<1>{port}", text, count=1, flags=re.DOTALL)
        if not count:
            raise ValueError(f"{source / 'site.toml'}: nothing like {pattern}")
    (target / "site.toml").write_text(text, encoding="utf-8")
    return target
