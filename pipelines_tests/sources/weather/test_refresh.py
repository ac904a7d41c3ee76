"""Each place once in two hours, whatever happens, and never old while the provider is up."""

import datetime as dt
import itertools
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather import fetch_lock
from pipelines.sources.weather.due import count_present_due
from pipelines.sources.weather.fetch import FetchResult
from pipelines.sources.weather.fetch_lock import fetch_session
from pipelines.sources.weather.observation import Observation
from pipelines.sources.weather.providers import Place, Quota, QuotaExhausted, RequestRejected
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.sources.weather.refresh import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.sandbox_server import sandbox_server

OUTCOMES = "SELECT outcome, count(*) FROM weather.api_requests GROUP BY 1 ORDER BY 1"
TOO_SOON = """
SELECT place_id, requested_at, before FROM (
    SELECT
        place_id, requested_at,
        lag(requested_at) OVER (PARTITION BY place_id ORDER BY requested_at) AS before
    FROM weather.api_requests WHERE outcome = 'success' AND kind = 'observation') AS successes
WHERE requested_at < before + interval '2 hours'
"""


class MadeUp:
    """A provider in the test's hand: it answers, or does what it is instructed to do first."""

    name = "made-up"
    key_digest = ""
    quotas: tuple[Quota, ...] = ()
    max_places = 200
    cost_of_place = 1.0

    def __init__(self, clock: FakeClock, *first: Exception | None) -> None:
        self.clock, self.first, self.requested = clock, list(first), list[list[int]]()

    def can_request(self, place: Place) -> bool:
        return place.latitude is not None

    def observe(self, places: Sequence[Place]) -> list[Observation | str]:
        self.requested.append([place.place_id for place in places])
        if self.first and (failure := self.first.pop(0)):
            raise failure
        return [observed(self.clock()) for _ in places]


def observed(at: dt.datetime, **changes: Any) -> Observation:
    values: dict[str, Any] = {
        "temperature_celsius": 10.0, "feels_like_celsius": 9.0, "humidity_pct": 50.0,
        "wind_kmh": 5.0, "wind_direction_degrees": 180.0, "precipitation_mm": 0.0,
        "cloud_cover_pct": 10.0, "pressure_hpa": 1013.0, "conditions": "overcast",
        "provider_code": "3", "wmo_code": 3, "is_day": True,
    }  # fmt: skip
    return Observation(observed_at=at, **(values | changes))


def away() -> TransientFailure:
    return TransientFailure("weather", "it is away", place="there", remedy="Wait.")


def add_places(owner: psycopg.Connection, count: int, latitude: float = 50.0) -> None:
    owner.execute(
        "INSERT INTO weather.places (place_key, latitude, longitude, geocoding_status, is_observed)"
        " SELECT 'XX ' || n, %s, n %% 180, 'found', TRUE FROM generate_series(1, %s) AS n",
        [latitude, count],
    )


def fetch(warehouse: Warehouse, provider: Any, clock: FakeClock) -> FetchResult:
    return refresh(warehouse, provider, clock=clock, sleep=lambda _: None)


def due(warehouse: Warehouse, clock: FakeClock) -> int:
    with warehouse.engine.connect() as connection:
        return count_present_due(connection, clock(), by_postcode=False)


@pytest.mark.answers("H06", "T09")
def test_many_places_are_one_request_and_fresh_for_two_hours(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 10)
    provider = MadeUp(clock)
    done = fetch(warehouse, provider, clock)
    assert (done.succeeded, done.requests) == (10, 1)
    assert owner.execute(OUTCOMES).fetchall() == [("success", 10)]
    clock.pass_by(hours=1, minutes=59, seconds=59)
    assert due(warehouse, clock) == 0
    assert fetch(warehouse, provider, clock).requests == 0
    clock.pass_by(seconds=1)
    assert due(warehouse, clock) == 10
    assert fetch(warehouse, provider, clock).succeeded == 10
    assert owner.execute(TOO_SOON).fetchall() == []


@pytest.mark.answers("H07", "T14")
def test_500_places_are_500_place_calls_in_batches(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 500)
    done = fetch(warehouse, MadeUp(clock), clock)
    assert (done.succeeded, done.requests) == (500, 3)
    query = "SELECT count(*), count(DISTINCT request_id), sum(cost) FROM weather.api_requests"
    assert owner.execute(query).fetchone() == (500, 3, 500)


