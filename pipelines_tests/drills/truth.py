"""What tables must contain, computed in plain Python from the sandbox and its files."""

import datetime as dt
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.sources.bookings.sandbox.hotels import Event
from pipelines.sources.flights import sandbox
from pipelines.sources.weather.sandbox.model import weather_at

Row = tuple[Any, ...]
STATUSES = {"1": "booking", "2": "cancellation"}
#: Places in each day's document: a leg that is not there, and no price.
BAD_ITINERARIES = (3, 7)
DAY = dt.timedelta(days=1)


def prices(seed: int, days: Iterable[dt.date]) -> list[Row]:
    """Itinerary, day, agent, rating and price of each offer of each day's document.

    A bad one that was known the day before is offered, without a price.
    """
    rows: list[Row] = []
    before: dict[str, Row] = {}
    for day in days:
        now: dict[str, Row] = {}
        for place, one in enumerate(sandbox.document(seed, day)["itineraries"]):
            if place in BAD_ITINERARIES:
                now |= {name: (None,) * 4 for name in before if name == one["id"]}
            else:
                amount = Decimal(one["price"].removeprefix("£").replace(",", ""))
                rating = float(one["agent_rating"])
                now[one["id"]] = (one["agent"], rating, amount, "GBP")
        rows += [(name, day, *row) for name, row in now.items()]
        before = now
    return sorted(rows)


def legs(seed: int, day: dt.date) -> dict[str, tuple[str, dt.datetime, str, dt.datetime]]:
    """From where and when, to where and when each leg of a day's document goes."""
    found = {}
    for one in sandbox.document(seed, day)["legs"]:
        ends = []
        for end in ("departure", "arrival"):
            airport = one[f"{end}_airport"]
            zone = ZoneInfo(sandbox._airport(airport)["tz"])
            ends += [airport, dt.datetime.fromisoformat(one[f"{end}_time"]).replace(tzinfo=zone)]
        found[one["id"]] = (*ends,)
    return found


def temperature_at(airport: str, at: dt.datetime) -> float:
    """At an airport in the hour of an instant, °C."""
    place = sandbox._airport(airport)
    rows = weather_at(place["lat"], place["lon"], at.astimezone(dt.UTC))
    return float(rows["temperature_2m"])


def events_of_files(files: Iterable[Sequence[Mapping[str, str]]]) -> dict[int, Row]:
    """Return by id the good events of files in their order; of two with one id the first."""
    rows: dict[int, Row] = {}
    for line in (line for lines in files for line in lines):
        try:
            at = dt.datetime.fromisoformat(line["event_timestamp"]).replace(tzinfo=dt.UTC)
            event: Row = (
                int(line["hotel_id"]),
                at,
                STATUSES[line["status"]],
                uuid.UUID(line["room_reservation_id"]),
                dt.date.fromisoformat(line["night_of_stay"]),
            )
        except (KeyError, ValueError):
            continue
        rows.setdefault(int(line["id"]), event)
    return rows


def events_of_api(sent: Iterable[Event]) -> dict[int, Row]:
    """Return by id the events that the API served."""
    return {
        one.id: (
            one.hotel_id,
            one.event_timestamp,
            STATUSES[str(one.status)],
            uuid.UUID(one.room_reservation_id),
            one.night_of_stay,
        )
        for one in sent
    }


def counts(events: Iterable[Row], *, by_night: bool) -> list[Row]:
    """Return by hotel and day: bookings, cancellations and their difference."""
    found: Counter[tuple[int, dt.date, str]] = Counter()
    for hotel, at, status, _, night in events:
        found[hotel, night if by_night else at.date(), status] += 1
    return [
        (hotel, day, booked, cancelled, booked - cancelled)
        for hotel, day in sorted({key[:2] for key in found})
        for booked, cancelled in [(found[hotel, day, "booking"], found[hotel, day, "cancellation"])]
    ]


def shipments(files: Iterable[Sequence[Sequence[str]]]) -> dict[tuple[str, str], Row]:
    """Return by number and carrier: both addresses, status, articles, pieces and value.

    A later file has the say, but for shipments of which its lines disagree.
    """
    heads: dict[tuple[str, str], Row] = {}
    articles: dict[tuple[str, str], dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    loaded: list[Sequence[Sequence[str]]] = []
    for lines in files:
        if lines in loaded:
            continue  # the same file again is none
        loaded.append(lines)
        good = [line for line in lines if re.fullmatch(r"\d+(\.\d\d?)?", line[6])]
        by_name: dict[tuple[str, str], list[Sequence[str]]] = defaultdict(list)
        for line in good:
            by_name[line[0], line[1]].append(line)
        for name, sent in by_name.items():
            said = {(line[2], line[3], status_of(line[8])) for line in sent}
            if len(said) == 1:
                heads[name] = said.pop()
                articles[name] |= {line[7]: (int(line[5]), Decimal(line[6])) for line in sent}
    return {
        name: (
            *head,
            len(articles[name]),
            sum(pieces for pieces, _ in articles[name].values()),
            sum(pieces * price for pieces, price in articles[name].values()),
        )
        for name, head in heads.items()
    }


def status_of(word: str) -> str:
    word = word.replace("-", "_")
    return "in_transit" if word == "transit" else word
