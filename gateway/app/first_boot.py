"""What gatehouse-site.service runs at every boot: `python -m gateway.app.first_boot SITE [ROOT]`.

Reads the SITE partition as data, takes it over where all of it is right, leaves the last good answers where it is not, and
writes RESULT.txt. It never deletes anything of SITE and never ends in a box that does not start.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import segno

from gateway.app.examine import examine
from gateway.appliance import answers as site_answers
from gateway.appliance import setup
from gateway.appliance.answers import RESULT, Answers, decoded
from gateway.appliance.place import Place, replace_file, replace_link
from gateway.appliance.unpack import read_mark
from gateway.core.errors import Problem
from gateway.site.report import text as as_text

TEXT = {".toml", ".csv", ".rules", ".txt", ".md"}
SKIPPED = re.compile(r"^(\.|~\$|System Volume Information|RESULT\.txt)|\.csr$")
KEPT = 3  # site folders before this one

WORDS: dict[str, tuple[str, str]] = {
    "taken": ("Taken over. This box is {id}, address {address}.", "已采用。本机编号 {id}，地址 {address}。"),
    "same": ("Nothing new: as at the last start. This box is {id}.", "与上次启动相同，无变化。本机编号 {id}。"),
    "not-taken": (
        "NOT taken over. The box goes on with what was right before. Change this and start the box again:",
        "未采用。本机沿用上一次正确的设置。请修改以下内容后重新启动：",
    ),
    "request": ("Certificate request: {file}", "证书请求：{file}"),
    "no-request": (
        "No certificate request, because the box's key cannot be used: {why}. Move it away and start again: a new one is made.",
        "未生成证书请求，本机密钥不可用：{why}。请移走该密钥后重启，将生成新密钥。",
    ),
    "clock": (
        "The clock stood before this version was built and was set to {when}. Set it right, or name a time server.",
        "时钟早于本版本的构建日期，已设为 {when}。请校准时钟，或在 box.toml 中指定时间服务器。",
    ),
    "no-site": (
        "There is no folder site/ here; the box watches nothing yet.",
        "此处没有 site/ 目录，本机尚未监测任何数据。",
    ),
    "own-site": (
        "/etc/gatehouse/site is a folder that somebody made by hand; the one from here was not put in its place.",
        "/etc/gatehouse/site 是人工建立的目录，未用此处的内容替换。",
    ),
}


@dataclass(slots=True)
class Result:
    """What is said in RESULT.txt and on the screen, in both languages."""

    ok: bool = True
    lines: dict[str, list[str]] = field(default_factory=lambda: {"en": [], "zh-CN": []})

    def say(self, key: str, **words: object) -> None:
        """A line of WORDS."""
        for lang, lines in self.lines.items():
            lines.append(WORDS[key][lang.startswith("zh")].format(**words))

    def bytes(self) -> bytes:
        """For a Windows editor: BOM, CRLF, Chinese and English one under the other."""
        text = ["OK" if self.ok else "NOT OK / 有误", time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()), ""]
        text += [*self.lines["zh-CN"], "", *self.lines["en"], ""]
        return "\r\n".join(text).encode("utf-8-sig")


def first_boot(site: Path, place: Place, now_s: float) -> Result:
    """Take over what is on `site`. Raises OSError only where the disk fails."""
    result = Result()
    _clock(place, now_s, result)
    found, findings = site_answers.read(site)
    problems = list[Problem]()
    staged = None
    if found is not None and (site / "site").is_dir():
        staged = _staged(site / "site", found, place)
        problems = [one for one in examine(staged).problems if one.severity == "error"]
    if found is None or problems:
        result.ok = False
        result.say("not-taken")
        for lang, lines in result.lines.items():
            lines += [one.text(lang) for one in findings]
            lines += as_text(problems, lang).splitlines()
        if staged is not None:
            shutil.rmtree(staged)
        return result
    changed = setup.apply(found, place.root)
    changed += _put(staged, place, result) if staged is not None else []
    if staged is None:
        result.say("no-site")
    result.say("taken" if changed else "same", id=found.id, address=found.address or "DHCP")
    _ask_for_certificate(site, found, place, result)
    return result


def _ask_for_certificate(site: Path, found: Answers, place: Place, result: Result) -> None:
    try:
        request = setup.request(found, place.root)
    except ValueError as error:
        result.ok = False
        result.say("no-request", why=error)
        return
    file = _request_file(site, found.id, request)
    if not file.exists():
        file.write_bytes(request)
        setup.owned(place.root / setup.KEY)
    result.say("request", file=file.name)


def _request_file(site: Path, own: str, request: bytes) -> Path:
    """Where the request lies: one over another key is of the box before this one, and nothing on SITE is deleted."""
    usual = site / f"{own}.csr"
    key = setup.key_of(request)
    if not usual.exists() or setup.key_of(usual.read_bytes()) == key:
        return usual
    return site / f"{own}.{hashlib.sha256(key).hexdigest()[:8]}.csr"


def _clock(place: Place, now_s: float, result: Result) -> None:
    """A clock that stands before the build is a dead clock: set it to the build, and say so."""
    running = place.running()
    mark = read_mark(place, running) if running else None
    if mark is None or now_s >= mark.built_s:
        return
    when = time.strftime("%Y-%m-%d", time.gmtime(mark.built_s))
    result.say("clock", when=when)
    if place.root == Path("/"):
        time.clock_settime(time.CLOCK_REALTIME, mark.built_s)


def _staged(source: Path, found: Answers, place: Place) -> Path:
    """A copy beside the last good one: texts in UTF-8 with plain line ends, the box's own id in it."""
    digest = hashlib.sha256(found.id.encode())
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and not SKIPPED.search(path.name)]
    contents = dict[Path, bytes]()
    for path in files:
        data = path.read_bytes()
        if path.suffix.lower() in TEXT:
            data = decoded(data).encode()
        if path == source / "site.toml":
            data = _with_id(data.decode(), found.id).encode()
        contents[path.relative_to(source)] = data
        digest.update(str(path.relative_to(source)).encode() + b"\0" + data)
    target = place.site.parent / "sites" / digest.hexdigest()[:16]
    making = target.with_suffix(".part")
    shutil.rmtree(making, ignore_errors=True)
    for name, data in contents.items():
        (making / name).parent.mkdir(parents=True, exist_ok=True)
        (making / name).write_bytes(data)
    return making


