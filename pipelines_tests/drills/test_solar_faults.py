"""A monitoring service of which a third of the answers fail and a third of the hours are bad.

After every sync each hour is held as it truly was, or its day is told to be missing.
"""

import datetime as dt
import math
from collections.abc import Iterator
from itertools import groupby

import psycopg
import pytest
from sqlalchemy import text

from pipelines.http.client import HttpClient
from pipelines.ingest.deliveries import unbalanced
from pipelines.sources.solar.client import MonitoringClient
from pipelines.sources.solar.load import SOURCE
from pipelines.sources.solar.sandbox.sun import Reading, readings
from pipelines.sources.solar.sync import Sync, Synced
from pipelines.sources.solar.transform import parse_items
from pipelines.sources.solar.windows import DAY, Depth, history_from
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.sandbox_server import sandbox_server

SEED = 1
YOUNG = 3
PLANTS = (1, YOUNG, 4, 5, 7)
"""All but the young one were commissioned before their history begins."""
TEN_YEARS = Depth(every_run=1, until=10)
LAST_DAY = dt.datetime(2026, 6, 30, 0, 15, tzinfo=dt.UTC)
"""Fixed, as which hours are bad and thereby what is asked for depends on the day."""
DAILY_RUNS = 15
"""Ten for a year of history each, and one more to ask again for the bad hours of the last one.
An eighth of the windows is lost, and with it the rest of its plant's run, which is made up for on
another day: four more."""
RUNS_ON_THE_LAST_DAY = 6
"""Every four hours: yesterday is new, and told badly at first; some of its answers are lost."""
Sums = dict[tuple[int, dt.date], tuple[float, ...]]

TRUTH = """
CREATE TABLE truth (
    plant_id integer,
    read_at timestamptz,
    expected_energy_kwh double precision,
    expected_irradiation_wh_per_m2 double precision,
    observed_energy_kwh double precision,
    observed_irradiation_wh_per_m2 double precision
)
"""
UNTOLD = """
WITH hours AS (
    SELECT
        plant_id,
        read_at::date AS day,
        count(truth.plant_id) AS true_hours,
        count(held.plant_id) AS held_hours,
        count(*) FILTER (
            WHERE (
                held.expected_energy_kwh,
                held.observed_energy_kwh,
                held.expected_irradiation_wh_per_m2,
                held.observed_irradiation_wh_per_m2
            ) = (
                truth.expected_energy_kwh,
                truth.observed_energy_kwh,
                truth.expected_irradiation_wh_per_m2,
                truth.observed_irradiation_wh_per_m2
            )
        ) AS right_hours
    FROM truth FULL JOIN solar.readings AS held USING (plant_id, read_at)
    GROUP BY 1, 2
)
SELECT plant_id, day, status, true_hours, held_hours, right_hours
FROM hours FULL JOIN solar.coverage USING (plant_id, day)
WHERE
    held_hours > right_hours
    OR hours_present <> coalesce(held_hours, 0)
    OR (status = 'complete') <> (right_hours = 24)
    OR (status = 'empty' AND true_hours > 0)
    OR (
        day >= %s
        AND right_hours < true_hours
        AND coalesce(status, '') NOT IN ('partial', 'failed', 'not requested')
    )
"""
"""Hours that are not held as they truly were and of a day that is told to be whole or empty; what
is held and not true; and what the days tell otherwise than is held."""

SUMS = """
SELECT
    plant_id,
    day,
    expected_energy_kwh,
    expected_irradiation_wh_per_m2,
    observed_energy_kwh,
    observed_irradiation_wh_per_m2
FROM solar.days
WHERE day >= %s AND hours_present > 0
"""
MISSING = """
SELECT * FROM solar.coverage
WHERE day >= %s AND day < %s AND status NOT IN ('complete', 'empty')
"""
LEFT_IN_QUARANTINE = """
SELECT quarantine.reasons, coverage.status
FROM ops.quarantine
LEFT JOIN solar.coverage
    ON quarantine.record_key[1] = coverage.plant_id::text
    AND left(quarantine.record_key[2], 10)::date = coverage.day
WHERE coverage.day >= %s
"""


@pytest.fixture(scope="module")
def truth() -> dict[int, list[Reading]]:
    first, last = history_from((LAST_DAY - DAILY_RUNS * DAY).date(), TEN_YEARS), LAST_DAY - DAY
    return {plant: readings(SEED, plant, first, last.date()) for plant in PLANTS}


@pytest.fixture
def told(owner: psycopg.Connection, truth: dict[int, list[Reading]]) -> psycopg.Connection:
    """The owner's connection to a database that has the plants, and the table `truth`."""
    owner.execute(TRUTH)
    with owner.cursor().copy("COPY truth FROM STDIN") as copy:
        for plant in PLANTS:
            for reading in truth[plant]:
                copy.write_row((plant, *reading))
    owner.execute("ANALYZE truth")
    for plant in PLANTS:
        owner.execute(
            "INSERT INTO solar.plants (plant_id, name) VALUES (%s, %s)", (plant, f"{plant}")
        )
    return owner


