"""The jobs of solar plants as Dagster runs them, their sensor and their schedule."""

import datetime as dt
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import definitions
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.sources.solar.jobs import PARTITIONS
from pipelines.sources.solar.windows import Window
from pipelines.testing.drivers import failures
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.clock import today
from pipelines_tests.jobs import Runner
from pipelines_tests.loaders import hasten
from pipelines_tests.sources.solar.made_up import items_of, register
from pipelines_tests.sources.solar.test_sync import Service

READINGS = dg.AssetKey(["solar", "readings"])
#: Which at 00:45 is the day before: until then the schedule may still request it.
WITHOUT_YESTERDAY = """
    DELETE FROM solar.days
    WHERE day >= ((now() - interval '45 minutes') AT TIME ZONE 'UTC')::date - 1
"""

OLD_AND_DUE = """
INSERT INTO solar.days
(plant_id, day, status, hours_expected, hours_present, requested_at, retry_at)
VALUES (1, '1999-01-01', 'failed', 24, 0, now(), now())
"""


class Plants(Runner):
    """The jobs and the sensor of plants, with a service and their database."""

    service: Service
    owner: psycopg.Connection

    def sync(self, tags: dict[str, str] | None = None, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run("solar", "solar_readings", tags, **config)

    def request_days(self, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run("backfill_solar_days", "request_days", **config)

    def look(self) -> dg.RunRequest | str:
        return self.tick("solar_sync_due")

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.owner.execute(query.encode(), values or None).fetchall()


@pytest.fixture
def solar(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    source: FakeSource,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Plants:
    """Where history is of no year, a sync requests the last days alone."""
    hasten(monkeypatch, "pipelines.sources.solar.sync")
    monkeypatch.setenv("SYNC_UNTIL_YEAR", "0")
    url = warehouse.engine.url.render_as_string(hide_password=False)
    plants = Plants(
        {
            "warehouse": WarehouseResource(url=url),
            "solar": source_resource("solar", monitoring_url=source.url),
        },
        instance,
    )
    plants.service, plants.owner = Service(source), owner
    return plants


def go_back(solar: Plants, years: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have history go back for some years."""
    monkeypatch.setenv("SYNC_UNTIL_YEAR", str(years))
    solar.resources["solar"] = source_resource("solar", monitoring_url=solar.service.source.url)


def partitions_of(result: dg.ExecuteInProcessResult) -> list[str]:
    """The partitions that were materialized, in order."""
    return [
        str(event.partition)
        for event in result.get_asset_materialization_events()
        if event.asset_key == READINGS
    ]


def names(result: dg.ExecuteInProcessResult) -> set[str]:
    """The tables and views that were materialized."""
    events = result.get_asset_materialization_events()
    return {".".join(event.asset_key.path) for event in events if event.asset_key}


def test_one_run_syncs_all_plants_and_reports_each(solar: Plants) -> None:
    solar.instance.add_dynamic_partitions("solar_plants", ["77"])
    for name in "abc":
        register(solar.owner, name, latitude=50, longitude=10)
    result = solar.sync()
    assert result.success, failures(result)
    assert sorted(partitions_of(result)) == ["1", "2", "3"]
    assert sorted(solar.instance.get_dynamic_partitions("solar_plants")) == ["1", "2", "3"]
    materialized = result.get_asset_materialization_events()
    [event] = [event for event in materialized if event.partition == "2"]
    metadata = {key: value.value for key, value in event.materialization.metadata.items()}
    assert metadata["plant"] == "b"
    [(first,)] = solar.rows("SELECT min(day) FROM solar.days")
    assert metadata["days_complete"] == (today() - first).days
    assert metadata["read"] == metadata["loaded"] == metadata["dagster/partition_row_count"]
    assert names(result) >= {"solar.plants", "solar.coverage", "metrics.solar_daily"}


def test_p52_failed_plants_fail_the_run_by_name(solar: Plants) -> None:
    plants = [register(solar.owner, name) for name in ("Sierra", "Havel", "Montado")]
    solar.service.spoil = lambda plant, *_: body(b"", 500) if plant == plants[1].plant_id else None
    result = solar.sync()
    assert not result.success
    [message] = failures(result)
    for words in ("is incomplete", "MONITORING_URL", "Havel", "500", "what to do:"):
        assert words in message
    assert "Sierra" not in message
    assert sorted(partitions_of(result)) == ["1", "3"]
    assert solar.instance.get_materialized_partitions(READINGS) == {"1", "3"}
    query = "SELECT DISTINCT status FROM solar.days WHERE plant_id = 3"
    assert solar.rows(query) == [("complete",)]
    assert "solar.coverage" in names(result)  # what follows is not blocked


@pytest.mark.parametrize("key", ["77", "1; DROP TABLE solar.plants"])
def test_a_partition_without_a_plant_fails(solar: Plants, key: str) -> None:
    """Its run was green, with a warning in the log."""
    register(solar.owner)
    solar.instance.add_dynamic_partitions("solar_plants", ["1", key])
    assets: Any = definitions.assets
    result = dg.materialize(
        assets,
        selection=dg.AssetSelection.assets(READINGS).without_checks(),
        instance=solar.instance,
        resources={**(definitions.resources or {}), **solar.resources},
        partition_key=key,
        raise_on_error=False,
    )
    assert ("no plant in service has the number 77" if key == "77" else key) in failures(result)[0]
    assert (partitions_of(result), solar.service.requested) == ([], [])


def test_p23_days_are_requested_by_hand(solar: Plants, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = register(solar.owner)
    go_back(solar, 50, monkeypatch)
    days: Any = {"plants": [plant.plant_id], "from_date": "2020-02-01", "to_date": "2020-03-01"}
    assert solar.request_days(**days).success
    window = Window(dt.date(2020, 2, 1), dt.date(2020, 3, 1))
    assert solar.service.requested == [(plant.plant_id, window)]
    solar.service.spoil = lambda *_: body(b"", 500)
    result = solar.request_days(**days)
    assert not result.success
    assert "500" in failures(result)[0]


def test_p16_p17_p25_impossible_requests_are_rejected(solar: Plants) -> None:
    register(solar.owner)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"from_date": "2020-02-30"}, "from_date is '2020-02-30'. Incorrect data format"),
        ({"to_date": "20200301"}, "Incorrect data format, should be YYYY-MM-DD"),
        ({"plants": [10**30]}, "no plant in service has the number"),
        ({"plants": []}, "no plant is chosen"),
    ]
    for changed, words in changes:
        days = {"plants": [1], "from_date": "2020-02-01", "to_date": "2020-03-01"} | changed
        result = solar.request_days(**days)
        assert not result.success
        assert words in failures(result)[0]
    assert solar.service.requested == []


def test_quarantined_days_are_requested_again_at_once(
    solar: Plants, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_back(solar, 1, monkeypatch)
    register(solar.owner)

    def spoil(_plant: int, window: Window, _times: int) -> Any:
        items = items_of(window)
        items[5]["observed"] = None
        return document(items)

    solar.service.spoil = spoil
    solar.sync()
    solar.service.spoil = lambda *_: None
    solar.sync()
    assert solar.rows("SELECT count(*) FROM ops.quarantine") == [(2,)]
    solar.sync(retry_quarantine=True)
    assert solar.rows("SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert solar.rows("SELECT DISTINCT status FROM solar.days") == [("complete",)]


def test_p08_the_sensor_sees_a_new_plant_however_it_came(solar: Plants) -> None:
    """Also by SQL, or by a restore beside another storage of Dagster's; partitions follow."""
    solar.instance.add_dynamic_partitions(PARTITIONS, ["77"])
    assert solar.look() == "No plant is due."
    register(solar.owner)
    request = solar.look()
    assert isinstance(request, dg.RunRequest)
    assert request.run_config["ops"]["solar_readings"]["config"] == {"plants": [1]}
    assert solar.instance.get_dynamic_partitions(PARTITIONS) == ["1"]
    solar.sync()
    assert solar.look() == "No plant is due."
    solar.owner.execute("UPDATE solar.plants SET retired_at = now()")
    solar.look()
    assert solar.instance.get_dynamic_partitions(PARTITIONS) == []


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


def test_p59_the_sensor_finds_what_is_due_again(
    solar: Plants, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_back(solar, 1, monkeypatch)
    register(solar.owner)
    solar.sync()
    solar.owner.execute("UPDATE solar.syncs SET began_at = now() - interval '11 minutes'")
    solar.owner.execute("CREATE TEMP TABLE days AS TABLE solar.days")
    solar.owner.execute("CREATE TEMP TABLE syncs AS TABLE solar.syncs")
    found = {}
    for change in IS_DUE:
        solar.owner.execute(AS_SYNCED)
        solar.owner.execute(change)
        found[change] = isinstance(solar.look(), dg.RunRequest)
    assert found == IS_DUE