def test_an_unused_place_is_not_requested(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 3)
    owner.execute("UPDATE weather.places SET is_observed = FALSE WHERE place_key = 'XX 2'")
    assert fetch(warehouse, MadeUp(clock), clock).succeeded == 2


def test_failures_are_retried_soon_without_using_the_window(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 2)
    assert fetch(warehouse, MadeUp(clock), clock).succeeded == 2
    clock.pass_by(hours=2)
    down = MadeUp(clock, *[away()] * 99)
    done = fetch(warehouse, down, clock)
    assert (done.succeeded, done.failed, len(down.requested)) == (0, 2, 4)
    query = "SELECT temperature_celsius, fetched_at < %s FROM weather.observations"
    assert owner.execute(query, [clock()]).fetchall() == [(10.0, True)] * 2
    assert due(warehouse, clock) == 0
    clock.pass_by(seconds=31)
    assert fetch(warehouse, MadeUp(clock, away()), clock).succeeded == 2
    assert owner.execute(OUTCOMES).fetchall() == [("failed", 10), ("success", 4)]
    failures = "SELECT DISTINCT consecutive_failures, problem, retry_at FROM weather.fetch_state"
    assert owner.execute(failures).fetchall() == [(0, None, None)]


def test_an_outage_slows_requests_to_every_five_minutes(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 1)
    down = MadeUp(clock, *[away()] * 999)
    for _ in range(60):
        fetch(warehouse, down, clock)
        clock.pass_by(minutes=1)
    times = [
        at
        for (at,) in owner.execute(
            "SELECT DISTINCT requested_at FROM weather.api_requests ORDER BY 1"
        )
    ]
    gaps = [later - at for at, later in itertools.pairwise(times)]
    assert max(gaps) == gaps[-1] == dt.timedelta(minutes=5)
    assert len(gaps) < 20


