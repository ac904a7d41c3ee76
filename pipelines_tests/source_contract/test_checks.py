"""Every declared check finds what it is for, names it, and finds nothing in good data."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.source import sources
from pipelines.sources.weather.geocode_places import put_places
from pipelines.testing import Driver, LoadFailed, document
from pipelines.testing.pytest_plugin import Start
from pipelines_tests.source_contract.feeds import (
    BookingFiles,
    FlightDocuments,
    ShipmentFiles,
    SolarWindows,
)
from pipelines_tests.sources.bookings.made_up import ROOM, event
from pipelines_tests.sources.flights.made_up import flights_document, itinerary, leg
from pipelines_tests.sources.shipments.made_up import line
from pipelines_tests.sources.solar.made_up import register

Break = Callable[[Driver], object]
#: Rows that a check returns, with the columns that identify what is wrong.
Found = list[dict[str, Any]]

ROOM_99 = {"room_reservation_id": ROOM.format(99)}
BERLIN_ODD = "Street 1, 1234 Berlin, Germany"


def sql(statement: str) -> Break:
    return lambda feed: feed.site.owner.execute(statement)


def events(*found: dict[str, Any]) -> Break:
    def deliver(feed: Driver) -> None:
        feed.deliver(list(found))
        feed.settle()

    return deliver


def flights(itineraries: list[Any], legs: list[Any]) -> Break:
    """Publish a document of exactly these lists, and load it."""

    def deliver(feed: Driver) -> None:
        feed.site.service.will(document(flights_document(itineraries, legs)))
        feed.fetch()

    return deliver


def rejected_snapshot(feed: Driver) -> None:
    with pytest.raises(LoadFailed, match="40 of 40 records are bad"):
        feed.deliver([feed.spoiled(record) for record in feed.records(40)])


def clocks_changed(feed: Driver) -> None:
    """One leg has other rules, one a skipped hour, one a zone that the server does not know."""
    skipped = {"departure_time": "2026-03-29T02:30", "arrival_time": "2026-03-29T04:55"}
    flights([itinerary(1, [1])], [leg(1), leg(2, **skipped), leg(3)])(feed)
    feed.site.owner.execute(
        "UPDATE flights.legs SET arrival_at = arrival_at + interval '1 hour'"
        " WHERE leg_id = 'leg_1';"
        "UPDATE flights.legs SET departure_time_zone = 'Mars/Olympus' WHERE leg_id = 'leg_3'"
    )


def silent_hotel(feed: Driver) -> None:
    """Hotel 8 had one event, hotel 7 one on each of 22 days; then only hotel 1 went on."""
    days = [f"2022-08-{day:02} 10:00:00" for day in range(1, 29)]
    found = [event(100 + n, hotel_id=1, event_timestamp=day) for n, day in enumerate(days)]
    found += [event(200 + n, hotel_id=7, event_timestamp=day) for n, day in enumerate(days[:22])]
    found.append(event(300, hotel_id=8, event_timestamp=days[3]))
    feed.deliver(found)
    feed.settle()


def wanted_hours(feed: Driver) -> None:
    """A day of readings at a place whose weather nobody fetched."""
    plant = register(feed.site.owner, "lit", latitude=50, longitude=10).plant_id
    feed.site.owner.execute(
        "INSERT INTO solar.days (plant_id, day, status, hours_expected, hours_present,"
        " requested_at) VALUES (%s, '2020-06-01', 'complete', 24, 24, now())",
        (plant,),
    )
    put_places(feed.site.warehouse)


PLACE = """
INSERT INTO weather.places
(place_key, country_code, latitude, longitude, geocoding_status, is_observed)
VALUES ('DE 10115', 'DE', {}, {}, '{}', TRUE)
"""
UNHEALTHY = """
INSERT INTO metrics.solar_plant_health
(plant_id, plant_name, day, longest_gap_hours, flat_hours, sensor_issues, computed_at)
SELECT plant_id, name, '2019-01-02', 0, 9, ARRAY['the value stands still'], now() FROM solar.plants
"""
#: Four weeks in which the same sun yields 0.4 % less each day.
SOILED = """
WITH daily AS (
    SELECT plant_id, '2019-01-02'::date + n AS day, 100 * (1 - 0.004 * n) AS kwh
    FROM solar.plants, generate_series(1, 28) AS n
), days AS (
    INSERT INTO solar.days (plant_id, day, status, hours_expected, hours_present,
        expected_energy_kwh, observed_energy_kwh, requested_at)
    SELECT plant_id, day, 'complete', 24, 24, 100, kwh, now() FROM daily
)
INSERT INTO metrics.solar_day_losses
    (plant_id, day, other_kwh, allowed_energy_kwh, adjusted_energy_kwh, soiling_ratio)
