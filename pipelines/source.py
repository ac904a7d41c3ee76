"""Sources: how to declare one, how they are found, and the public API for plug-ins.

A source is a package with an object `source`. It is a folder of `pipelines/sources`, or another
package with an entry point in the group `isobar.sources`. Its declaration does not import Dagster
and opens nothing. Everything that the platform does for sources, it does by iterating over
`sources()`.

Besides its declaration, a source's package contains, by convention:

- `tables.py` with `metadata`, its tables, in the schema of its name or in `metrics`, beyond those
  that `Records` with a key make;
- `sql/checks/<check>.sql`, a query that returns the offending rows of each `Check`;
- `sql/views/<schema>.<object>.sql`, one view or function per file;
- `sql/views/<source>.newest.sql`, if wanted: the newest time in its data, for `metrics.freshness`
  (columns `name`, `newest_at`, `new_data_at`, as `ops.newest` explains them);
- `sql/tables.sql`, triggers and the like, and `sql/grants.sql`, privileges beyond the usual ones.
  Both are optional, and are executed again whenever they, the tables or the views change;
- `sandbox.py` (or a package) with `build`, the simulated source, if a sample does not do;
- `jobs.py` with `definitions`, its Dagster definitions beyond its fetchers;
- `cli.py` with `commands`, its own click commands;
- `dashboard.py` with `pages`, its pages of the dashboard (`pipelines.dashboard.page`).

The names in `__all__` are the public API for plug-ins; everything else may change.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
import keyword
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dotenv import dotenv_values
from pydantic import BaseModel, JsonValue, SecretStr

from pipelines.config import Settings, disabled_sources, home
from pipelines.config.env_validation import (
    Folder,
    SourceSettings,
    TextEncoding,
    TimeZoneName,
    folder,
    secret_text,
    url,
)
from pipelines.failures import NotReady, PermanentFailure, TransientFailure
from pipelines.ingest.feeds import (
    IN_TREE,
    Batches,
    Cap,
    Content,
    Context,
    Feed,
    Fetcher,
    FileInbox,
    HttpDocument,
    Input,
    Insert,
    PagedApi,
    Parsed,
    PolledApi,
    Since,
    Upsert,
    is_own,
)
from pipelines.ingest.models import Field, is_plain_name, table_of
from pipelines.ingest.paging import Cursor, NextLink, Offset, PageNumber
from pipelines.ingest.parsers import Csv, Json, Records
from pipelines.ingest.reasons import Reason, ReasonCode
from pipelines.ingest.row_files import Rows
from pipelines.isolation import WARNINGS, is_broken, isolated
from pipelines.warehouse.sql_files import read_sql, sql_files

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import MetaData, Table
    from starlette.routing import BaseRoute

    from pipelines.http.client import HttpClient, JsonResponse
    from pipelines.ingest.contract import Name, RecordValidator, Reject
    from pipelines.ingest.deliveries import Delivery, Outcome
    from pipelines.ingest.load import Load
    from pipelines.ingest.runner import Runner
    from pipelines.warehouse.connection import Warehouse, delete_in_batches
    from pipelines.warehouse.tables import delivery_id_column, source_metadata

# Imported on first use: a command that only reads declarations needs no SQLAlchemy.
_LATER = (
    *("ingest.contract", "ingest.deliveries", "ingest.load", "warehouse.connection"),
    *("warehouse.tables", "http.client"),
)


def __getattr__(name: str) -> Any:
    for module in _LATER if name in __all__ else ():
        found = importlib.import_module(f"pipelines.{module}")
        if hasattr(found, name):
            return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Batches",
    "Cap",
    "Check",
    "Content",
    "Context",
    "Csv",
    "Cursor",
    "Delivery",
    "Feed",
    "Field",
    "FileInbox",
    "Folder",
    "HttpClient",
    "HttpDocument",
    "Input",
    "Insert",
    "Json",
    "JsonResponse",
    "Ledger",
    "Load",
    "Name",
    "NextLink",
    "NotReady",
    "Offset",
    "Outcome",
    "PageNumber",
    "PagedApi",
    "Parsed",
    "PermanentFailure",
    "Reason",
    "ReasonCode",
    "RecordValidator",
    "Records",
    "Reject",
    "Retention",
    "Retry",
    "Rows",
    "Sandbox",
    "SandboxParts",
    "Schedule",
    "SecretStr",
    "Since",
    "Source",
    "SourceSettings",
    "TextEncoding",
    "TimeZoneName",
    "TransientFailure",
    "Upsert",
    "View",
    "Warehouse",
    "deferred",
    "delete_in_batches",
    "delivery_id_column",
    "folder",
    "read_sql",
    "secret_text",
    "source_metadata",
    "table_of",
    "url",
]

ENTRY_POINTS = "isobar.sources"
#: Schemas, groups, resources and choices of the platform; no source may use their names.
PLATFORM_NAMES = frozenset(
    {"enriched", "metrics", "ops", "public", "sources", "broken_sources"}
    | {"warehouse", "io_manager", "all"}
)
#: Prefixes of the platform's variables.
PLATFORM_VARIABLES = ("ISOBAR_", "DAGSTER_", "DATABASE_", "CELERY_", "ALERT_", "WORKER_", "PG")


def deferred(reference: str) -> Callable[..., Any]:
    """Return a function that imports `package.module:name` on its first call.

    A declaration can thus refer to the code of its source without importing it.
    """
    module, _, name = reference.partition(":")

    def call(*args: Any, **values: Any) -> Any:
        return getattr(importlib.import_module(module), name)(*args, **values)

    call.__qualname__ = call.__name__ = reference
    return call


@dataclass(frozen=True, kw_only=True)
class Check:
    """A query over a source's tables that returns offending rows: `sql/checks/<name>.sql`."""

    name: str
    #: The table or view whose page shows the check: schema.name.
    on: str
    #: What holds if the query returns nothing, in one or two sentences.
    expects: str
    #: What is wrong if it returns rows, as the overview of the dashboards says it, then what to do.
    remedy: str


