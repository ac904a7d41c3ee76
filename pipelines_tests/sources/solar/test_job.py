"""The jobs of solar plants as Dagster runs them, their sensor and their schedule."""

import datetime as dt
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from pipelines.config import Settings
from pipelines.definitions import definitions
from pipelines.failures import PermanentFailure
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.sources.solar import source
from pipelines.sources.solar.jobs import solar_sync_due
from pipelines.sources.solar.windows import Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import sensors
from pipelines_tests.fake_source import FakeSource, body, document
from pipelines_tests.jobs import failures
from pipelines_tests.loaders import hasten
from pipelines_tests.sources.solar.made_up import items_of, register, rows
from pipelines_tests.sources.solar.test_sync import Service

READINGS = dg.AssetKey(["solar", "readings"])
NOW = dt.datetime.now(dt.UTC)
#: Which at 00:45 is the day before: until then the schedule may still request it.
WITHOUT_YESTERDAY = """
    DELETE FROM solar.days
    WHERE day >= ((now() - interval '45 minutes') AT TIME ZONE 'UTC')::date - 1
"""
#: By then the schedule has requested yesterday.
TODAY = NOW.date()


LIVE = {"ISOBAR_SOURCES": "live"}
OLD_AND_DUE = """
INSERT INTO solar.days
(plant_id, day, status, hours_expected, hours_present, requested_at, retry_at)
VALUES (1, '1999-01-01', 'failed', 24, 0, now(), now())
"""


@pytest.fixture
def service(source: FakeSource) -> Service:
    return Service(source)


