"""SQL of a source that fails in checks and views names its file."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from pipelines.migrations import apply
from pipelines.orchestration import checks
from pipelines.orchestration.resources import WarehouseResource
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.source import sources
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.plugins import VIEW, installed, write

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


def test_a_check_shows_the_rows_that_it_found() -> None:
    found = checks.verdict([{"hotel_id": 7}], checks.WARN)
    assert not found.passed
    assert found.metadata["rows"].value.records[0].data == {"hotel_id": 7}  # type: ignore[union-attr]
    nothing = checks.verdict([], checks.WARN)
    assert (nothing.passed, [*nothing.metadata]) == (True, ["offending"])


@pytest.mark.parametrize("query", QUERIES)
def test_a_check_that_fails_does_not_pass_and_names_its_file(
    resource: WarehouseResource, query: str
) -> None:
    """Incident: the run failed with a traceback, and other checks with it."""
    bookings, file = sources()["bookings"], "sql/checks/no_conflicts.sql"
    find = partial(checks.offending_rows, source=bookings, query=query, place=file)
    spec = dg.AssetCheckSpec("no_conflicts", asset="events")
    result = checks.evaluated(resource, checks.RowCheck(spec, "no_conflicts", find, file))
    assert not result.passed
    assert QUERIES[query] in str(result.description)


def test_a_view_that_fails_names_its_file(
    server: Connections, database: str, tmp_path: Path
) -> None:
    failing = VIEW.replace("SELECT stop_id, name", "SELECT stop_id, name, 1 / stop_id AS inverse")
    write(tmp_path, "buses", {"sql/views/enriched.{name}_stops.sql": failing})
    with installed(tmp_path):
        apply.migrate(server.url(SUPERUSER, database))
        with (
            Warehouse(server.url(SUPERUSER, database), role=None) as owner,
            owner.engine.begin() as connection,
        ):
            connection.exec_driver_sql("INSERT INTO buses.stops VALUES (0, 'Zero')")
        resource = WarehouseResource(url=server.url(LOADER, database))
        definitions = build_definitions({"warehouse": resource})
        with dg.DagsterInstance.ephemeral(str(tmp_path)) as instance:
            failed: Any = dg.materialize(
                [definitions.get_assets_def(dg.AssetKey(["enriched", "buses_stops"]))],
                resources={"warehouse": resource},
                instance=instance,
                raise_on_error=False,
            )
    (event,) = [one for one in failed.all_node_events if one.is_step_failure]
    message = str(event.event_specific_data)
    assert "the view enriched.buses_stops failed: division by zero" in message
    assert "where: sql/views/enriched.buses_stops.sql" in message