SELECT plant_id, day, 100 - kwh, 100, kwh, kwh / 100 FROM daily
"""
#: For each check: the feed whose good data come first, what goes wrong, and what the check finds.
CASES: dict[str, tuple[type[Driver], Break, Found]] = {
    "accepted_snapshots": (FlightDocuments, rejected_snapshot, [{}]),
    "dangling_legs": (
        FlightDocuments,
        flights([itinerary(1, [1]), itinerary(2, [1, 9])], [leg(1)]),
        [{"itinerary_id": "it_2", "legs": '["leg_1", "leg_9"]'}],
    ),
    "known_airports": (
        FlightDocuments,
        flights([itinerary(1, [1])], [leg(1, "BUD", "QQQ")]),
        [{"airport_code": "QQQ", "legs": 1, "example": "leg_1"}],
    ),
    "possible_times": (
        FlightDocuments,
        flights(
            [itinerary(1, [1])],
            [
                leg(1, duration_mins=25),
                leg(
                    2,
                    departure_time="2026-10-25T00:00",
                    arrival_time="2026-10-25T01:30",
                    duration_mins=77,
                    stops=1,
                ),
            ],
        ),
        [
            {"leg_id": "leg_1", "time_verdict": "impossible", "clock_change": None},
            {"leg_id": "leg_2", "time_verdict": "includes_layover", "clock_change": "ambiguous"},
        ],
    ),
    "round_trips": (  # another airport of the same city is a round trip, another city is not
        FlightDocuments,
        flights(
            [itinerary(1, [1, 2]), itinerary(2, [1, 3]), itinerary(3, [1])],
            [leg(1, "LTN", "BUD"), leg(2, "BUD", "LGW"), leg(3, "BUD", "CDG")],
        ),
        [{"itinerary_id": "it_2", "route": "LTN-BUD, BUD-CDG"}],
    ),
    "same_time_zones": (
        FlightDocuments,
        clocks_changed,
        [{"time_zone": "Europe/London", "times": 1}, {"time_zone": "Mars/Olympus", "times": 1}],
    ),
    "same_routes": (  # it flew to Luton
        FlightDocuments,
        flights([itinerary(1, [1])], [leg(1, "LHR", "JFK")]),
        [{"itinerary_id": "it_1", "route_before": "BUD-LTN", "route": "LHR-JFK"}],
    ),
    "steady_prices": (  # it was 35 pounds; another currency cannot be compared
        FlightDocuments,
        flights(
            [
                itinerary(n, [1], price=price)
                for n, price in enumerate(("£70", "£17.50", "£69", "€70"))
            ],
            [leg(1)],
        ),
        [{"itinerary_id": "it_0", "price_before": 35}, {"itinerary_id": "it_1"}],
    ),
    "steady_row_count": (
        FlightDocuments,
        lambda feed: feed.deliver(feed.records(19)),
        [{"itinerary_count": 19, "count_before": 40}],
    ),
    "no_conflicts": (
        BookingFiles,
        lambda feed: feed.deliver([feed.changed(feed.record(1)), feed.record(50)]),
        [{"position": "line 2"}],
    ),
    "no_future_events": (
        BookingFiles,
        events(event(99, event_timestamp="2049-08-02 00:00:00", night_of_stay="2049-08-03")),
        [{"event_id": 99}],
    ),
    "no_silent_hotel": (BookingFiles, silent_hotel, [{"hotel_id": 7, "days_with_events": 22}]),
    "no_findings": (
        BookingFiles,
        events(
            event(95, event_timestamp="2022-08-02 00:00:00"),
            event(96, status=2),
            event(98, **ROOM_99),
            event(99, **ROOM_99),
        ),
        [
            {"rule": "cancelled_before_booked", "event_id": 96},
            {"rule": "double_booking", "event_id": 99},
            {"rule": "event_after_night", "event_id": 95},
        ],
    ),
    "known_statuses": (
        ShipmentFiles,
        lambda feed: feed.deliver([{**line(n, status="at customs")} for n in (101, 102)]),
        [{"status": "at_customs", "shipments": 2, "example": "TN00000101 DHL"}],
    ),
    "readable_addresses": (
        ShipmentFiles,
        lambda feed: feed.deliver([{**line(101, receiver_address=BERLIN_ODD)}]),
        [{"address": BERLIN_ODD, "address_status": "odd_postcode", "city": "Berlin"}],
    ),
    "no_gaps": (
        SolarWindows,
        sql(
            "UPDATE solar.days SET status = 'partial', hours_present = 23 WHERE day = '2019-01-02'"
        ),
        [{"first_day": dt.date(2019, 1, 2), "days": 1, "hours_missing": 1}],
    ),
    "no_suspicious_sensor": (
        SolarWindows,
        sql(UNHEALTHY),
        [{"plant_name": "Sierra", "sensor_issues": "the value stands still"}],
    ),
    "no_impossible_energy": (  # 62 kWh in an hour, where 33 are expected of the best one
        SolarWindows,
        lambda feed: feed.deliver(
            [feed.record(12) | {"observed": {"energy": 62.0, "irradiation": 9.0}}]
        ),
        [{"day": dt.date(2019, 1, 1), "problem": "above_expected", "hours": 1}],
    ),
    "no_soiling": (
        SolarWindows,
        sql(SOILED),
        [{"plant_name": "Sierra", "since_day": dt.date(2019, 1, 3), "usable_days": 28}],
    ),
    "located_places": (
        ShipmentFiles,
        sql(PLACE.format("NULL", "NULL", "not_found")),
        [{"place_key": "DE 10115", "geocoding_status": "not_found"}],
    ),
    "fresh_weather": (
        ShipmentFiles,
        sql(PLACE.format("52", "13", "found")),
        [{"place_key": "DE 10115", "last_success_at": None}],
    ),
    "filled_hours": (SolarWindows, wanted_hours, [{"place_key": "50.0000,10.0000"}]),
}


def test_every_declared_check_has_a_case() -> None:
    declared = {check.name for source in sources().values() for check in source.checks}
    assert CASES.keys() == declared


@pytest.mark.parametrize("name", CASES)
def test_a_check_finds_what_it_is_for_and_nothing_else(isobar_start: Start, name: str) -> None:
    kind, go_wrong, expected = CASES[name]
    feed = isobar_start(kind)
    feed.deliver(feed.records(feed.complete_count))
    feed.settle()
    assert feed.rows_of_check(name) == []
    go_wrong(feed)
    found = feed.rows_of_check(name)
    shown = [{key: row[key] for key in one} for row, one in zip(found, expected, strict=False)]
    assert (shown, len(found)) == (expected, len(expected)), found
