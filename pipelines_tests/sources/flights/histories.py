"""Made-up histories of flights documents in which everything happens that senders do.

A history is given by its seed and the present time. Each one has at least one case of `EVENTS`,
documents missing for days, days with two documents, a document that is rejected as a whole, trips
of one leg, round trips and trips that end elsewhere, cities with several airports, London in two
countries, and offers that depart while they are still in the documents.
"""

import copy
import datetime as dt
from itertools import count
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from pipelines_tests.sources.flights.oracle import Airport, Document

EVENTS = (
    "cheaper",
    "dearer",
    "bad_price",
    "missing_leg",
    "invalid_leg",
    "all_legs_missing",
    "changed_leg",
    "bad_price_and_changed_leg",
    "other_currency",
    "away",
    "other_route",
)
BUDAPEST = "Europe/Budapest"
LONDON = "Europe/London"
TORONTO = "America/Toronto"
NEW_YORK = "America/New_York"
AIRPORTS = {
    "BUD": Airport("Budapest", "HU", BUDAPEST),
    "LHR": Airport("London", "GB", LONDON),
    "LGW": Airport("London", "GB", LONDON),
    "LTN": Airport("London", "GB", LONDON),
    "YXU": Airport("London", "CA", TORONTO),
    "YYZ": Airport("Toronto", "CA", TORONTO),
    "YTZ": Airport("Toronto", "CA", TORONTO),
    "JFK": Airport("New York", "US", NEW_YORK),
    "EWR": Airport("Newark", "US", NEW_YORK),
    "LAX": Airport("Los Angeles", "US", "America/Los_Angeles"),
    "HND": Airport("Tokyo", "JP", "Asia/Tokyo"),
}
#: Days of documents before the present day.
DAYS = 17


def history(seed: int, now: dt.datetime) -> dict[dt.datetime, Document]:
    """Return the documents by the time when they were received; the last one is just there."""
    return _Maker(Random(seed), now).history()


