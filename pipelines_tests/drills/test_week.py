"""Days in which everything happens: files at any time, new plants, outages, a tenth of answers bad.

The normal suite lives from one morning to the next, ISOBAR_DRILL_DAYS=7 has a week. In the end
tables and metrics are compared with `truth`, and what ran against what had to; `-s` shows what did.
"""

import datetime as dt
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage

from pipelines.ingest import file_loader
from pipelines.ingest import inbox as inboxes
from pipelines.ingest.deliveries import unbalanced
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings import audits
from pipelines.sources.bookings.sandbox import hotels
from pipelines.sources.solar.sandbox.sun import readings
from pipelines.sources.weather import fetch as weather_fetch
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.command import OURS
from pipelines_tests.drills import truth
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.happenings import DAYS, END, HOUR, SEED, START, STEP, Drill
from pipelines_tests.drills.moved_clock import Clock
from pipelines_tests.drills.noted_sources import Sources
from pipelines_tests.drills.senders import INVARIANTS, check_invariants
from pipelines_tests.drills.week import RUNS, platform

FAULT_RATE = 0.1
ERROR_RATE = 0.5
SERVED_DAYS = 30
WEATHER_EVERY = dt.timedelta(hours=2)
WEATHER_LATE = WEATHER_EVERY + dt.timedelta(minutes=5) + STEP + dt.timedelta(minutes=10)
DONE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE

OF_RUNS = """
SELECT run_id FROM ops.deliveries WHERE run_id IS NOT NULL AND loaded_count > 0
UNION SELECT run_id FROM ops.inbox_files WHERE run_id IS NOT NULL
"""
PRICES = """
SELECT itinerary_id, snapshot_on, agent, agent_rating, price_amount, price_currency
FROM metrics.flight_prices ORDER BY itinerary_id, snapshot_on
"""
LEGS = """
SELECT
    leg_id, departure_airport, departure_at, arrival_airport, arrival_at,
    departure_temperature_celsius, arrival_temperature_celsius
FROM enriched.itinerary_legs INNER JOIN enriched.itineraries USING (itinerary_id)
WHERE withdrawn_on IS NULL
"""
EVENTS = """
SELECT event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay FROM bookings.events
"""
COUNTED = """
SELECT hotel_id, day, bookings, cancellations, net_bookings FROM metrics.hotel_bookings_by_{}
ORDER BY 1, 2
"""
SHIPMENTS = """
SELECT
    tracking_number, carrier, sender_address, receiver_address, status,
    article_count, units, total_value
FROM enriched.shipments
"""
READINGS = """
SELECT
    read_at, expected_energy_kwh, expected_irradiation_wh_per_m2, observed_energy_kwh,
    observed_irradiation_wh_per_m2
FROM metrics.solar_hourly WHERE plant_id = %s ORDER BY read_at
"""
INCOMPLETE = "SELECT day FROM solar.days WHERE plant_id = %s AND status <> 'complete'"
SHIPPED_WEATHER = """
SELECT sender_latitude, sender_longitude, sender_weather_observed_at, sender_temperature_celsius
FROM enriched.shipments
WHERE sender_weather_observed_at IS NOT NULL AND sender_latitude IS NOT NULL
UNION ALL
SELECT latitude, longitude, hour_at, temperature_celsius
FROM weather.hourly INNER JOIN weather.places USING (place_id)
"""


