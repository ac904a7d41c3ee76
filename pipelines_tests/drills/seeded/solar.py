"""Readings of plants: hours that are missing, bad or doubled until they heal, and corrections."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar
from unittest.mock import patch

import psycopg

from pipelines.sources.solar import sync
from pipelines.sources.solar.client import MonitoringClient
from pipelines.sources.solar.windows import DAY, Depth, Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.seeded.feed import Feed, Settle, away, same
from pipelines_tests.sources.solar.made_up import Item, item

#: Of its days before the first one nothing is sent.
A_YEAR = Depth(every_run=1, until=1)
SPOILED = ("late", "null", "text", "when", "twice", "other")
#: Ways in which an hour is sent, and those in which it is good all the same.
HEALED = ("twice", "other")
READINGS = """
SELECT
    plant_id, read_at, expected_energy_kwh, observed_energy_kwh, expected_irradiation_wh_per_m2,
    observed_irradiation_wh_per_m2
FROM solar.readings
"""
REJECTED = """
SELECT raw FROM ops.quarantine INNER JOIN ops.deliveries USING (delivery_id) WHERE source = 'solar'
"""
COMPLETE = "SELECT plant_id, day FROM solar.days WHERE status = 'complete'"
# Days whose count of hours differs from their stored readings.
HALF_WRITTEN = """
SELECT plant_id, day, days.hours_present, counted.hours
FROM solar.days
FULL JOIN (
    SELECT plant_id, read_at::date AS day, count(*) AS hours FROM solar.readings GROUP BY 1, 2
) AS counted USING (plant_id, day)
WHERE coalesce(days.hours_present, 0) <> coalesce(counted.hours, 0)
"""
BY_NOBODY = """
SELECT plant_id, read_at FROM solar.readings LEFT JOIN ops.deliveries USING (delivery_id)
WHERE source IS DISTINCT FROM 'solar'
"""


class Solar(Feed):
    """Two plants, whose days are sent when they are over."""

    source = "solar"
    path = "/solar"
    is_watched = True  # of what was before the first sync it would have the last day alone
    moments: ClassVar[Mapping[str, int]] = {"statement": 43, "commit": 6}
    plants = (1, 2)

    def __init__(self, seed: int, *place: Any) -> None:
        super().__init__(seed, *place)
        self.seed = seed
        self.first = self._yesterday()
        self.until: dt.date | None = None
        self.energy: dict[tuple[int, dt.date], list[float]] = {}
        self.spoiled: dict[tuple[int, dt.date], dict[int, str]] = {}
        self.requested: list[tuple[int, Window]] = []
        self.answered: dict[str, int] = {}

    def begin(self, owner: psycopg.Connection) -> None:
        for plant in self.plants:
            values = (plant, f"Plant {plant}")
            owner.execute("INSERT INTO solar.plants (plant_id, name) VALUES (%s, %s)", values)

    def happen(self, settle: Settle) -> str:
        chance = self.random.random()
        if chance < 0.45:
            days = self.random.choice((1, 1, 2))
            self.clock.pass_by(days=days)
            return f"{days} days pass"
        days_sent = [*self._days()]
        if chance < 0.7:
            for place in days_sent:
                kept = {h: how for h, how in self._spoiled(*place).items() if how in HEALED}
                self.spoiled[place] = kept if self.random.random() < 0.7 else self.spoiled[place]
            self.clock.pass_by(hours=6)
            return "hours heal"
        plant, day = self.random.choice(days_sent)
        self._correct(plant, day)
        end = min(day + self.random.choice((1, 2, 3)) * DAY, self.clock().date())
        self.requested.append((plant, Window(day, end)))
        return f"{day} of plant {plant} is corrected, and {self.requested[-1][1]} requested"

    def _correct(self, plant: int, day: dt.date) -> None:
        energy = self._energy(plant, day)
        for hour in self.random.sample(range(24), self.random.choice((1, 5, 24))):
            energy[hour] += 100

    def _yesterday(self) -> dt.date:
        return self.clock().date() - DAY

    def _days(self) -> list[tuple[int, dt.date]]:
        """Return the days of each plant that are sent."""
        window = Window(self.first, self.until or self.clock().date())
        return [(plant, day) for plant in self.plants for day in window.days()]

    def _energy(self, plant: int, day: dt.date) -> list[float]:
        return self.energy.setdefault((plant, day), [10.0 * plant + hour for hour in range(24)])

    def _spoiled(self, plant: int, day: dt.date) -> dict[int, str]:
        """Return how which hours of a day are sent, where not just well."""
        if (plant, day) not in self.spoiled:
            random = Random(f"{self.seed} {plant} {day}")
            hours = random.sample(range(24), random.choice((0, 0, 1, 3)))
            self.spoiled[plant, day] = {hour: random.choice(SPOILED) for hour in hours}
        return self.spoiled[plant, day]

    def _sent(self, plant: int, day: dt.date) -> list[tuple[Item, bool]]:
        """The items of a day, and whether each is good."""
        items: list[tuple[Item, bool]] = []
        for hour, energy in enumerate(self._energy(plant, day)):
            good = item(dt.datetime.combine(day, dt.time(hour)), energy)
            match self._spoiled(plant, day).get(hour):
                case None:
                    items.append((good, True))
                case "twice":
                    items += [(good, True), (good, True)]
                case "other":
                    items += [(good, True), (good | {"observed": good["expected"]}, False)]
                case "null":
                    items.append((good | {"expected": None}, False))
                case "text":
                    items.append((good | {"observed": {"energy": "?", "irradiation": 1}}, False))
                case "when":
                    items.append((good | {"datetime": f"soon {day} {hour}"}, False))
        return items

    def answer(self, query: Mapping[str, str]) -> bytes:
        plant = int(query["plant-id"])
        window = Window(*(dt.date.fromisoformat(query[name]) for name in ("from", "to")))
        days = [day for one, day in self._days() if one == plant and day in [*window.days()]]
        items = [one for day in days for one, _ in self._sent(plant, day)]
        body = json.dumps(items).encode()
        self.answered[hashlib.sha256(body).hexdigest()] = len(items)
        return body

    def run(self, store: Warehouse) -> None:
        """Sync plants one after the other, to make moments countable: as requested, then due."""
        syncs: list[tuple[list[int] | None, Window | None]] = [
            *(([plant], window) for plant, window in self.requested),
            (None, None),
        ]
        with patch.object(sync, "AT_ONCE", 1):
            for chosen, window in syncs:
                client = MonitoringClient(self.url + self.path, self.http("MONITORING_URL"))
                one = sync.Sync(store, client, A_YEAR, self.clock, window=window)
                if problems := [done.problem for done in one.plants(chosen) if done.problem]:
                    raise away(self.source, problems[0])

    def is_loaded(self) -> None:
        self.requested = []

    def end(self) -> None:
        """Nothing is sent of later days, and all that is to be requested again is due."""
        self.until = self.clock().date()
        self.clock.pass_by(days=31)

    def again(self, store: Warehouse) -> None:
        last = (self.until or self.clock().date()) - DAY
        self.requested = [(self.plants[0], Window(last, last + DAY))]
        self.run(store)
        self.is_loaded()

    def check(self, owner: psycopg.Connection) -> None:
        sent = {place: self._sent(*place) for place in self._days()}
        good = {
            (plant, one["datetime"]): one
            for (plant, _), items in sent.items()
            for one, is_good in items
            if is_good
        }
        rows = [(plant, *_row(one)) for (plant, _), one in good.items()]
        same(owner.execute(READINGS), rows, "solar.readings")
        bad = [json.dumps(one) for items in sent.values() for one, is_good in items if not is_good]
        same((raw for (raw,) in owner.execute(REJECTED)), bad, "rejected items")
        complete = [
            (plant, day)
            for plant, day in sent
            if all((plant, f"{day}T{hour:02}:00:00") in good for hour in range(24))
        ]
        same(owner.execute(COMPLETE), complete, "complete days")
        for query in (HALF_WRITTEN, BY_NOBODY):
            assert owner.execute(query).fetchall() == []
        for (name, sha256), entry in self.entries(owner).items():
            assert entry.read == self.answered[sha256], name


def _row(sent: Item) -> tuple[Any, ...]:
    at = dt.datetime.fromisoformat(sent["datetime"]).replace(tzinfo=dt.UTC)
    sides = sent["expected"], sent["observed"]
    return (at, *(side["energy"] for side in sides), *(side["irradiation"] for side in sides))
