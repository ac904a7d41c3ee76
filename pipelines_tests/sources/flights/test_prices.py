"""Price changes, lowest and usual prices, by rows that are known to be right."""

import datetime as dt
from random import Random
from typing import Any

import pytest

from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Flights,
    flights_document,
    itinerary,
    leg,
)

DAY = dt.timedelta(days=1)
OTHERS = [itinerary(8, [9]), itinerary(9, [9])]
CHANGE = (
    "SELECT previous_amount::integer, price_amount::integer, change_pct::integer"
    " FROM metrics.flight_price_changes WHERE itinerary_id = 'it_1'"
)
DAYS = "SELECT previous_amount::integer, price_amount::integer, change_pct::integer"
DAYS += " FROM metrics.flight_price_changes_on('{}') WHERE itinerary_id = 'it_1'"


def offered(price: str | None) -> dict[str, Any]:
    """A document of two offers, and a third at a price."""
    first = [] if price is None else [itinerary(1, [1], price=price)]
    return flights_document([*first, *OTHERS], [leg(1), leg(9)])


@pytest.mark.parametrize(
    ("sent", "change"),
    [
        (["£100", "£50", "£90"], (50, 90, 80)),
        (["£100", "£50", "£50"], (50, 50, 0)),
        (["£100", "£90", "€90"], (None, 90, None)),
        (["£100", "free", "£90"], (None, 90, None)),
        (["£100", None, "£90"], (None, 90, None)),
        (["£100", "£90", "free"], (100, 90, -10)),
    ],
)
def test_a_price_is_compared_with_that_of_the_document_just_before(
    flights: Flights, sent: list[str | None], change: tuple[int | None, ...]
) -> None:
    """90 after 50 was 10 % cheaper than the 100 before."""
    for day, price in zip((MONDAY, TUESDAY, WEDNESDAY), sent, strict=True):
        flights.deliver(day, offered(price))
    assert flights.row(CHANGE) == change
    bad = ["it_1"] * sent.count("free")
    rejected = flights.rows("SELECT raw::json ->> 'id' FROM ops.quarantine")
    assert [key for (key,) in rejected] == bad


def test_the_day_before_is_that_of_the_calendar(flights: Flights) -> None:
    for day, price in ((MONDAY, "£100"), (WEDNESDAY, "£80")):
        flights.deliver(day, offered(price))
    assert flights.rows(DAYS.format(WEDNESDAY)) == []
    flights.keep(TUESDAY, offered("£50"))
    flights.bring_up_to_date()
    assert flights.rows(DAYS.format(WEDNESDAY)) == [(50, 80, 60)]
    assert flights.rows(DAYS.format(TUESDAY)) == [(100, 50, -50)]


def test_an_id_whose_legs_fly_another_route_is_another_offer(flights: Flights) -> None:
    """Its price was the former journey's history, although neither id nor leg id had changed."""
    days = [
        flights_document(
            [itinerary(n, [1], price=f"£{price + n}") for n in range(1, 4)], [leg(1, *ends)]
        )
        for price, ends in ((299, ("LHR", "JFK")), (289, ("BUD", "LTN")))
    ]
    for day, document in zip((MONDAY, TUESDAY), days, strict=True):
        (outcome,) = flights.deliver(day, document)
        assert (outcome.loaded, outcome.rejected) == (4, 0)
    history = "SELECT itinerary_id, route, price_amount::integer FROM metrics.flight_prices"
    assert flights.rows(f"{history} WHERE itinerary_id = 'it_1' ORDER BY snapshot_at") == [
        ("it_1", "LHR-JFK", 300),
        ("it_1", "BUD-LTN", 290),
    ]
    assert flights.rows(
        "SELECT itinerary_id, route, previous_amount, first_seen_at::date, first_accepted_at::date"
        " FROM metrics.flight_price_changes INNER JOIN enriched.itineraries USING (itinerary_id)"
        " ORDER BY 1"
    ) == [(key, "BUD-LTN", None, MONDAY, TUESDAY) for key in ("it_1", "it_2", "it_3")]
    assert flights.rows(f"SELECT * FROM metrics.flight_price_changes_on('{TUESDAY}')") == []
    flights.deliver(WEDNESDAY, days[1])
    changes = "SELECT DISTINCT change_amount::integer FROM metrics.flight_price_changes"
    assert flights.rows(changes) == [(0,)]


def one_way(number: int, origin: str, target: str, day: dt.date) -> dict[str, Any]:
    return leg(
        number,
        origin,
        target,
        departure_time=f"{day}T12:00",
        arrival_time=f"{day}T14:00",
    )


