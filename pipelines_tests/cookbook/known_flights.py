"""Three days of a few itineraries from Budapest to London and back."""

import datetime as dt
from typing import Any

import psycopg

from pipelines.sources.flights.client import packaged_airports
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    deliver,
    flights_document,
    itinerary,
    leg,
    load_airports,
)

AIRPORTS = ("BUD", "LGW", "LHR", "LTN", "STN")
BRITISH = {"airline_name": "British Airways", "airline_id": "BA"}
LUFTHANSA = {"airline_name": "Lufthansa", "airline_id": "LH", "stops": 1}
RYANAIR = {"airline_name": "Ryanair", "airline_id": "RY"}
THERE, BACK = "2026-11-20", "2026-11-24"


def _leg(number: int, route: str, day: str, times: str, minutes: int, **airline: Any) -> Any:
    origin, target = route.split("-")
    departure, arrival = (f"{day}T{time}" for time in times.split("-"))
    sent = {"departure_time": departure, "arrival_time": arrival, "duration_mins": minutes}
    return leg(number, origin, target, **sent | airline)


LEGS = [
    _leg(1, "BUD-LTN", THERE, "06:10-07:45", 155),
    _leg(2, "LTN-BUD", BACK, "19:45-23:10", 145),
    _leg(3, "BUD-LGW", THERE, "09:30-13:05", 205, **LUFTHANSA),
    _leg(4, "LGW-BUD", BACK, "14:00-20:20", 200, **LUFTHANSA),
    _leg(5, "BUD-LHR", THERE, "17:25-19:05", 160, **BRITISH),
    _leg(6, "LHR-BUD", BACK, "08:05-11:30", 145, **BRITISH),
    _leg(7, "BUD-STN", THERE, "21:40-23:15", 65, **RYANAIR),  # which cannot be
]
KIWI = {"agent": "Kiwi.com", "agent_rating": 6.3}
WIZZ = {"agent": "Wizzair.com", "agent_rating": 9.1}
BRITISH_AIRWAYS = {"agent": "British Airways", "agent_rating": 8.9}
SATURDAY = [
    itinerary(1, [1, 2], price="£35", **WIZZ),
    itinerary(2, [3, 4], price="£90.50", **KIWI),
    itinerary(3, [5, 6], price="£77"),
    itinerary(4, [1, 6], price="£61"),
    itinerary(5, [7, 2], price="£48", **KIWI),
    itinerary(6, [3, 4], price="€102"),
    itinerary(7, [5, 4], price="£84.20", **BRITISH_AIRWAYS),
]
SUNDAY = [
    {**one, **{"it_1": {"price": "£42"}, "it_3": {"price": "£69.99"}}.get(one["id"], {})}
    for one in SATURDAY
]
MONDAY = [
    *(
        {**one, **{"it_1": {"price": "£39"}, "it_7": {"price": "£79"}}.get(one["id"], {})}
        for one in SUNDAY
        if one["id"] != "it_5"
    ),
    itinerary(8, [1, 4], price="from 70"),
]
OFFERS = {
    dt.date(2026, 10, 31): SATURDAY,
    dt.date(2026, 11, 1): SUNDAY,
    dt.date(2026, 11, 2): MONDAY,
}
#: The weather at both ends of it_1, by hours: °C, km/h, in words, WMO code.
HOURS = [
    ("BUD", "2026-11-20 05:00Z", 1.8, 9, "fog", 45),
    ("LTN", "2026-11-20 07:00Z", 7.4, 31, "slight rain", 61),
    ("LTN", "2026-11-24 19:00Z", 9.1, 42, "moderate rain", 63),
    ("BUD", "2026-11-24 22:00Z", -0.6, 12, "slight snowfall", 71),
]


def put_airports(warehouse: Warehouse) -> None:
    """The airports that are flown to, of those of the package."""
    airports = packaged_airports()[1]()
    few = airports[airports["airport_code"].isin(AIRPORTS)]
    load_airports(warehouse, few)


def put_offers(warehouse: Warehouse, day: dt.date) -> None:
    deliver(
        warehouse, dt.datetime.combine(day, dt.time(5), dt.UTC), flights_document(OFFERS[day], LEGS)
    )


def put_weather(owner: psycopg.Connection, fetched_at: dt.datetime) -> None:
    """The forecast for it_1; places are known."""
    for row in HOURS:
        owner.execute(
            "INSERT INTO weather.hourly (place_id, hour_at, temperature_celsius, wind_kmh,"
            " conditions, wmo_code, weather_source, fetched_at)"
            " SELECT place_id, %s, %s, %s, %s, %s, 'forecast', %s FROM weather.places"
            " INNER JOIN flights.airports USING (place_key) WHERE airport_code = %s",
            [*row[1:], fetched_at, row[0]],
        )
