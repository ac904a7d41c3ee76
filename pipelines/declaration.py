"""The declaration of a source: what its package says, without importing Dagster.

A package of Isobar itself may have `sql/views/<source>.newest.sql`, which `ops.newest` gathers.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, JsonValue

from pipelines.config import Settings
from pipelines.config.env_validation import SourceSettings
from pipelines.ingest.feeds import Batches, Feed, Fetcher, FileInbox, HttpDocument, Input, PolledApi
from pipelines.ingest.models import table_of
from pipelines.ingest.reasons import ReasonCode
from pipelines.warehouse.sql_files import sql_files

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import MetaData, Table
    from starlette.routing import BaseRoute

    from pipelines.ingest.runner import Runner
    from pipelines.warehouse.connection import Warehouse


def deferred(reference: str) -> Callable[..., Any]:
    """Return a function that imports `package.module:name` on its first call."""
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
    """The inputs of a simulated source: a seed and a clock of UTC."""

    seed: int
    now: Callable[[], dt.datetime]


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
    #: Tables that the fetchers write, by default those of the records; the first shows the counts.
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
    #: A file of its package that the sandbox sends, if it has no `sandbox.py`.
    sample: str | None = None
    #: Called with the warehouse in the sandbox: loads initial data, and returns a message.
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
        if not has_module(self.package, name):
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


def has_module(package: str, name: str) -> bool:
    """Return whether a package has a module of this name; its package is imported for it."""
    return importlib.util.find_spec(f"{package}.{name}") is not None