def _with_id(text: str, own: str) -> str:
    """Forty boxes may share one site folder: whose box it is stands in box.toml."""
    head, mark, rest = text.partition("[gateway]")
    return (
        head
        + mark
        + re.sub(r"(?m)^(\s*id\s*=\s*).*$", lambda line: f"{line[1]}{msgspec.json.encode(own).decode()}", rest, count=1)
    )


def _put(staged: Path, place: Place, result: Result) -> list[str]:
    """The staged folder becomes the site by a rename of a link; the ones before stay for a while."""
    target = staged.with_suffix("")
    if place.site.exists() and not place.site.is_symlink():
        shutil.rmtree(staged)
        result.say("own-site")
        return []
    if place.site.is_symlink() and place.site.resolve() == target.resolve():
        shutil.rmtree(staged)
        return []
    shutil.rmtree(target, ignore_errors=True)
    staged.rename(target)
    replace_link(place.site, f"sites/{target.name}")
    older = sorted((one for one in target.parent.iterdir() if one != target), key=lambda one: one.stat().st_mtime)
    for one in older[:-KEPT]:
        shutil.rmtree(one)
    return ["site"]


def shown(result: Result, lang: str) -> str:
    """For the screen: the result, and a QR code of it for a telephone."""
    text = "\n".join(result.lines[lang])
    drawn = io.StringIO()
    segno.make(text[:700], error="l").terminal(out=drawn, compact=True)
    return f"{text}\n{drawn.getvalue()}"


def main(words: list[str]) -> int:
    """Always 0: a wrong answers file must not keep the box from starting."""
    site, place = Path(words[0]), Place(Path(words[1]) if len(words) > 1 else Path("/"))
    result = first_boot(site, place, time.time())
    replace_file(site / RESULT, result.bytes())
    print(shown(result, "zh-CN"), shown(result, "en"), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
