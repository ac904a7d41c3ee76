"""Runners of a source's feed, as in its job; and clients that do not wait long."""

from functools import partial
from typing import Any

import pytest

from pipelines.http.client import HttpClient
from pipelines.ingest.runner import Runner
from pipelines.source import sources
from pipelines.warehouse.connection import Warehouse


def runner(source: str, store: Warehouse, run_id: str | None = None, **settings: object) -> Runner:
    """Return the runner of a source's only feed, with these settings."""
    declared = sources()[source]
    (feed,) = declared.feeds
    values: Any = declared.settings(**settings)
    return declared.runner(feed, store, values, run_id)


def hasten(monkeypatch: pytest.MonkeyPatch, module: str, **options: Any) -> None:
    """Have the clients that a module opens try twice, with short waits."""
    quick = {"attempts": 2, "first_wait_seconds": 0.01, **options}

    def open_client(*positional: Any, **named: Any) -> HttpClient:
        return HttpClient(*positional, **(named | quick))

    monkeypatch.setattr(f"{module}.HttpClient", partial(open_client))
