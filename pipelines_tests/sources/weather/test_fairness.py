"""Who gets the requests of a day, and whose answer it is when a place is corrected meanwhile."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pipelines.postgres.server import Connections
from pipelines.sources.weather import fetch as loop
from pipelines.sources.weather.fetch import Kind, fetch
from pipelines.sources.weather.geocode_places import Geocoding, put_places
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.sources.weather.kinds import PresentWeather
from pipelines.sources.weather.observation import Observation
from pipelines.sources.weather.providers import RequestRejected
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines_tests.solar_rows import add_plant, add_readings
from pipelines_tests.sources.flights.made_up import airports_loaded
from pipelines_tests.sources.weather.site import MadeUp, Present, Site

SPENT = (
    "INSERT INTO weather.api_requests (request_id, provider, kind, requested_at, outcome, cost)"
    " VALUES (gen_random_uuid(), 'open-meteo', 'observation', %s, 'success', %s)"
)
KINDS = "SELECT kind, count(*) FROM weather.api_requests WHERE cost < 1000 GROUP BY 1 ORDER BY 1"
CORRECT = "SELECT weather.correct_place('XX 1', 60, 20)"


@pytest.fixture(scope="module")
def template(server: Connections, template: str) -> Iterator[str]:
    """With the airports that legs are between."""
    with airports_loaded(server, template) as name:
        yield name


def test_history_leaves_a_fifth_of_the_day_until_its_last_two_hours(site: Site) -> None:
    """Incident: the history of 64 new plants took the day, and parcels had no weather."""
    site.fly(-2210, 3)
    site.owner.execute(SPENT, [site.clock(), 7_999])
    done = site.fill()
    assert site.rows(KINDS) == [("forecast", 2)]
    assert done.paused is not None
    assert "history stops at 8,000 of 10,000 requests to open-meteo until 22:00 UTC" in done.paused
    site.clock.pass_by(hours=11, minutes=52)
    assert site.clock().hour == 21
    assert site.fill().paused is not None
    assert site.rows(KINDS)[0] == ("forecast", 4)
    site.clock.pass_by(minutes=1)
    assert site.fill().paused is None
    assert site.rows(KINDS) == [("archive", 2), ("forecast", 4)]


def test_history_is_requested_while_the_reserve_is_untouched(site: Site) -> None:
    site.fly(-2210)
    site.owner.execute(SPENT, [site.clock(), 7_000])
    assert site.fill().paused is None
    assert site.rows(KINDS) == [("archive", 2)]


def test_hours_of_today_and_later_come_before_those_of_the_last_weeks(site: Site) -> None:
    """The forecast has both, and began with the oldest hour: with what new plants lack."""
    recent_history(site)
    site.fly(3)
    kinds = site.hours(site.sandbox)
    kinds[0].max_places = 1
    fetch(site.warehouse, kinds)
    requested = (
        "SELECT place_key IN (SELECT place_key FROM solar.plants) FROM weather.api_requests"
        " INNER JOIN weather.places USING (place_id) ORDER BY entry_id"
    )
    assert site.rows(requested) == [(False,), (False,), (True,)]


def test_the_last_weeks_are_history_too(site: Site) -> None:
    """Of a thousand new plants they would take the day, as ninety days of them cost eight calls."""
    recent_history(site)
    site.fly(3)
    site.owner.execute(SPENT, [site.clock(), 7_999])
    assert "history stops at 8,000 of 10,000 requests" in str(site.fill().paused)
    stored = "SELECT min(hour_at) FROM weather.hourly"
    assert site.row(stored) == (dt.datetime(2026, 11, 20, tzinfo=dt.UTC),)
    site.clock.pass_by(hours=12)
    assert site.fill().paused is None
    assert site.row(stored) < (dt.datetime(2026, 9, 30, tzinfo=dt.UTC),)


def test_a_run_leaves_history_to_the_next_one_that_first_serves_new_places(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten years of many plants took one run an hour, in which no new parcel had weather."""
    monkeypatch.setattr(loop, "MAX_HISTORY_SECONDS", 0.0)
    site.fly(-2210, 3)
    assert site.fill().paused == "history goes on with the next run"
    assert site.rows(KINDS) == [("forecast", 2)]
    assert site.fill(is_by_hand=True).paused is None
    assert site.rows(KINDS) == [("archive", 2), ("forecast", 2)]


def recent_history(site: Site) -> None:
    """Add a plant with readings of sixty days ago."""
    day = site.clock().date() - dt.timedelta(days=60)
    add_plant(site.owner, 1, coordinates=(37.09, -2.36))
    add_readings(site.owner, 1, day, day + dt.timedelta(days=1))


