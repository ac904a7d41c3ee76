"""Files of the hotel system's events: the past, yesterday, and a stream of fresh ones.

They contain the events of `hotels`. Bad lines are additional and have ids that no event has, so
that every true event is in the files too. Events of the stream are not served by the API.
"""

import csv
import datetime as dt
import gzip
import io
import re
import uuid
from collections.abc import Iterable
from pathlib import Path
from random import Random

from pipelines.sources.bookings.sandbox.hotels import (
    BOOKED,
    CANCELLED,
    IDS_A_DAY,
    MAX_DAYS_AHEAD,
    RESERVATIONS_A_DAY,
    Event,
    events_of_day,
)

HISTORY_COLUMNS = Event._fields
DAY_COLUMNS = (
    *("hotel_id", "id", "event_timestamp", "status", "night_of_stay", "room_reservation_id"),
)
HISTORY_DAYS = 800
DAY_DIRT = 0.01
FIRST_STREAM_ID = 10**12
IDS_A_FILE = 1_000_000
Line = dict[str, str]


def write_files(folder: Path, today: dt.date, seed: int) -> None:
    """Write the history until the day before yesterday and yesterday's file, where missing.

    The history begins with bookings: cancellations of earlier ones are not in it.
    """
    yesterday = today - dt.timedelta(days=1)
    history = folder / "bookings-history.csv.gz"
    if not history.exists():
        days = [today - dt.timedelta(days=before) for before in range(HISTORY_DAYS, 1, -1)]
        happened = [event for day in days for event in events_of_day(seed, day)]
        booked = {event.room_reservation_id for event in happened if event.status == BOOKED}
        lines = [_line(event) for event in happened if event.room_reservation_id in booked]
        _write(history, gzip.compress(_csv(HISTORY_COLUMNS, lines), compresslevel=6, mtime=0))
    file = folder / f"bookings-{yesterday.isoformat()}.csv"
    if not file.exists():
        _write(file, _csv(DAY_COLUMNS, day_lines(seed, yesterday)))


def day_lines(seed: int, day: dt.date) -> list[Line]:
    """Return a day's lines: every event, one of them twice, and at least two bad lines."""
    random = Random(f"{seed} file {day}")  # noqa: S311 - made-up data
    lines = [_line(event) for event in events_of_day(seed, day)]
    good = list(lines)
    lines.append(dict(random.choice(good)))
    count = max(2, round(DAY_DIRT * len(good)))
    for number in range(day.toordinal() * count, (day.toordinal() + 1) * count):
        last = (day.toordinal() + 1) * IDS_A_DAY - 1
        line = random.choice(good) | {"id": str(last - number % count)}
        kind = number % 4
        if kind == 0:
            line["room_reservation_id"] = line["room_reservation_id"][:-4] + "oops"
        elif kind == 1:
            line["status"] = "3"
        elif kind == 2:
            line = {name: line[name] for name in DAY_COLUMNS[:3]}
        else:
            line["night_of_stay"] = f"{day.year}-02-30"
        lines.insert(random.randrange(1, len(lines)), line)
    return lines


class Stream:
    """Files of fresh events, `lines` each, of which the share `dirt` is bad.

    Numbering continues from the highest number in the folder.
    """

    def __init__(self, folder: Path, seed: int, lines: int, dirt: float) -> None:
        if not (1 <= lines < IDS_A_FILE and 0 <= dirt <= 1):
            raise ValueError(f"needs 1 to {IDS_A_FILE - 1} lines and a share of dirt from 0 to 1")
        self.folder, self.seed, self.lines, self.dirt = folder, seed, lines, dirt
        self.number: int | None = None

    def write_next(self, now: dt.datetime) -> Path:
        """Write the next file, with events of the second `now`."""
        if self.number is None:
            names = [file.name for file in self.folder.glob("bookings-stream-*.csv")]
            found = [re.fullmatch(r"bookings-stream-(\d+)\.csv", name) for name in names]
            self.number = max((int(match[1]) for match in found if match), default=0)
        self.number += 1
        file = self.folder / f"bookings-stream-{self.number}.csv"
        _write(file, _csv(HISTORY_COLUMNS, self.file_lines(self.number, now)))
        return file

    def file_lines(self, number: int, now: dt.datetime) -> list[Line]:
        """Return the lines of a file; over many files, the share of bad ones is exact."""
        random = Random(f"{self.seed} stream {number} {now}")  # noqa: S311 - made-up data
        first = FIRST_STREAM_ID + number * IDS_A_FILE
        lines = [_line(event) for event in _fresh(random, first, self.lines, now)]
        before, after = (round(n * self.lines * self.dirt) for n in (number - 1, number))
        count = min(after - before, self.lines)
        good: Line | None = None
        bad_at = {(one + 1) * self.lines // count - 1: before + one for one in range(count)}
        for position, line in enumerate(lines):
            if position in bad_at:
                _spoil(line, bad_at[position] % 6, good)
            else:
                good = line
        return lines


def _fresh(random: Random, first: int, count: int, now: dt.datetime) -> list[Event]:
    """Return events with complete reservations but for the last; one in ten is cancelled."""
    at = now.astimezone(dt.UTC).replace(microsecond=0)
    second = dt.timedelta(seconds=1)
    made: list[Event] = []
    while len(made) < count:
        room = str(uuid.UUID(int=random.getrandbits(128), version=4))
        hotel = random.choice(list(RESERVATIONS_A_DAY))
        arrival = at.date() + dt.timedelta(days=random.randrange(MAX_DAYS_AHEAD + 1))
        nights = [arrival + dt.timedelta(days=night) for night in range(random.randrange(1, 5))]
        changes = [(BOOKED, at)]
        if random.random() < 0.1:
            changes = [(BOOKED, at - second), (CANCELLED, at)]
        for status, when in changes:
            for night in nights:
                made.append(Event(first + len(made), room, night, status, when, hotel))
    return made[:count]


def _spoil(line: Line, kind: int, good: Line | None) -> None:
    """Make a line invalid in one of six ways; the last one needs a valid line to contradict."""
    if kind == 0 or (kind == 5 and good is None):
        line["room_reservation_id"] = line["room_reservation_id"][:-4] + "oops"
    elif kind == 1:
        line["status"] = "3"
    elif kind == 2:
        line["night_of_stay"] = ""
    elif kind == 3:
        line["night_of_stay"] = "2026-02-30"
    elif kind == 4:
        line["hotel_id"] = "Grand"
    elif good is not None:
        line["id"] = good["id"]


def _line(event: Event) -> Line:
    return {
        "id": str(event.id),
        "room_reservation_id": event.room_reservation_id,
        "night_of_stay": event.night_of_stay.isoformat(),
        "status": str(event.status),
        "event_timestamp": event.event_timestamp.strftime("%Y-%m-%d %H:%M:%S"),
        "hotel_id": str(event.hotel_id),
    }


def _csv(columns: tuple[str, ...], lines: Iterable[Line]) -> bytes:
    """Return a header and the lines; one that lacks columns ends early."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([line[name] for name in columns if name in line] for line in lines)
    return text.getvalue().encode()


def _write(file: Path, content: bytes) -> None:
    """Write under a hidden name first, so that nobody reads an incomplete file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(file)
