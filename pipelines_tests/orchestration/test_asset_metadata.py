"""Every page of an asset states what it is, whose, and what it is made of."""

import re
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection

from pipelines.definitions import definitions
from pipelines.failures import PermanentFailure
from pipelines.orchestration import asset_metadata
from pipelines.orchestration.asset_metadata import EXTERNAL, as_dagster_failure, as_table
from pipelines.orchestration.checks import WARN, offending_rows, verdict
from pipelines.source import sources
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT

GRAPH = definitions.get_repository_def().asset_graph
NODES = {"/".join(node.key.path): node for node in GRAPH.asset_nodes}
GROUPS = {EXTERNAL, *sources(), "enriched", "metrics"}


def test_an_asset_page_has_a_description_and_an_owner() -> None:
    for name, node in NODES.items():
        first = (node.description or "").split(". ")[0]
        assert 10 < len(first) < 140, first
        assert node.group_name == name.split("/")[0]
        assert node.owners, name
        assert node.kinds, name
        assert node.tags["source"] in GROUPS - {EXTERNAL, "enriched", "metrics"}
        if node.is_executable:
            assert "postgres" in node.kinds, name
        if node.is_executable and "view" not in node.kinds:
            schema: Any = node.metadata["dagster/column_schema"]
            assert all(column.description for column in schema.columns), name
        if "view" in node.kinds:
            shown = str(node.metadata["SQL"].value)
            assert re.search(rf"VIEW {re.escape(name.replace('/', '.'))}\b", shown), name


def test_the_graph_has_groups_and_leads_from_sources_to_derivatives() -> None:
    assert {node.group_name for node in NODES.values()} == GROUPS
    for name, node in NODES.items():
        assert node.parent_keys or node.child_keys, f"{name} stands alone"
        assert node.is_external == (node.group_name == EXTERNAL)
        if name.startswith(EXTERNAL):
            assert node.child_keys
            assert not node.parent_keys
        upstream = GRAPH.get_ancestor_asset_keys(node.key) | {node.key}
        if name not in ("solar/plants", "solar/coverage"):  # people enter plants
            assert any(key.path[0] == EXTERNAL for key in upstream), f"{name} comes from nowhere"


def test_a_failure_of_ours_is_shown_without_what_caused_it() -> None:
    @dg.asset
    def late(context: dg.AssetExecutionContext) -> None:
        with as_dagster_failure(context):
            failure = PermanentFailure("it", "away", place="here", remedy="Wait.")
            raise failure from OSError("[Errno 111]")

    done = dg.materialize([late], raise_on_error=False)
    (data,) = [event.step_failure_data for event in done.all_events if event.is_step_failure]
    assert data.error is not None
    assert data.error.cause is None
    assert "Errno" not in data.error.to_string()
    assert data.error.message.endswith("it: away\n  where: here\n  what to do: Wait.\n")


def test_a_check_counts_offending_rows_and_shows_ordered_samples(warehouse: Warehouse) -> None:
    """It said 1000 of 3,341, as its query ended there."""
    query = "SELECT n, 'a' AS word FROM generate_series(1, 3341) AS n ORDER BY n DESC"
    queries = (query, "SELECT 1 AS one WHERE FALSE")
    with warehouse.engine.connect() as connection:
        found, none = (
            verdict(offending_rows(connection, sources()["flights"], one, "a test"), WARN)
            for one in queries
        )
    assert not found.passed
    assert found.metadata["offending"].value == 3341
    rows: Any = found.metadata["rows"].value
    assert [row.data for row in rows.records[:2]] == [
        {"n": 3341, "word": "a"},
        {"n": 3340, "word": "a"},
    ]
    assert (none.passed, [*none.metadata]) == (True, ["offending"])


def test_rows_of_a_large_table_are_estimated(
    warehouse: Warehouse, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute(
        "INSERT INTO bookings.hotels (hotel_id, name) SELECT n, n FROM generate_series(1, 500) AS n"
    )
    owner.execute("ANALYZE bookings.hotels")
    owner.execute("DELETE FROM bookings.hotels WHERE hotel_id = 1")
    for counted, expected in ((500, {"dagster/row_count": 499}), (499, {"estimated_rows": 500})):
        monkeypatch.setattr(asset_metadata, "COUNTED_ROWS", counted)
        with warehouse.engine.connect() as connection:
            found = asset_metadata.row_count(connection, dg.AssetKey(["bookings", "hotels"]))
        assert found == expected


def test_no_check_counts_to_a_limit_only() -> None:
    checks = sorted(PROJECT.glob("pipelines/sources/*/sql/checks/*.sql"))
    assert len(checks) > 10
    assert [one.name for one in checks if re.search(r"(?m)^LIMIT", one.read_text())] == []


def test_cells_show_lists_as_lists_and_characters_as_sent() -> None:
    rows = as_table([{"reasons": ["no price", "no name"], "sent": {"price": "£50"}, "count": 7}])
    (record,) = rows.records
    shown = {"reasons": "no price, no name", "sent": '{"price": "£50"}', "count": 7}
    assert record.data == shown
