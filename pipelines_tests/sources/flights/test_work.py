"""What loads and views of flights read and write: nothing twice, on any machine."""

import datetime as dt
import time
from typing import Any

import pytest

from pipelines_tests import plans
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Flights,
    flights_document,
    itinerary,
    leg,
)

WRITTEN = """
SELECT itinerary_id, leg_number, leg_id, min(itinerary_legs.ctid::text)
FROM flights.itinerary_legs
GROUP BY 1, 2, 3
ORDER BY 1, 2
"""
#: Offers of a day, each of which departs at another minute.
OFFERS = 500


def legs_of_days(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two round trips that share the way there, and one way more; each day with other prices."""
    evening = {"departure_time": "2026-06-08T19:45", "arrival_time": "2026-06-08T23:10"}
    return [
        flights_document(
            [
                itinerary(1, [1, 2], price=f"£{100 + day}"),
                itinerary(2, [1, 3], price=f"£{200 + day}"),
                itinerary(3, [1], price="£50"),
            ],
            [leg(1), leg(2, "LTN", "BUD", **evening), leg(3, "LGW", "BUD", **evening | change)],
        )
        for day, change in enumerate(changes)
    ]


@pytest.mark.parametrize(
    ("change", "again"), [({}, []), ({"stops": 1}, [("it_2", 2, "leg_3")])], ids=["price", "leg"]
)
def test_legs_that_stay_the_same_are_not_written_again(
    flights: Flights, change: dict[str, Any], again: list[Any]
) -> None:
    """A new price rewrote all legs of its itinerary: a tenth of the time of a load."""
    first, second = legs_of_days([{}, change])
    flights.deliver(MONDAY, first)
    before = flights.rows(WRITTEN)
    assert len(before) == 5
    flights.deliver(TUESDAY, second)
    after = flights.rows(WRITTEN)
    assert [row[:3] for row in after] == [row[:3] for row in before]
    assert [row[:3] for row in after if row not in before] == again
    stops = "SELECT leg_number, stops FROM enriched.itinerary_legs WHERE itinerary_id = 'it_2'"
    assert flights.rows(f"{stops} ORDER BY 1") == [(1, 0), (2, change.get("stops", 0))]


def test_an_itinerary_with_fewer_or_other_legs_loses_those_before(flights: Flights) -> None:
    """A rejected record among them changes nothing, and what comes after it is right."""
    (document,) = legs_of_days([{}])
    _, *others = document["itineraries"]
    legs = "SELECT leg_number, leg_id FROM enriched.itinerary_legs WHERE itinerary_id = 'it_1'"
    for day, sent, stored in (
        (MONDAY, [1, 2], [(1, "leg_1"), (2, "leg_2")]),
        (TUESDAY, [1, 9], [(1, "leg_1"), (2, "leg_2")]),
        (WEDNESDAY, [3], [(1, "leg_3")]),
        (WEDNESDAY, [2, 1, 3], [(1, "leg_2"), (2, "leg_1"), (3, "leg_3")]),
        (WEDNESDAY, [1, 2], [(1, "leg_1"), (2, "leg_2")]),
    ):
        (outcome,) = flights.deliver(
            day, {**document, "itineraries": [itinerary(1, sent), *others]}
        )
        assert outcome.rejected == (9 in sent)
        assert flights.rows(f"{legs} ORDER BY 1") == stored
    (raw,) = flights.row("SELECT raw::json ->> 'id' FROM ops.quarantine")
    assert raw == "it_1"


def minutes_apart(now: dt.datetime) -> dict[str, Any]:
    """Offers between two cities whose departures are in the same week, each at its own minute."""
    first = (now + dt.timedelta(days=22)).replace(tzinfo=None, second=0, microsecond=0)
    departures = [first + dt.timedelta(minutes=number) for number in range(OFFERS)]
    legs = [
        leg(
            number,
            departure_time=f"{at:%Y-%m-%dT%H:%M}",
            arrival_time=f"{at + dt.timedelta(hours=2):%Y-%m-%dT%H:%M}",
        )
        for number, at in enumerate(departures)
    ]
    offers = [itinerary(number, [number], price=f"£{50 + number}") for number in range(OFFERS)]
    return flights_document(offers, legs)


def test_offers_of_the_same_cities_and_week_share_their_usual_prices(flights: Flights) -> None:
    """They were computed for each offer: 20,000 offers of 60 days took 35 seconds."""
    now = dt.datetime.now(dt.UTC)
    flights.deliver(now, minutes_apart(now))
    flights.owner.execute(
        """
        INSERT INTO flights.lowest_prices
        SELECT
            from_city, to_city, trip, price_currency, weeks_before_departure,
            snapshot_at - ago * interval '1 day', departure_on - ago, departure_airport,
            arrival_airport, lowest_price, offers
        FROM flights.lowest_prices, generate_series(1, 50) AS ago
        """
    )
    flights.owner.execute("ANALYZE flights.lowest_prices")
    (kept,) = flights.row("SELECT count(*) FROM flights.lowest_prices")
    assert kept >= 51
    view = "SELECT * FROM metrics.flight_price_levels"
    (found,) = flights.row(f"EXPLAIN (ANALYZE, FORMAT JSON) {view}")
    read = sum(
        scan["Actual Rows"] * scan["Actual Loops"]
        for scan in plans.nodes(found[0]["Plan"])
        if scan.get("Relation Name") == "lowest_prices"
    )
    assert read <= 3 * kept
    levels = f"SELECT count(*), count(low_price), count(price_level) FROM ({view}) AS levels"
    days = len({offer["departure_time"][:10] for offer in minutes_apart(now)["legs"]})
    assert flights.row(levels) == (OFFERS, OFFERS, days)


def test_a_first_load_does_not_look_up_the_airports_of_each_itinerary(flights: Flights) -> None:
    """Without statistics of the itineraries it was an eighth of the time of a first load."""
    lookups = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'airports_pkey'"
    (before,) = flights.row(lookups)
    now = dt.datetime.now(dt.UTC)
    document = minutes_apart(now)
    more = [
        itinerary(number, [number % OFFERS], price=f"£{number}")
        for number in range(OFFERS, 10 * OFFERS)
    ]
    document["itineraries"] += more
    (outcome,) = flights.deliver(now, document)
    assert outcome.loaded == 11 * OFFERS
    flights.warehouse.dispose()  # a connection that ends reports what it has read
    written = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'itineraries'"
    until = time.monotonic() + 30
    while flights.row(written) < (10 * OFFERS,) and time.monotonic() < until:
        time.sleep(0.05)
    assert flights.row(written) == (10 * OFFERS,)
    (after,) = flights.row(lookups)
    assert after - before < OFFERS
    assert flights.row("SELECT sum(offers) FROM metrics.flight_lowest_prices") == (10 * OFFERS,)