@pytest.mark.answers("H38")
def test_one_bad_place_leaves_the_others_done(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """One bad city stopped all."""
    add_places(owner, 9)

    class Picky(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            answers = super().observe(places)
            if any(place.place_id == bad for place in places):
                raise RequestRejected("weather", "that is no place", place="there")
            return answers

    ((bad,),) = owner.execute(
        "SELECT place_id FROM weather.places WHERE place_key = 'XX 5'"
    ).fetchall()
    done = fetch(warehouse, Picky(clock), clock)
    assert (done.succeeded, done.failed) == (8, 1)
    query = "SELECT problem, retry_at FROM weather.fetch_state WHERE place_id = %s"
    assert owner.execute(query, [bad]).fetchone() == (
        "that is no place",
        clock() + dt.timedelta(hours=6),
    )
    assert due(warehouse, clock) == 0


def test_an_implausible_response_fails_only_its_place(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 3)

    class Absent(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            good = super().observe(places)
            stale = observed(self.clock() - dt.timedelta(hours=4))
            return [stale, "no data here", *good[2:]]

    done = fetch(warehouse, Absent(clock), clock)
    assert (done.succeeded, done.failed) == (1, 2)
    query = "SELECT problem FROM weather.fetch_state WHERE problem IS NOT NULL ORDER BY place_id"
    assert owner.execute(query).fetchall() == [
        ("it is stale: 2026-11-20T06:07:00+00:00",),
        ("no data here",),
    ]
    assert owner.execute("SELECT sum(cost) FROM weather.api_requests").fetchone() == (
        3,
    )  # it answered


def test_an_impossible_value_is_null_and_counted(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """One value out of range cost the entire answer of its place."""
    add_places(owner, 2)

    class Kelvin(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            return [observed(self.clock(), temperature_celsius=283.0), *super().observe(places)[1:]]

    done = fetch(warehouse, Kelvin(clock), clock)
    assert (done.succeeded, done.failed, done.impossible) == (2, 0, {"temperature_celsius": 1})
    query = (
        "SELECT temperature_celsius IS NULL, wind_kmh IS NULL FROM weather.observations"
        " ORDER BY place_id"
    )
    assert owner.execute(query).fetchall() == [(True, False), (False, False)]


@pytest.mark.answers("H36")
def test_an_exhausted_allowance_is_not_queried_before_its_renewal(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 2)
    until = clock() + dt.timedelta(minutes=53)
    spent = QuotaExhausted("weather", "Hourly limit exceeded", place="there", until=until)
    provider = MadeUp(clock, spent)
    done = fetch(warehouse, provider, clock)
    assert done.failure is spent
    clock.pass_by(minutes=52)
    assert fetch(warehouse, provider, clock).requests == 0
    clock.pass_by(minutes=1)
    assert fetch(warehouse, provider, clock).succeeded == 2
    assert owner.execute(OUTCOMES).fetchall() == [("quota", 2), ("success", 2)]
    assert owner.execute("SELECT count(*) FROM weather.quota_blocks").fetchone() == (0,)


def test_a_new_key_ignores_the_old_ones_pause_and_quota(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """A used-up month blocked a new key till the month was over."""
    add_places(owner, 2)
    until = clock() + dt.timedelta(days=9)
    old = MadeUp(clock, QuotaExhausted("weather", "used up", place="there", until=until))
    old.key_digest = "old"
    assert fetch(warehouse, old, clock).requests == 1
    assert fetch(warehouse, old, clock).requests == 0
    owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, provider, key_digest, kind, requested_at, outcome, cost)"
        " VALUES (gen_random_uuid(), 'made-up', 'old', 'observation', %s, 'success', 99)",
        [clock()],
    )
    new = MadeUp(clock)
    new.key_digest, new.quotas = "new", (Quota("month", 100),)
    assert fetch(warehouse, new, clock).succeeded == 2
    query = "SELECT provider, key_digest FROM weather.quota_blocks"
    assert owner.execute(query).fetchall() == [("made-up", "old")]


def test_a_pause_of_unknown_length_grows_until_a_response_arrives(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """OpenWeatherMap's "temporarily blocked" was requested again every minute."""
    add_places(owner, 1)
    blocked = QuotaExhausted("weather", "temporarily blocked", place="there", until=None)
    provider = MadeUp(clock, *[blocked] * 6, None, blocked)
    requested = []
    for minute in range(70):
        if fetch(warehouse, provider, clock).requests:
            requested.append(minute)
        clock.pass_by(minutes=1)
    assert requested == [0, 1, 3, 7, 15, 31, 63]
    assert owner.execute("SELECT count(*) FROM weather.quota_blocks").fetchone() == (0,)
    clock.pass_by(hours=2)
    assert fetch(warehouse, provider, clock).requests == 1
    query = "SELECT consecutive_blocks, blocked_until FROM weather.quota_blocks"
    assert owner.execute(query).fetchall() == [(1, clock() + dt.timedelta(minutes=1))]


@pytest.mark.answers("H15", "H36")
def test_requests_stay_within_the_allowance(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 30)
    provider = MadeUp(clock)
    provider.quotas = (Quota("minute", 12), Quota("day", 25))
    assert fetch(warehouse, provider, clock).succeeded == 12
    clock.pass_by(minutes=1)
    assert fetch(warehouse, provider, clock).succeeded == 12
    clock.pass_by(minutes=1)
    assert fetch(warehouse, provider, clock).succeeded == 1
    clock.pass_by(days=1)
    assert fetch(warehouse, provider, clock).succeeded == 12


def test_an_outage_does_not_use_the_allowance_up(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """500 places, the true allowance of Open-Meteo, an hour down: soon after all are fresh.

    A request of them is 500 of the 5,000 of an hour; the longest pause is five minutes.
    """
    add_places(owner, 500)
    provider = MadeUp(clock, *[away()] * 9999)
    provider.quotas = OpenMeteo.quotas
    for _ in range(12):
        assert fetch(warehouse, provider, clock).requests > 0
        clock.pass_by(minutes=5)
    assert owner.execute("SELECT sum(cost) FROM weather.api_requests").fetchone() == (0,)
    provider.first = []
    for _ in range(6):
        fetch(warehouse, provider, clock)
        clock.pass_by(minutes=1)
    assert owner.execute("SELECT count(*) FROM weather.observations").fetchone() == (500,)


def test_a_place_failing_alone_is_requested_ever_less(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 1)

    class Nothing(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            super().observe(places)
            return ["no data here"]

    provider, end = Nothing(clock), clock() + dt.timedelta(days=1)
    waits = []
    while clock() < end:
        assert fetch(warehouse, provider, clock).requests == 1
        ((retry_at,),) = owner.execute("SELECT retry_at FROM weather.fetch_state").fetchall()
        waits.append(retry_at - clock())
        clock.pass_by(seconds=waits[-1].total_seconds() - 1)
        assert fetch(warehouse, provider, clock).requests == 0
        clock.pass_by(seconds=1)
    assert waits == sorted(waits)
    assert len(provider.requested) < 15


def test_a_wrong_key_stops_at_once_and_costs_no_place(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 3)
    wrong = PermanentFailure("weather", "wrong key", place="there", remedy="Set WEATHER_API_KEY.")
    provider = MadeUp(clock, wrong)
    with pytest.raises(PermanentFailure, match="WEATHER_API_KEY"):
        fetch(warehouse, provider, clock)
    assert len(provider.requested) == 1
    assert due(warehouse, clock) == 3


@pytest.mark.answers("H08")
def test_two_at_once_share_the_work(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 100)

    class Slow(MadeUp):
        max_places = 7

        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            time.sleep(0.02)
            return super().observe(places)

    provider = Slow(clock)
    threads = [threading.Thread(target=fetch, args=(warehouse, provider, clock)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    requested = [place for places in provider.requested for place in places]
    assert len(requested) == len(set(requested)) == 100
    assert owner.execute(OUTCOMES).fetchall() == [("success", 100)]


KILLED = """
import datetime as dt, sys, time
from pipelines.warehouse.connection import Warehouse
from pipelines.sources.weather.refresh import refresh
from pipelines_tests.sources.weather.test_refresh import MadeUp
now = dt.datetime.fromisoformat(sys.argv[2])
class Hanging(MadeUp):
    def observe(self, places):
        print("requesting", flush=True)
        time.sleep(600)
refresh(Warehouse(sys.argv[1]), Hanging(None), clock=lambda: now)
"""


def kill_during_a_request(warehouse: Warehouse, now: dt.datetime) -> None:
    """kill -9 of a process that has the lock and waits for the answer."""
    url = warehouse.engine.url.render_as_string(hide_password=False)
    requesting = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), url, now.isoformat()],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    )
    assert requesting.stdout is not None
    assert requesting.stdout.readline() == b"requesting\n"
    requesting.kill()
    requesting.communicate()


def test_a_killed_run_keeps_no_lock_and_costs_one_request(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 3)
    kill_during_a_request(warehouse, clock())
    assert due(warehouse, clock) == 3
    provider = MadeUp(clock)
    provider.quotas = (Quota("minute", 5),)
    assert fetch(warehouse, provider, clock).succeeded == 2  # three of five are spent
    clock.pass_by(minutes=1)
    assert fetch(warehouse, provider, clock).succeeded == 1
    assert owner.execute(OUTCOMES).fetchall() == [("started", 3), ("success", 3)]
    assert owner.execute("SELECT sum(cost) FROM weather.api_requests").fetchone() == (6,)


def test_a_lost_session_frees_the_lock_and_writes_no_more(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """Else a place would have two answers in one window."""
    add_places(owner, 1)
    holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"

    class Cut(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            ((pid,),) = owner.execute(holder).fetchall()
            owner.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
            assert fetch(warehouse, MadeUp(clock), clock).succeeded == 1
            return super().observe(places)

    with pytest.raises(TransientFailure, match="nothing was written"):
        fetch(warehouse, Cut(clock), clock)
    assert owner.execute(OUTCOMES).fetchall() == [("started", 1), ("success", 1)]
    assert owner.execute(TOO_SOON).fetchall() == []
    assert owner.execute(holder).fetchall() == []


def test_a_second_run_waits_and_then_requests_nothing(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 3)
    second = MadeUp(clock)
    waiting = threading.Thread(target=fetch, args=(warehouse, second, clock))

    class Slow(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            waiting.start()
            waiting.join(0.5)
            assert waiting.is_alive()
            return super().observe(places)

    assert fetch(warehouse, Slow(clock), clock).succeeded == 3
    waiting.join()
    assert second.requested == []


def test_a_lock_kept_too_long_fails_the_next_run(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setattr(fetch_lock, "MAX_WAIT_SECONDS", 0.3)
    with (
        fetch_session(warehouse),
        pytest.raises(TransientFailure, match="another run has been fetching"),
    ):
        fetch(warehouse, MadeUp(clock), clock)
    assert fetch(warehouse, MadeUp(clock), clock).requests == 0


def keep_answer(owner: psycopg.Connection, minutes: float, kind: str = "observation") -> None:
    owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, place_id, provider, kind, requested_at, outcome, cost)"
        " SELECT gen_random_uuid(), place_id, 'x', %s, '2026-11-20 10:07Z'::timestamptz"
        " + make_interval(secs => %s), 'success', 1 FROM weather.places ORDER BY place_id LIMIT 1",
        [kind, 60 * minutes],
    )


@pytest.mark.answers("H08")
def test_the_database_rejects_a_second_observation_within_two_hours(
    owner: psycopg.Connection,
) -> None:
    """Whichever window it is in: on a grid, two minutes apart could be two windows."""
    add_places(owner, 2)
    keep_answer(owner, 0)
    for minutes in (0, 1, 53, 119, -1, -119):
        with pytest.raises(psycopg.errors.ExclusionViolation, match="one_kept_observation"):
            keep_answer(owner, minutes)
        keep_answer(owner, minutes, kind="forecast")
    for minutes in (120, -120):
        keep_answer(owner, minutes)
    owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, place_id, provider, kind, requested_at, outcome, cost)"
        " SELECT gen_random_uuid(), max(place_id), 'x', 'observation', '2026-11-20 10:08Z',"
        " 'success', 1 FROM weather.places"
    )


def test_a_place_with_deleted_state_waits_two_hours(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 2)
    assert fetch(warehouse, MadeUp(clock), clock).succeeded == 2
    owner.execute("DELETE FROM weather.fetch_state")
    clock.pass_by(hours=1, minutes=59)
    assert due(warehouse, clock) == 0
    clock.pass_by(minutes=1)
    assert fetch(warehouse, MadeUp(clock), clock).succeeded == 2


def test_future_weather_from_a_wrong_clock_is_replaced(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    add_places(owner, 2)
    clock.pass_by(hours=1)
    assert fetch(warehouse, MadeUp(clock), clock).succeeded == 2
    clock.pass_by(hours=-1)
    assert due(warehouse, clock) == 2
    assert fetch(warehouse, MadeUp(clock), clock).succeeded == 2
    assert owner.execute(OUTCOMES).fetchall() == [("success", 2), ("superseded", 2)]


def test_a_run_killed_under_a_wrong_clock_blocks_nothing_later(
    owner: psycopg.Connection, warehouse: Warehouse, clock: FakeClock
) -> None:
    add_places(owner, 2)
    clock.pass_by(days=1)
    with pytest.raises(KeyboardInterrupt):
        fetch(warehouse, MadeUp(clock, KeyboardInterrupt()), clock)  # type: ignore[arg-type]
    clock.pass_by(days=-1)
    assert due(warehouse, clock) == 2


@pytest.mark.answers("T44")
def test_a_day_of_failures_two_refreshers_and_a_kill(
    warehouse: Warehouse, owner: psycopg.Connection, clock: FakeClock
) -> None:
    """24 simulated hours, minute by minute, against the sandbox over HTTP.

    The window of two hours was also the interval of the task: data reached four hours of age.
    """
    add_places(owner, 12)
    began = clock()
    kinds = ("500", "429", "truncated", "html", "error")
    http = HttpClient("weather", "WEATHER_BASE_URL", attempts=1)
    with sandbox_server(now=clock, fault_rate=0.3, faults=kinds, seed=7) as url:
        provider = OpenMeteo(http, url, clock)
        for minute in range(24 * 60):
            if due(warehouse, clock):
                if (
                    minute > 8 * 60
                    and not owner.execute(
                        "SELECT FROM weather.api_requests WHERE outcome = 'started'"
                    ).fetchall()
                ):
                    kill_during_a_request(warehouse, clock())
                threads = [
                    threading.Thread(target=fetch, args=(warehouse, provider, clock)) for _ in "12"
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            clock.pass_by(minutes=1)
    assert owner.execute(TOO_SOON).fetchall() == []
    outcomes: dict[str, int] = dict(owner.execute(OUTCOMES).fetchall())
    assert outcomes["started"] == 12
    assert outcomes["failed"] > 12
    assert outcomes["success"] >= 12 * 11
    ages = owner.execute(
        """
        SELECT max(next_at - requested_at) FROM (
            SELECT requested_at, coalesce(
                lead(requested_at) OVER (PARTITION BY place_id ORDER BY requested_at), %s
            ) AS next_at
            FROM weather.api_requests WHERE outcome = 'success') AS successes
        """,
        [clock()],
    ).fetchone()
    assert ages is not None
    assert ages[0] <= dt.timedelta(hours=2, minutes=5)
    first = owner.execute("SELECT min(requested_at) FROM weather.api_requests").fetchone()
    assert first == (began,)
