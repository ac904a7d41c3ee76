"""Dagster resources: the warehouse, and the settings of each source."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import Connection

from pipelines.config import Settings
from pipelines.failures import Failure, PermanentFailure
from pipelines.postgres.errors import is_cancelled, translated
from pipelines.postgres.roles import LOADER
from pipelines.source import sources
from pipelines.warehouse.connection import Warehouse, set_local


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse as the loader."""

    url: str | None = Field(
        default=None, description="URL to use instead of the warehouse's own, as the loader."
    )

    @contextmanager
    def open(self) -> Iterator[Warehouse]:
        """Yield a `Warehouse`, whose connections are pooled: a run has dozens of small steps."""
        yield _kept(self.url or Settings.current().warehouse_url(LOADER))

    @contextmanager
    def limited(self, what: str, file: str | None = None) -> Iterator[Connection]:
        """Yield a connection whose statements have the time limit of checks and views.

        Raises `PermanentFailure` about `what` and its `file` if a statement exceeds the limit.
        """
        seconds = Settings.current().statement_seconds
        with self.open() as store:
            place = file or store.place
            try:
                with (
                    translated(what, f"{what} failed", place=place),
                    store.engine.connect() as connection,
                ):
                    set_local(connection, "statement_timeout", f"{seconds}s")
                    yield connection
            except Failure as failure:
                if not is_cancelled(failure):
                    raise
                problem = f"{what} took longer than {seconds} s and was cancelled"
                remedy = "Make its SQL faster, or raise ISOBAR_STATEMENT_SECONDS."
                raise PermanentFailure(what, problem, place=place, remedy=remedy) from failure


@cache
def _kept(url: str) -> Warehouse:
    return Warehouse(url)


class SourceResource(dg.ConfigurableResource[Any]):
    """The settings of a source, by default those of the environment."""

    source: str = Field(description="Name of the source.")
    addresses: dict[str, str] = Field(
        default={}, description="Addresses to use instead of those of its variables."
    )

    def settings(self) -> Any:
        """Return the source's settings. Raises `PermanentFailure` for an invalid variable."""
        return sources()[self.source].load_settings(None, **self.addresses)


def source_resource(name: str, **addresses: str) -> SourceResource:
    """Return the resource of a source; `addresses` override the variables of its settings."""
    return SourceResource(source=name, addresses=addresses)


def utc_now() -> dt.datetime:
    """Return the current time in UTC."""
    return dt.datetime.now(dt.UTC)


def utc_at(timestamp: float) -> dt.datetime:
    """Return the time of a Unix timestamp, in UTC."""
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)
