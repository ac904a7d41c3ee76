"""Fifty loads at once into one table: the rows of one after the other, and nothing left behind."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from pipelines.ingest.deliveries import unbalanced
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills import loads
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.loads import DEADLOCKS, LEFT_OVER, LOADS, insist

LOADERS = 50
#: Deliveries of each loader.
EACH = 2 if LONG else 1
MAX_SECONDS = 240


@pytest.fixture
def one_by_one(
    server: Connections, template: str, tmp_path: Path
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Return the contents of a domain's tables when its deliveries are loaded in order."""
    with made(server, template) as name, psycopg.connect(server.url(SUPERUSER, name)) as owner:
        owner.autocommit = True
        store = Warehouse(server.url(LOADER, name))
        loads.prepare(owner)

        def stored(domain: str) -> dict[str, str]:
            for number in range(LOADERS * EACH):
                LOADS[domain](store, number, tmp_path)
            return loads.rows(owner)

        yield stored
        store.dispose()


def load_at_once(server: Connections, database: str, domain: str, folder: Path) -> list[str]:
    """Load all deliveries at once; return the messages of loaders that had to wait."""
    together = threading.Barrier(LOADERS)

    def go(loader: int) -> list[str]:
        store = Warehouse(server.url(LOADER, database))
        own = folder / str(loader)
        own.mkdir()
        problems = []
        together.wait()
        for number in range(loader, LOADERS * EACH, LOADERS):
            problems += insist(lambda number=number: LOADS[domain](store, number, own))  # type: ignore[misc]
        store.dispose()
        return problems

    began = time.monotonic()
    with ThreadPoolExecutor(LOADERS) as pool:
        problems = [words for waited in pool.map(go, range(LOADERS)) for words in waited]
    assert time.monotonic() - began < MAX_SECONDS
    return problems


def check_nothing_is_left(owner: psycopg.Connection, store: Warehouse, domain: str) -> None:
    """No session, lock or deadlock; and the ledger's sums are right."""
    assert owner.execute(LEFT_OVER).fetchall() == []
    assert owner.execute(DEADLOCKS).fetchone() == (0,)
    with store.engine.connect() as connection:
        assert unbalanced(connection, domain) == []
        query = text("SELECT count(*) FROM ops.deliveries WHERE feed = :source")
        assert connection.execute(query, {"source": domain}).scalar_one() > 0


@pytest.mark.parametrize("domain", LOADS)
def test_fifty_loads_at_once_end_as_one_after_the_other(
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    warehouse: Warehouse,
    one_by_one: Callable[[str], dict[str, str]],
    tmp_path: Path,
    domain: str,
) -> None:
    loads.prepare(owner)
    problems = load_at_once(server, database, domain, tmp_path)
    assert problems == []
    assert loads.rows(owner) == one_by_one(domain)
    check_nothing_is_left(owner, warehouse, domain)