@pytest.fixture
def drill(
    server: Connections,
    database: str,
    empty_database: str,
    owner: psycopg.Connection,
    empty_state: Path,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Drill]:
    """The platform on a clock of its own, before anything has happened."""
    for name in OURS:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("ISOBAR_HOME", str(empty_state))
    monkeypatch.setenv("DATABASE_URL", server.url(LOADER, database))
    monkeypatch.setenv("ISOBAR_SOURCES", "sandbox")
    monkeypatch.setenv("SYNC_UNTIL_YEAR", "1")
    monkeypatch.setattr(weather_fetch, "WAITS_SECONDS", (0.01, 0.01, 0.01))
    for reader in (inboxes, file_loader):  # nobody can set when the system says a file was changed
        monkeypatch.setattr(reader, "signature_of", signature_of)
    monkeypatch.setattr(time, "sleep", RUNS.sleep)
    monkeypatch.setattr(SqlScheduleStorage, "has_instigators_table", lambda _: True)
    for name in (database, empty_database):
        owner.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    storage = server.url(SUPERUSER, empty_database)
    sources = Sources()
    with Clock(START) as clock, sources.served(SEED, FAULT_RATE) as url:
        monkeypatch.setenv("ISOBAR_SANDBOX_URL", url)
        clock.govern(server.url(SUPERUSER, database), "warehouse")
        with platform(empty_state / "dagster", storage, clock) as home:
            clock.govern(storage, "dagster")
            yield Drill(home, sources, warehouse, empty_state / "inbox")


def signature_of(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_mtime_ns


@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")
def test_after_days_of_faults_tables_match_sources_without_needless_runs(
    drill: Drill, owner: psycopg.Connection, record_property: Any
) -> None:
    drill.plan()
    drill.home.live(END, STEP)
    text = report(drill, owner)
    record_property("report", text)
    print(f"\nseed {SEED}\n{text}")  # noqa: T201 - shown by -s
    problems: list[str] = []
    for check in (*CHECKS, check_no_excuse, check_idle, check_on_offer, check_calls):
        try:
            check(drill, owner)
        except AssertionError as error:
            problems.append(f"{check.__name__}: {error}")
    assert problems == [], f"seed {SEED}\n" + "\n".join(problems)


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not LONG, reason="it takes minutes: make drills")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")
@pytest.mark.parametrize("provider", ["open-meteo", "weatherapi", "openweathermap"])
def test_after_a_day_of_recorded_errors_tables_match_sources(
    drill: Drill, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    monkeypatch.setenv("WEATHER_PROVIDER", provider)
    monkeypatch.setenv("WEATHER_API_KEY", "key")
    drill.sources.error_rate = ERROR_RATE
    drill.plan()
    drill.home.live(END, STEP)
    print(f"\n{report(drill, owner)}")  # noqa: T201 - shown by -s
    assert sum(drill.sources.bad.values()) > 100
    for check in CHECKS:
        check(drill, owner)


def runs_of(drill: Drill) -> list[Any]:
    return [*reversed(drill.home.instance.get_run_records())]


def began(record: Any) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.start_time, dt.UTC)


def idle_runs(drill: Drill, owner: psycopg.Connection) -> list[Any]:
    """Runs that a sensor began and that loaded nothing."""
    busy = {run_id for (run_id,) in owner.execute(OF_RUNS)}
    return [
        one
        for one in runs_of(drill)
        if "dagster/sensor_name" in one.dagster_run.tags
        and one.dagster_run.job_name in ("shipments", "bookings", "solar")
        and one.dagster_run.run_id not in busy
    ]


def report(drill: Drill, owner: psycopg.Connection) -> str:
    by_day: dict[str, Counter[dt.date]] = defaultdict(Counter)
    for one in runs_of(drill):
        name = f"{one.dagster_run.job_name} {one.dagster_run.status.value}"
        by_day[name][began(one).date()] += 1
    lines = [f"{name}: {dict(sorted(days.items()))}" for name, days in sorted(by_day.items())]
    grown = [
        tuple(later - sooner for sooner, later in zip(*both, strict=True))
        for both in pairwise(drill.stored)
    ]
    lines += [f"events, their bytes, bytes of all storage from midnight to midnight: {grown}"]
    lines += [f"idle: {one.dagster_run.job_name} {began(one)}" for one in idle_runs(drill, owner)]
    lines += [f"rounds: {drill.home.rounds}, bad answers: {drill.sources.bad}"]
    return "\n".join(lines).replace("datetime.date", "")


