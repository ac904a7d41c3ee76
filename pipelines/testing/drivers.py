"""The driver: how a test delivers records to a feed and has the source's own job load them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import psycopg
from sqlalchemy import text

from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.feeds import Feed, FileInbox, PagedApi
from pipelines.orchestration.orphaned_runs import TAG
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.source import Source, declared_sources, sources
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines.testing.records import CannotGenerate, ModelRecords, Record, canonical
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

__tracebackhide__ = True  # a failure is shown where a test delivers
Row = tuple[Any, ...]
#: The check that fails instead of a load, which loads what can be read.
READABLE = ("readable_files",)
#: What a run prints would hide why a test failed.
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
LEDGER = """
SELECT delivery_id, read_count, loaded_count, unchanged_count, rejected_count
FROM ops.deliveries WHERE run_id = %s AND problem IS NULL ORDER BY delivery_id
"""
#: The definitions of these sources, which are declared anew where a test installs a plug-in.
_built: list[tuple[tuple[Source, ...], dg.Definitions]] = []


def _definitions() -> dg.Definitions:
    """Return all definitions. To build them takes longer than many a load."""
    from pipelines.definitions import build_definitions

    found = (*sources().values(),)
    if not _built or [*map(id, _built[0][0])] != [*map(id, found)]:
        _built[:] = [(found, build_definitions())]
    return _built[0][1]


class LoadFailed(Exception):
    """The job failed, or its check of what could be read did."""


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return what failed steps say, and the errors of those that do not: mistakes in code."""
    found = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return [
        str(one.user_failure_data.description)
        if one.user_failure_data
        else (one.error.to_string() if one.error else "a step failed")
        for one in found
    ]


class Counts(NamedTuple):
    """What the ledger counts of a load."""

    read: int
    loaded: int
    unchanged: int
    rejected: int


@dataclass
class Site:
    """Where a feed is tried: a database, a folder, a service that the test controls."""

    warehouse: Warehouse
    owner: psycopg.Connection
    folder: Path
    service: FakeSource
    #: Of the database, for jobs.
    url: str = ""
    #: Of all jobs of the test.
    instance: dg.DagsterInstance | None = None


