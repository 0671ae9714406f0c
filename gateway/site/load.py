"""From a site folder to a `Site`, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drivers.base import Channel, Plan
from gateway.core.errors import Problem
from gateway.core.limits import OUTPUTS_MAX
from gateway.core.tags import TagTable, with_cards
from gateway.rulebook.workbook.archive import ArchiveError, unpack
from gateway.site import dictionary as alarms
from gateway.site import permit_limits, tag_rows
from gateway.site.cards import FOLDER, read_cards
from gateway.site.channels import read_channels
from gateway.site.fingerprint import fingerprint
from gateway.site.hearing import check_plan, read_plan, read_shifts
from gateway.site.messages import nearest, problem
from gateway.site.model import (
    ControlSite,
    Listen,
    MetricsSite,
    PageSite,
    Site,
    SourceSite,
    Storage,
    Upstream,
    User,
)
from gateway.site.numbering import number, silent
from gateway.site.people import FILE as PEOPLE
from gateway.site.people import PeopleFile, PeopleSite, check_people, read_people
from gateway.site.place import Place
from gateway.site.schema import PageSection, SiteFile, UsersFile, split_listen
from gateway.site.sources import SourceDraft, certificate, check_healthy, read_sources
from gateway.site.table import Grid, Table, read_csv, read_table
from gateway.site.tag_rows import Draft
from gateway.site.text import Document, read, read_document
from gateway.site.toml_file import TomlFile, parse, validate
from gateway.site.users import read_users
from gateway.site.workbook import read_workbook

SITE, TAGS, WORKBOOK, RULES, USERS = "site.toml", "tags.csv", "tags.xlsx", "rules", "users.toml"
RULE_SUFFIXES = (".rules", ".xlsx", ".csv")
MISPLACED = ("interlocks.xlsx", "interlocks.csv")
LATER = ("cameras.toml", "limits.csv")
_ORDER = (SITE, TAGS, WORKBOOK, RULES, FOLDER, permit_limits.FILE, alarms.FILE, USERS, PEOPLE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """`site` is None where a problem of severity "error" stands in the way."""

    site: Site | None
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Content:
    """What was read so far; parts that are wrong stay empty, so that the others are still checked."""

    folder: Path
    toml: TomlFile | None = None
    file: SiteFile | None = None
    sources: dict[str, SourceDraft] = field(default_factory=dict)
    tags: list[Draft] = field(default_factory=list)
    channels: dict[str, Channel] = field(default_factory=dict)
    rules: list[tuple[str, str]] = field(default_factory=list)
    dictionary: alarms.Dictionary = field(default_factory=dict)
    limits: list[permit_limits.Limit] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    people: PeopleSite | None = None


def load_site(folder: Path, *, for_run: bool = False) -> Loaded:
    """The site in `folder` and all its problems at once, in the order of files and lines. Never raises for what a plant wrote.

    `for_run`: the gateway is about to start, so a certificate that does not exist is an error and not a warning.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        return Loaded(None, [problem("site.no-folder", Place(str(folder)))])
    content = _Content(folder)
    problems = _site_file(content, for_run=for_run) + _tag_list(content) + _rules(content) + _dictionary(content)
    problems += _limits(content) + _users(content) + _people(content) + _later(folder) + _channels(content)
    table, plans = number(content.tags, content.sources, content.channels)
    complete = not any(found.severity == "error" and found.file in (TAGS, WORKBOOK) for found in problems)
    problems += _cross(content, table, complete=complete)
    cards, more = read_cards(folder, table) if complete and content.file is not None else ([], [])
    problems += more
    site = None
    if content.file is not None and not any(found.severity == "error" for found in problems):
        monitor = content.file.gateway.mode == "monitor"
        site = _site(content, content.file, with_cards(silent(table) if monitor else table, cards), plans)
    return Loaded(site, sorted(problems, key=_rank))