def check_daemons(drill: Drill, owner: psycopg.Connection) -> None:
    assert drill.home.errors == []
    instance = drill.home.instance
    failed = [
        (state.instigator_name, tick.status.value, str(tick.error)[:2000])
        for state in instance.all_instigator_state()
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
        if tick.status.value not in ("SUCCESS", "SKIPPED")
    ]
    assert failed == []


def check_runs(drill: Drill, owner: psycopg.Connection) -> None:
    last: dict[str, Any] = {}
    for one in runs_of(drill):
        run = one.dagster_run
        assert run.status in DONE, f"{run.job_name} is {run.status}"
        before = last.get(run.job_name)
        assert before is None or before.end_time <= one.start_time, f"two of {run.job_name} at once"
        last[run.job_name] = one
        if run.status == dg.DagsterRunStatus.FAILURE:
            problems = problems_of(drill.home.instance, run.run_id)
            assert problems, f"{run.job_name} failed without a word"
            assert all("what to do:" in problem for problem in problems), problems
    red = [name for name, one in last.items() if one.dagster_run.is_failure]
    excused = ["weather"] if blocked_until(owner) > END else []
    assert red in ([], excused), "of the last runs, in the calm"


def check_no_excuse(drill: Drill, owner: psycopg.Connection) -> None:
    """Check that nothing is left of what other checks excuse on a day of errors."""
    assert blocked_until(owner) <= END
    assert owner.execute("SELECT * FROM solar.days WHERE status <> 'complete'").fetchall() == []


def check_idle(drill: Drill, owner: psycopg.Connection) -> None:
    idle = [(one.dagster_run.job_name, str(began(one))) for one in idle_runs(drill, owner)]
    assert [one for one in idle if one[0] != "bookings"] == [], "begun for nothing"
    hours = (END - START) / HOUR
    assert len(idle) <= drill.sources.bad["/events"] + hours, "begun for nothing"


def blocked_until(owner: psycopg.Connection) -> dt.datetime:
    """Return until when the weather provider's quota is used up."""
    found = owner.execute("SELECT max(blocked_until) FROM weather.quota_blocks").fetchone()
    assert found is not None
    return found[0] or START


