"""Files, plants and deaths that befall a system by a seed, and what is true in the end."""

import datetime as dt
import time
from functools import partial
from random import Random
from typing import Any

import psutil

from pipelines_tests.drills import truth
from pipelines_tests.drills.system import System
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.bookings.made_up import text_of as text_of_events
from pipelines_tests.sources.shipments.made_up import line, text_of

KILLED = (
    "run worker", "PostgreSQL", "daemon", "sandbox", "code server", "session", "web server",
    "isobar ui",
)  # fmt: skip
HAPPENINGS = 14
LINES = 30
#: A plant whose sync was killed three times is requested again after ten minutes.
SETTLE_SECONDS = 900
LEDGER = """
SELECT name, count(*), sum(read_count), sum(loaded_count + unchanged_count + rejected_count),
    sum(rejected_count)
FROM ops.deliveries WHERE feed = %s AND name LIKE %s GROUP BY name
"""
LOADED = "SELECT sum(loaded_count) FROM ops.deliveries WHERE feed = 'bookings' AND name LIKE %s"
EVENTS = """
SELECT event_id, hotel_id, event_at, status, room_reservation_id, night_of_stay
FROM bookings.events WHERE hotel_id = %s
"""
COUNTED = """
SELECT hotel_id, day, bookings, cancellations, net_bookings
FROM metrics.hotel_bookings_by_stay_night WHERE hotel_id = %s ORDER BY day
"""
SHIPMENTS = """
SELECT
    tracking_number, carrier, sender_address, receiver_address, status,
    article_count, units, total_value
FROM enriched.shipments WHERE tracking_number LIKE %s
"""
UNSYNCED = """
SELECT name FROM solar.plants LEFT JOIN solar.syncs USING (plant_id)
WHERE syncs.ended_at IS NULL OR syncs.problem IS NOT NULL
"""
#: What of it is not the years that later syncs are to go back to.
HOLES = """
SELECT gaps.* FROM solar.gaps INNER JOIN solar.plants USING (plant_id)
WHERE plants.name LIKE 'system%%' AND (  -- one of the sandbox's own has a gap on purpose
    gaps.status <> 'not requested'
    OR last_day >= (SELECT min(day) FROM solar.days WHERE days.plant_id = gaps.plant_id)
)
"""
READINGS = """
SELECT plant_id, count(*), count(DISTINCT read_at), count(DISTINCT read_at::date)
FROM solar.readings INNER JOIN solar.plants USING (plant_id)
WHERE name LIKE 'system%%' GROUP BY plant_id
"""