@dataclass(frozen=True, slots=True)
class TagList:
    """The tag list of a site as it stands, for what changes it: `table` is None where there is none yet.

    `toml` is None where site.toml cannot be read; `problems` then say why.
    """

    folder: Path
    toml: TomlFile | None
    sources: Mapping[str, SourceDraft]
    table: Table | None
    problems: list[Problem]
    area: str = ""

    def unread(self) -> list[Problem]:
        """What of the list as it stands could not be read as rows and columns, and would be lost if it were written anew."""
        return [found for found in self.problems if found.file == TAGS] + (self.table.problems if self.table else [])

    def check(self, text: str) -> list[Problem]:
        """Every problem the list would have with `text` in its place."""
        grid, problems = read_csv(Document(TAGS, text))
        table = read_table(grid, tag_rows.HEADINGS, tag_rows.REQUIRED)
        drafts, more = tag_rows.read_tags(table, self.sources, self.area)
        return problems + more + tag_rows.check_together(table, drafts, self.sources)


def read_tag_list(folder: Path) -> TagList:
    """The tag list in `folder`, also where it has errors: an import may be what repairs them. Never raises for what a plant wrote."""
    content = _Content(folder.absolute())
    problems = (
        _site_file(content, for_run=False) if folder.is_dir() else [problem("site.no-folder", Place(str(folder)))]
    )
    table = None
    for name, reader in ((TAGS, _csv), (WORKBOOK, _book)):
        if content.toml is not None and table is None and (content.folder / name).exists():
            grid, more = reader(content.folder, name)
            problems += more
            table = read_table(grid, tag_rows.HEADINGS, tag_rows.REQUIRED) if grid is not None else None
    area = content.file.gateway.area if content.file else ""
    return TagList(content.folder, content.toml, content.sources, table, problems, area)


def check_site_file(folder: Path, text: str) -> list[Problem]:
    """Every problem site.toml would have with `text` in it."""
    toml, problems = parse(Document(SITE, text))
    return problems if toml is None else _site_values(_Content(folder.absolute()), toml, for_run=False)


def _rank(found: Problem) -> tuple[int, str, int, int]:
    top = found.file.split("/")[0]
    return (_ORDER.index(top) if top in _ORDER else len(_ORDER), found.file, found.line, found.column)


def _toml(folder: Path, name: str) -> tuple[TomlFile | None, list[Problem]]:
    document, problems = read_document(folder / name, name)
    return (None, problems) if document is None else parse(document)


def _missing(folder: Path, name: str) -> Problem:
    """The file is not there; perhaps one with almost this name is."""
    near = nearest(name, sorted(path.name for path in folder.iterdir() if path.name != name))
    right = ("Copy it from config/demo/ and adapt it.", "可从 config/demo/ 复制后修改。")
    if near[0]:
        stands = near[0].split('"')[1]
        right = (f"The folder holds {stands}: rename it to {name}.", f"文件夹中有 {stands}，请改名为 {name}。")
    return problem("file.missing", Place(name), name=name, right=right)


def _site_file(content: _Content, *, for_run: bool) -> list[Problem]:
    if not (content.folder / SITE).exists():
        return [_missing(content.folder, SITE)]
    toml, problems = _toml(content.folder, SITE)
    return problems if toml is None else _site_values(content, toml, for_run=for_run)


def _site_values(content: _Content, toml: TomlFile, *, for_run: bool) -> list[Problem]:
    content.toml = toml
    content.file, problems = validate(SiteFile, toml, toml.values, ())
    content.sources, more = read_sources(toml, content.folder, for_run=for_run)
    problems += more
    if content.file is None:
        return problems
    page, metrics = _listen(content.file.page.listen), _listen(content.file.metrics.listen)
    if page.port == metrics.port:
        problems.append(problem("site.same-port", toml.place(("metrics", "listen"), value=True), port=page.port))
    if content.file.upstream is not None:
        for key in ("ca", "certificate", "key"):
            target = content.folder / getattr(content.file.upstream, key)
            problems += certificate(toml, ("upstream", key), target, for_run=for_run)
    return problems