def impatient() -> HttpClient:
    """It gives up sooner than a real one, so that more is lost."""
    return HttpClient(
        SOURCE,
        "MONITORING_URL",
        read_seconds=0.5,
        attempts=2,
        first_wait_seconds=0.01,
        longest_wait_seconds=0.05,
        parse=parse_items,
    )


def sync_all(
    store: Warehouse, url: str, http: HttpClient, clock: FakeClock, depth: Depth
) -> list[Synced]:
    """Sync one plant after the other, so that the seed says which requests fail."""
    client = MonitoringClient(f"{url}/solar", http)
    return [
        synced for plant in PLANTS for synced in Sync(store, client, depth, clock).plants([plant])
    ]


def moments() -> Iterator[dt.datetime]:
    """When it is synced: daily, and on the last day more often."""
    for days in range(DAILY_RUNS, 0, -1):
        yield LAST_DAY - days * DAY
    for number in range(RUNS_ON_THE_LAST_DAY):
        yield LAST_DAY + number * dt.timedelta(hours=4)


def check_what_is_told(
    owner: psycopg.Connection, store: Warehouse, first_day: dt.date
) -> dict[str, int]:
    """Hold what is told against the truth; give how many days there are of each status."""
    assert owner.execute(f"{UNTOLD} LIMIT 5", (first_day,)).fetchall() == []
    with store.engine.connect() as connection:
        assert unbalanced(connection, SOURCE) == []
    query = "SELECT status, count(*) FROM solar.coverage GROUP BY status"
    return dict(owner.execute(query).fetchall())


def true_sums(truth: dict[int, list[Reading]], first_day: dt.date) -> Sums:
    """Of each plant and day its four sums, added without error."""
    return {
        (plant, day): tuple(math.fsum(column) for column in list(zip(*hours, strict=True))[1:])
        for plant in PLANTS
        for day, hours in groupby(truth[plant], key=lambda reading: reading.at.date())
        if day >= first_day
    }


def check_sums(
    owner: psycopg.Connection, truth: dict[int, list[Reading]], first_day: dt.date
) -> None:
    held = {(plant, day): sums for plant, day, *sums in owner.execute(SUMS, (first_day,))}
    true = true_sums(truth, first_day)
    assert held.keys() == true.keys()
    for key, sums in held.items():
        assert sums == pytest.approx(true[key], rel=1e-9), key


def check_quarantine(owner: psycopg.Connection, first_day: dt.date) -> None:
    """All that is left was told beside good hours of days that were whole at once."""
    for reasons, status in owner.execute(LEFT_IN_QUARANTINE, (first_day,)):
        assert (reasons, status) == (["datetime: it is not on the hour"], "complete")


def test_at_no_moment_a_gap_is_untold_and_in_the_end_there_is_none(
    told: psycopg.Connection,
    truth: dict[int, list[Reading]],
    warehouse: Warehouse,
) -> None:
    """DEF P52, P59, P60: lost windows were told to be synced, and never asked for again."""
    clock = FakeClock()
    lost: list[str] = []
    seen: set[str] = set()
    with sandbox_server(
        seed=SEED,
        now=clock,
        fault_rate=0.3,
        hang_seconds=1.0,
        solar_error_rate=0.3,
        solar_heals_after=1,
    ) as url:
        for clock.now in moments():
            synced = sync_all(warehouse, url, impatient(), clock, TEN_YEARS)
            lost += [problem for one in synced for problem in one.problems]
            first_day = history_from(clock.now.date(), TEN_YEARS)
            seen |= check_what_is_told(told, warehouse, first_day).keys()
    assert seen == {"complete", "partial", "empty", "failed", "not requested"}
    assert len(lost) > 20
    assert told.execute(MISSING, (first_day, LAST_DAY.date())).fetchall() == []
    check_sums(told, truth, first_day)
    check_quarantine(told, first_day)
    with warehouse.engine.connect() as connection:
        query = text(read_sql("pipelines.sources.solar", "due_plants"))
        due = connection.execute(query, {"now": clock.now + dt.timedelta(minutes=20)}).all()
    assert due == [], "a sync would be begun for nothing, again and again"


def test_hours_that_are_told_badly_twice_are_waited_for_ever_longer_until_they_are_right(
    told: psycopg.Connection, warehouse: Warehouse
) -> None:
    clock, depth = FakeClock(), Depth(every_run=1, until=1)
    patient = HttpClient(SOURCE, "MONITORING_URL")
    first_day = history_from(LAST_DAY.date(), depth)
    asked, partial = [], []
    with sandbox_server(seed=SEED, now=clock, solar_error_rate=0.3, solar_heals_after=2) as url:
        for minutes in (0, 9, 10, 49, 50, 1000):
            clock.now = LAST_DAY + dt.timedelta(minutes=minutes)
            synced = sync_all(warehouse, url, patient, clock, depth)
            asked.append(sum(len(one.answers) for one in synced))
            statuses = check_what_is_told(told, warehouse, first_day)
            partial.append(statuses.get("partial", 0))
    windows = 2 * len(PLANTS)  # yesterday and the year before it
    assert asked == [windows, 0, len(PLANTS), 0, len(PLANTS), 0]
    assert partial[0] == partial[1] == partial[2] == partial[3] > 1800
    assert partial[4] == partial[5] == 0
    check_quarantine(told, first_day)
