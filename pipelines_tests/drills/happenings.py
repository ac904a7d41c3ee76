"""What happens in a drill, drawn by a seed: files, plants, outages, and calm at the end."""

import csv
import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from pipelines.sources.bookings.sandbox import event_files
from pipelines.sources.shipments import sandbox
from pipelines.sources.solar import registry
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills import truth
from pipelines_tests.drills.noted_sources import Sources
from pipelines_tests.drills.week import Platform

SEED = int(os.environ.get("ISOBAR_DRILL_SEED", "1"))
DAYS = float(os.environ.get("ISOBAR_DRILL_DAYS", "1.1"))
STEP = dt.timedelta(hours=1 if DAYS >= 2 else 3)
START = dt.datetime(2026, 12, 7, 4, 20, tzinfo=dt.UTC)
END = START + dt.timedelta(days=DAYS)
#: At the end nothing new happens and every answer is good, so that all may be made up for.
CALM = dt.timedelta(hours=5)
HOUR = dt.timedelta(hours=1)

#: Of Dagster's storage: events, their bytes, and the bytes of all of it.
STORED = """
SELECT
    (SELECT count(*) FROM event_logs),
    pg_total_relation_size('event_logs'),
    sum(pg_total_relation_size(oid))::bigint
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class Drill:
    """What happens, and what was reported."""

    def __init__(self, home: Platform, sources: Sources, store: Warehouse, inbox: Path) -> None:
        self.home, self.sources, self.store, self.inbox = home, sources, store, inbox
        self.random = Random(SEED)
        self.shipment_files: list[Sequence[Sequence[str]]] = []
        self.booking_files: list[list[dict[str, str]]] = []
        self.stream = event_files.Stream(inbox / "bookings", SEED, lines=30, dirt=0.05)
        self.stored: list[tuple[int, int, int]] = []

    def plan(self) -> None:
        """Draw when everything happens."""
        days = int(DAYS + 1)
        for number in range(days):
            day = START + number * truth.DAY
            self._at(day, 1, 4, lambda: self._drop_shipments(self.home.clock.now.date()))
            self._at(day, 5, 6, self._drop_shipments_again)
            self._at(day, 7, 9, self._change_shipments)
            self._at(day, 1, 15, self._drop_day_of_bookings)
            for first in (1, 8):
                self._at(day, first, first + 7, self._stream_bookings)
        for number in range(int(DAYS) + 1):
            midnight = (START + number * truth.DAY).replace(hour=0, minute=0) + truth.DAY
            self.home.plan(midnight, self.weigh)
        self._at(START, 0.1, 0.2, lambda: registry.add(self.store, "Added", 37.09, -2.36))
        self._at(START, 4, 6, lambda: self._insert(17, 52.6, 12.34))
        self._at(START, 8, 9, lambda: self._insert(18, None, None))
        self._at(START, 12, 14, lambda: registry.retire(self.store, 18))
        five = START.replace(hour=5, minute=0)
        self._down("/flights.json", five, dt.timedelta(minutes=4))
        paths = ("/v1/", "/solar", "/events") * (1 + int(DAYS / 4))
        apart = max(5.0, (24 * DAYS - 20) / len(paths))
        for number, path in enumerate(paths):
            begins = START + (9 + number * apart + self.random.random() * 3) * HOUR
            self._down(path, begins, dt.timedelta(hours=1 + self.random.random() * 2))
        self.home.plan(END - CALM, self.sources.calm_down)
        self.home.plan(five.replace(hour=4), self.weigh)

    def _at(self, day: dt.datetime, first: float, last: float, happening: Any) -> None:
        """At a moment between so many hours after the day's begin, unless it is calm then."""
        moment = day + self.random.uniform(first, last) * HOUR
        if moment < END - CALM:
            self.home.plan(moment, happening)

    def _down(self, path: str, begins: dt.datetime, lasts: dt.timedelta) -> None:
        ends = begins + lasts
        if ends < END - CALM:
            self.home.plan(begins, lambda: self.sources.down.add(path))
            self.home.plan(ends, lambda: self.sources.down.discard(path))
            self.sources.outages.append((path, begins, ends))

    def _insert(self, plant: int, latitude: float | None, longitude: float | None) -> None:
        statement = text(
            "INSERT INTO solar.plants (plant_id, name, latitude, longitude)"
            " VALUES (:plant, :name, :latitude, :longitude)"
        )
        row = {"plant": plant, "name": f"Plant {plant}"}
        with self.store.transaction("solar") as connection:
            connection.execute(statement, row | {"latitude": latitude, "longitude": longitude})

    def _drop_shipments(self, day: dt.date) -> None:
        self._put_shipments(f"shipments-{day}.csv", sandbox.lines(SEED, day))

    def _drop_shipments_again(self) -> None:
        if self.shipment_files:
            self._put_shipments(f"again-{len(self.shipment_files)}.csv", self.shipment_files[-1])

    def _change_shipments(self) -> None:
        """Rewrite the file of the day: two shipments are delivered, one article costs more."""
        if self.shipment_files:
            lines = [[*line] for line in self.shipment_files[-1]]
            for line in lines[:4]:
                line[8] = "delivery"
            lines[6][6] = "77.70"
            self._put_shipments(f"shipments-{self.home.clock.now.date()}.csv", lines)

    def _put_shipments(self, name: str, lines: Sequence[Sequence[str]]) -> None:
        self._write(self.inbox / "shipments" / name, [sandbox.HEADER, *lines])
        self.shipment_files.append(lines)

    def _drop_day_of_bookings(self) -> None:
        day = self.home.clock.now.date() - truth.DAY
        lines = event_files.day_lines(SEED, day)
        columns = event_files.DAY_COLUMNS
        rows = [[line[name] for name in columns if name in line] for line in lines]
        self._write(self.inbox / "bookings" / f"{day}.csv", [columns, *rows])
        self.booking_files.append(lines)

    def _stream_bookings(self) -> None:
        file = self.stream.write_next(self.home.clock.now)
        self._touch(file)
        with file.open(newline="") as opened:
            self.booking_files.append([*csv.DictReader(opened)])

    def _write(self, file: Path, rows: Sequence[Sequence[str]]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}")
        with unfinished.open("w", newline="") as opened:
            csv.writer(opened, lineterminator="\n").writerows(rows)
        unfinished.replace(file)
        self._touch(file)

    def _touch(self, file: Path) -> None:
        """Set the times of a file to a minute ago by the drill's clock."""
        moment = self.home.clock.now.timestamp() - 60
        os.utime(file, (moment, moment))

    def weigh(self) -> None:
        self.stored += self.home.clock.query("dagster", STORED)
