"""Drivers: how a test delivers records to a feed and has them loaded, by the source's own job.

The job is executed in process, from a folder or from a service over HTTP that the test controls.
`driver_of` makes a driver of a declared feed. One for an unusual feed is written as a subclass.
"""

from __future__ import annotations

import csv
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from pipelines.ingest.feeds import (
    Batches,
    Feed,
    FileInbox,
    First,
    HttpDocument,
    Latest,
    PagedApi,
    PolledApi,
    Reparse,
)
from pipelines.ingest.row_files import Rows
from pipelines.testing.fake_clock import FakeClock
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines.testing.records import CannotGenerate, ModelRecords, Record, canonical

if TYPE_CHECKING:
    import dagster as dg
    import psycopg
    from sqlalchemy import Connection

    from pipelines.ingest.deliveries import Outcome
    from pipelines.source import Source
    from pipelines.warehouse.connection import Warehouse

Row = tuple[Any, ...]
#: Checks that fail instead of a load, which loads what can be read.
READABLE = ("readable_files", "readable_api")
#: What a run prints would hide why a test failed.
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


#: The definitions of these sources, which are declared anew where a test installs a plug-in.
_built: list[tuple[tuple[Source, ...], dg.Definitions]] = []


def _definitions() -> dg.Definitions:
    """Return all definitions. To build them takes longer than many a load."""
    from pipelines.definitions import build_definitions
    from pipelines.source import sources

    found = (*sources().values(),)
    for built, definitions in _built:
        if [*map(id, built)] == [*map(id, found)]:
            return definitions
    _built[:] = [(found, build_definitions())]
    return _built[0][1]


class LoadFailed(Exception):
    """The job failed, or its check of what could be read did."""


class NotDriven(Exception):
    """The kit cannot drive a feed; the message begins with its name and says what to give."""


@dataclass
class Site:
    """Where a feed is tried: a database, a folder, a service that the test controls, a clock."""

    warehouse: Warehouse
    owner: psycopg.Connection
    folder: Path
    service: FakeSource
    clock: FakeClock
    #: Of the database, for jobs.
    url: str = ""
    #: Of all jobs of the test.
    instance: dg.DagsterInstance | None = None