class Corrected:
    """A place is corrected while the request for its weather is under way."""

    def __init__(self, site: Present) -> None:
        self.site, self.is_corrected = site, False

    def __call__(self, good: list[Observation]) -> Sequence[Observation | str]:
        if not self.is_corrected:
            self.site.owner.execute(CORRECT)
        self.is_corrected = True
        return good


def test_an_answer_for_the_old_place_is_not_stored_as_that_of_the_new(
    present: Present,
) -> None:
    """Incident: 384 hours of the old place were the new one's, and were never requested again."""
    present.add_places(2)
    provider = present.provider()
    provider.change = Corrected(present)
    done = present.fetch(provider)
    first, other = (
        row[0] for row in present.rows("SELECT place_id FROM weather.places ORDER BY 1")
    )
    assert provider.requested == [[first, other], [first]]
    assert done.failure is None
    outcomes = (
        "SELECT place_id, outcome FROM weather.api_requests ORDER BY requested_at, outcome, 1"
    )
    assert sorted(present.rows(outcomes)) == [
        (first, "success"),
        (first, "superseded"),
        (other, "success"),
    ]
    assert present.rows("SELECT count(*) FROM weather.observations") == [(2,)]


@pytest.mark.parametrize(("position", "days"), [(0, 3), (1, -2210)], ids=["forecast", "archive"])
def test_hours_of_the_old_place_are_requested_again(site: Site, position: int, days: int) -> None:
    site.fly(days)
    (old,) = site.rows("SELECT place_key FROM weather.places ORDER BY latitude LIMIT 1")
    kinds = site.hours(site.sandbox)
    kind = kinds[position]
    request = kind.request

    def corrected(batch: object) -> object:
        answers = request(batch)
        kind.request = request  # type: ignore[method-assign]
        site.owner.execute("SELECT weather.correct_place(%s, 60, 20)", [old[0]])
        return answers

    kind.request = corrected  # type: ignore[method-assign, assignment]
    requested = (
        "SELECT kind, outcome, count(*) FROM weather.api_requests GROUP BY 1, 2 ORDER BY 1, 2"
    )
    fetch(site.warehouse, kinds)
    assert site.rows(requested) == [(kind.name, "success", 2), (kind.name, "superseded", 1)]
    assert site.due() == 0
    (celsius, at) = site.row(
        "SELECT temperature_celsius, hour_at FROM weather.hourly INNER JOIN weather.places"
        " USING (place_id) WHERE place_key = %s ORDER BY hour_at LIMIT 1",
        old[0],
    )
    assert celsius == weather_at(60, 20, at)["temperature_2m"]


def test_a_place_corrected_while_its_old_coordinates_are_rejected_is_due_at_once(
    present: Present,
) -> None:
    """Its new coordinates waited six hours for what the provider said of the old ones."""
    present.add_places(1)
    provider = present.provider()

    def rejected(good: list[Observation]) -> Sequence[Observation | str]:
        present.owner.execute(CORRECT)
        provider.change = lambda answers: answers
        raise RequestRejected("made-up", "there is no such place", place="there")

    provider.change = rejected
    present.fetch(provider)
    assert len(provider.requested) == 2
    assert present.row("SELECT count(*) FROM weather.observations") == (1,)


def test_a_place_that_no_source_requests_any_more_is_neither_looked_up_nor_fetched(
    site: Site,
) -> None:
    requests = (
        "CREATE OR REPLACE VIEW solar.weather_requests AS SELECT sent.place_key,"
        " sent.country_code, NULL::text AS postcode, sent.city, sent.latitude, sent.longitude,"
        " sent.hour_at, (sent.hour_at AT TIME ZONE 'UTC')::date AS day FROM (VALUES"
        " ('AT 1010', 'AT', 'Wien', NULL::double precision, NULL::double precision,"
        " NULL::timestamptz), ('1.0000,2.0000', NULL, 'Known', 1, 2, NULL),"
        " ('1.0000,2.0000', NULL, 'Known', 1, 2, '2020-05-01T10:00Z')) AS sent"
        " (place_key, country_code, city, latitude, longitude, hour_at)"
    )
    client: Any = MadeUp(site.clock)
    geocoder = Geocoder(site.http, site.sandbox, site.clock)
    kinds: list[Kind[Any, Any]] = [
        Geocoding(geocoder, site.clock),
        PresentWeather(client, site.clock),
        *site.hours(site.sandbox),
    ]

    def due() -> list[int]:
        with site.warehouse.engine.connect() as connection:
            return [len(kind.due(connection)) for kind in kinds]

    site.owner.execute(requests.encode())
    put_places(site.warehouse)
    assert due() == [1, 1, 0, 1]
    site.owner.execute(f"{requests} WHERE FALSE".encode())
    put_places(site.warehouse)
    assert due() == [0, 0, 0, 0]
    fetch(site.warehouse, kinds)
    assert site.row("SELECT count(*) FROM weather.api_requests") == (0,)
