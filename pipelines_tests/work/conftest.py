"""Two databases for all tests of this folder, one ten times as large as the other."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.databases import made
from pipelines_tests.work.filled import fill

ROWS = {"small": 2_000, "large": 20_000}


class Both(NamedTuple):
    """Something of the smaller database, and of the larger one."""

    small: str
    large: str


@pytest.fixture(scope="package")
def urls(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """The URLs of both, as their owner."""
    with made(server, template) as small, made(server, template) as large:
        found = Both(*(server.url(SUPERUSER, name) for name in (small, large)))
        for name, url, rows in zip((small, large), found, ROWS.values(), strict=True):
            with (
                Warehouse(server.url(LOADER, name)) as warehouse,
                psycopg.connect(url, autocommit=True) as owner,
            ):
                fill(warehouse, owner, rows, tmp_path_factory.mktemp("files"))
        yield found


@pytest.fixture(scope="package")
def both(urls: Both) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """Connections to both."""
    with (
        psycopg.connect(urls.small, autocommit=True) as small,
        psycopg.connect(urls.large, autocommit=True) as large,
    ):
        yield small, large
