"""What loads files of a source, as its job would; and clients that do not wait long."""

from functools import partial
from typing import Any, BinaryIO

import pytest
from sqlalchemy import Connection

from pipelines.http.client import HttpClient
from pipelines.ingest.deliveries import Delivery, Outcome
from pipelines.ingest.file_loader import Load
from pipelines.source import FileInbox, sources


def loader(source: str, run_id: str | None = None, **settings: object) -> Load:
    """Return the function that loads one file of a source, with these settings."""
    declared = sources()[source]
    (inbox,) = (one for one in declared.fetch if isinstance(one, FileInbox))
    values: Any = declared.settings(**settings)

    def load(connection: Connection, file: BinaryIO, delivery: Delivery) -> Outcome:
        return inbox.load(connection, file, delivery, values, run_id)

    return load


def hasten(monkeypatch: pytest.MonkeyPatch, module: str, **options: Any) -> None:
    """Have the clients that a module opens try twice, with short waits."""
    quick = {"attempts": 2, "first_wait_seconds": 0.01, **options}

    def open_client(*positional: Any, **named: Any) -> HttpClient:
        return HttpClient(*positional, **(named | quick))

    monkeypatch.setattr(f"{module}.HttpClient", partial(open_client))
