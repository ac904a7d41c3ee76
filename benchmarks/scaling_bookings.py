"""Hotel bookings at several sizes: loads, counts, questions, the audit, the disk.

Events come as they do in life: each million is the next 33 days of 3,000 hotels, in a file of its
own. What comes late is spread over all days that there are.
"""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import psycopg

from benchmarks.bookings import DIRT, HOTEL_YEAR, HOTELS, SPOIL, events
from benchmarks.curve import Curve
from benchmarks.one_load import measure_load
from benchmarks.report import answers_a_second
from benchmarks.scheduled import Question, time_scheduled
from pipelines.orchestration.operations.pruning import purge_quarantine
from pipelines.orchestration.resources import utc_now
from pipelines.postgres.roles import ANALYST, LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings import findings, source
from pipelines.sources.bookings.counts import is_behind, refresh
from pipelines.sources.bookings.transform import COLUMNS
from pipelines.warehouse.connection import Warehouse

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

MILLION = 1_000_000
DAYS_A_MILLION = 33.0
FEW, LATE = 10_000, 100_000
#: Ids are so far apart, so that late events have ids between them.
SHIFT = 1_000
HOTEL = HOTELS // 2
VIEWS = ("enriched.reservation_nights", "enriched.reservation_changes")
QUESTIONS = {
    "hotel_bookings, a year by month": "metrics.hotel_bookings({hotel}, 'month', {year})",
    "hotel_bookings, a month by day": "metrics.hotel_bookings({hotel}, 'day', {year}, month => 1)",
    "hotel_on_the_books, 30 nights": "metrics.hotel_on_the_books"
    "({hotel}, '{newest}', '{day}', '{day}'::date + 30)",
    "hotel_pickup, 90 nights": "metrics.hotel_pickup({hotel}, '{day}', as_of => '{newest}')",
    "hotel_pace, 30 nights": "metrics.hotel_pace({hotel}, '{day}'::date - 30, '{day}', '{newest}')",
    "reservation_nights, a hotel's month": "enriched.reservation_nights WHERE hotel_id = {hotel}"
    " AND night_of_stay >= '{day}' AND night_of_stay < '{day}'::date + 30",
    "reservation_nights, all of a hotel": "enriched.reservation_nights WHERE hotel_id = {hotel}",
    "reservation_nights, a reservation": "enriched.reservation_nights"
    " WHERE room_reservation_id = '{reservation}'",
    "reservation_nights, a month of all hotels": "enriched.reservation_nights"
    " WHERE night_of_stay >= '{day}' AND night_of_stay < '{day}'::date + 30",
    "all hotels on a day": "metrics.hotel_bookings_by_event_day WHERE day = '{day}'"
    " ORDER BY bookings DESC, hotel_id LIMIT 10",
}

WEIGHED = {
    "bookings.events": ("bookings.events", "pg_table_size"),
    "bookings.events_pkey": ("its index by id", "pg_relation_size"),
    "bookings.events_hotel_id_night_of_stay_idx": ("its index by hotel", "pg_relation_size"),
    "bookings.events_event_at_idx": ("its index by time", "pg_relation_size"),
    "metrics.hotel_bookings_by_event_day": ("counts by event day", "pg_total_relation_size"),
    "metrics.hotel_bookings_by_stay_night": ("counts by night", "pg_total_relation_size"),
    "ops.quarantine": ("rejected lines", "pg_total_relation_size"),
}