class Plot:
    """Events drawn by a seed: files, plants and deaths, and the content of the files."""

    def __init__(self, seed: int, system: System) -> None:
        self.random = Random(f"whole system {seed}")
        self.seed, self.system = seed, system
        self.hotel = 90_000 + seed
        self.files: dict[str, dict[str, list[Any]]] = {"bookings": {}, "shipments": {}}
        self.plants = 0
        self.events = 0
        self.story: list[str] = []
        ways = list(KILLED)
        self.random.shuffle(ways)
        self.to_kill = [*ways[: 3 + seed % 3], "run worker"]

    def play(self) -> None:
        """Let it all happen; of the deaths, one follows on another's heels now and then."""
        deaths = self.random.sample(range(1, HAPPENINGS), len(self.to_kill))
        for number in range(HAPPENINGS):
            self.random.choice((self.drop_events, self.drop_shipments))()
            if number in (2, 9):
                self.add_plant()
            if number in deaths:
                self.kill(self.to_kill.pop())
            self.rest(self.random.choice((0.2, 1, 3)) * self.random.random())

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)
        self.system.keep_up()

    def drop_events(self) -> None:
        """New events, some that are known, and one that is bad."""
        first = self.seed * 10**9 + self.events
        self.events += LINES + 1
        days = [str(dt.date(2026, 3, 1 + self.random.randrange(28))) for _ in range(LINES)]
        lines = [
            event(first + n, hotel_id=self.hotel, night_of_stay=day) for n, day in enumerate(days)
        ]
        known = [one for sent in self.files["bookings"].values() for one in sent[1:]]
        lines += self.random.sample(known, min(5, len(known)))
        lines.insert(0, event(first + LINES, status=3))
        self._drop("bookings", lines, text_of_events)

    def drop_shipments(self) -> None:
        """New shipments, and some that are on their way meanwhile."""
        first = len(self.files["shipments"]) * LINES
        numbers = [*range(first, first + LINES), *range(max(0, first - 5), first)]
        status = self.random.choice(("scanned", "in-transit", "delivery"))
        lines = [
            line(tracking_number=f"SYS{self.seed}-{n}", sku=sku, status=status)
            for n in numbers
            for sku in ("A", "B")
        ]
        self._drop("shipments", lines, text_of)

    def _drop(self, source: str, lines: list[Any], as_text: Any) -> None:
        name = f"system{self.seed}-{len(self.files[source]):02}.csv"
        inbox = self.system.state / "inbox" / source
        (inbox / f".{name}").write_text(as_text(lines))
        (inbox / f".{name}").rename(inbox / name)
        self.files[source][name] = lines
        self.note(f"{source}/{name} is dropped")

    def add_plant(self) -> None:
        """Add a plant as soon as the database permits."""
        self.plants += 1
        name = f"system {self.seed} {self.plants}"
        insert = "INSERT INTO solar.plants (name) VALUES (%s) RETURNING plant_id"
        self.system.wait_until(lambda: self.system.query(insert, name), "a plant is added")
        self.note(f"the plant {name} is added")

    def kill(self, role: str) -> None:
        """One process of the role, some moments after it is seen."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            found[:] = self.system.having(role)
            return bool(found)

        self.system.wait_until(is_there, f"there is a {role}")
        time.sleep(self.random.random() * self.random.choice((0.1, 3)))
        victim = self.random.choice(found)
        if victim.is_running():
            victim.kill()
        self.note(f"{role} {victim.pid} is killed")

    def note(self, words: str) -> None:
        self.story.append(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {words}")

    def wait(self) -> None:
        """Wait until all is loaded and the system has come to rest."""
        for source, files in self.files.items():
            for what in files:
                self.system.wait_until(partial(self.ledger, source, what), f"{what} is loaded")
        system = self.system
        system.wait_until(lambda: not system.query(UNSYNCED), "plants are synced", SETTLE_SECONDS)
        system.wait_until(lambda: self.is_counted(), "all events are counted")
        system.wait_until(system.is_at_rest, "all runs ended well")
        system.wait_until(system.is_clean, "nothing is locked")

    def is_counted(self) -> bool:
        events = truth.events_of_files(self.sent("bookings")).values()
        return bool(self.system.query(COUNTED, self.hotel) == truth.counts(events, by_night=True))

    def ledger(self, source: str, name: str) -> list[Any]:
        return self.system.query(LEDGER, source, name)

    def sent(self, source: str) -> list[list[Any]]:
        """Return the lines of each file, with all values as text."""
        return [
            [{key: str(value) for key, value in one.items()} for one in lines]
            for lines in self.files[source].values()
        ]

    def check(self) -> None:
        """Tables are as the files said, and the ledger has each file once."""
        query = self.system.query
        for source, files in self.files.items():
            bad = 1 if source == "bookings" else 0
            stored = {name: tuple(map(int, row)) for name, *row in self.ledger(source, self.names)}
            assert stored == {name: (1, len(sent), len(sent), bad) for name, sent in files.items()}
        true = truth.events_of_files(self.sent("bookings"))
        assert {row[0]: row[1:] for row in query(EVENTS, self.hotel)} == true
        assert query(LOADED, self.names) == [(len(true),)]
        lines = [[list(one.values()) for one in sent] for sent in self.sent("shipments")]
        stored = {row[:2]: row[2:] for row in query(SHIPMENTS, f"SYS{self.seed}-%")}
        assert stored == truth.shipments(lines)

    @property
    def names(self) -> str:
        return f"system{self.seed}-%"


def check_plants(system: System, plants: int) -> None:
    """Check that each plant has a year with every hour once and no open day."""
    stored = system.query(READINGS)
    assert len(stored) == plants
    for plant, rows, hours, days in stored:
        assert rows == hours == 24 * days, plant
        assert days >= 365, plant
    assert system.query(HOLES) == []
