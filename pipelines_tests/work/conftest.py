"""Two databases for all tests of this folder, one ten times as large as the other."""

from collections.abc import Iterator

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.work.filled import fill
from pipelines_tests.work.plans import Both

ROWS = (2_000, 20_000)
#: Plans depend on these, which follow from the machine otherwise. The page cost is that of disks
#: with a motor: where it is lower, plans may read more pages in random order, in less time.
PLANNED_WITH = {
    "random_page_cost": "4",
    "work_mem": "4MB",
    "effective_cache_size": "4GB",
    "max_parallel_workers_per_gather": "2",
}


@pytest.fixture(scope="package")
def urls(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The URLs of both, as their owner."""
    with made(server, template) as small, made(server, template) as large:
        found = server.url(SUPERUSER, small), server.url(SUPERUSER, large)
        for name, url, rows in zip((small, large), found, ROWS, strict=True):
            with (
                Warehouse(server.url(LOADER, name)) as warehouse,
                psycopg.connect(url, autocommit=True) as owner,
            ):
                for setting, value in PLANNED_WITH.items():
                    owner.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'".encode())
                fill(warehouse, owner, rows, tmp_path_factory.mktemp("files"))
        yield found


@pytest.fixture(scope="package")
def both(urls: tuple[str, str]) -> Iterator[Both]:
    """Connections to both."""
    with (
        psycopg.connect(urls[0], autocommit=True) as small,
        psycopg.connect(urls[1], autocommit=True) as large,
    ):
        yield small, large
