"""What each public number of flights is, in plain Python from the raw documents.

A second computation, by the definitions alone: it shares neither SQL nor Python with the platform.
Documents are parsed JSON. Airports come as a mapping from IATA code to city, country and time zone.
"""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Document = dict[str, Any]
#: Documents by the time when they were received.
History = Mapping[dt.datetime, Document]
CURRENCIES = {"£": "GBP", "€": "EUR"}
#: Usual prices are those of so many days, and need so many days with a document.
USUAL_DAYS = 60
FEWEST_DAYS = 10


class Airport(NamedTuple):
    """The city that an airport serves, and its zone."""

    city: str
    country: str
    zone: str

    @property
    def served(self) -> str:
        return f"{self.city}, {self.country}"


Airports = Mapping[str, Airport]


@dataclass(frozen=True)
class Offer:
    """An accepted record with its legs, as a document had them."""

    itinerary_id: str
    accepted_at: dt.datetime
    price: Decimal
    currency: str
    legs: tuple[Mapping[str, Any], ...]
    airports: Airports

    @property
    def leg_ids(self) -> list[str]:
        return [leg["id"] for leg in self.legs]

    @property
    def route(self) -> str:
        return ", ".join(
            f"{leg['departure_airport']}-{leg['arrival_airport']}" for leg in self.legs
        )

    @property
    def stops(self) -> list[int]:
        return [leg["stops"] for leg in self.legs]

    @property
    def minutes(self) -> int:
        return sum(self._minutes_of(leg) for leg in self.legs)

    @property
    def departs_at(self) -> dt.datetime:
        return self._instant(self.legs[0], "departure")

    @property
    def departure_on(self) -> dt.date:
        return dt.datetime.fromisoformat(self.legs[0]["departure_time"]).date()

    @property
    def cities(self) -> tuple[str, str]:
        first = self.legs[0]
        return (
            self.airports[first["departure_airport"]].served,
            self.airports[first["arrival_airport"]].served,
        )

    @property
    def trip(self) -> str:
        if len(self.legs) == 1:
            return "one-way"
        home = self.airports[self.legs[-1]["arrival_airport"]].served == self.cities[0]
        return "round trip" if home else "other"

    def weeks_before_departure(self, at: dt.datetime) -> int:
        """Count whole weeks: the band is 0 in the seven days before the departure."""
        return (self.departs_at - at) // dt.timedelta(days=7)

    def _instant(self, leg: Mapping[str, Any], end: str) -> dt.datetime:
        local = dt.datetime.fromisoformat(leg[f"{end}_time"])
        zone = ZoneInfo(self.airports[leg[f"{end}_airport"]].zone)
        return local.replace(tzinfo=zone).astimezone(dt.UTC)

    def _minutes_of(self, leg: Mapping[str, Any]) -> int:
        elapsed = self._instant(leg, "arrival") - self._instant(leg, "departure")
        stated: int = leg["duration_mins"]
        minutes = int(elapsed.total_seconds()) // 60
        is_plausible = minutes == stated or (leg["stops"] > 0 and minutes > stated)
        return minutes if is_plausible else stated


def accepted(at: dt.datetime, document: Document, airports: Airports) -> dict[str, Offer] | None:
    """Return the accepted offers of a document by id; None if it is rejected as a whole."""
    legs = {leg["id"]: leg for leg in document["legs"] if _is_leg(leg)}
    offers = {}
    for record in document["itineraries"]:
        price = _price(record["price"])
        if price is None or not set(record["legs"]) <= set(legs):
            continue
        offers[record["id"]] = Offer(
            itinerary_id=record["id"],
            accepted_at=at,
            price=price[1],
            currency=price[0],
            legs=tuple(legs[leg_id] for leg_id in record["legs"]),
            airports=airports,
        )
    return None if 2 * len(offers) < len(document["itineraries"]) else offers


def _is_leg(leg: Mapping[str, Any]) -> bool:
    named = ("departure_airport", "arrival_airport", "departure_time", "arrival_time")
    return (
        all(isinstance(leg.get(name), str) for name in named)
        and leg["departure_airport"] != leg["arrival_airport"]
        and leg["duration_mins"] > 0
    )


def _price(text: object) -> tuple[str, Decimal] | None:
    found = re.fullmatch(r"([£€])(\d+(?:\.\d\d)?)", text) if isinstance(text, str) else None
    if not found or Decimal(found[2]) <= 0:
        return None
    return CURRENCIES[found[1]], Decimal(found[2])


class State(NamedTuple):
    """What is said of an offer: its last accepted record, whether it can be had, and its change."""

    offer: Offer
    on_offer: bool
    #: The accepted price of the document just before, of the same route and currency.
    previous_price: Decimal | None


