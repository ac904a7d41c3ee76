"""A PostgreSQL that is reached over TLS, and known by its certificate: `sslmode=verify-full`."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from pipelines.failures import TransientFailure
from pipelines.migrations import apply
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import tls
from pipelines_tests.command import isobar


@dataclass(frozen=True)
class Secured:
    """A server that accepts TLS only, and the authorities there are."""

    plain: Connections
    port: int
    authority: Path
    another: Path

    def url(self, role: str, database: str, host: str = "localhost", by: Path | None = None) -> str:
        words = f"{role}:{self.plain.passwords[role]}@{host}:{self.port}/{database}"
        return f"postgresql://{words}?sslmode=verify-full&sslrootcert={by or self.authority}"


@pytest.fixture(scope="module")
def secured(server: Connections, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    ours, another = tls.authority(folder, "ours"), tls.authority(folder, "another")
    with tls.server(server.port, tls.certificate(folder, "localhost", ours)) as port:
        yield Secured(server, port, ours.file, another.file)


def is_encrypted(connection: Connection) -> bool:
    driver: Any = connection.connection.dbapi_connection
    return bool(driver.pgconn.ssl_in_use)


def test_migrating_and_loading_go_over_tls(secured: Secured, empty_database: str) -> None:
    apply.migrate(secured.url(SUPERUSER, empty_database))
    store = Warehouse(secured.url(LOADER, empty_database))
    with store.transaction("solar") as connection:
        assert is_encrypted(connection)
        assert connection.execute(text("SELECT count(*) FROM flights.legs")).scalar() == 0
    store.dispose()


def test_psql_uses_tls_or_reports_that_it_cannot(
    secured: Secured, database: str, state: Path
) -> None:
    """The built-in one cannot: an installed one counts as an external server."""
    url = secured.url(SUPERUSER, database)
    done = isobar(state, "database", "psql", "-Atc", "SELECT 42", DATABASE_URL=url)
    if shutil.which("psql"):
        assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr
    else:
        assert "SSL support is not compiled in" in done.stderr


def migrating(url: str) -> None:
    apply.migrate(url)


def loading(url: str) -> None:
    store = Warehouse(url)
    try:
        with store.transaction("solar"):
            raise AssertionError("it was let in")
    finally:
        store.dispose()


@pytest.mark.parametrize("connect", [migrating, loading])
def test_another_server_is_rejected_in_words(
    secured: Secured, database: str, tmp_path: Path, connect: Callable[[str], None]
) -> None:
    by_another = secured.url(LOADER, database, by=secured.another)
    with pytest.raises(TransientFailure, match="certificate verify failed"):
        connect(by_another)
    of_another_name = secured.url(LOADER, database, host="127.0.0.1")
    with pytest.raises(TransientFailure, match=r"does not match host name .127\.0\.0\.1"):
        connect(of_another_name)
    without = f"{secured.plain.url(LOADER, database)}?{by_another.partition('?')[2]}"
    with pytest.raises(TransientFailure, match="does not support SSL, but SSL was required"):
        connect(without)
    with pytest.raises(TransientFailure, match=r'file ".*gone.crt" does not exist'):
        connect(secured.url(LOADER, database, by=tmp_path / "gone.crt"))
