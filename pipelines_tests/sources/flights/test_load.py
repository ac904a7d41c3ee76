"""The tables after one day, the same day again, and other days."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from pipelines.failures import PermanentFailure
from pipelines.http.json_documents import parse_json
from pipelines.sources.flights.client import check_document
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Flights,
    flights_document,
    itinerary,
    leg,
)


def test_a_document_loads_completely(flights: Flights) -> None:
    (outcome,) = flights.deliver(MONDAY, flights_document())
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (5, 5, 0, 0)
    assert flights.rows(
        "SELECT itinerary_id, price_amount, price_currency, leg_count, max_stops, airlines, route,"
        " withdrawn_on FROM enriched.itineraries ORDER BY 1"
    ) == [
        ("it_1", Decimal("35.00"), "GBP", 2, 0, ["Wizz Air"], "BUD-LTN, LTN-BUD", None),
        (
            *("it_2", Decimal("90.50"), "GBP", 2, 1, ["Lufthansa", "Wizz Air"]),
            *("BUD-LTN, LGW-BUD", None),
        ),
    ]
    assert flights.row(
        "SELECT departure_on, return_on, origin_city, destination_city, total_duration_minutes"
        " FROM enriched.itineraries WHERE itinerary_id = 'it_1'"
    ) == (dt.date(2026, 6, 1), dt.date(2026, 6, 8), "Budapest", "London", 145 + 145)
    assert flights.rows(
        "SELECT leg_number, departure_city, arrival_city, elapsed_minutes, airline_logo_url"
        " FROM enriched.itinerary_legs WHERE itinerary_id = 'it_1' ORDER BY 1"
    )[0][:4] == (1, "Budapest", "London", 145)
    (logo,) = flights.row("SELECT max(airline_logo_url) FROM enriched.itinerary_legs")
    assert logo == "https://logos.skyscnr.com/images/airlines/favicon/WZ.png"


def test_equal_prices_do_not_collide(flights: Flights) -> None:
    """They are ordered as numbers: texts put 1,000 before 9."""
    prices = ["£9", "£10.50", "£1,000", "£200", "£9"]
    flights.deliver(
        MONDAY, flights_document([itinerary(n, [1], price=price) for n, price in enumerate(prices)])
    )
    ordered = flights.rows("SELECT price_amount FROM enriched.itineraries ORDER BY price_amount")
    assert [str(price) for (price,) in ordered] == ["9.00", "9.00", "10.50", "200.00", "1000.00"]


def test_withdrawn_and_returned_itineraries_are_seen(flights: Flights) -> None:
    query = (
        "SELECT itinerary_id, first_seen_on, last_seen_on, withdrawn_on"
        " FROM enriched.itineraries ORDER BY 1"
    )
    flights.deliver(MONDAY, flights_document())
    flights.deliver(TUESDAY, flights_document([itinerary(1, [1, 2])]))
    assert flights.rows(query) == [
        ("it_1", MONDAY, TUESDAY, None),
        ("it_2", MONDAY, MONDAY, TUESDAY),
    ]
    flights.deliver(WEDNESDAY, flights_document())
    assert flights.rows(query)[1] == ("it_2", MONDAY, WEDNESDAY, None)


def test_airports_come_with_zones_and_city_groups(flights: Flights) -> None:
    assert flights.rows(
        "SELECT city_code, time_zone, country_code FROM flights.airports"
        " WHERE airport_code IN ('LTN', 'BUD') ORDER BY airport_code"
    ) == [("BUD", "Europe/Budapest", "HU"), ("LON", "Europe/London", "GB")]


def test_json_that_is_not_a_flight_document_is_rejected() -> None:
    documents: list[tuple[Any, str]] = [
        ([], "JSON list, not an object"),
        ({}, 'no list "itineraries" and "legs"'),
        ({"legs": []}, 'no list "itineraries"'),
        ({"itineraries": [], "legs": {}}, 'no list "legs"'),
        (None, "JSON NoneType"),
        (parse_json(b'{"legs": [], "itineraries": [1], "itineraries": []}'), "ambiguous"),
    ]
    for document, words in documents:
        with pytest.raises(PermanentFailure, match=words):
            check_document(document, place="http://source/flights.json")


def test_an_itinerary_is_listed_once_however_many_legs_match(flights: Flights) -> None:
    """Filtering by stops joined legs without DISTINCT: two matching legs gave two rows."""
    flights.deliver(MONDAY, flights_document([itinerary(1, [1, 2]), itinerary(2, [1, 3])]))
    any_leg = """
        SELECT itinerary_id FROM enriched.itineraries WHERE itinerary_id IN (
            SELECT itinerary_id FROM enriched.itinerary_legs WHERE stops = %s) ORDER BY 1"""
    assert flights.rows(any_leg, 0) == [("it_1",), ("it_2",)]
    assert flights.rows(any_leg, 1) == [("it_2",)]
    by_stops = "SELECT itinerary_id, leg_stops FROM enriched.itineraries WHERE 1 = ANY(leg_stops)"
    assert flights.rows(by_stops) == [("it_2", [0, 1])]
    all_direct = "SELECT itinerary_id FROM enriched.itineraries WHERE max_stops = 0"
    assert flights.rows(all_direct) == [("it_1",)]


@pytest.mark.parametrize("legs", [flights_document()["legs"], []], ids=["legs", "no legs"])
def test_a_document_that_suddenly_offers_nothing_is_rejected(
    flights: Flights, legs: list[Any]
) -> None:
    flights.deliver(MONDAY, flights_document())
    with pytest.raises(PermanentFailure, match="has no itineraries, but the one of 2026-03-02"):
        flights.deliver(TUESDAY, flights_document([], legs))
    query = "SELECT count(*) FROM enriched.itineraries WHERE withdrawn_on IS NULL"
    assert flights.row(query) == (2,)


def test_an_itinerary_comes_with_its_legs_in_one_row(flights: Flights) -> None:
    flights.deliver(MONDAY, flights_document())
    query = "SELECT route, price_amount, legs FROM enriched.itinerary(%s)"
    (row,) = flights.rows(query, "it_2")
    assert row[:2] == ("BUD-LTN, LGW-BUD", Decimal("90.50"))
    there, home = row[2]
    assert there["departure"] == {
        "airport": "BUD",
        "name": "Budapest Ferenc Liszt International Airport",
        "city": "Budapest",
        "local_time": "2026-06-01T15:35:00",
    }
    assert (home["leg_id"], home["stops"], home["airline_id"]) == ("leg_3", 1, "LH")
    assert flights.rows(query, "it_9") == []
    several = "FROM enriched.itineraries AS one, enriched.itinerary(one.itinerary_id) AS whole"
    assert flights.rows(
        f"SELECT whole.itinerary_id, jsonb_array_length(whole.legs) {several} ORDER BY 1"
    ) == [("it_1", 2), ("it_2", 2)]


def test_the_duration_has_layovers_where_times_are_known(flights: Flights) -> None:
    with_layover = leg(2, stops=1, arrival_time="2026-06-01T19:00")
    impossible = leg(3, arrival_time="2026-06-01T10:00")
    unknown_zone = leg(4, "BUD", "QQQ")
    legs = [leg(1), with_layover, impossible, unknown_zone]
    trips = [itinerary(1, [1]), itinerary(2, [1, 2]), itinerary(3, [3]), itinerary(4, [4])]
    flights.deliver(MONDAY, flights_document(trips, legs))
    assert flights.rows(
        "SELECT itinerary_id, total_duration_minutes, is_inconsistent FROM enriched.itineraries"
        " ORDER BY 1"
    ) == [
        *(("it_1", 145, False), ("it_2", 145 + 265, False)),
        *(("it_3", 145, True), ("it_4", 145, False)),
    ]