class _Maker:
    def __init__(self, random: Random, now: dt.datetime) -> None:
        self.random = random
        self.now = now.replace(second=0, microsecond=0)
        self.numbers = count(1)
        self.legs: dict[str, dict[str, Any]] = {}
        self.itineraries: dict[str, dict[str, Any]] = {}

    def history(self) -> dict[dt.datetime, Document]:
        self._make_offers()
        times = self._times()
        events = self._events(len(times))
        return {at: self._document(events[index]) for index, at in enumerate(times)}

    def _times(self) -> list[dt.datetime]:
        """Daily but for four days without a document; twice on two days; one long ago."""
        gap = self.random.randrange(5, DAYS - 5)
        days = [ago for ago in range(DAYS, 0, -1) if not gap <= ago < gap + 4]
        times = [self.now - dt.timedelta(days=ago) for ago in (65, *days)]
        twice = self.random.sample(times, 2)
        half_an_hour = dt.timedelta(minutes=30)
        times += [at + (half_an_hour if at.hour < 23 else -half_an_hour) for at in twice]
        return sorted({*times, self.now - dt.timedelta(minutes=5)})

    def _make_offers(self) -> None:
        today = self.now.date()
        for week in range(-2, 6):
            for _ in range(2):
                day = today + dt.timedelta(days=7 * week + self.random.randrange(7))
                london, back = (self.random.choice(["LHR", "LGW", "LTN"]) for _ in range(2))
                self._offer(("BUD", london, day), (back, "BUD", day + dt.timedelta(days=4)))
        soon = today + dt.timedelta(days=self.random.randrange(2, 40))
        past = today - dt.timedelta(days=self.random.randrange(1, 6))
        later = soon + dt.timedelta(days=9)
        self._offer(("LHR", "YYZ", soon))
        self._offer(("LGW", self.random.choice(["YTZ", "YYZ"]), soon))
        self._offer(("YXU", "JFK", soon))
        self._offer(("LHR", "JFK", soon))
        self._offer(("HND", "LAX", soon), ("LAX", "HND", later))
        self._offer(("LAX", "HND", past))
        self._offer(("LHR", "JFK", soon), ("EWR", "YYZ", later))
        self._offer(("BUD", "LHR", past))
        for key in self.random.sample(sorted(self.itineraries), 4):  # another agent's, same legs
            other = f"it_{next(self.numbers)}"
            price = f"£{self.random.randrange(60, 400)}"
            self.itineraries[other] = {**self.itineraries[key], "id": other, "price": price}

    def _offer(self, *trips: tuple[str, str, dt.date]) -> None:
        legs = [self._leg(*trip) for trip in trips]
        key = f"it_{next(self.numbers)}"
        self.itineraries[key] = {
            "id": key,
            "legs": [leg["id"] for leg in legs],
            "price": f"{self.random.choice('£££€')}{self.random.randrange(60, 400)}",
            "agent": self.random.choice(["Trip.com", "Kiwi.com"]),
            "agent_rating": 9.0,
        }

    def _leg(self, origin: str, target: str, day: dt.date) -> dict[str, Any]:
        """A direct leg, one with a layover, or one whose times contradict its duration."""
        zones = [ZoneInfo(AIRPORTS[code].zone) for code in (origin, target)]
        while True:
            hour, minute = self.random.randrange(9, 20), self.random.randrange(60)
            departs = dt.datetime.combine(day, dt.time(hour, minute), zones[0])
            elapsed = self.random.randrange(60, 700)
            arrives = (departs.astimezone(dt.UTC) + dt.timedelta(minutes=elapsed)).astimezone(
                zones[1]
            )
            # Not in an hour that clocks repeat, nor at the very time at which it is looked at.
            if arrives.hour > 4 and abs(departs - self.now) > dt.timedelta(minutes=20):
                break
        stops = self.random.choice([0, 0, 1])
        wrong = 35 if self.random.random() < 0.1 else 0
        key = f"leg_{next(self.numbers)}"
        self.legs[key] = {
            "id": key,
            "departure_airport": origin,
            "arrival_airport": target,
            "departure_time": f"{departs:%Y-%m-%dT%H:%M}",
            "arrival_time": f"{arrives:%Y-%m-%dT%H:%M}",
            "stops": stops,
            "airline_name": "Wizz Air",
            "airline_id": "WZ",
            "duration_mins": elapsed - 30 * stops + wrong,
        }
        return self.legs[key]

    def _events(self, documents: int) -> list[dict[str, str]]:
        """Two cases of each event, and the ordinary changes of prices; by document and offer."""
        events: list[dict[str, str]] = [{} for _ in range(documents)]
        keys = sorted(self.itineraries)
        rejected = self.random.randrange(2, documents - 2)
        pairs = [*self.itineraries][:16]  # round trips from Budapest
        chosen = self.random.sample(pairs, len(EVENTS))
        chosen += self.random.sample([key for key in keys if key not in chosen], 10)
        for event, key in zip([*EVENTS, *EVENTS[:-1]], chosen, strict=True):
            at = self.random.choice([n for n in range(1, documents - 3) if n != rejected])
            for document in events[at : at + self.random.choice([1, 1, 2, 3])]:
                document[key] = event
        # The last document has some of each, as the newest one is what pages show.
        for event, key in zip(EVENTS, self.random.sample(pairs, len(EVENTS)), strict=True):
            if self.random.random() < 0.5:
                events[-1][key] = event
        for document in events:
            for key in self.random.sample(keys, len(keys) // 3):
                document.setdefault(key, self.random.choice(["cheaper", "dearer"]))
        events[rejected] = dict.fromkeys(keys, "bad_price")
        return events

    def _document(self, events: dict[str, str]) -> Document:
        for key, event in events.items():
            self._change(key, event)
        itineraries = copy.deepcopy(self.itineraries)
        legs = copy.deepcopy(self.legs)
        for key, event in events.items():
            named = [leg for leg in itineraries[key]["legs"] if leg in legs]
            if event in ("bad_price", "bad_price_and_changed_leg"):
                itineraries[key]["price"] = self.random.choice(["free", "£0", None, "£1-£2"])
            elif event == "missing_leg" and named:
                del legs[self.random.choice(named)]
            elif event == "invalid_leg" and named:
                legs[named[-1]]["arrival_time"] = self.random.choice([None, "noon"])
                legs[named[-1]]["arrival_airport"] = legs[named[-1]]["departure_airport"]
            elif event == "all_legs_missing":
                for leg in named:
                    del legs[leg]
        for key in [key for key, event in events.items() if event == "away"]:
            del itineraries[key]
        used = {leg for itinerary in itineraries.values() for leg in itinerary["legs"]}
        # A withdrawn itinerary takes its legs away: some senders do, others do not.
        is_tidy = self.random.random() < 0.5
        return {
            "itineraries": [*itineraries.values()],
            "legs": [leg for key, leg in legs.items() if not is_tidy or key in used],
        }

    def _change(self, key: str, event: str) -> None:
        itinerary = self.itineraries[key]
        sign, amount = itinerary["price"][0], int(itinerary["price"][1:])
        if event in ("cheaper", "dearer"):
            step = self.random.randrange(1, 30)
            itinerary["price"] = f"{sign}{max(amount + (step if event == 'dearer' else -step), 9)}"
        elif event == "other_currency":
            itinerary["price"] = f"{'€' if sign == '£' else '£'}{amount}"
        elif event.endswith("changed_leg"):
            leg = self.legs[itinerary["legs"][0]]
            leg["stops"] = 1 - min(leg["stops"], 1)
            leg["duration_mins"] += 5
        elif event == "other_route":
            day = self.now.date() + dt.timedelta(days=self.random.randrange(-2, 30))
            origin, target = self.random.choice([("LHR", "JFK"), ("BUD", "LTN"), ("YXU", "YYZ")])
            itinerary["legs"] = [self._leg(origin, target, day)["id"]]
