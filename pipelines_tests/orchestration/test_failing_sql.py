"""SQL of a source that fails in checks and views names its file."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration import checks
from pipelines.orchestration.resources import WarehouseResource
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.source import sources
from pipelines.testing.drivers import failures
from pipelines_tests.authors import Author
from pipelines_tests.plugins import VIEW, write

#: What a query does, and what is said of it.
QUERIES: Mapping[str, str] = {
    "SELECT nothing": "sql/checks/no_conflicts.sql failed",
    "SELECT 1 / 0": "sql/checks/no_conflicts.sql failed, and nothing was written: division by zero",
    "DELETE FROM ops.quarantine": "sql/checks/no_conflicts.sql failed",
    "SELECT pg_sleep(10)::text": "the check no_conflicts took longer than 1 s",
}


@pytest.fixture
def resource(
    server: Connections, database: str, monkeypatch: pytest.MonkeyPatch
) -> WarehouseResource:
    monkeypatch.setenv("ISOBAR_STATEMENT_SECONDS", "1")
    return WarehouseResource(url=server.url(LOADER, database))


@pytest.mark.parametrize("query", QUERIES)
def test_a_failing_check_names_its_file(resource: WarehouseResource, query: str) -> None:
    """Incident: the run failed with a traceback, and other checks with it."""
    bookings, file = sources()["bookings"], "sql/checks/no_conflicts.sql"
    find = partial(checks.offending_rows, source=bookings, query=query, place=file)
    spec = dg.AssetCheckSpec("no_conflicts", asset="events")
    result = checks.evaluated(resource, checks.RowCheck(spec, "no_conflicts", find, file))
    assert not result.passed
    assert QUERIES[query] in str(result.description)


def test_a_failing_view_names_its_file(server: Connections, database: str, tmp_path: Path) -> None:
    failing = VIEW.replace("SELECT stop_id, name", "SELECT stop_id, name, 1 / stop_id AS inverse")
    write(tmp_path, "buses", {"sql/views/enriched.{name}_stops.sql": failing})
    buses = Author("buses", tmp_path, server, database)
    with buses.is_installed:
        buses.install()
        buses.run()
        buses.query("INSERT INTO buses.stops VALUES (0, 'Zero') RETURNING 1")
        (message,) = failures(buses.run())
    assert "the view enriched.buses_stops failed: division by zero" in message
    assert "where: sql/views/enriched.buses_stops.sql" in message
