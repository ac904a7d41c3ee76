"""Dagster resources: the warehouse, and the settings of each source.

A resource is a thin shell. Each source's own code, which does not depend on Dagster, opens clients
from its settings.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr, create_model
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pipelines.config import Settings
from pipelines.failures import Failure, PermanentFailure
from pipelines.postgres.errors import failure_of, is_cancelled
from pipelines.postgres.roles import LOADER
from pipelines.source import Source, sources
from pipelines.warehouse.connection import Warehouse, set_local


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse as the loader."""

    url: str | None = Field(
        default=None, description="URL to use instead of the warehouse's own, as the loader."
    )

    @contextmanager
    def open(self) -> Iterator[Warehouse]:
        """Yield a `Warehouse`, by default that of the environment.

        Its connections are pooled in this process: a run has dozens of steps with a query or two
        each.
        """
        yield _kept(self.url or Settings.current().warehouse_url(LOADER))

    @contextmanager
    def limited(self, what: str, file: str | None = None) -> Iterator[Connection]:
        """Yield a connection whose statements have the time limit of checks and views.

        Failures are about `what` and name its `file`, if it has one: `PermanentFailure` if a
        statement exceeds the limit, and those of `failure_of`.
        """
        seconds = Settings.current().statement_seconds
        with self.open() as store, store.engine.connect() as connection:
            place = file or store.place
            remedy = "Make its SQL faster, or raise ISOBAR_STATEMENT_SECONDS."
            try:
                with cancelled_after(connection, seconds, what, place=place, remedy=remedy):
                    yield connection
            except DBAPIError as error:
                raise failure_of(error, what, f"{what} failed", place=place) from error


@contextmanager
def cancelled_after(
    connection: Connection, seconds: int, what: str, *, place: str, remedy: str
) -> Iterator[None]:
    """Limit the time of each statement, until the transaction ends.

    Raises `PermanentFailure` about `what` if one exceeds it.
    """
    set_local(connection, "statement_timeout", f"{seconds}s")
    try:
        yield
    except (DBAPIError, Failure) as error:
        if not is_cancelled(error):
            raise
        problem = f"{what} took longer than {seconds} s and was cancelled"
        raise PermanentFailure(what, problem, place=place, remedy=remedy) from error


@cache
def _kept(url: str) -> Warehouse:
    return Warehouse(url)


class SourceResource(dg.ConfigurableResource[Any]):
    """Where a source is: the addresses among its settings, which the UI shows.

    `source_resource` makes one with a field for each address.
    """

    source: str = Field(description="Name of the source.")
    _settings: Any = PrivateAttr(default=None)

    def settings(self) -> Any:
        """Return the source's settings, read once; URLs of this resource override the variables.

        Raises `PermanentFailure` for an invalid variable.
        """
        if self._settings is None:
            addresses = {name: getattr(self, name) for name in _addresses(sources()[self.source])}
            self._settings = sources()[self.source].load_settings(**addresses)
        return self._settings


def source_resource(name: str, **addresses: str | None) -> SourceResource:
    """Return the resource of a source; `addresses` override the variables of its settings."""
    source = sources()[name]
    described = source.settings.model_fields
    fields: dict[str, Any] = {
        field: (str | None, Field(None, description=described[field].description))
        for field in _addresses(source)
    }
    model = create_model(
        f"{name.title()}Resource",
        __base__=SourceResource,
        __doc__=f"The addresses of {name}. Empty: those of the environment.",
        **fields,
    )
    environment = Settings.current().environment
    values: dict[str, Any] = {
        field: dg.EnvVar(variable)
        for field in fields
        if environment.get(variable := source.settings.variable(field), "").strip()
    }
    made: SourceResource = model(source=name, **(values | addresses))
    return made


def _addresses(source: Source) -> list[str]:
    """Return the fields of a source's settings that hold a URL or a folder."""
    return [
        field
        for field in source.settings.model_fields
        if {"url", "folder"} & source.settings.about(field).keys()
    ]


def utc_now() -> dt.datetime:
    """Return the current time in UTC."""
    return dt.datetime.now(dt.UTC)


def utc_at(timestamp: float) -> dt.datetime:
    """Return the time of a Unix timestamp, in UTC."""
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)
