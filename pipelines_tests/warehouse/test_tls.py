"""A PostgreSQL that is reached over TLS, and known by its certificate: `sslmode=verify-full`."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

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


def test_migrating_and_loading_go_over_tls(secured: Secured, empty_database: str) -> None:
    apply.migrate(secured.url(SUPERUSER, empty_database))
    url = secured.url(LOADER, empty_database)
    with Warehouse(url) as store, store.transaction("solar") as connection:
        driver: Any = connection.connection.dbapi_connection
        assert driver.pgconn.ssl_in_use
        assert connection.execute(text("SELECT count(*) FROM flights.legs")).scalar() == 0


def test_psql_uses_tls_or_says_that_it_cannot(secured: Secured, database: str, state: Path) -> None:
    """The built-in one cannot: an installed one counts as an external server."""
    url = secured.url(SUPERUSER, database)
    done = isobar(state, "database", "psql", "-Atc", "SELECT 42", DATABASE_URL=url)
    if shutil.which("psql"):
        assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr
    else:
        assert "SSL support is not compiled in" in done.stderr


def loading(url: str) -> None:
    with Warehouse(url) as store, store.transaction("solar"):
        raise AssertionError("it was let in")


@pytest.mark.parametrize("connect", [apply.migrate, loading])
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