class Driver(ABC):
    """Drives one way into a source. Its records are numbered; the same number is the same record.

    A subclass says what a record is, how records are published, and what is stored of them.
    """

    #: The name of its tests.
    title: ClassVar[str]
    #: The name of the source.
    source: ClassVar[str]
    #: The feed's name in the ledger; by default the source's.
    feed_name: ClassVar[str | None] = None
    #: The fixture that names the database to copy.
    template: ClassVar[str] = "isobar_template"
    #: The query that returns the stored records as `row` describes them.
    stored: ClassVar[str] = ""
    #: Whether a changed record replaces the stored one; else the first stays, and it is rejected.
    latest_wins: ClassVar[bool] = True
    #: Records of the ledger for each record here.
    counted: ClassVar[int] = 1
    #: Whether a record that a delivery no longer has stays stored.
    is_additive: ClassVar[bool] = True
    #: Whether it is a service; else it is a folder.
    is_http: ClassVar[bool] = True
    #: Whether a delivery that comes corrected has the same name.
    is_named_again: ClassVar[bool] = True
    #: Whether a delivery may have a record twice, or two that contradict each other.
    has_duplicates: ClassVar[bool] = True
    #: How many of two records of one delivery are rejected if they contradict each other.
    contradicting: ClassVar[int] = 1
    #: Records of a delivery in which nothing is missing that checks expect.
    complete_count: ClassVar[int] = 40
    #: The settings field with the address of the service, or with the folder.
    setting: ClassVar[str] = "url"
    #: What is appended to the address of the simulated service in order to compare its answers.
    sandbox_query: ClassVar[str] = ""

    def __init__(self, site: Site) -> None:
        self.site = site
        #: The number of the delivery, which names it.
        self.deliveries = 0
        #: Whether the source's job is executed with its checks and derived tables, too.
        self.is_complete = False

    def prepare(self) -> None:  # noqa: B027 - most need nothing
        """Store what has to be there before the first delivery."""

    @abstractmethod
    def record(self, number: int) -> Record:
        """Return a good record."""

    @abstractmethod
    def row(self, record: Record) -> Row:
        """Return the record as it is stored."""

    @abstractmethod
    def changed(self, record: Record) -> Record:
        """Return the same record with another value."""

    @abstractmethod
    def spoiled(self, record: Record) -> Record:
        """Return the same record with a value that cannot be."""

    def each_spoiled(self, record: Record) -> Mapping[str, Record]:
        """Return the record spoiled in each field in turn, by the name of the field."""
        return {"a field": self.spoiled(record)}

    def odd(self, number: int) -> Sequence[tuple[str, Record]]:  # noqa: ARG002
        """Return valid records with unusual values from a number on, and which field has them."""
        return []

    @property
    def encoding(self) -> str:
        """The encoding of its files: the default of the setting, if the source has one."""
        from pipelines.source import sources

        setting = sources()[self.source].settings.model_fields.get("encoding")
        return str(setting.default) if setting else "utf-8"

    def publish(self, records: Sequence[Record]) -> None:
        """Make the service answer with these records from now on."""
        self.site.service.will(document(self.content(records)))

    def content(self, records: Sequence[Record]) -> Any:
        """Return the document with these records."""
        return list(records)

    def text(self, record: Record) -> str:
        """Return a record as the quarantine keeps it."""
        return json.dumps(record, ensure_ascii=False)

    def with_field(self, record: Record, name: str) -> Record:
        """Return the record with one more field."""
        return record | {name: "1"}

    def good_parts(self, records: Sequence[Record]) -> list[Row]:  # noqa: ARG002
        """Return what is stored of bad records: those of other lists are good by themselves."""
        return []

    def settle(self) -> None:  # noqa: B027 - most need nothing
        """Do what the checks rely on beyond the source's job."""

    def has_rows_in(self, connection: Connection) -> bool:
        """Return whether a connection sees stored records, its own among them."""
        query = self.stored.replace("SELECT", "SELECT /* own */", 1).replace("%", "%%")
        return connection.exec_driver_sql(query).first() is not None

    def rows_of_check(self, name: str) -> list[dict[str, Any]]:
        """Return the rows that a check of any source returns now."""
        from sqlalchemy import text

        from pipelines.source import declared_sources
        from pipelines.warehouse.sql_files import read_sql

        (package,) = (
            source.package
            for source in declared_sources().values()
            if name in [check.name for check in source.checks]
        )
        with self.site.warehouse.engine.connect() as connection:
            result = connection.execute(text(read_sql(package, f"checks/{name}")))
            return [dict(row) for row in result.mappings()]

    def fetch(self) -> list[Outcome]:
        """Execute the job, which loads what was published. Raises `LoadFailed`."""
        return self.fetch_from(self.site.service.url)

    def fetch_from(self, place: str) -> list[Outcome]:
        """Execute the job on the service at a URL, or on a folder. Raises `LoadFailed`."""
        return self.outcomes(self.run(self.source, {self.setting: place}))

    @property
    def declared(self) -> Source:
        """The source's declaration."""
        from pipelines.source import declared_sources

        return declared_sources()[self.source]

    @property
    def feed(self) -> Feed:
        """The feed's declaration."""
        name = self.feed_name or self.source
        return next(one for one in self.declared.feeds if one.name == name)

    @property
    def is_snapshot(self) -> bool:
        """Whether each delivery is complete, so that only the last one's rejects count."""
        return any(
            ledger.is_snapshot
            for ledger in self.declared.ledgers
            if (ledger.feed or self.source) == self.feed.name
        )

    def run(
        self, job: str, addresses: Mapping[str, str], op: str = "", **config: Any
    ) -> dg.ExecuteInProcessResult:
        """Execute a job of the source in process, or what loads of its main one.

        Checks and derived tables take most of a run, so that they are left out by default. Raises
        `LoadFailed`.
        """
        from pipelines.orchestration.resources import WarehouseResource, source_resource
        from pipelines.testing.runs import errors, failures

        chosen = _definitions().resolve_job_def(job)
        if job == self.source and not self.is_complete:
            chosen = self._loading(chosen)
        ran = chosen.execute_in_process(
            run_config={"loggers": QUIET} | ({"ops": {op: {"config": config}}} if op else {}),
            resources={
                "warehouse": WarehouseResource(url=self.site.url),
                self.source: source_resource(self.source, **addresses),
            },
            instance=self.site.instance,
            raise_on_error=False,
            tags={"isobar/interactive": "a test"},
        )
        unreadable = [
            f"the check {one.check_name} failed, see the log of the run"
            for one in ran.get_asset_check_evaluations()
            if one.check_name in READABLE and not one.passed
        ]
        if problems := [*failures(ran), *errors(ran)] or unreadable:
            raise LoadFailed("\n".join(problems))
        if not ran.success:
            raise LoadFailed(f"the job {job} failed without a message")
        return ran

    def _loading(self, job: dg.JobDefinition) -> dg.JobDefinition:
        """Return the part of the main job that its ledgers depend on, and its readability check."""
        import dagster as dg

        tables = [dg.AssetKey(ledger.on.split(".")) for ledger in self.declared.ledgers]
        graph = _definitions().get_repository_def().asset_graph
        loading = dg.AssetSelection.assets(*tables).upstream().required_multi_asset_neighbors()
        checks = {key for key in graph.asset_check_keys if key.name in READABLE}
        return job.get_subset(
            asset_selection=loading.resolve(graph) & job.asset_layer.selected_asset_keys,
            asset_check_selection=checks & job.asset_layer.asset_graph.asset_check_keys,
        )

    def outcomes(self, ran: dg.ExecuteInProcessResult) -> list[Outcome]:
        """Return the deliveries that a run loaded, as the ledger has them."""
        from pipelines.ingest.deliveries import Outcome

        query = (
            "SELECT delivery_id, read_count, loaded_count, unchanged_count, rejected_count"
            " FROM ops.deliveries WHERE run_id = %s ORDER BY delivery_id"
        )
        found = self.site.owner.execute(query, [ran.run_id]).fetchall()
        return [Outcome(*row) for row in found]

    def deliver(self, records: Sequence[Record]) -> tuple[int, int, int, int]:
        """Publish and load; returns read, loaded, unchanged, rejected of all deliveries."""
        self.announce(records)
        return self.load()

    def load(self) -> tuple[int, int, int, int]:
        """Execute the job; returns read, loaded, unchanged, rejected of all deliveries."""
        found = [(one.read, one.loaded, one.unchanged, one.rejected) for one in self.fetch()]
        read, loaded, unchanged, rejected = (sum(one[place] for one in found) for place in range(4))
        return read, loaded, unchanged, rejected

    def announce(self, records: Sequence[Record]) -> None:
        """Publish the next delivery, a day later, without loading it."""
        self.deliveries += 1
        self.site.clock.pass_by(hours=25)
        self.publish(records)

    def retry(self) -> None:
        """Have the job read what is in quarantine again. Raises `LoadFailed`."""
        self.run(self.source, {}, f"load_{self.source}", retry_quarantine=True)

    def records(self, count: int) -> list[Record]:
        """Return the good records with the first numbers."""
        return [self.record(number) for number in range(count)]

    def rows(self) -> list[Row]:
        """Return the stored records."""
        return sorted(self.site.owner.execute(self.stored.encode()).fetchall())

    def expected(self, records: Sequence[Record]) -> list[Row]:
        """Return what is stored of good records."""
        return sorted(map(self.row, records))


