"""Count what sensors read while nothing is due."""

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from pipelines.definitions import definitions
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.source import sources
from pipelines_tests import sensors
from pipelines_tests.work.plans import Both, counted, executed

#: By how much the buffers of a tick may grow where the rows are ten times as many.
SENSORS = {
    "bookings_events_api": 1.3,
    "bookings_inbox": 13.0,
    "flights_retry": 1.3,
    "hotel_bookings_lag": 1.3,
    "shipments_inbox": 13.0,
    "solar_sync_due": 13.0,
    "weather_due": 13.0,
}
#: They read Dagster's storage, and tables by views that are counted elsewhere.
OF_DAGSTER = {"alerts", "derived_assets", "orphaned_runs"}
#: The most buffers of a tick that finds nothing, on the larger database.
MOST = 280
#: They start a run: the made-up services were never polled.
STARTS = {"bookings_events_api", "solar_sync_due"}


class Operator:
    """Evaluates sensors on one of both databases, and counts what they read."""

    def __init__(self, url: str, owner: psycopg.Connection, instance: dg.DagsterInstance) -> None:
        self._owner, self._instance = owner, instance
        self._resources: dict[str, Any] = {name: source_resource(name) for name in sources()}
        self._resources["warehouse"] = WarehouseResource(url=url)

    def buffers(self, statements: list[tuple[str, Any]]) -> int:
        """Return how many buffers the queries among these read, one after the other."""
        are_queries = ("SELECT", "WITH", "--")
        return sum(
            counted(self._owner, statement, parameters).buffers
            for statement, parameters in statements
            if statement.lstrip("( \n").startswith(are_queries)
        )

    def ticks(self, name: str) -> list[int]:
        """Return how many buffers a sensor reads at its first tick, and at the next one."""
        # What this session wrote in other tests would be counted between the two.
        self._owner.execute("SELECT pg_stat_force_next_flush()")
        sensor, cursor = sensors.sensor(name), None
        found = []
        for _ in range(2):
            context = dg.build_sensor_context(
                instance=self._instance,
                cursor=cursor,
                resources={key: self._resources[key] for key in sensor.required_resource_keys},
                repository_def=definitions.get_repository_def(),
            )
            with executed() as statements:
                answer = sensor.evaluate_tick(context)
            assert answer.skip_message or name in STARTS, answer
            cursor = answer.cursor
            found.append(self.buffers(statements))
        return found


@pytest.fixture
def operators(
    urls: tuple[str, str],
    both: Both,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Operator]:
    monkeypatch.setenv("ISOBAR_SOURCES", "live")
    for name in ("SHIPMENTS_INBOX", "BOOKINGS_INBOX"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("BOOKINGS_EVENTS_URL", "MONITORING_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return [Operator(url, owner, instance) for url, owner in zip(urls, both, strict=True)]


def test_each_sensor_is_counted() -> None:
    assert {*SENSORS} | OF_DAGSTER == {*sensors.sensor_seconds()}


@pytest.mark.parametrize("name", SENSORS)
def test_a_tick_that_finds_nothing_reads_little(operators: list[Operator], name: str) -> None:
    small, large = (one.ticks(name)[1] for one in operators)
    assert large <= min(SENSORS[name] * small + 28, MOST), (small, large)
