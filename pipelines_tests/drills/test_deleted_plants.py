"""Plants that are deleted while they are synced, or wait to be."""

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from pipelines.orchestration.resources import utc_now
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar.sandbox.sun import readings
from pipelines.sources.solar.sync import AT_ONCE, Sync, Synced
from pipelines.sources.solar.windows import DAY, Depth, Window
from pipelines.testing.fake_source import FakeSource, document
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.solar.made_up import client_of, register, rows

YESTERDAY_ALONE = Depth(every_run=0, until=1)
#: Two more than are requested concurrently: they wait.
PLANTS = range(1, AT_ONCE + 3)
STORED = """
SELECT
    read_at,
    expected_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_energy_kwh,
    observed_irradiation_wh_per_m2
FROM solar.readings
WHERE plant_id = %s
ORDER BY read_at
"""
SHOWN = """
SELECT status, count(*) FROM solar.coverage WHERE plant_id = ANY(%s) AND day >= %s GROUP BY status
"""


class Service:
    """The sandbox's plants, and `meanwhile`, which is done before a plant's window is returned."""

    def __init__(self, source: FakeSource) -> None:
        self.url = source.url
        self.requested: list[tuple[int, Window]] = []
        self.meanwhile: Callable[[int, Window], None] = lambda *_: None
        source.will(self._answer)

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        query = {name: given[0] for name, given in parse_qs(urlsplit(handler.path).query).items()}
        plant = int(query["plant-id"])
        window = Window(dt.date.fromisoformat(query["from"]), dt.date.fromisoformat(query["to"]))
        self.requested.append((plant, window))
        self.meanwhile(plant, window)
        document(
            [
                {
                    "datetime": one.at.isoformat()[:19],
                    "expected": {
                        "energy": one.expected_energy_kwh,
                        "irradiation": one.expected_irradiation_wh_per_m2,
                    },
                    "observed": {
                        "energy": one.observed_energy_kwh,
                        "irradiation": one.observed_irradiation_wh_per_m2,
                    },
                }
                for one in readings(1, plant, window.first, window.end - DAY)
            ]
        )(handler)


@pytest.fixture
def service(source: FakeSource) -> Service:
    return Service(source)


@pytest.fixture
def plants(owner: psycopg.Connection) -> list[int]:
    """The numbers of plants that were never synced."""
    return [register(owner, f"Plant {number}").plant_id for number in PLANTS]


def sync_of(store: Warehouse, service: Service, depth: Depth = YESTERDAY_ALONE) -> Sync:
    return Sync(store, client_of(service.url), depth, utc_now)


def problems(synced: Sequence[Synced]) -> dict[int, str]:
    """Return the problems by plant."""
    return {one.plant.plant_id: one.problem for one in synced if one.problem}


def check_stored(owner: psycopg.Connection, plants: Sequence[int], first_day: dt.date) -> None:
    """Every true hour is stored, no other is, and every day is recorded as complete."""
    yesterday = utc_now().date() - DAY
    days = (yesterday - first_day).days + 1
    assert rows(owner, SHOWN, [*plants], first_day) == [("complete", days * len(plants))]
    for plant in plants:
        assert rows(owner, STORED, plant) == readings(1, plant, first_day, yesterday)


@pytest.mark.parametrize("is_meant", [True, False])
def test_a_plant_that_someone_is_deleting_is_waited_for(
    owner: psycopg.Connection,
    server: Connections,
    database: str,
    warehouse: Warehouse,
    service: Service,
    plants: list[int],
    is_meant: bool,
) -> None:
    *others, waiting = plants
    end = threading.Event()

    def delete() -> None:
        with psycopg.connect(server.url(SUPERUSER, database)) as by_hand:
            by_hand.execute("DELETE FROM solar.plants WHERE plant_id = %s", [waiting])
            begun.set()
            assert end.wait(60)
            (by_hand.commit if is_meant else by_hand.rollback)()

    begun = threading.Event()
    deleting = threading.Thread(target=delete)
    deleting.start()
    assert begun.wait(60)
    done: list[Synced] = []
    for one in sync_of(warehouse, service).plants():
        done.append(one)
        if len(done) == len(others):
            end.set()
    deleting.join()
    assert {one.plant.plant_id for one in done[:-1]} == {*others}
    assert done[-1].plant.plant_id == waiting
    assert problems(done).keys() == ({waiting} if is_meant else set())
    check_stored(owner, others if is_meant else plants, utc_now().date() - DAY)