def _tag_list(content: _Content) -> list[Problem]:
    folder = content.folder
    has_csv, has_book = (folder / TAGS).exists(), (folder / WORKBOOK).exists()
    if has_csv and has_book:
        return [problem("tags.two-lists", Place(TAGS))]
    if not has_csv and not has_book:
        return [_missing(folder, TAGS)]
    grid, problems = _csv(folder, TAGS) if has_csv else _book(folder, WORKBOOK)
    if grid is None:
        return problems
    area = content.file.gateway.area if content.file else ""
    table = read_table(grid, tag_rows.HEADINGS, tag_rows.REQUIRED)
    if content.toml is None:
        return problems + table.problems  # without sources every row would be called wrong
    content.tags, more = tag_rows.read_tags(table, content.sources, area)
    return problems + more + tag_rows.check_together(table, content.tags, content.sources)


def _csv(folder: Path, name: str) -> tuple[Grid | None, list[Problem]]:
    document, problems = read_document(folder / name, name)
    return (None, problems) if document is None else read_csv(document)


def _book(folder: Path, name: str) -> tuple[Grid | None, list[Problem]]:
    data, problems = read(folder / name, name)
    return (None, problems) if data is None else read_workbook(name, data)


def _rules(content: _Content) -> list[Problem]:
    problems: list[Problem] = []
    folder = content.folder / RULES
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = f"{RULES}/{path.name}"
        if path.name.startswith((".", "~")) or path.name.endswith(("~", ".md")):
            continue
        if path.suffix not in RULE_SUFFIXES:
            right = f"{path.stem}.rules"
            problems.append(problem("rules.not-read", Place(name), "warning", name=path.name, right=right))
            continue
        document, wrong = _matrix(path, name) if path.suffix == ".xlsx" else read_document(path, name)
        problems += wrong
        if document is not None:
            content.rules.append((path.name, document.text))
    if not content.rules and not problems:
        problems.append(problem("rules.none", Place(RULES), "warning"))
    return problems


def _matrix(path: Path, name: str) -> tuple[Document | None, list[Problem]]:
    """A cause & effect workbook in its plain form, which the rulebook compiles."""
    data, problems = read(path, name)
    if data is None:
        return None, problems
    try:
        return Document(name, unpack(data)), problems
    except ArchiveError as error:
        return None, [problem("workbook.invalid", Place(name), what=(error.en, error.zh))]


def _dictionary(content: _Content) -> list[Problem]:
    if not (content.folder / alarms.FILE).exists():
        return []
    grid, problems = _csv(content.folder, alarms.FILE)
    if grid is None:
        return problems
    content.dictionary, more = alarms.read_dictionary(read_table(grid, alarms.HEADINGS, alarms.REQUIRED))
    return problems + more


def _limits(content: _Content) -> list[Problem]:
    if not (content.folder / permit_limits.FILE).exists():
        return []
    grid, problems = _csv(content.folder, permit_limits.FILE)
    if grid is None:
        return problems
    headings, required = permit_limits.HEADINGS, permit_limits.REQUIRED
    content.limits, more = permit_limits.read_limits(read_table(grid, headings, required))
    return problems + more


def load_users(folder: Path) -> tuple[dict[str, User], list[Problem]]:
    """The named people of a site folder by id, and what is wrong with users.toml; nobody where it is not there."""
    if not (folder / USERS).exists():
        return {}, []
    toml, problems = _toml(folder, USERS)
    if toml is None:
        return {}, problems
    file, problems = validate(UsersFile, toml, toml.values, ())
    users, more = read_users(toml, file)
    return users, problems + more


def _users(content: _Content) -> list[Problem]:
    content.users, problems = load_users(content.folder)
    return problems