class Files(Driver):
    """Drives a folder into which files are dropped: of CSV, if the driver says nothing else."""

    is_http = False
    setting = "inbox"

    @property
    def file(self) -> Path:
        """The file of the present delivery."""
        return self.site.folder / f"{self.deliveries}.csv"

    def publish(self, records: Sequence[Record]) -> None:
        """Write the file of the present delivery."""
        content = self.content(records)
        self.file.write_bytes(
            content if isinstance(content, bytes) else str(content).encode(self.encoding)
        )

    def content(self, records: Sequence[Record]) -> Any:
        """Return the text of a file with these records."""
        columns = list(dict.fromkeys(key for record in records for key in record))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return text.getvalue()

    def text(self, record: Record) -> str:
        """Return the line of a record."""
        return str(self.content([record])).partition("\n")[2].rstrip("\n")

    def fetch(self) -> list[Outcome]:
        """Execute the job on the folder, or on one file of it that is not there."""
        if self.file.exists():
            return self.fetch_from(str(self.site.folder))
        return self.outcomes(self.run(self.source, {}, f"load_{self.source}", file=str(self.file)))


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What the author of a source says of its records, where models do not say it."""

    records: Callable[[int], Record] | None = None
    changed: Callable[[Record], Record] | None = None
    spoiled: Callable[[Record], Record] | None = None
    publish: Callable[[Sequence[Record]], Any] | None = None
    stored: tuple[str, Callable[[Record], Row]] | None = None

    def missing(self) -> list[str]:
        """Return the names of those that are not given."""
        return [name for name in vars(self) if getattr(self, name) is None]


@dataclass(frozen=True)
class _Made:
    """The generated records of a feed: one for each list of its document, by the list's name."""

    lists: Mapping[str, ModelRecords] = field(default_factory=dict)

    @property
    def is_nested(self) -> bool:
        """Whether a record here has a record of each of several lists."""
        return len(self.lists) > 1

    def split(self, record: Record) -> Mapping[str, Record]:
        """Return the records by the names of their lists."""
        return record if self.is_nested else dict.fromkeys(self.lists, record)

    def put(self, record: Record, at: str, part: Record) -> Record:
        """Return a record with another part."""
        return record | {at: part} if self.is_nested else part

    def record(self, number: int) -> Record:
        """Return a good record; fields of the same name have the same value in all lists."""
        shared: dict[str, Any] = {}
        parts = {}
        for at, one in self.lists.items():
            parts[at] = one.record(number, shared)
            shared |= {one.fields[key]: value for key, value in parts[at].items()}
        return parts if self.is_nested else parts[next(iter(parts))]

    def changed(self, record: Record, number: int) -> Record:
        """Return a record with another value in one field of its last list that has one."""
        for at, part in reversed([*self.split(record).items()]):
            if changed := self.lists[at].changed(part, number):
                return self.put(record, at, changed)
        raise CannotGenerate("no field outside of the primary key has a second valid value")

    def each_spoiled(self, record: Record) -> dict[str, Record]:
        """Return the record spoiled in each field in turn, the fields outside of the key first."""
        found = {}
        for at, part in self.split(record).items():
            one = self.lists[at]
            for key in [key for key in one.fields if key not in one.key] + [*one.key]:
                if spoiled := one.spoiled(part, key):
                    found[f"{at}.{key}" if at else key] = self.put(record, at, spoiled)
        return found