def test_cities_are_those_that_airports_serve_with_their_country(flights: Flights) -> None:
    """Two cities named London were one, and Toronto had no airport in Mississauga."""
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=20)
    routes = ["LHR-YYZ", "LTN-YTZ", "YXU-YYZ", "BUD-JFK", "QQQ-BUD"]
    legs = [one_way(n, route[:3], route[-3:], day) for n, route in enumerate(routes)]
    prices = ["£100", "£90", "£80", "€70", "£60"]
    offers = [itinerary(n, [n], price=price) for n, price in enumerate(prices)]
    flights.deliver(dt.datetime.now(dt.UTC), flights_document(offers, legs))
    cities = [
        ("LHR", "London, GB", "Toronto, CA"),
        ("LTN", "London, GB", "Toronto, CA"),
        ("YXU", "London, CA", "Toronto, CA"),
        ("BUD", "Budapest, HU", "New York, US"),
        ("QQQ", "QQQ", "Budapest, HU"),
    ]
    of_legs = "SELECT departure_airport, from_city, to_city FROM enriched.itinerary_legs ORDER BY"
    assert flights.rows(f"{of_legs} leg_id") == cities
    query = "SELECT origin_airport, from_city, to_city FROM enriched.itineraries"
    assert flights.rows(f"{query} ORDER BY itinerary_id") == cities
    assert flights.rows(
        "SELECT from_city, to_city, lowest_price::integer, offers"
        " FROM metrics.flight_lowest_prices ORDER BY 3 DESC"
    ) == [
        ("London, GB", "Toronto, CA", 90, 2),
        ("London, CA", "Toronto, CA", 80, 1),
        ("Budapest, HU", "New York, US", 70, 1),
        ("QQQ", "Budapest, HU", 60, 1),
    ]


def test_prices_in_other_currencies_are_counted_and_not_mixed(flights: Flights) -> None:
    now = dt.datetime.now(dt.UTC)
    legs = [one_way(1, "BUD", "LTN", now.date() + dt.timedelta(days=20))]
    prices = enumerate(["£100", "€10", "€20", "$1"])
    flights.deliver(
        now, flights_document([itinerary(n, [1], price=price) for n, price in prices], legs)
    )
    assert flights.rows(
        "SELECT price_currency, lowest_price::integer, offers, offers_in_other_currencies"
        " FROM metrics.flight_lowest_prices ORDER BY 1"
    ) == [("EUR", 10, 2, 2), ("GBP", 100, 1, 3), ("USD", 1, 1, 3)]


def ordinary(random: Random, now: dt.datetime, ago: int) -> dict[str, Any]:
    """Several offers for each departure day between two cities; nothing about them is special."""
    legs, offers = [], []
    for ahead in range(1, 29):
        day = (now - dt.timedelta(days=ago)).date() + dt.timedelta(days=ahead)
        number = day.toordinal()
        legs.append(one_way(number, "BUD", "LTN", day))
        for agent in range(4):
            price = 120 - ahead + random.gauss(0, 15) + Random(f"{number} {agent}").gauss(0, 10)
            offers.append(itinerary(10 * number + agent, [number], price=f"£{max(price, 9):.2f}"))
    return flights_document(offers, legs)


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_prices_are_called_high_at_most_three_times_in_ten(
    flights: Flights, seed: int
) -> None:
    random, now = Random(seed), dt.datetime.now(dt.UTC)
    levels = (
        "SELECT count(*) FILTER (WHERE price_level = 'high'), count(price_level), count(*)"
        " FROM metrics.flight_price_levels"
    )
    high = compared = 0
    for ago in range(25, -1, -1):
        flights.keep(now - dt.timedelta(days=ago), ordinary(random, now, ago))
        if ago == 20:
            flights.bring_up_to_date()
            assert flights.row(levels)[1] == 0  # too few days to say
        if ago < 5:
            flights.bring_up_to_date()
            found = flights.row(levels)
            high, compared = high + found[0], compared + found[1]
    assert compared >= 100
    assert 0 < high <= 0.3 * compared


def test_kept_prices_are_of_the_cities_that_airports_serve_now(flights: Flights) -> None:
    """Airports come anew with each version of their package, and from 4.0 without these cities."""
    now = dt.datetime.now(dt.UTC)
    legs = [one_way(1, "LHR", "YYZ", now.date() + 20 * DAY)]
    document = flights_document([itinerary(1, [1])], legs)
    flights.deliver(now - 2 * DAY, document)
    cities = "SELECT DISTINCT from_city, to_city FROM metrics.flight_lowest_prices"
    flights.owner.execute("UPDATE flights.lowest_prices SET to_city = 'Mississauga, CA'")
    flights.owner.execute(
        "UPDATE flights.airports SET delivery_id ="
        " (SELECT max(delivery_id) + 1 FROM ops.deliveries) WHERE airport_code = 'YYZ'"
    )
    flights.deliver(now - DAY, document)
    assert flights.rows(cities) == [("London, GB", "Toronto, CA")]