def _people(content: _Content) -> list[Problem]:
    """After the users, whom it names."""
    if not (content.folder / PEOPLE).exists():
        return []
    toml, problems = _toml(content.folder, PEOPLE)
    if toml is None:
        return problems
    file, problems = validate(PeopleFile, toml, toml.values, ())
    if file is None:
        return problems
    content.people = read_people(content.folder, file)
    state = content.folder / (content.file.storage.directory if content.file else "state")
    return problems + check_people(toml, file, content.users, state, content.folder)


def _channels(content: _Content) -> list[Problem]:
    """Once the tag list has said which sources are read."""
    if content.toml is None or content.file is None:
        return []
    content.channels, problems = read_channels(content.toml, content.file, content.sources)
    return problems


def _later(folder: Path) -> list[Problem]:
    misplaced = [problem("rules.misplaced", Place(name), name=name) for name in MISPLACED if (folder / name).exists()]
    return misplaced + [
        problem("file.later", Place(name), "note", name=name) for name in LATER if (folder / name).exists()
    ]


def _cross(content: _Content, table: TagTable, *, complete: bool) -> list[Problem]:
    """What only the whole can tell: sources without tags (if the tag list is `complete`) or heartbeat, too many outputs."""
    problems: list[Problem] = []
    if content.toml is None:
        return problems
    outputs = [tag for tag in table.tags if tag.writable and not tag.hidden]
    for name, source in content.sources.items():
        place = content.toml.place(("source", name))
        if source.settings is None:
            continue
        if complete and not source.used:
            problems.append(problem("source.no-tags", place, "warning", value=name))
        if source.heartbeat is None and any(tag.source == name for tag in outputs):
            problems.append(problem("source.no-heartbeat", place, "warning", value=name))
    if content.file is not None:
        problems += check_plan(content.toml, content.file, table, complete=complete)
    points = {tag.spec.name: (tag.row["source"], tag.point, tag.spec.writable) for tag in content.tags}
    problems += check_healthy(content.toml, content.sources, points)
    if len(outputs) > OUTPUTS_MAX:
        problems.append(problem("tag.too-many-outputs", Place(TAGS), count=len(outputs), limit=OUTPUTS_MAX))
    return problems


def _listen(text: str) -> Listen:
    parts = split_listen(text)
    assert parts is not None  # the schema has let it through
    return Listen(*parts)


def _site(content: _Content, file: SiteFile, table: TagTable, plans: Mapping[str, Plan]) -> Site:
    folder = content.folder
    up = file.upstream
    rules: Sequence[tuple[str, str]] = tuple(content.rules)
    return Site(
        folder=folder,
        id=file.gateway.id,
        site=file.gateway.site,
        area=file.gateway.area,
        language=file.gateway.language,
        monitor=file.gateway.mode == "monitor",
        timezone=file.gateway.timezone,
        storage=Storage(folder / file.storage.directory, file.storage.history_hours, file.storage.history_bytes_max),
        upstream=None
        if up is None
        else Upstream(
            up.url,
            folder / up.ca,
            folder / up.certificate,
            folder / up.key,
            up.prefix,
            up.protocol,
            up.receipts,
            up.resend,
            up.shadow,
            up.rate_per_s,
        ),
        page=_page(folder, file.page),
        metrics=MetricsSite(_listen(file.metrics.listen)),
        control=ControlSite(folder / file.control.directory),
        sources={
            name: SourceSite(name, source.driver, source.settings, plans[name])
            for name, source in content.sources.items()
        },
        channels=content.channels,
        table=table,
        rules=rules,
        dictionary=content.dictionary,
        limits=content.limits,
        users=content.users,
        hash=fingerprint(
            file, content.tags, rules, content.dictionary, content.users, content.limits, content.people, table.cards
        ),
        plan=read_plan(file),
        shifts=read_shifts(file),
        time_servers=tuple(file.time.ntp),
        people=content.people,
    )


def _page(folder: Path, section: PageSection) -> PageSite:
    named = section.certificate is not None and section.key is not None
    certificate = folder / str(section.certificate) if named else None
    key = folder / str(section.key) if named else None
    return PageSite(_listen(section.listen), section.tls or named, certificate, key, section.remote == "act")