def _is_encodable(record: Record, encoding: str) -> bool:
    try:
        "".join(map(str, record.values())).encode(encoding, "surrogatepass")
    except UnicodeEncodeError:
        return False
    return True


class _Derived(Driver):
    """A driver whose records follow from the models, or from what the author says instead."""

    made: ClassVar[_Made]
    given: ClassVar[Overrides]

    def record(self, number: int) -> Record:
        if self.given.records:
            return self.given.records(number)
        return self.made.record(number)

    def row(self, record: Record) -> Row:
        assert self.given.stored, "expected() is used where rows follow from models"
        return self.given.stored[1](record)

    def changed(self, record: Record) -> Record:
        if self.given.changed:
            return self.given.changed(record)
        return self.made.changed(record, 1000)

    def spoiled(self, record: Record) -> Record:
        if self.given.spoiled:
            return self.given.spoiled(record)
        for spoiled in self.made.each_spoiled(record).values():
            return spoiled
        raise CannotGenerate("the models accept every value in every field")

    def each_spoiled(self, record: Record) -> Mapping[str, Record]:
        if self.made.lists:
            return self.made.each_spoiled(record)
        return {"a field": self.spoiled(record)}

    def odd(self, number: int) -> Sequence[tuple[str, Record]]:
        found: list[tuple[str, Record]] = []
        for at, one in self.made.lists.items():
            for key, part in one.odd(number, partial(self._part, at)):
                if not _is_encodable(part, self.encoding):
                    continue
                record = self.record(number + len(found))
                found.append((f"{at}.{key}" if at else key, self.made.put(record, at, part)))
        return found

    def _part(self, at: str, number: int) -> Record:
        part: Record = self.made.split(self.record(number))[at]
        return part

    def with_field(self, record: Record, name: str) -> Record:
        for at, part in self.made.split(record).items():
            return self.made.put(record, at, part | {name: "1"})
        return super().with_field(record, name)

    def good_parts(self, records: Sequence[Record]) -> list[Row]:
        if self.given.stored:
            return []
        return [
            self.made.lists[at].row(part)
            for one in records
            for at, part in self.made.split(one).items()
            if not self.made.lists[at].problems(part)
        ]

    def has_rows_in(self, connection: Connection) -> bool:
        if self.given.stored:
            return super().has_rows_in(connection)
        tables = [one.table.fullname for one in self.made.lists.values()]
        return any(
            connection.exec_driver_sql(f"SELECT FROM {name} LIMIT 1").first() is not None
            for name in tables
        )

    def rows(self) -> list[Row]:
        if self.given.stored:
            return super().rows()
        found = []
        for one in self.made.lists.values():
            names = ", ".join(f'"{name}"' for name in one.columns)
            query = f"SELECT {names} FROM {one.table.fullname}".encode()
            rows = self.site.owner.execute(query).fetchall()
            found += [(one.table.fullname, *map(canonical, row)) for row in rows]
        return sorted(found)

    def expected(self, records: Sequence[Record]) -> list[Row]:
        if self.given.stored:
            return super().expected(records)
        return sorted(
            {
                self.made.lists[at].row(part)
                for one in records
                for at, part in self.made.split(one).items()
            }
        )