class Driver:
    """Drives one way into a source, with numbered records, which follow from the feed's models.

    A subclass says by `record`, `changed`, `spoiled`, `row` and `stored` what they are instead.
    """

    #: The name of its tests.
    title: ClassVar[str]
    source: ClassVar[str]
    #: The feed's name in the ledger; by default the source's.
    feed_name: ClassVar[str | None] = None
    #: The fixture that names the database to copy.
    template: ClassVar[str] = "isobar_template"
    #: What makes its records: one for each list of a document, by where the list is.
    made: ClassVar[Mapping[str, ModelRecords]] = {}
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
    #: How many of two records of one delivery are rejected if they contradict each other.
    contradicting: ClassVar[int] = 1
    #: Records of a delivery in which nothing is missing that checks expect.
    complete_count: ClassVar[int] = 40
    #: The settings field with the address of the service, or with the folder.
    setting: ClassVar[str] = "url"
    #: What the job is launched with, such as that it reads all of an API.
    options: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, site: Site) -> None:
        self.site = site
        #: The number of the delivery, which names it.
        self.deliveries = 0
        #: Whether the source's job is executed with its checks and derived tables, too.
        self.is_complete = False

    def prepare(self) -> None:
        """Store what has to be there before the first delivery."""

    def settle(self) -> None:
        """Do what the checks rely on beyond the source's job."""

    def publish(self, records: Sequence[Record]) -> None:
        """Have the service answer with these records, and with none where a next page is wanted."""
        fetchers = self.feed.fetchers
        paged = [one.pagination for one in fetchers if isinstance(one, PagedApi)]
        names = {getattr(one, "parameter", None) for one in paged}

        def answer(handler: BaseHTTPRequestHandler) -> None:
            is_next = names & parse_qs(urlsplit(handler.path).query).keys()
            content = self.content([] if is_next else records)
            (body if isinstance(content, bytes) else document)(content)(handler)

        self.site.service.will(answer)

    def record(self, number: int) -> Record:
        """Return a good record; fields of the same name have the same value in all lists."""
        shared: dict[str, Any] = {}
        parts: Record = {}
        for at, one in self.made.items():
            parts[at] = one.record(number, shared)
            shared |= {one.fields[key]: value for key, value in parts[at].items()}
        return parts if len(parts) > 1 else next(iter(parts.values()))

    def row(self, record: Record) -> Row:
        """Return the record as `stored` returns it."""
        raise NotImplementedError(f"{type(self).__name__} has `stored` and no `row`")

    def changed(self, record: Record) -> Record:
        """Return the same record with another value, in its last list that has such a field."""
        for at, part in reversed([*self._parts(record).items()]):
            if changed := self.made[at].changed(part, 1000):
                return self._put(record, at, changed)
        raise CannotGenerate("no field outside of the primary key has a second valid value")

    def spoiled(self, record: Record) -> Record:
        """Return the same record with a value that cannot be."""
        for spoiled in self.each_spoiled(record).values():
            return spoiled
        raise CannotGenerate("the models accept every value in every field")

    def each_spoiled(self, record: Record) -> Mapping[str, Record]:
        """Return the record spoiled in each field in turn, those outside of the key first."""
        return {
            f"{at}.{key}" if at else key: self._put(record, at, spoiled)
            for at, part in self._parts(record).items()
            for key in sorted(self.made[at].fields, key=lambda one: one in self.made[at].key)
            if (spoiled := self.made[at].spoiled(part, key))
        }

    def odd(self, number: int) -> Sequence[tuple[str, Record]]:
        """Return valid records with unusual values from a number on, and which field has them."""
        found: list[tuple[str, Record]] = []
        for at, one in self.made.items():
            for key, value in one.odd():
                record = self.record(number + len(found))
                part = self._parts(record)[at] | {key: value}
                if not one.problems(part):
                    found.append((f"{at}.{key}" if at else key, self._put(record, at, part)))
        return found

    def with_field(self, record: Record, name: str) -> Record:
        """Return the record with one more field."""
        for at, part in self._parts(record).items():
            return self._put(record, at, part | {name: "1"})
        return record | {name: "1"}

    def _parts(self, record: Record) -> Mapping[str, Record]:
        """Return the records of each list by its name."""
        return record if len(self.made) > 1 else dict.fromkeys(self.made, record)

    def _put(self, record: Record, at: str, part: Record) -> Record:
        return record | {at: part} if len(self.made) > 1 else part

    @property
    def has_lines(self) -> bool:
        """Whether its files are JSON lines, which have room for all values; else they are CSV."""
        inboxes = [one for one in self.feed.fetchers if isinstance(one, FileInbox)]
        return any(".jsonl" in one.suffixes for one in inboxes)

    @property
    def file(self) -> Path:
        """The file of the present delivery."""
        return self.site.folder / f"{self.deliveries}.{'jsonl' if self.has_lines else 'csv'}"

    def content(self, records: Sequence[Record]) -> Any:
        """Return the document with these records, or the text of the file."""
        if self.is_http:
            found: dict[str, Any] = {}
            for at in filter(None, self.made):
                *path, last = at.split(".")
                inner = found
                for name in path:
                    inner = inner.setdefault(name, {})
                inner[last] = [self._parts(one)[at] for one in records]
            return found or list(records)
        if self.has_lines:
            return "".join(f"{json.dumps(one)}\n" for one in records)
        columns = list(dict.fromkeys(key for record in records for key in record))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return text.getvalue()

    def text(self, record: Record) -> str:
        """Return a record as the quarantine keeps it."""
        if self.is_http or self.has_lines:
            return json.dumps(record, ensure_ascii=False)
        return str(self.content([record])).partition("\n")[2].rstrip("\n")

    @property
    def declared(self) -> Source:
        """The source's declaration."""
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

    @property
    def place(self) -> str:
        """The address of the service, or the folder."""
        return self.site.service.url if self.is_http else str(self.site.folder)

    def fetch(self) -> list[Outcome]:
        """Execute the job, which loads what was published. Raises `LoadFailed`."""
        return self.fetch_from(self.place)

    def fetch_from(self, place: str) -> list[Outcome]:
        """Execute the job on the service at a URL, or on a folder. Raises `LoadFailed`."""
        op = f"load_{self.source}" if self.options else ""
        return self.outcomes(self.run(self.source, {self.setting: place}, op, **self.options))

    def retry(self) -> None:
        """Have the job read what is in quarantine again. Raises `LoadFailed`."""
        self.run(self.source, {}, f"load_{self.source}", retry_quarantine=True)

    def run(
        self, job: str, addresses: Mapping[str, str], op: str = "", **config: Any
    ) -> dg.ExecuteInProcessResult:
        """Execute a job in process, or what loads of the main one. Raises `LoadFailed`."""
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
            tags={TAG: "a test"},
        )
        unreadable = [
            f"the check {one.check_name} failed, see the log of the run"
            for one in ran.get_asset_check_evaluations()
            if one.check_name in READABLE and not one.passed
        ]
        if not ran.success or unreadable:
            raise LoadFailed("\n".join(failures(ran) or unreadable))
        return ran

    def _loading(self, job: dg.JobDefinition) -> dg.JobDefinition:
        """Return the part of the main job that its ledgers depend on, and its readability check."""
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
        return [Outcome(*row) for row in self.site.owner.execute(LEDGER, [ran.run_id]).fetchall()]

    def deliver(self, records: Sequence[Record]) -> Counts:
        """Publish and load; returns read, loaded, unchanged, rejected of all deliveries."""
        self.announce(records)
        return self.load()

    def announce(self, records: Sequence[Record]) -> None:
        """Publish the next delivery without loading it."""
        self.deliveries += 1
        self.publish(records)

    def load(self) -> Counts:
        """Execute the job; returns read, loaded, unchanged, rejected of all deliveries."""
        found = [(one.read, one.loaded, one.unchanged, one.rejected) for one in self.fetch()]
        return Counts(*(sum(one[place] for one in found) for place in range(4)))

    def records(self, count: int) -> list[Record]:
        """Return the good records with the first numbers."""
        return [self.record(number) for number in range(count)]

    def rows(self) -> list[Row]:
        """Return the stored records."""
        if self.stored:
            return sorted(self.site.owner.execute(self.stored.encode()).fetchall())
        found = []
        for one in self.made.values():
            names = ", ".join(f'"{name}"' for name in one.columns)
            query = f"SELECT {names} FROM {one.table.fullname}".encode()
            rows = self.site.owner.execute(query).fetchall()
            found += [(one.table.fullname, *map(canonical, row)) for row in rows]
        return sorted(found)

    def expected(self, records: Sequence[Record], bad: Sequence[Record] = ()) -> list[Row]:
        """Return what is stored of good records, and of bad ones that are good in one list."""
        if self.stored:
            return sorted(map(self.row, records))
        return sorted(
            {
                self.made[at].row(part)
                for one in [*records, *bad]
                for at, part in self._parts(one).items()
                if one not in bad or not self.made[at].problems(part)
            }
        )

    def rows_of_check(self, name: str) -> list[dict[str, Any]]:
        """Return the rows that a check of any source returns now."""
        (package,) = (
            source.package
            for source in declared_sources().values()
            if name in [check.name for check in source.checks]
        )
        with self.site.warehouse.engine.connect() as connection:
            result = connection.execute(text(read_sql(package, f"checks/{name}")))
            return [dict(row) for row in result.mappings()]


class Files(Driver):
    """Drives a folder into which files are dropped."""

    is_http = False
    setting = "inbox"

    def publish(self, records: Sequence[Record]) -> None:
        """Write the file of the present delivery."""
        content = self.content(records)
        self.file.write_bytes(content if isinstance(content, bytes) else str(content).encode())
