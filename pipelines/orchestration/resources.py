"""Dagster's resources: the warehouse, and for each source its settings.

A resource is a shell: clients are opened from settings by each source's own code, which knows
nothing of Dagster.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
from pydantic import PrivateAttr, create_model

from pipelines.config import Settings
from pipelines.postgres.roles import LOADER
from pipelines.source import Source, sources
from pipelines.warehouse.connection import Warehouse


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """The warehouse as the loader."""

    url: str | None = None

    @contextmanager
    def open(self) -> Iterator[Warehouse]:
        """A `Warehouse`, the one of the environment unless `url` is given.

        This process keeps its sessions: a run has dozens of steps, each with a question or two.
        """
        yield _kept(self.url or Settings.current().warehouse_url(LOADER))


@cache
def _kept(url: str) -> Warehouse:
    return Warehouse(url)


class SourceResource(dg.ConfigurableResource[Any]):
    """Where a source is: the addresses among its settings, which the UI shows.

    `source_resource` makes one with a field for each address.
    """

    source: str
    _settings: Any = PrivateAttr(default=None)

    def settings(self) -> Any:
        """The source's settings, read once; an address of this resource wins over its variable.

        Raises `PermanentFailure` for a variable of no use.
        """
        if self._settings is None:
            addresses = {name: getattr(self, name) for name in _addresses(sources()[self.source])}
            self._settings = sources()[self.source].load_settings(**addresses)
        return self._settings


def source_resource(name: str, **addresses: str | None) -> SourceResource:
    """The resource of a source; `addresses` win over the variables of its settings."""
    source = sources()[name]
    fields: dict[str, Any] = dict.fromkeys(_addresses(source), (str | None, None))
    model = create_model(f"{name.title()}Resource", __base__=SourceResource, **fields)
    environment = Settings.current().environment
    values: dict[str, Any] = {
        field: dg.EnvVar(variable)
        for field in fields
        if environment.get(variable := source.settings.variable(field), "").strip()
    }
    made: SourceResource = model(source=name, **(values | addresses))
    return made


def _addresses(source: Source) -> list[str]:
    """The fields of a source's settings that say where it is."""
    return [
        field
        for field in source.settings.model_fields
        if {"url", "folder"} & source.settings.about(field).keys()
    ]


def utc_now() -> dt.datetime:
    """The present instant."""
    return dt.datetime.now(dt.UTC)


def utc_at(timestamp: float) -> dt.datetime:
    """The instant of so many seconds since 1970, as Dagster counts."""
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)
