"""Who gets the requests of a day, and whose answer it is when a place is corrected meanwhile."""

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from pipelines.postgres.server import Connections
from pipelines.sources.weather.fetch import fetch
from pipelines.sources.weather.observation import Observation
from pipelines_tests.sources.flights.made_up import airports_loaded
from pipelines_tests.sources.weather.site import Present, Site

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
    assert "keeps 2,000 of 10,000 requests for current weather until 22:00 UTC" in done.paused
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


def test_hours_of_the_old_place_are_requested_again(site: Site) -> None:
    site.fly(3)
    (old,) = site.rows("SELECT place_key FROM weather.places ORDER BY latitude LIMIT 1")
    kinds = site.hours(site.sandbox)
    request = kinds[0].request

    def corrected(batch: object) -> object:
        answers = request(batch)
        kinds[0].request = request  # type: ignore[method-assign]
        site.owner.execute("SELECT weather.correct_place(%s, 60, 20)", [old[0]])
        return answers

    kinds[0].request = corrected  # type: ignore[method-assign, assignment]
    requested = "SELECT outcome, count(*) FROM weather.api_requests GROUP BY 1 ORDER BY 1"
    fetch(site.warehouse, kinds)
    assert site.rows(requested) == [("success", 2), ("superseded", 1)]
    assert site.due() == 0
    where = "SELECT count(DISTINCT place_id) FROM weather.hourly"
    assert site.rows(where) == [(2,)]
    assert site.clock() > dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