@dataclass(frozen=True, kw_only=True)
class View:
    """A view that is an asset: its SQL is `sql/views/<name>.sql`, its description the comment."""

    name: str
    #: Whether its profile has the number of rows; not if counting them evaluates all of the view.
    is_counted: bool = True


class Schedule(BaseModel, extra="forbid", strict=True, frozen=True):
    """A scheduled job. An operator's schedules.toml may change its times, or add one."""

    #: By default `<source>_schedule`.
    name: str = ""
    #: By default what the source's job does.
    about: str = ""
    cron: str
    zone: str = "UTC"
    #: The job, by default the source's own.
    job: str = ""
    config: dict[str, JsonValue] = {}


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A feed in `ops.deliveries`, and the table whose page shows its standard checks."""

    on: str
    #: The feed's name in the ledger, by default the source's own; needed if it has several.
    feed: str | None = None
    #: Whether each delivery is complete, so that only the last one's rejects count.
    is_snapshot: bool = False
    #: Tables with at most one row per record, which are compared with the ledger; by default `on`.
    tables: tuple[str, ...] = ()
    #: The job of `jobs.py` that compares them, by default the source's own; for large tables.
    audit_job: str | None = None


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How `isobar quarantine retry` reads rejected records again: a job and its configuration."""

    job: str
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Rows that housekeeping deletes after a number of days."""

    #: Name of the op, such as delete_old_calls.
    name: str
    about: str
    #: None keeps them forever unless an operator sets a number.
    days: int | None
    #: Called with the warehouse and a time; deletes older rows and returns how many.
    purge: Callable[[Warehouse, dt.datetime], int]


@dataclass(frozen=True)
class Sandbox:
    """The inputs of a simulated source: a seed and a clock."""

    seed: int
    #: The current time, UTC.
    now: Callable[[], dt.datetime]
    #: The real time, UTC.
    clock: Callable[[], dt.datetime]


@dataclass(frozen=True, kw_only=True)
class SandboxParts:
    """The result of a simulated source's `build`: routes, and writers of files for its inbox."""

    routes: Sequence[BaseRoute] = ()
    #: Called with the folder and the day, at the start and every minute; writes missing files.
    write_files: Callable[[Path, dt.date], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source: its name, origin, tables and features."""

    #: Name of schema, job, pool and asset group: lower-case letters, digits and underscores.
    name: str
    #: The package: `__name__` of the declaring module.
    package: str
    #: What data it provides, in one sentence.
    about: str
    settings: type[SourceSettings]
    #: What its job does, in one sentence; by default it loads the source.
    job: str = ""
    schedules: tuple[Schedule, ...] = ()
    #: Its external inputs, by default those of its fetchers.
    inputs: tuple[Input, ...] = ()
    #: How what it provides is fetched, parsed and stored.
    feeds: tuple[Feed, ...] = ()
    #: Tables that the fetchers write, as schema.name; the first one's page shows the counts. By
    #: default those of the records of feeds with fetchers. Empty if `jobs.py` defines the assets.
    loads: tuple[str, ...] = ()
    #: Called with the warehouse and the settings before anything is loaded.
    prepare: Callable[[Warehouse, Any], None] | None = None
    #: How to retry the quarantine if no feed does it.
    retry: Retry | None = None
    #: By default one for each feed whose records it declares.
    ledgers: tuple[Ledger, ...] = ()
    #: Its own codes of reasons, for the documentation; those of fields need not be listed.
    reason_codes: tuple[ReasonCode, ...] = ()
    checks: tuple[Check, ...] = ()
    #: Its own views that are assets; those in `enriched` and `metrics` always are.
    views: tuple[View, ...] = ()
    retention: tuple[Retention, ...] = ()
    #: Whether it gathers what others offer (`pipelines.migrations.collections`). It then runs last.
    collects: bool = False
    #: A file of its package that the sandbox sends, if it has no `sandbox.py`: to the inbox, or as
    #: the document or first page of its service.
    sample: str | None = None
    #: Called with the warehouse if the sandbox simulates the source: loads initial data, and
    #: returns a message.
    seed_sandbox: Callable[[Warehouse], str | None] | None = None

    def __post_init__(self) -> None:
        """Complete what follows from the feeds, so that a declaration need not say it."""
        job = self.job or f"Load {self.name}, and refresh what is derived from it."
        feeds = tuple(self._completed(one) for one in self.feeds)
        fetched = [one for one in feeds if one.fetch and one.records]
        completed = {
            "job": job,
            "feeds": feeds,
            "schedules": tuple(
                one.model_copy(
                    update={
                        "name": one.name or f"{self.name}_schedule",
                        "about": one.about or job,
                        "job": one.job or self.name,
                    }
                )
                for one in self.schedules
            ),
            "inputs": self.inputs or tuple(one.input for feed in feeds for one in feed.fetchers),
            "loads": self.loads or tuple(one.table for feed in fetched for one in feed.records),
            "ledgers": self.ledgers
            or tuple(
                Ledger(
                    on=feed.records[0].table,
                    feed=feed.name,
                    is_snapshot=all(isinstance(one, HttpDocument) for one in feed.fetchers),
                    tables=tuple(one.table for one in feed.records),
                )
                for feed in fetched
            ),
        }
        for name, value in completed.items():
            object.__setattr__(self, name, value)

    def _completed(self, feed: Feed) -> Feed:
        """Return a feed with its name, and with the inputs of its fetchers."""
        fetchers = []
        for one in feed.fetchers:
            if not one.input.name:
                kind, what = ("csv", "files") if isinstance(one, FileInbox) else ("json", "service")
                setting = None if isinstance(one, Batches | PolledApi) else one.setting
                variable = self.settings.variable(setting) if setting else None
                name = f"{self.name}_{what}"
                given = Input(name=name, about=self.about, kind=kind, setting=variable)
                one = replace(one, input=given)
            if isinstance(one, FileInbox) and not one.suffixes:
                suffixes = getattr(feed.parse, "suffixes", (".csv",))
                options = getattr(feed.parse, "options", one.parse_options)
                one = replace(one, suffixes=suffixes, parse_options=options)
            fetchers.append(one)
        return replace(feed, name=feed.name or self.name, fetch=tuple(fetchers))

    @property
    def fetchers(self) -> tuple[Fetcher, ...]:
        """The fetchers of all its feeds."""
        return tuple(fetcher for feed in self.feeds for fetcher in feed.fetchers)

    def runner(
        self, feed: Feed, store: Warehouse, settings: Any, run_id: str | None = None
    ) -> Runner:
        """Return what loads the deliveries of one of its feeds."""
        from pipelines.ingest.runner import Runner

        return Runner(self, feed, store, settings, run_id)

    def module(self, name: str) -> ModuleType | None:
        """Import an optional module of its package, such as `jobs`; None if it does not exist."""
        if not _has_module(self.package, name):
            return None
        return importlib.import_module(f"{self.package}.{name}")

    @cached_property
    def metadata(self) -> MetaData:
        """The metadata of its tables: those of `tables.py`, and those that records make."""
        from pipelines.warehouse.tables import source_metadata

        declared = self.module("tables")
        metadata: MetaData = declared.metadata if declared else source_metadata()
        for one in (one for feed in self.feeds for one in feed.records if one.key):
            if one.table not in metadata.tables:
                table_of(one.model, one.table, key=one.key, metadata=metadata)
        return metadata

    def table(self, name: str) -> Table:
        """Return one of its tables, by schema and name."""
        return self.metadata.tables[name]

    @cached_property
    def object_files(self) -> dict[str, str]:
        """The SQL of each view and function, by schema and name."""
        return sql_files(self.package, "views")

    @cached_property
    def view_assets(self) -> dict[str, View]:
        """Its views that are assets, by schema and name."""
        found = {
            name: View(name=name)
            for name, sql in self.object_files.items()
            if name.split(".")[0] in ("enriched", "metrics") and "CREATE OR REPLACE VIEW" in sql
        }
        return found | {view.name: view for view in self.views}

    def load_settings(self, platform: Settings | None = None, **values: object) -> Any:
        """Load its settings from the process environment; `values` override variables."""
        return self.settings.load(platform or Settings.current(), self.name, **values)


def sources() -> Mapping[str, Source]:
    """Return every usable source by name, in the order in which they run.

    Sources that collect from others come last. Those that are broken or disabled are left out.
    """
    disabled = disabled_sources()
    return {
        name: source
        for name, source in declared_sources().items()
        if name not in disabled and not is_broken(name)
    }


def declared_sources() -> Mapping[str, Source]:
    """Return every source whose declaration is valid, in the same order.

    A source may be declared and yet be off. Its tables and views are still migrated, because those
    of others may read them.
    """
    found = sorted(_discovered().values(), key=lambda one: (one.collects, one.name))
    return {one.name: one for one in found}


def by_seniority() -> list[Source]:
    """Return the usable sources in the order in which names are given away.

    The project's own come before plug-ins. Whoever comes later may not use a name that is taken.
    """
    return sorted(sources().values(), key=lambda one: (is_plugin(one), one.name))


def check_sources(settings: Settings) -> None:
    """Switch off each source that has an invalid variable, or lacks one that it requires.

    Raises `PermanentFailure` if it is not said whether sources are real.
    """
    _ = settings.sources  # else each source that reads it would be switched off
    for source in sources().values():
        kind = source.settings
        unset = {  # the sandbox, which may not run yet, sets these
            field: "http://sandbox" if "url" in kind.about(field) else "."
            for field in kind.model_fields
            if {"url", "folder"} & kind.about(field).keys()
            and not settings.environment.get(kind.variable(field))
        }
        values = [
            settings.environment.get(kind.variable(field), "")
            for field in kind.model_fields
            if kind.about(field).get("secret")
        ]
        with isolated(source.name, "its settings", source.package, secrets=values):
            source.load_settings(settings, **unset)


def is_plugin(source: Source) -> bool:
    """Return whether a source is another party's package."""
    return not is_own(source.package)


def plugin_entry_points() -> list[EntryPoint]:
    """Return the entry points of the installed plug-ins, by name."""
    return sorted(entry_points(group=ENTRY_POINTS), key=lambda one: (one.name, one.value))


def own_names() -> list[str]:
    """Return the names of the project's own sources, which are those of their folders."""
    folder = importlib.import_module(IN_TREE).__path__
    return sorted(one.name for one in pkgutil.iter_modules(folder))


@cache
def _discovered() -> Mapping[str, Source]:
    """Import and validate every source but disabled plug-ins, in the order of seniority."""
    found: dict[str, Source] = {}
    taken, disabled = set(own_names()), disabled_sources()
    for name in own_names():
        package = f"{IN_TREE}.{name}"
        with isolated(name, "its declaration", package):
            found[name] = importlib.import_module(package).source
    entries = plugin_entry_points()
    for entry in entries:
        same = [_package_of(one) for one in entries if one.name == entry.name]
        is_taken = entry.name in taken
        if entry.name in disabled and not is_taken:
            continue
        name = f"{entry.name} ({entry.value})" if is_taken else entry.name
        with isolated(name, "its declaration", _module_of(entry)):
            if is_taken or len(same) > 1:  # either could load into the tables of the other
                packages = " and ".join(same)
                raise ValueError(
                    f"another source is called {entry.name!r}: rename or uninstall {packages}"
                )
            source = _loaded(entry)
            for problem in _mistakes(source, found):
                raise ValueError(problem)
            found[source.name] = source
    for name in sorted(disabled - taken - {entry.name for entry in entries}):
        WARNINGS.warning(
            "ISOBAR_DISABLE_SOURCES names %r, and no source of that name is installed.", name
        )
    for name in unread_variables(home(), found.values()):
        words = "%s sets %s, which nothing reads: .env.example has all names."
        WARNINGS.warning(words, home() / ".env", name)
    return found


def unread_variables(folder: Path, found: Iterable[Source]) -> list[str]:
    """Return the variables in `.env` that are called like those of Isobar and mean nothing.

    All that mean something are in the `.env.example` of a clone, or are those of a source.
    """
    example, file = folder / ".env.example", folder / ".env"
    if not (example.exists() and file.exists()):
        return []
    known = set(re.findall(r"^(?:# ?)?([A-Z0-9_]+)=", example.read_text(), re.MULTILINE))
    known.add("ISOBAR_SANDBOX_URL")  # of containers, for each other
    prefixes = ["ISOBAR_", "ALERT_", "DATABASE_", "CELERY_", "WORKER_"]
    for source in found:
        known |= {*source.settings.variables().values()}
        prefixes.append(f"{source.name.upper()}_")
    return [
        name
        for name in dotenv_values(file)
        if name.startswith(tuple(prefixes)) and name.removesuffix("_FILE") not in known
    ]


def _has_module(package: str, name: str) -> bool:
    return importlib.util.find_spec(f"{package}.{name}") is not None


def _package_of(entry: EntryPoint) -> str:
    return f"{entry.dist.name if entry.dist else 'a package'} ({entry.value})"


def _module_of(entry: EntryPoint) -> str:
    return entry.value.partition(":")[0].strip()


def _loaded(entry: EntryPoint) -> Source:
    loaded = entry.load()
    source = getattr(loaded, "source", loaded)
    if not isinstance(source, Source):
        raise TypeError(f"{entry.value} is not a pipelines.source.Source")
    if source.name != entry.name:
        raise ValueError(f"the source is called {source.name!r}, its entry point {entry.name!r}")
    return source


def _mistakes(source: Source, found: Mapping[str, Source]) -> Iterator[str]:
    """Yield names and objects that belong to the platform or another source, or that are missing.

    Names of jobs, sensors, checks and assets are compared where they are built.
    """
    name, tables, names = source.name, source.metadata.tables, _names(source)
    if not is_source_name(name):
        yield f"{name!r} cannot be the name of a schema"
    if name in PLATFORM_NAMES:
        yield f"the name {name!r} belongs to Isobar"
    for one in [*tables, *source.object_files]:
        schemas = (name, "metrics") if one in tables else (name, "metrics", "enriched")
        if one.split(".")[0] not in schemas:
            yield f"{one} is in the schema of another source"
    if source.fetchers and not source.loads and not _has_module(source.package, "jobs"):
        yield "its feeds name no table: parse with Rows or Json, or list their tables in `loads`"
    for one in source.loads:
        if one not in tables:
            yield f"there is no table {one}: name its key in Records, or declare it in tables.py"
    feeds = [feed.name for feed in source.feeds]
    if len(set(feeds)) < len(feeds):
        yield f"two feeds have the same name: {', '.join(sorted(feeds))}"
    inboxes = [
        feed.name for feed in source.feeds for one in feed.fetchers if isinstance(one, FileInbox)
    ]
    if inboxes not in ([], [name]):
        yield f"a source has one inbox, in the feed that is called {name!r}"
    for one in sorted(names):
        if one.startswith((*PLATFORM_VARIABLES, "schedule housekeeping")):
            yield f"{one} belongs to Isobar"
        for other in found.values():
            if one in _names(other):
                yield f"{one} belongs to the source {other.name!r}"


def sources_of_feeds() -> dict[str, Source]:
    """Return the names of feeds in the ledger, each with its source."""
    return {
        ledger.feed or source.name: source
        for source in sources().values()
        for ledger in source.ledgers
    }


def is_source_name(name: str) -> bool:
    """Return whether a name can be that of a schema and a package, without quotation marks."""
    is_plain = is_plain_name(name) and len(name) <= 40
    return is_plain and not keyword.iskeyword(name) and not name.startswith("pg_")


def _names(source: Source) -> set[str]:
    """Return what only one source may have: objects, variables, schedules and deletions."""
    return {
        *source.metadata.tables,
        *source.object_files,
        *source.settings.variables().values(),
        *(f"feed {feed.name}" for feed in source.feeds),
        *(f"schedule {one.name}" for one in source.schedules),
        *(one.name for one in source.retention),
    }
