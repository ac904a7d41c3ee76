"""A simulated flights document with the shape and the errors of the real one.

Itineraries depart within the next month and return a week later. Every day the oldest depart, new
ones are added, and about a quarter of the prices change. One itinerary in six is withdrawn before
its departure, every second of these for three days only. As in the real document, some time zone
offsets are counted twice, stated durations exclude layovers, one itinerary refers to a missing leg,
and one has no price.
"""

import datetime as dt
import json
from functools import lru_cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipelines.great_circle import kilometres
from pipelines.source import Sandbox, SandboxParts

AIRLINES = {
    "WZ": ("Wizz Air", "Wizzair.com"),
    "BA": ("British Airways", "British Airways"),
    "LH": ("Lufthansa", "Lufthansa"),
    "AF": ("Air France", "Air France"),
}
RESELLERS = {"Trip.com": 9.5, "Kiwi.com": 8.0, "CheapFligths": 10.0}
OWN_RATING = {"Wizzair.com": 9.1, "British Airways": 9.3, "Lufthansa": 8.9, "Air France": 8.7}
PAIRS = (
    (("BUD", "LTN"), ("LTN", "BUD")),
    (("BUD", "LHR"), ("LGW", "BUD")),
    (("FRA", "JFK"), ("EWR", "FRA")),
    (("CDG", "HND"), ("NRT", "CDG")),
    (("LIS", "GRU"), ("GRU", "LIS")),
    (("AMS", "BOM"), ("BOM", "AMS")),
)
#: Their latitude and longitude, and their time zone.
AIRPORTS = {
    "AMS": ((52.3086, 4.76389), "Europe/Amsterdam"),
    "BOM": ((19.0887, 72.8679), "Asia/Kolkata"),
    "BUD": ((47.4369, 19.2556), "Europe/Budapest"),
    "CDG": ((49.0128, 2.55), "Europe/Paris"),
    "EWR": ((40.692481, -74.168688), "America/New_York"),
    "FRA": ((50.0264, 8.54313), "Europe/Berlin"),
    "GRU": ((-23.43556, -46.47306), "America/Sao_Paulo"),
    "HND": ((35.5523, 139.78), "Asia/Tokyo"),
    "JFK": ((40.639928, -73.778692), "America/New_York"),
    "LGW": ((51.1481, -0.19028), "Europe/London"),
    "LHR": ((51.4706, -0.46194), "Europe/London"),
    "LIS": ((38.7813, -9.13592), "Europe/Lisbon"),
    "LTN": ((51.8747, -0.36833), "Europe/London"),
    "NRT": ((35.7647, 140.386), "Asia/Tokyo"),
}
DAYS_AHEAD = 30
STAY_DAYS = 7
WITHDRAWN_SHARE, DAYS_AWAY = 1 / 6, dt.timedelta(days=3)


def build(sandbox: Sandbox) -> SandboxParts:
    """Build the route of the day's document, with a text content type like the real one."""

    def flights_json(_: Request) -> Response:
        made = document(sandbox.seed, sandbox.now().date())
        body = json.dumps(made, ensure_ascii=False, indent=1)
        return Response(body, media_type="text/plain; charset=utf-8")

    return SandboxParts(routes=[Route("/flights.json", flights_json)])


def document(seed: int, today: dt.date) -> dict[str, Any]:
    """Return the document of one day: about 170 itineraries and 340 legs."""
    legs: dict[str, dict[str, Any]] = {}
    itineraries = []
    for ahead in range(1, DAYS_AHEAD + 1):
        leaves_on = today + dt.timedelta(days=ahead)
        for number, ends in enumerate(PAIRS):
            if not _is_offered(seed, number, leaves_on, today):
                continue
            chosen = []
            for way, (origin, target) in enumerate(ends):
                flown_on = leaves_on + dt.timedelta(days=STAY_DAYS * way)
                leg = _leg(seed, 2 * number + way, flown_on, origin, target)
                legs[leg["id"]] = leg
                chosen.append(leg)
            itineraries.append(_itinerary(seed, number, leaves_on, today, chosen))
    itineraries[3]["legs"] = [itineraries[3]["legs"][0], "leg_0"]
    itineraries[7]["price"] = "free"
    return {"itineraries": itineraries, "legs": list(legs.values())}


def _is_offered(seed: int, number: int, leaves_on: dt.date, today: dt.date) -> bool:
    random = Random(f"{seed} offer {number} {leaves_on}")  # noqa: S311 - made-up data
    if random.random() >= WITHDRAWN_SHARE:
        return True
    gone_on = leaves_on - dt.timedelta(days=random.randrange(2, DAYS_AHEAD - 2))
    back_on = gone_on + DAYS_AWAY if random.random() < 0.5 else leaves_on
    return not gone_on <= today < back_on


@lru_cache(maxsize=4096)  # it is in the documents of a month
def _leg(seed: int, number: int, day: dt.date, origin: str, target: str) -> dict[str, Any]:
    random = Random(f"{seed} leg {number} {day}")  # noqa: S311 - made-up data
    clock = dt.time(random.randrange(5, 23), random.randrange(0, 60, 5))
    departure = dt.datetime.combine(day, clock)
    (leaves, zone), (lands, zone_there) = AIRPORTS[origin], AIRPORTS[target]
    far = kilometres(leaves, lands)
    minutes = 30 + round(far / 850 * 60 / 5) * 5
    stops = int(minutes > 300 and random.random() < 0.4)
    elapsed = minutes + stops * random.randrange(60, 240, 5)
    leaves_at = departure.replace(tzinfo=ZoneInfo(zone))
    lands_at = (leaves_at.astimezone(dt.UTC) + dt.timedelta(minutes=elapsed)).astimezone(
        ZoneInfo(zone_there)
    )
    if random.random() < 0.02:  # the zone offset is counted twice
        lands_at += (lands_at.utcoffset() or dt.timedelta()) - (
            leaves_at.utcoffset() or dt.timedelta()
        )
    airline_id = random.choice(sorted(AIRLINES))
    return {
        "id": f"leg_{day:%y%j}{number:02}",
        "departure_airport": origin,
        "arrival_airport": target,
        "departure_time": departure.strftime("%Y-%m-%dT%H:%M"),
        "arrival_time": lands_at.strftime("%Y-%m-%dT%H:%M"),
        "stops": stops,
        "airline_name": AIRLINES[airline_id][0],
        "airline_id": airline_id,
        "duration_mins": minutes,
    }


def _itinerary(
    seed: int, number: int, leaves_on: dt.date, today: dt.date, legs: list[dict[str, Any]]
) -> dict[str, Any]:
    random = Random(f"{seed} itinerary {number} {leaves_on}")  # noqa: S311 - made-up data
    ratings = RESELLERS | {AIRLINES[legs[0]["airline_id"]][1]: 0.0}
    agent = random.choice(sorted(ratings))
    base = sum(leg["duration_mins"] for leg in legs) * random.uniform(0.2, 0.6)
    since = (today.toordinal() + random.randrange(4)) // 4  # a price lasts about four days
    swing = Random(f"{seed} price {number} {leaves_on} {since}").uniform(0.8, 1.3)  # noqa: S311
    amount = base * swing
    price = f"£{amount:,.2f}" if random.random() < 0.2 else f"£{amount:.0f}"
    return {
        "id": f"it_{leaves_on:%y%j}{number:02}",
        "legs": [leg["id"] for leg in legs],
        "price": price,
        "agent": agent,
        "agent_rating": ratings[agent] or OWN_RATING[agent],
    }