@pytest.fixture
def resources(
    warehouse: Warehouse, service: Service, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    hasten(monkeypatch, "pipelines.sources.solar.client")
    monkeypatch.setenv("SYNC_UNTIL_YEAR", "0")
    url = warehouse.engine.url.render_as_string(hide_password=False)
    return {
        "warehouse": WarehouseResource(url=url),
        "solar": source_resource("solar", monitoring_url=service.source.url),
    }


@pytest.fixture
def a_year(resources: dict[str, Any], service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have history go back for a year; other tests sync the last days alone."""
    monkeypatch.setenv("SYNC_UNTIL_YEAR", "1")
    resources["solar"] = source_resource("solar", monitoring_url=service.source.url)


def run(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    job: str = "solar",
    operation: str = "solar_readings",
    tags: dict[str, str] | None = None,
    **config: Any,
) -> dg.ExecuteInProcessResult:
    return sensors.job(job).execute_in_process(
        resources=resources,
        instance=instance,
        run_config={"ops": {operation: {"config": config}}} if config else {},
        raise_on_error=False,
        tags={"isobar/interactive": "a test"} | (tags or {}),
    )


def partitions_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """The partitions that were materialized, in order."""
    return [
        str(event.partition)
        for event in result.get_asset_materialization_events()
        if event.asset_key == READINGS
    ]


def test_one_run_syncs_all_plants_and_reports_each(
    resources: dict[str, Any], instance: dg.DagsterInstance, owner: psycopg.Connection
) -> None:
    for name in "abc":
        register(owner, name, latitude=50, longitude=10)
    result = run(resources, instance)
    assert result.success, failures(result)
    assert sorted(partitions_of(result)) == ["1", "2", "3"]
    assert sorted(instance.get_dynamic_partitions("solar_plants")) == ["1", "2", "3"]
    [event] = [
        event for event in result.get_asset_materialization_events() if event.partition == "2"
    ]
    metadata = {key: value.value for key, value in event.materialization.metadata.items()}
    assert metadata["plant"] == "b"
    assert metadata["days_complete"] == (TODAY - min_day(owner)).days
    assert metadata["read"] == metadata["loaded"] == metadata["dagster/partition_row_count"]
    names = {".".join(event.asset_key.path) for event in materialized(result)}
    assert names >= {"solar.plants", "solar.coverage", "metrics.solar_daily"}


def materialized(result: dg.ExecuteInProcessResult) -> list[Any]:
    return list(result.get_asset_materialization_events())


def min_day(owner: psycopg.Connection) -> dt.date:
    [(day,)] = rows(owner, "SELECT min(day) FROM solar.days")
    assert isinstance(day, dt.date)
    return day


@pytest.mark.answers("P52")
def test_p52_failed_plants_fail_the_run_by_name(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    service: Service,
) -> None:
    plants = [register(owner, name) for name in ("Sierra", "Havel", "Montado")]
    service.spoil = lambda plant, *_: body(b"", 500) if plant == plants[1].plant_id else None
    result = run(resources, instance)
    assert not result.success
    [words] = failures(result)
    assert "not synced whole" in words
    assert "MONITORING_URL" in words
    assert "Havel" in words
    assert "500" in words
    assert "Sierra" not in words
    assert sorted(partitions_of(result)) == ["1", "3"]
    assert rows(owner, "SELECT DISTINCT status FROM solar.days WHERE plant_id = 3") == [
        ("complete",)
    ]
    names = {".".join(event.asset_key.path) for event in materialized(result)}
    assert "solar.coverage" in names  # what follows is not blocked


def test_a_plant_is_a_partition_and_so_are_several(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    service: Service,
) -> None:
    for name in "abcd":
        register(owner, name)
    instance.add_dynamic_partitions("solar_plants", ["1", "2", "3", "4"])
    result = run(resources, instance, tags={"dagster/partition": "2"})
    assert result.success
    assert partitions_of(result) == ["2"]
    many = {ASSET_PARTITION_RANGE_START_TAG: "3", ASSET_PARTITION_RANGE_END_TAG: "4"}
    result = run(resources, instance, tags=many)
    assert result.success
    assert sorted(partitions_of(result)) == ["3", "4"]
    assert {plant for plant, _ in service.requested} == {2, 3, 4}


def test_a_plant_that_fails_is_no_materialized_partition(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    service: Service,
) -> None:
    register(owner)
    instance.add_dynamic_partitions("solar_plants", ["1"])
    service.spoil = lambda *_: body(b"", 500)
    result = run(resources, instance, tags={"dagster/partition": "1"})
    assert not result.success
    assert partitions_of(result) == []
    assert instance.get_materialized_partitions(READINGS) == set()


def test_partitions_follow_the_registry(
    resources: dict[str, Any], instance: dg.DagsterInstance, owner: psycopg.Connection
) -> None:
    instance.add_dynamic_partitions("solar_plants", ["77"])
    register(owner)
    run(resources, instance)
    assert list(instance.get_dynamic_partitions("solar_plants")) == ["1"]


@pytest.mark.answers("P23")
def test_p23_days_are_requested_by_hand(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant = register(owner)
    monkeypatch.setenv("SYNC_UNTIL_YEAR", "50")
    resources["solar"] = source_resource("solar", monitoring_url=service.source.url)
    days: Any = {"plants": [plant.plant_id], "from_date": "2020-02-01", "to_date": "2020-03-01"}
    result = run(resources, instance, "backfill_solar_days", "request_days", **days)
    assert result.success
    window = Window(dt.date(2020, 2, 1), dt.date(2020, 3, 1))
    assert service.requested == [(plant.plant_id, window)]
    service.spoil = lambda *_: body(b"", 500)
    result = run(resources, instance, "backfill_solar_days", "request_days", **days)
    assert not result.success
    assert "500" in failures(result)[0]


@pytest.mark.answers("P17", "P25")
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"from_date": "2020-02-30"}, "from_date is '2020-02-30'. Incorrect data format"),
        ({"to_date": "01.03.2020"}, "Incorrect data format, should be YYYY-MM-DD"),
        ({"to_date": "20200301"}, "Incorrect data format, should be YYYY-MM-DD"),
        ({"to_date": "2019-01-01"}, "From date can not be greater than to date"),
        ({"to_date": "2999-01-01"}, "in the future"),
        ({"plants": [99]}, "there is no plant 99"),
        ({"plants": [10**30]}, "there is no plant"),
        ({"plants": []}, "no plant is chosen"),
        ({"from_date": "YYYY-MM-DD"}, "from_date is 'YYYY-MM-DD'. Incorrect data format"),
    ],
)
def test_p16_p17_p18_p25_impossible_requests_are_rejected(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    service: Service,
    changed: dict[str, Any],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(owner)
    monkeypatch.setenv("SYNC_UNTIL_YEAR", "50")
    resources["solar"] = source_resource("solar", monitoring_url=service.source.url)
    days = {"plants": [1], "from_date": "2020-02-01", "to_date": "2020-03-01"} | changed
    result = run(resources, instance, "backfill_solar_days", "request_days", **days)
    assert not result.success
    assert words in failures(result)[0]
    assert service.requested == []


@pytest.mark.usefixtures("a_year")
def test_quarantined_days_are_requested_again_at_once(
    resources: dict[str, Any],
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    service: Service,
) -> None:
    register(owner)

    def spoil(_plant: int, window: Window, _times: int) -> Any:
        items = items_of(window)
        items[5]["observed"] = None
        return document(items)

    service.spoil = spoil
    run(resources, instance)
    assert rows(owner, "SELECT count(*) FROM ops.quarantine") == [(2,)]
    service.spoil = lambda *_: None
    run(resources, instance)
    assert rows(owner, "SELECT count(*) FROM ops.quarantine") == [(2,)]
    run(resources, instance, retry_quarantine=True)
    assert rows(owner, "SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert rows(owner, "SELECT DISTINCT status FROM solar.days") == [("complete",)]


def test_without_a_service_it_is_skipped_with_the_reason(
    resources: dict[str, Any], instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.delenv("MONITORING_URL", raising=False)
    result = run(resources | {"solar": source_resource("solar")}, instance)
    assert result.success
    [event] = result.get_asset_observation_events()
    observed = event.asset_observation_data.asset_observation
    assert observed.metadata["skipped"].value == "MONITORING_URL is not set"


def test_without_a_service_no_run_is_started_for_ever(
    warehouse: Warehouse,
    instance: dg.DagsterInstance,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(owner)
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    monkeypatch.delenv("MONITORING_URL", raising=False)
    url = warehouse.engine.url.render_as_string(hide_password=False)
    resources = {"warehouse": WarehouseResource(url=url), "solar": source_resource("solar")}
    assert tick(resources, instance) == "MONITORING_URL is not set."


def tick(resources: dict[str, Any], instance: dg.DagsterInstance) -> dg.RunRequest | str:
    context = dg.build_sensor_context(
        instance, resources=resources, repository_def=definitions.get_repository_def()
    )
    found = solar_sync_due.evaluate_tick(context)
    return found.run_requests[0] if found.run_requests else str(found.skip_message)


@pytest.mark.answers("P08")
def test_p08_the_sensor_sees_a_new_plant_however_it_came(
    resources: dict[str, Any], instance: dg.DagsterInstance, owner: psycopg.Connection
) -> None:
    assert tick(resources, instance) == "No plant is due."
    register(owner)
    request = tick(resources, instance)
    assert isinstance(request, dg.RunRequest)
    assert request.run_config["ops"]["solar_readings"]["config"] == {"plants": [1]}
    run(resources, instance)
    assert tick(resources, instance) == "No plant is due."


IS_DUE = {
    "UPDATE solar.days SET retry_at = now() - interval '1 minute'": True,
    "UPDATE solar.days SET retry_at = now() + interval '1 minute'": False,
    "UPDATE solar.syncs SET ended_at = NULL": True,
    "UPDATE solar.syncs SET ended_at = NULL, began_at = now()": False,
    WITHOUT_YESTERDAY: True,
    "DELETE FROM solar.days WHERE day > current_date": False,
    OLD_AND_DUE: False,  # history is not to go so far back
    "UPDATE solar.days SET retry_at = now(); UPDATE solar.syncs SET began_at = now()": False,
    "UPDATE solar.days SET retry_at = now(); UPDATE solar.plants SET retired_at = now()": False,
}
AS_SYNCED = """
TRUNCATE solar.days, solar.syncs;
INSERT INTO solar.days SELECT * FROM days;
INSERT INTO solar.syncs SELECT * FROM syncs;
UPDATE solar.plants SET retired_at = NULL
"""


@pytest.mark.answers("P59")
@pytest.mark.usefixtures("a_year")
def test_p59_the_sensor_finds_what_is_due_again(
    resources: dict[str, Any], instance: dg.DagsterInstance, owner: psycopg.Connection
) -> None:
    register(owner)
    run(resources, instance)
    owner.execute("UPDATE solar.syncs SET began_at = now() - interval '11 minutes'")
    owner.execute("CREATE TEMP TABLE days AS TABLE solar.days")
    owner.execute("CREATE TEMP TABLE syncs AS TABLE solar.syncs")
    found = {}
    for change in IS_DUE:
        owner.execute(AS_SYNCED)
        owner.execute(change)
        found[change] = isinstance(tick(resources, instance), dg.RunRequest)
    assert found == IS_DUE


def test_p13_the_depth_is_by_configuration() -> None:
    platform = Settings.from_environment(LIVE | {"SYNC_EVERY_RUN": "2", "SYNC_UNTIL_YEAR": "5"})
    settings = source.load_settings(platform)
    assert (settings.sync_every_run, settings.sync_until_year) == (2, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYNC_EVERY_RUN", "-1"),
        ("SYNC_EVERY_RUN", "one"),
        ("SYNC_UNTIL_YEAR", "101"),
        ("SYNC_UNTIL_YEAR", "1.5"),
    ],
)
def test_an_impossible_setting_is_rejected_by_name(name: str, value: str) -> None:
    with pytest.raises(PermanentFailure, match=name):
        source.load_settings(Settings.from_environment(LIVE | {name: value}))