class Oracle:
    """All numbers of a history."""

    def __init__(self, history: History, airports: Airports) -> None:
        read = ((at, accepted(at, history[at], airports)) for at in sorted(history))
        self.documents = [(at, offers) for at, offers in read if offers is not None]

    def states(self, now: dt.datetime) -> dict[str, State]:
        """Return every offer as it is known now."""
        found: dict[str, State] = {}
        before: dict[str, Offer] = {}
        for _, offers in self.documents:
            for key, offer in offers.items():
                previous = before.get(key)
                is_same = previous is not None and (previous.route, previous.currency) == (
                    offer.route,
                    offer.currency,
                )
                price = previous.price if previous is not None and is_same else None
                found[key] = State(offer, False, price)
            before = offers
        return {
            key: state._replace(on_offer=key in before and state.offer.departs_at > now)
            for key, state in found.items()
        }

    def prices(self) -> dict[tuple[str, dt.datetime], tuple[Decimal, str, str]]:
        """Return price, currency and route by offer and document."""
        return {
            (key, at): (offer.price, offer.currency, offer.route)
            for at, offers in self.documents
            for key, offer in offers.items()
        }

    def other_routes(self) -> set[tuple[str, str, str]]:
        """Return the ids in the newest document that fly another route than the last time."""
        last: dict[str, str] = {}
        for _, offers in self.documents[:-1]:
            last |= {key: offer.route for key, offer in offers.items()}
        newest = self.documents[-1][1] if self.documents else {}
        return {
            (key, last[key], offer.route)
            for key, offer in newest.items()
            if last.get(key, offer.route) != offer.route
        }

    def lowest(self) -> dict[tuple[Any, ...], tuple[Decimal, int, int]]:
        """Return the lowest price of each document and departure day.

        By document, cities, kind of trip, departure day, weeks before departure and currency: the
        price, the number of offers, and the number of those in other currencies.
        """
        groups: dict[tuple[Any, ...], dict[str, list[Decimal]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for at, offers in self.documents:
            for offer in offers.values():
                if offer.departs_at > at:
                    weeks = offer.weeks_before_departure(at)
                    key = (at, *offer.cities, offer.trip, offer.departure_on, weeks)
                    groups[key][offer.currency].append(offer.price)
        return {
            (*key, currency): (
                min(prices),
                len(prices),
                sum(len(others) for other, others in group.items() if other != currency),
            )
            for key, group in groups.items()
            for currency, prices in group.items()
        }

    def usual(self, now: dt.datetime) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Return low, typical, high and the median by cities, kind of trip, currency and band.

        A sample is the lowest price of a day with documents and of a departure day.
        """
        lowest: dict[tuple[Any, ...], dict[tuple[Any, ...], Decimal]] = defaultdict(dict)
        first = now.astimezone(dt.UTC).date() - dt.timedelta(days=USUAL_DAYS)
        for key, (price, *_) in self.lowest().items():
            at, origin, destination, trip, departure_on, weeks, currency = key
            day = at.astimezone(dt.UTC).date()
            if day > first and trip != "other":
                samples = lowest[origin, destination, trip, currency, weeks]
                sample = (day, departure_on)
                samples[sample] = min(price, samples.get(sample, price))
        found = {}
        for group, samples in lowest.items():
            prices = sorted(samples.values())
            low, typical, high = (_quantile(prices, Decimal(n) / 4) for n in (1, 2, 3))
            is_known = len({day for day, _ in samples}) >= FEWEST_DAYS
            found[group] = (*((low, typical, high) if is_known else (None,) * 3), typical)
        return found

    def levels(self, now: dt.datetime) -> dict[str, str]:
        """Say of the cheapest offers of a departure day whether they are low, usual or high."""
        usual = self.usual(now)
        groups: dict[tuple[Any, ...], list[Offer]] = defaultdict(list)
        for offer, on_offer, _ in self.states(now).values():
            if on_offer:
                key = (*offer.cities, offer.trip, offer.currency)
                groups[key, offer.departure_on].append(offer)
        found = {}
        for (key, _), offers in groups.items():
            lowest = min(offer.price for offer in offers)
            for offer in offers:
                weeks = offer.weeks_before_departure(now)
                low, _, high, _ = usual.get((*key, weeks), (None,) * 4)
                if offer.price == lowest and low is not None:
                    is_extreme = offer.price < low or offer.price > high
                    level = "usual" if not is_extreme else "low" if offer.price < low else "high"
                    found[offer.itinerary_id] = level
        return found


def _quantile(ordered: list[Decimal], share: Decimal) -> Decimal:
    """Interpolate between the two nearest values, as the quartile of a sample."""
    position = share * (len(ordered) - 1)
    left = ordered[int(position)]
    right = ordered[min(int(position) + 1, len(ordered) - 1)]
    return left + (right - left) * (position - int(position))