def problems_of(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Return the errors of the failed steps of a run."""
    lines = []
    for record in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = record.dagster_event
        assert event is not None
        data = event.step_failure_data
        described = data.user_failure_data.description if data.user_failure_data else None
        lines.append(str(described or data.error))
    return lines


def flight_days() -> list[dt.date]:
    """The days at five of which the platform lived."""
    first = START.date()
    days = [first + number * truth.DAY for number in range(int(DAYS) + 2)]
    return [day for day in days if dt.datetime.combine(day, dt.time(5), dt.UTC) < END - HOUR]


def flights_done(drill: Drill) -> Counter[dt.date]:
    """Count the successful runs of flights by day."""
    return Counter(
        began(one).date()
        for one in runs_of(drill)
        if one.dagster_run.job_name == "flights" and one.dagster_run.is_success
    )


def check_on_offer(drill: Drill, owner: psycopg.Connection) -> None:
    assert flights_done(drill) == dict.fromkeys(flight_days(), 1)


def check_flights(drill: Drill, owner: psycopg.Connection) -> None:
    days = [*flights_done(drill)]
    assert days[-1] == flight_days()[-1]
    stored = owner.execute(PRICES).fetchall()
    assert stored == truth.prices(SEED, days)
    legs = truth.legs(SEED, days[-1])
    until = END.replace(hour=0, minute=0) + dt.timedelta(days=16)
    for leg, *ends, departure, arrival in owner.execute(LEGS):
        assert tuple(ends) == legs[leg], leg
        for airport, at, stored in (*[(*ends[:2], departure)], (*ends[2:], arrival)):
            true = truth.temperature_at(airport, at) if at < until else None
            assert stored == true, (leg, airport, at)


def check_bookings(drill: Drill, owner: psycopg.Connection) -> None:
    first = START.replace(hour=0, minute=0) - dt.timedelta(days=SERVED_DAYS)
    requested_at = drill.sources.good["/events"][-1]
    files = truth.events_of_files(drill.booking_files)
    true = files | truth.events_of_api(hotels.events(SEED, first, requested_at))
    stored = {row[0]: row[1:] for row in owner.execute(EVENTS)}
    assert stored.keys() == true.keys()
    assert stored == true
    for name in ("event_day", "stay_night"):
        counted = owner.execute(COUNTED.format(name)).fetchall()
        assert counted == truth.counts(true.values(), by_night=name == "stay_night")


def check_shipments(drill: Drill, owner: psycopg.Connection) -> None:
    stored = {row[:2]: row[2:] for row in owner.execute(SHIPMENTS)}
    assert stored == truth.shipments(drill.shipment_files)


def check_solar(drill: Drill, owner: psycopg.Connection) -> None:
    assert owner.execute("SELECT * FROM solar.gaps").fetchall() == []
    plants = owner.execute("SELECT plant_id, retired_at FROM solar.plants").fetchall()
    assert len(plants) == 3
    for plant, retired_at in plants:
        last = (retired_at or END).date() - truth.DAY
        stored = owner.execute(READINGS, (plant,)).fetchall()
        true = readings(SEED, plant, stored[0][0].date(), last)
        days = {day for (day,) in owner.execute(INCOMPLETE, (plant,))}
        assert not days or retired_at  # whose missing hours are not requested any more
        there = {at for at, *_ in stored}
        assert stored == [one for one in true if one.at in there or one.at.date() not in days]
        assert len(true) >= 365 * 24


def check_weather(drill: Drill, owner: psycopg.Connection) -> None:
    checked = 0
    for latitude, longitude, at, temperature in owner.execute(SHIPPED_WEATHER):
        assert temperature == weather_at(latitude, longitude, at)["temperature_2m"]
        checked += 1
    assert checked > 1000
    late = owner.execute(
        "SELECT place_key, last_success_at FROM weather.places LEFT JOIN weather.fetch_state"
        " ON fetch_state.place_id = places.place_id AND kind = 'observation'"
        " WHERE is_observed AND latitude IS NOT NULL"
        " AND coalesce(last_success_at, '-infinity') < %s",
        (END - WEATHER_LATE,),
    ).fetchall()
    assert not late or blocked_until(owner) > END, late
    shown = owner.execute(read_sql("pipelines.sources.weather", "checks/fresh_weather")).fetchall()
    assert len(shown) >= len(late)
    hours = read_sql("pipelines.sources.weather", "checks/filled_hours")
    assert owner.execute(hours).fetchall() == []
    audits.audit(drill.store, lambda: drill.home.clock.now)  # what it finds is an invariant
    for source in INVARIANTS:
        check_invariants(owner, source)
    with drill.store.engine.connect() as connection:
        for source in ("flights", "bookings", "shipments", "solar"):
            assert unbalanced(connection, source) == []


def check_calls(drill: Drill, owner: psycopg.Connection) -> None:
    """Check the provider's log: no place requested too often, none too late while it was up."""
    down = [outage[1:] for outage in drill.sources.outages if outage[0] == "/v1/"]
    for place, moments in drill.sources.observed.items():
        for before, after in pairwise(moments):
            assert after - before >= WEATHER_EVERY - dt.timedelta(seconds=1), (place, before, after)
            if not any(begins < after and before < ends for begins, ends in down):
                assert after - before <= WEATHER_LATE, (place, before, after)
    assert len(drill.sources.observed) >= 10


#: What must be right after any day.
CHECKS = (
    check_daemons,
    check_runs,
    check_flights,
    check_bookings,
    check_shipments,
    check_solar,
    check_weather,
)
