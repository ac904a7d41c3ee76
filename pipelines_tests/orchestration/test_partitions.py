"""Partitions are those that can be filled, and what is stored is shown as filled."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines import isolation
from pipelines.definitions import definitions
from pipelines.isolation import is_broken
from pipelines.orchestration.partitions import RANGE_END, RANGE_START, align_partitions
from pipelines.orchestration.resources import WarehouseResource
from pipelines.source import Partitions, sources
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.jobs import failure
from pipelines_tests.sources.solar.made_up import register

SNAPSHOTS, READINGS = dg.AssetKey(["flights", "snapshots"]), dg.AssetKey(["solar", "readings"])
NOW = dt.datetime(2026, 3, 5, 0, 30, tzinfo=dt.UTC)
DECLARED = [one for source in sources().values() for one in source.partitions]


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(isolation._BROKEN)
    monkeypatch.setattr("pipelines.orchestration.partitions.utc_now", lambda: NOW)
    yield
    isolation._BROKEN.clear()
    isolation._BROKEN.update(before)


def align(warehouse: Warehouse, instance: dg.DagsterInstance) -> list[str]:
    with warehouse.engine.connect() as connection:
        return align_partitions(instance, connection)


def archive(owner: psycopg.Connection, *days: str) -> None:
    owner.execute(
        "INSERT INTO flights.payloads (sha256, byte_count) VALUES ('a', 1) ON CONFLICT DO NOTHING"
    )
    for day in days:
        owner.execute(
            "INSERT INTO flights.snapshots (snapshot_at, sha256, source_url) VALUES (%s, 'a', '')",
            [f"{day} 23:59:59+00"],
        )


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one.name)
def test_its_asset_has_the_partitions_that_a_source_declares(declared: Partitions) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(declared.on.split(".")))
    assert isinstance(node.partitions_def, dg.DynamicPartitionsDefinition)
    assert node.partitions_def.name == declared.name
    policy = node.backfill_policy
    assert policy is not None
    assert policy.max_partitions_per_run is None, "all in one run"


def test_every_partitioned_asset_declares_its_partitions() -> None:
    graph = definitions.resolve_asset_graph()
    partitioned = {node.key.to_user_string() for node in graph.asset_nodes if node.partitions_def}
    assert partitioned == {one.on.replace(".", "/") for one in DECLARED}


def test_days_of_the_archive_are_shown_without_a_run_and_today_is_offered(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    archive(owner, "2026-03-01", "2026-03-03")
    align(warehouse, instance)
    days = instance.get_dynamic_partitions("flights_days")
    assert days == ["2026-03-01", "2026-03-03", "2026-03-05"]
    assert instance.get_materialized_partitions(SNAPSHOTS) == {"2026-03-01", "2026-03-03"}
    assert instance.get_runs() == []


def test_an_earlier_day_that_comes_late_has_its_place(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    """Ranges are of Dagster's order: such a day was left out of those that span it."""
    archive(owner, "2026-03-01", "2026-03-03")
    align(warehouse, instance)
    archive(owner, "2026-03-02")
    assert align(warehouse, instance) == ["flights_days: 1 added, 0 removed"]
    days = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-05"]
    assert instance.get_dynamic_partitions("flights_days") == days
    instance.delete_dynamic_partition("flights_days", "2026-03-01")
    instance.add_dynamic_partitions("flights_days", ["2026-03-01"])
    align(warehouse, instance)
    assert instance.get_dynamic_partitions("flights_days") == days


def test_a_range_without_partitions_is_rejected(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    """With its ends swapped, today was loaded instead, and all plants."""
    archive(owner, "2026-03-01", "2026-03-03")
    for name in "ab":
        register(owner, name, latitude=50, longitude=10)
    align(warehouse, instance)
    url = warehouse.engine.url.render_as_string(hide_password=False)
    assets: Any = definitions.assets
    for key, first, last in ((SNAPSHOTS, "2026-03-03", "2026-03-01"), (READINGS, "2", "1")):
        done = dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(key).without_checks(),
            instance=instance,
            resources={**(definitions.resources or {}), "warehouse": WarehouseResource(url=url)},
            tags={RANGE_START: first, RANGE_END: last},
            raise_on_error=False,
        )
        assert f"the range from {first} to {last} has no partitions" in failure(done)


def test_a_day_without_a_document_goes_with_the_next_one(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    align(warehouse, instance)
    assert instance.get_dynamic_partitions("flights_days") == ["2026-03-05"]
    monkeypatch.setattr(
        "pipelines.orchestration.partitions.utc_now", lambda: NOW + dt.timedelta(days=1)
    )
    assert align(warehouse, instance) == ["flights_days: 1 added, 1 removed"]
    assert instance.get_dynamic_partitions("flights_days") == ["2026-03-06"]


def test_a_plant_is_filled_once_it_was_synced(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    for name in "ab":
        register(owner, name, latitude=50, longitude=10)
    owner.execute(
        "INSERT INTO solar.syncs (plant_id, began_at, ended_at, history_from)"
        " VALUES (1, now(), now(), '2026-01-01')"
    )
    align(warehouse, instance)
    assert instance.get_dynamic_partitions("solar_plants") == ["1", "2"]
    assert instance.get_materialized_partitions(READINGS) == {"1"}


def test_a_plant_that_is_retired_cannot_be_filled(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    register(owner, "a", latitude=50, longitude=10)
    align(warehouse, instance)
    assert instance.get_dynamic_partitions("solar_plants") == ["1"]
    owner.execute("UPDATE solar.plants SET retired_at = now()")
    align(warehouse, instance)
    assert instance.get_dynamic_partitions("solar_plants") == []


def test_what_a_killed_run_has_archived_is_shown_later(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    align(warehouse, instance)
    assert instance.get_materialized_partitions(SNAPSHOTS) == set()
    archive(owner, "2026-03-05")
    align(warehouse, instance)
    assert instance.get_materialized_partitions(SNAPSHOTS) == {"2026-03-05"}


def test_a_plug_in_whose_query_fails_does_not_stop_the_others(
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = replace(sources()["solar"], name="wrong", package="wrong")
    monkeypatch.setattr(
        "pipelines.orchestration.partitions.sources",
        lambda: {"wrong": wrong, "flights": sources()["flights"]},
    )
    monkeypatch.setattr("pipelines.orchestration.partitions.is_plugin", lambda one: one is wrong)
    assert align(warehouse, instance) == ["flights_days: 1 added, 0 removed"]
    assert is_broken("wrong")


def test_nothing_is_written_where_nothing_has_changed(
    warehouse: Warehouse, owner: psycopg.Connection, instance: dg.DagsterInstance
) -> None:
    """Nor is what a run has materialized reported again."""
    archive(owner, "2026-03-01")
    instance.report_runless_asset_event(
        dg.AssetMaterialization(SNAPSHOTS, partition="2026-03-01", description="by a run")
    )
    assert align(warehouse, instance)
    assert align(warehouse, instance) == []
    records = instance.fetch_materializations(SNAPSHOTS, limit=10).records
    assert len(records) == 1
