"""Each place once in two hours, whatever happens, and never old while the provider is up."""

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pipelines.failures import PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.observation import Observation
from pipelines.sources.weather.providers import Place, QuotaExhausted, RequestRejected
from pipelines.sources.weather.providers.open_meteo import OpenMeteo
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.command import PROJECT
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.weather.site import MadeUp, Present, observed

OUTCOMES = "SELECT outcome, count(*) FROM weather.api_requests GROUP BY 1 ORDER BY 1"
TOO_SOON = """
SELECT place_id, requested_at, before FROM (
    SELECT
        place_id, requested_at,
        lag(requested_at) OVER (PARTITION BY place_id ORDER BY requested_at) AS before
    FROM weather.api_requests WHERE outcome = 'success' AND kind = 'observation') AS successes
WHERE requested_at < before + interval '2 hours'
"""


def away() -> TransientFailure:
    return TransientFailure("weather", "it is away", place="there", remedy="Wait.")


@pytest.fixture
def site(present: Present) -> Present:
    return present


def test_many_places_are_one_request_and_fresh_for_two_hours(site: Present) -> None:
    site.add_places(10)
    provider = site.provider()
    done = site.fetch(provider)
    assert (done.succeeded, done.requests) == (10, 1)
    assert site.rows(OUTCOMES) == [("success", 10)]
    site.clock.pass_by(hours=1, minutes=59, seconds=59)
    assert site.due() == 0
    assert site.fetch(provider).requests == 0
    site.clock.pass_by(seconds=1)
    assert site.due() == 10
    assert site.fetch(provider).succeeded == 10
    assert site.rows(TOO_SOON) == []


def test_failures_are_retried_soon_without_using_the_window(site: Present) -> None:
    site.add_places(2)
    assert site.fetch().succeeded == 2
    site.clock.pass_by(hours=2)
    down = site.provider(*[away()] * 99)
    done = site.fetch(down)
    assert (done.succeeded, done.failed, len(down.requested)) == (0, 2, 4)
    query = "SELECT temperature_celsius, fetched_at < %s FROM weather.observations"
    assert site.rows(query, site.clock()) == [(10.0, True)] * 2
    assert site.due() == 0
    site.clock.pass_by(seconds=31)
    assert site.fetch(site.provider(away())).succeeded == 2
    assert site.rows(OUTCOMES) == [("failed", 10), ("success", 4)]
    failures = "SELECT DISTINCT consecutive_failures, problem, retry_at FROM weather.fetch_state"
    assert site.rows(failures) == [(0, None, None)]


