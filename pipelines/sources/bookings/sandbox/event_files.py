"""Files of the hotel system's events: the past, and yesterday.

They contain the events of `hotels`. Bad lines are additional and have ids that no event has, so
that every true event is in the files too.
"""

import datetime as dt
import gzip
from collections.abc import Iterable
from pathlib import Path
from random import Random

from pipelines.sources.bookings.sandbox.hotels import BOOKED, IDS_A_DAY, Event, events_of_day

HISTORY_COLUMNS = Event._fields
DAY_COLUMNS = (
    *("hotel_id", "id", "event_timestamp", "status", "night_of_stay", "room_reservation_id"),
)
HISTORY_DAYS = 800
DAY_DIRT = 0.01
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


def _line(event: Event) -> Line:
    at = f"{event.event_timestamp:%Y-%m-%d %H:%M:%S}"
    return {name: str(one) for name, one in event._asdict().items()} | {"event_timestamp": at}


def _csv(columns: Iterable[str], lines: Iterable[Line]) -> bytes:
    """Return a header and the lines; one that lacks columns ends early."""
    header = {name: name for name in columns}
    rows = ([line[name] for name in header if name in line] for line in (header, *lines))
    return "".join(f"{','.join(row)}\n" for row in rows).encode()


def _write(file: Path, content: bytes) -> None:
    """Write under a hidden name first, so that nobody reads an incomplete file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_bytes(content)
    unfinished.replace(file)