class _DocumentDriver(_Derived):
    """Drives a document that is fetched from one URL."""

    def prepare(self) -> None:
        """Set the credentials that its requests need."""
        settings = self.declared.settings
        for name in settings.model_fields:
            if settings.about(name).get("secret"):
                os.environ.setdefault(settings.variable(name), "a-secret-of-the-contract-tests")

    def content(self, records: Sequence[Record]) -> Any:
        if self.given.publish:
            return self.given.publish(records)
        found: dict[str, Any] = {}
        for at in self.made.lists:
            several = [self.made.split(one)[at] for one in records]
            if not at:
                return several
            *path, last = at.split(".")
            inner = found
            for name in path:
                inner = inner.setdefault(name, {})
            inner[last] = several
        return found

    def publish(self, records: Sequence[Record]) -> None:
        content = self.content(records)
        self.site.service.will(body(content) if isinstance(content, bytes) else document(content))


class _ApiDriver(_DocumentDriver):
    """Drives an API, which is read from its beginning; all records are on its first page."""

    def publish(self, records: Sequence[Record]) -> None:
        """Answer with the records, and with none to a request for the next page."""
        (fetcher,) = self.feed.fetchers
        parameter = getattr(getattr(fetcher, "pagination", None), "parameter", None)
        first, last = self.content(records), self.content([])

        def answer(handler: BaseHTTPRequestHandler) -> None:
            query = parse_qs(urlsplit(handler.path).query)
            is_next = parameter in query
            document(last if is_next else first)(handler)

        self.site.service.will(answer)

    def fetch_from(self, place: str) -> list[Outcome]:
        address = {self.setting: place}
        return self.outcomes(self.run(self.source, address, f"load_{self.source}", read_whole=True))