def test_one_bad_place_leaves_the_others_done(site: Present) -> None:
    """One bad city stopped all."""
    site.add_places(9)

    class Picky(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            answers = super().observe(places)
            if any(place.place_id == bad for place in places):
                raise RequestRejected("weather", "that is no place", place="there")
            return answers

    ((bad,),) = site.rows("SELECT place_id FROM weather.places WHERE place_key = 'XX 5'")
    done = site.fetch(Picky(site.clock))
    assert (done.succeeded, done.failed) == (8, 1)
    query = "SELECT problem, retry_at FROM weather.fetch_state WHERE place_id = %s"
    assert site.row(query, bad) == ("that is no place", site.clock() + dt.timedelta(hours=6))
    assert site.due() == 0


def test_an_implausible_response_fails_only_its_place(site: Present) -> None:
    site.add_places(3)
    provider = site.provider()
    stale = observed(site.clock() - dt.timedelta(hours=4))
    provider.change = lambda good: [stale, "no data here", *good[2:]]
    done = site.fetch(provider)
    assert (done.succeeded, done.failed) == (1, 2)
    query = "SELECT problem FROM weather.fetch_state WHERE problem IS NOT NULL ORDER BY place_id"
    assert site.rows(query) == [("it is stale: 2026-11-20T06:07:00+00:00",), ("no data here",)]
    assert site.row("SELECT sum(cost) FROM weather.api_requests") == (3,)  # it answered


def test_an_exhausted_allowance_is_not_queried_before_its_renewal(site: Present) -> None:
    site.add_places(2)
    until = site.clock() + dt.timedelta(minutes=53)
    spent = QuotaExhausted("weather", "Hourly limit exceeded", place="there", until=until)
    provider = site.provider(spent)
    done = site.fetch(provider)
    assert done.failure is spent
    site.clock.pass_by(minutes=52)
    assert site.fetch(provider).requests == 0
    site.clock.pass_by(minutes=1)
    assert site.fetch(provider).succeeded == 2
    assert site.rows(OUTCOMES) == [("quota", 2), ("success", 2)]
    assert site.row("SELECT count(*) FROM weather.quota_blocks") == (0,)


def test_a_new_key_ignores_the_quota_of_the_old_one(site: Present) -> None:
    """A used-up month blocked a new key till the month was over."""
    site.add_places(2)
    provider = site.provider()
    provider.key_digest, provider.calls_per_day = "old", 3
    assert site.fetch(provider).succeeded == 2
    site.clock.pass_by(hours=2)
    assert site.fetch(provider).succeeded == 1
    provider.key_digest = "new"
    assert site.fetch(provider).succeeded == 1


def test_a_pause_of_unknown_length_grows_until_a_response_arrives(site: Present) -> None:
    """OpenWeatherMap's "temporarily blocked" was requested again every minute."""
    site.add_places(1)
    blocked = QuotaExhausted("weather", "temporarily blocked", place="there", until=None)
    provider = site.provider(*[blocked] * 6, None, blocked)
    requested = []
    for minute in range(70):
        if site.fetch(provider).requests:
            requested.append(minute)
        site.clock.pass_by(minutes=1)
    assert requested == [0, 1, 3, 7, 15, 31, 63]
    assert site.row("SELECT count(*) FROM weather.quota_blocks") == (0,)
    site.clock.pass_by(hours=2)
    assert site.fetch(provider).requests == 1
    query = "SELECT consecutive_blocks, blocked_until FROM weather.quota_blocks"
    assert site.rows(query) == [(1, site.clock() + dt.timedelta(minutes=1))]


def test_requests_stay_within_the_allowance(site: Present) -> None:
    site.add_places(30)
    provider = site.provider()
    provider.calls_per_day = 25
    assert site.fetch(provider).succeeded == 25
    site.clock.pass_by(hours=3)
    paused = site.fetch(provider).paused or ""
    used_up = "the quota of made-up, 25 requests a day, is used up until 2026-11-21 00:00 UTC"
    assert paused.startswith(used_up)
    site.clock.pass_by(days=1)
    assert site.fetch(provider).succeeded == 25


def test_an_outage_does_not_use_the_allowance_up(site: Present) -> None:
    """An hour down: soon after all are fresh. The longest pause is five minutes."""
    site.add_places(50)
    provider = site.provider(*[away()] * 9999)
    provider.calls_per_day = 100
    for _ in range(12):
        assert site.fetch(provider).requests > 0
        site.clock.pass_by(minutes=5)
    assert site.row("SELECT sum(cost) FROM weather.api_requests") == (0,)
    provider.first = []
    for _ in range(6):
        site.fetch(provider)
        site.clock.pass_by(minutes=1)
    assert site.row("SELECT count(*), count(delay_risk) FROM weather.observations") == (50, 50)


def test_a_wrong_key_stops_at_once_and_costs_no_place(site: Present) -> None:
    site.add_places(3)
    wrong = PermanentFailure("weather", "wrong key", place="there", remedy="Set WEATHER_API_KEY.")
    provider = site.provider(wrong)
    with pytest.raises(PermanentFailure, match="WEATHER_API_KEY"):
        site.fetch(provider)
    assert len(provider.requested) == 1
    assert site.due() == 3


def fetch_at_once(site: Present, provider: Any, count: int) -> None:
    with ThreadPoolExecutor(count) as threads:
        for done in [threads.submit(site.fetch, provider) for _ in range(count)]:
            done.result()


def test_two_at_once_share_the_work(site: Present) -> None:
    site.add_places(100)

    class Slow(MadeUp):
        max_places = 7

        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            time.sleep(0.02)
            return super().observe(places)

    provider = Slow(site.clock)
    fetch_at_once(site, provider, 4)
    requested = [place for places in provider.requested for place in places]
    assert len(requested) == len(set(requested)) == 100
    assert site.rows(OUTCOMES) == [("success", 100)]


#: Begins a request that is never answered. It imports little, to begin soon.
HANGING = """
import datetime as dt, sys, time
from pipelines.sources.weather.fetch import fetch
from pipelines.sources.weather.kinds import PresentWeather
from pipelines.warehouse.connection import Warehouse
class Hanging:
    name, key_digest, calls_per_day, max_places = "made-up", "", 1_000, 200
    accepts_postcodes = False
    def observe(self, places):
        print("requesting", flush=True)
        time.sleep(600)
now = dt.datetime.fromisoformat(sys.argv[2])
fetch(Warehouse(sys.argv[1]), [PresentWeather(Hanging(), lambda: now)])
"""


def kill_during_a_request(warehouse: Warehouse, now: dt.datetime) -> None:
    """kill -9 of a process that has the lock and waits for the answer."""
    url = warehouse.engine.url.render_as_string(hide_password=False)
    requesting = subprocess.Popen(
        [sys.executable, "-c", HANGING, url, now.isoformat()], stdout=subprocess.PIPE, cwd=PROJECT
    )
    assert requesting.stdout is not None
    assert requesting.stdout.readline() == b"requesting\n"
    requesting.kill()
    requesting.communicate()


def test_a_lost_session_frees_the_lock_and_writes_no_more(site: Present) -> None:
    """Else a place would have two answers in one window."""
    site.add_places(1)
    holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"

    class Cut(MadeUp):
        def observe(self, places: Sequence[Place]) -> list[Observation | str]:
            ((pid,),) = site.rows(holder)
            site.owner.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
            assert site.fetch().succeeded == 1
            return super().observe(places)

    with pytest.raises(TransientFailure, match="nothing was written"):
        site.fetch(Cut(site.clock))
    assert site.rows(OUTCOMES) == [("started", 1), ("success", 1)]
    assert site.rows(TOO_SOON) == []
    deadline = time.monotonic() + 10
    while site.rows(holder) != []:  # a session ends a moment after its connection
        assert time.monotonic() < deadline, "the lock is still there"
        time.sleep(0.02)


def keep_answer(site: Present, minutes: float, kind: str = "observation", place: str = "1") -> None:
    site.owner.execute(
        "INSERT INTO weather.api_requests"
        " (request_id, place_id, provider, kind, requested_at, outcome, cost)"
        " SELECT gen_random_uuid(), place_id, 'x', %s, '2026-11-20 10:07Z'::timestamptz"
        " + make_interval(secs => %s), 'success', 1 FROM weather.places WHERE place_key = %s",
        [kind, 60 * minutes, f"XX {place}"],
    )


def test_the_database_rejects_a_second_observation_within_two_hours(site: Present) -> None:
    """Whichever window it is in: on a grid, two minutes apart could be two windows."""
    site.add_places(2)
    keep_answer(site, 0)
    for minutes in (0, 1, 53, 119, -1, -119):
        with pytest.raises(psycopg.errors.ExclusionViolation, match="one_kept_observation"):
            keep_answer(site, minutes)
        keep_answer(site, minutes, kind="forecast")
    for minutes in (120, -120):
        keep_answer(site, minutes)
    keep_answer(site, 1, place="2")


@pytest.mark.parametrize(("ahead", "due"), [(60, 0), (300, 1)])
def test_an_answer_of_a_clock_that_was_ahead_fails_no_request(
    site: Present, ahead: int, due: int
) -> None:
    site.add_places(1)
    keep_answer(site, ahead)
    assert site.due() == due
    site.clock.pass_by(minutes=0 if due else ahead + 120)
    assert site.fetch().succeeded == 1


def test_a_day_of_failures_two_refreshers_and_a_kill(site: Present) -> None:
    """24 simulated hours, minute by minute, against the sandbox over HTTP.

    The window of two hours was also the interval of the task: data reached four hours of age.
    """
    site.add_places(12)
    began = site.clock()
    kinds = ("500", "429", "truncated", "html", "error")
    http = HttpClient("weather", "WEATHER_BASE_URL", attempts=1)
    with sandbox_server(now=site.clock, fault_rate=0.3, faults=kinds, seed=7) as url:
        provider = OpenMeteo(http, url, site.clock)
        for minute in range(24 * 60):
            if site.due():
                if minute > 8 * 60 and not site.rows(
                    "SELECT FROM weather.api_requests WHERE outcome = 'started'"
                ):
                    kill_during_a_request(site.warehouse, site.clock())
                fetch_at_once(site, provider, 2)
            site.clock.pass_by(minutes=1)
    assert site.rows(TOO_SOON) == []
    outcomes: dict[str, int] = dict(site.rows(OUTCOMES))
    assert outcomes["started"] == 12
    killed = "SELECT sum(cost) FROM weather.api_requests WHERE outcome = 'started'"
    assert site.row(killed) == (12,), "what was requested counts"
    assert outcomes["failed"] > 12
    assert outcomes["success"] >= 12 * 11
    ages = """
    SELECT max(next_at - requested_at) FROM (
        SELECT requested_at, coalesce(
            lead(requested_at) OVER (PARTITION BY place_id ORDER BY requested_at), %s
        ) AS next_at
        FROM weather.api_requests WHERE outcome = 'success') AS successes
    """
    assert site.row(ages, site.clock())[0] <= dt.timedelta(hours=2, minutes=5)
    first = site.row("SELECT min(requested_at) FROM weather.api_requests")
    assert first == (began,)
