"""Count what sensors and `isobar status` read while nothing is due."""

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from sqlalchemy import make_url

from pipelines.config import Settings
from pipelines.definitions import definitions
from pipelines.orchestration.resources import WarehouseResource, source_resource
from pipelines.source import sources
from pipelines.status.databases import probe_warehouse, warehouse
from pipelines_tests import sensors
from pipelines_tests.work.declared import Work
from pipelines_tests.work.plans import Both, counted, executed

#: How the buffers grow that a tick of each sensor reads, and how many there are at most.
SENSORS = {
    "bookings_events_api": Work("flat", 20),
    "bookings_inbox": Work("linear", 70),
    "flights_retry": Work("flat", 20),
    "hotel_bookings_lag": Work("flat", 20),
    "shipments_inbox": Work("linear", 70),
    "solar_sync_due": Work("linear", 120),
    "weather_due": Work("linear", 280),
}
#: They read Dagster's storage, and tables by views that say how much they read.
OF_DAGSTER = {"alerts", "derived_assets", "orphaned_runs"}
#: They start a run: the made-up services were never polled.
STARTS = {"bookings_events_api", "solar_sync_due"}
#: The work of a tick after a pause, where it reads more.
AFTER_CHANGES = {"weather_due": Work("linear", 4_000)}
#: Most of it reads the catalogues: what users have built on the views.
STATUS = Work("linear", 1_800)


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


def test_each_sensor_says_how_much_it_reads() -> None:
    assert {*SENSORS} | OF_DAGSTER == {*sensors.sensor_seconds()}


@pytest.mark.parametrize("name", SENSORS)
def test_a_sensor_reads_as_much_as_it_says(operators: list[Operator], name: str) -> None:
    small, large = (one.ticks(name) for one in operators)
    assert large[1] <= SENSORS[name].most(small[1]), (small, large)
    after = AFTER_CHANGES.get(name, SENSORS[name])
    assert large[0] <= after.most(small[0]), (small, large)


def test_the_status_reads_the_ledger_and_the_last_look(
    operators: list[Operator], urls: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for url, operator in zip(urls, operators, strict=True):
        monkeypatch.setenv("DATABASE_URL", make_url(url).render_as_string(hide_password=False))
        with executed() as statements, warehouse(Settings.current()) as connection:
            probe_warehouse(connection)
        found.append(operator.buffers(statements))
    small, large = found
    assert large <= STATUS.most(small), found