class _FileDriver(_Derived, Files):
    """Drives a folder of files: of CSV, or of JSON lines if their values are no texts."""

    @property
    def has_json_lines(self) -> bool:
        """Whether a record has a list or an object, as only `Rows` reads them."""
        is_text = all(one.is_text for one in self.made.lists.values())
        return isinstance(self.feed.parse, Rows) and not is_text

    @property
    def file(self) -> Path:
        return super().file.with_suffix(".jsonl" if self.has_json_lines else ".csv")

    def content(self, records: Sequence[Record]) -> Any:
        if self.given.publish:
            return self.given.publish(records)
        if self.has_json_lines:
            return "".join(f"{json.dumps(one)}\n" for one in records)
        return super().content(records)

    def text(self, record: Record) -> str:
        if self.has_json_lines:
            return str(self.content([record])).rstrip("\n")
        return super().text(record)


def driver_of(source: Source, feed: Feed, fetcher: Any, given: Overrides) -> type[Driver]:
    """Return the driver of one way into a feed. Raises `NotDriven`."""
    made = _Made(_lists(source, feed))
    lacking = given.missing()
    needed = [name for name in ("records", "changed", "spoiled", "stored") if name in lacking]
    if not made.lists and needed:
        raise NotDriven(
            f"{feed.name}: its parser is not Json(Records(…)) or Rows(…), so nobody knows"
            f" what its records are. Say so: contract(source, {'=…, '.join(needed)}=…)"
        )
    values: dict[str, Any] = {
        "source": source.name,
        "feed_name": feed.name,
        "made": made,
        "given": given,
        "stored": given.stored[0] if given.stored else "",
        "counted": len(made.lists) or 1,
        "__doc__": f"Drives the feed {feed.name}.",
    }
    if isinstance(feed.write, First):
        values["latest_wins"] = False
    elif not isinstance(feed.write, Latest):
        raise NotDriven(
            f"{feed.name}: {type(feed.write).__name__} stores what its own statements say, so"
            " nobody knows what to expect. Write a subclass of pipelines.testing.Driver, and give"
            " it: contract(source, drivers=[…])"
        )
    if isinstance(fetcher, HttpDocument):
        kind: type[Driver] = _DocumentDriver
        values |= {"setting": fetcher.setting, "title": feed.name}
    elif isinstance(fetcher, FileInbox):
        kind = _FileDriver
        values |= {"setting": fetcher.setting, "title": f"{feed.name}, files"}
    elif isinstance(fetcher, PagedApi):
        kind = _ApiDriver
        values |= {"setting": fetcher.setting, "title": f"{feed.name}, API"}
    elif isinstance(fetcher, PolledApi | Batches):
        raise NotDriven(
            f"{feed.name}: its own Python fetches it, so nobody knows how. Write a subclass of"
            " pipelines.testing.Driver, and give it: contract(source, drivers=[…])"
        )
    else:
        raise NotDriven(f"{feed.name}: the kit knows no {type(fetcher).__name__}")
    return type(f"{feed.name.title()}Driver", (kind,), values)


def _lists(source: Source, feed: Feed) -> dict[str, ModelRecords]:
    """Return the records that the parser of a feed knows, by the names of their lists."""
    made = [ModelRecords(one.model, source.table(one.table), one.at) for one in feed.records]
    is_rows = isinstance(feed.parse, Rows)
    return {one.at: replace(one, is_text=is_rows and not one.is_nested) for one in made}


def is_retried(feed: Feed) -> bool:
    """Return whether what is in quarantine is parsed again, record by record."""
    return isinstance(feed.again, Reparse)
