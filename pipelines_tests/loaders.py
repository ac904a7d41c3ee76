"""Runners of a source's feed, as in its job; and clients that do not wait long."""

from functools import partial
from typing import Any

import pytest

from pipelines.http.client import HttpClient
from pipelines.ingest.file_loader import LoadFile
from pipelines.ingest.runner import Runner
from pipelines.source import sources
from pipelines.warehouse.connection import Warehouse


def runner(
    source: str, store: Warehouse | None = None, run_id: str | None = None, **settings: object
) -> Runner:
    """Return the runner of a source's only feed, with these settings."""
    declared = sources()[source]
    (feed,) = declared.feeds
    values: Any = declared.settings(**settings)
    anywhere: Any = store
    return declared.runner(feed, anywhere, values, run_id)


def loader(source: str, run_id: str | None = None, **settings: object) -> LoadFile:
    """Return the function that loads one file of a source, with these settings."""
    return runner(source, None, run_id, **settings).load_file


def hasten(monkeypatch: pytest.MonkeyPatch, module: str, **options: Any) -> None:
    """Have the clients that a module opens try twice, with short waits."""
    quick = {"attempts": 2, "first_wait_seconds": 0.01, **options}

    def open_client(*positional: Any, **named: Any) -> HttpClient:
        return HttpClient(*positional, **(named | quick))

    monkeypatch.setattr(f"{module}.HttpClient", partial(open_client))