class Growing:
    """A hotel system that goes on, and what is measured of it into `curve`."""

    def __init__(self, server: Connections, curve: Curve, folder: Path) -> None:
        self.server, self.curve, self.folder = server, curve, folder
        self._rows = list(events(Random(1), 0, MILLION, DAYS_A_MILLION))
        self._millions = self._files = 0

    def up_to(self, millions: int, size: str) -> None:
        """Take in so many millions in all, then measure at that size."""
        for number in range(self._millions, millions):
            if number == millions - 1:
                self._count()
            file = self._file(self._frame(), number, mark="0")
            measured = measure_load(self.server, "bookings", file)
            self.curve.steps.append((number + 1, MILLION / measured["seconds"]))
            if number < millions - 1:
                file.unlink()
        self._millions = millions
        self.curve.add(size, "the last million lines, lines/s", MILLION / measured["seconds"])
        self.curve.add(size, "memory of its process, MB", measured["megabytes"])
        self.curve.add(size, "counting a million new ones, s", self._count())
        self._again(size, file)
        self._come_late(size)
        self._come_few(size)
        with self.curve.spilled(self._owner, size, "counting all anew"):
            self.curve.add(size, "counting all anew, s", self._count(rebuild=True))
        with self.curve.seconds(size, "VACUUM ANALYZE"), self._owner() as connection:
            connection.execute("VACUUM ANALYZE")
        self._ask(size)
        self._audit(size)
        self._weigh(size)

    def _again(self, size: str, file: Path) -> None:
        with file.open("a") as end:
            end.write("\n")
        measured = measure_load(self.server, "bookings", file)
        assert measured["loaded"] == 0
        self.curve.add(
            size, "the same lines in another file, lines/s", MILLION / measured["seconds"]
        )
        file.unlink()

    def _come_late(self, size: str) -> None:
        """Events of all days that there are, in no order of times or ids."""
        import numpy as np

        some = self._frame().sample(LATE, random_state=self._millions)
        millions = np.random.default_rng(1).integers(0, self._millions, LATE)
        measured = measure_load(self.server, "bookings", self._file(some, millions, mark="1"))
        rate = LATE / measured["seconds"]
        self.curve.add(size, f"{LATE:,} late lines of all days, lines/s", rate)
        self.curve.add(size, f"counting {LATE:,} late ones, s", self._count())

    def _load_few(self, mark: str) -> dict[str, float]:
        file = self._file(self._frame().head(FEW), self._millions, mark)
        return measure_load(self.server, "bookings", file)

    def _come_few(self, size: str) -> None:
        measured = self._load_few("2")
        self.curve.add(size, f"{FEW:,} new lines, s", measured["seconds"])
        self.curve.add(size, f"counting {FEW:,} new ones, s", self._count())

    def _count(self, *, rebuild: bool = False) -> float:
        warehouse = Warehouse(self.server.url(LOADER, "bench"))
        began = time.monotonic()
        refresh(warehouse, rebuild=rebuild)
        seconds = time.monotonic() - began
        warehouse.dispose()
        return seconds

    def _frame(self) -> pd.DataFrame:
        """The first million events, typed so far that they can be moved to other days."""
        import pandas as pd

        frame = pd.DataFrame(self._rows, columns=list(COLUMNS))
        for name in ("event_timestamp", "night_of_stay"):
            frame[name] = frame[name].astype("datetime64[s]")
        return frame.astype({"id": "int64"})

    def _file(self, frame: pd.DataFrame, millions: int | NDArray[np.int64], mark: str) -> Path:
        """A file of these events as if they were of later ones, with dirt; all ids are new.

        `mark`, a digit, begins their reservations and distinguishes their ids.
        """
        import numpy as np
        import pandas as pd
        from pyarrow import Table, csv

        later = pd.to_timedelta(DAYS_A_MILLION * np.asarray(millions), unit="D")
        digits = np.char.mod("%03d", np.broadcast_to(millions, len(frame)))
        moved = frame.assign(
            id=SHIFT * (frame.id + MILLION * millions) + 100 * int(mark) + len(self.curve.sizes),
            event_timestamp=frame.event_timestamp + later,
            night_of_stay=(frame.night_of_stay + later).dt.strftime("%Y-%m-%d"),
            room_reservation_id=mark + digits + frame.room_reservation_id.str.slice(4),
        )
        self._files += 1
        file = self.folder / f"{self._files}.csv"
        csv.write_csv(Table.from_pandas(moved, preserve_index=False), file)
        random = Random(self._files)
        with file.open("a") as end:
            for row in self._rows[: int(DIRT * len(frame))]:
                end.write(",".join(random.choice(SPOIL)(row)) + "\n")
        return file

    def _ask(self, size: str) -> None:
        """What dashboards and the cookbook ask, by the analyst."""
        with psycopg.connect(self.server.url(ANALYST, "bench")) as connection:
            found = connection.execute(
                "SELECT max(event_at) AS newest, max(event_at)::date AS day,"
                " extract(YEAR FROM max(event_at))::integer AS year,"
                f" {HOTEL} AS hotel,"
                " (SELECT room_reservation_id FROM bookings.events LIMIT 1) AS reservation"
                " FROM bookings.events"
            )
            names = [column.name for column in found.description or ()]
            counts = dict(zip(names, found.fetchone() or (), strict=True))
            for title, question in QUESTIONS.items():
                query = f"SELECT * FROM {question.format(**counts)}"
                self.curve.time(size, connection, title, query)
        script = HOTEL_YEAR.format(hotel=HOTEL, period="month")
        rate = answers_a_second(self.server.url(ANALYST, "bench"), script)
        self.curve.add(size, "hotel_bookings, a year by month, queries/s", rate)

    def _audit(self, size: str) -> None:
        """Look at all events, then at those of new nights; and what runs ask after each load."""
        url = self.server.url(LOADER, "bench")
        with Warehouse(url) as warehouse:
            with self.curve.seconds(size, "the weekly comparison of everything"):
                findings.refresh(warehouse, is_whole=True)
            self._load_few("3")
            with self.curve.seconds(size, "findings after 10,000 new events"):
                findings.refresh(warehouse)
            year = dt.timedelta(days=365)
            ticks: dict[str, Question] = {
                "hotel_bookings_lag, a tick": is_behind,
                "housekeeping: purge_quarantine": lambda _: purge_quarantine(
                    warehouse, utc_now() - year
                ),
            }
            time_scheduled(url, source, self.curve, size, ticks)
        with psycopg.connect(url, autocommit=True) as connection:
            for view in VIEWS:
                sample = f"SELECT * FROM {view} LIMIT 5"
                self.curve.time(size, connection, f"samples of {view}", sample)

    def _weigh(self, size: str) -> None:
        with self._owner() as connection:
            for relation, title in WEIGHED.items():
                query = f"SELECT {title[1]}('{relation}') / 1e6"
                found = connection.execute(query.encode()).fetchone()
                assert found is not None
                self.curve.add(size, f"{title[0]}, MB", float(found[0]))

    def _owner(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url(SUPERUSER, "bench"), autocommit=True)
