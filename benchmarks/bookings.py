"""Hotel bookings: a million event lines from file to committed events, and the counts of them.

Beside it stand the bare COPY of the clean lines straight into a table with the same indexes, an ORM
row by row as the replaced service had it, and dlt. That service answered 1,048 months and 278 days
of a hotel-year a second.
"""

import csv
import datetime as dt
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import dlt
import psycopg
from pyarrow import csv as arrow
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.one_load import measure_load
from benchmarks.references import latency, slowness
from benchmarks.report import Measure, factor, step
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings.counts import refresh
from pipelines.sources.bookings.transform import COLUMNS
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql

LINES, DIRT = 1_000_000, 0.01
HOTELS, DAYS = 3_000, 1_000
EVENTS, FRESH, ORM_SAMPLE = 2_000_000, 10_000, 1_000
PAGE_HOTELS = 250
#: Of the nights that the page reads: six changes a night, as of ten million events of two years.
BOOKS = """
TRUNCATE metrics.hotel_book, metrics.hotel_bookings_by_event_day, bookings.books;
INSERT INTO metrics.hotel_bookings_by_event_day (hotel_id, day, bookings, cancellations)
SELECT hotel_id, current_date - number, 8, 2
FROM generate_series(1, 2000) AS hotel_id, generate_series(0, 800) AS number;
INSERT INTO bookings.books (hotel_id, first_event_at)
SELECT hotel_id, now() - interval '800 days' FROM generate_series(1, 2000) AS hotel_id;
INSERT INTO metrics.hotel_book (hotel_id, night_of_stay, changed_on, change)
SELECT hotel_id, night, night - lead * lead, CASE lead WHEN 2 THEN -1 ELSE 1 END
FROM generate_series(1, 2000) AS hotel_id,
    generate_series(0, 700) AS number,
    LATERAL (SELECT current_date + 120 - number AS night) AS nights,
    generate_series(1, 11, 2) AS odd,
    LATERAL (SELECT odd + number % 2 AS lead) AS leads
WHERE number < 220 OR number > 480;
"""
STATUSES = {"1": "booking", "2": "cancellation"}
EVENT_COLUMNS = [
    *("event_id", "hotel_id", "event_at", "status", "room_reservation_id", "night_of_stay")
]


def measure(server: Connections) -> list[Measure]:
    """All measures of bookings, on the bench's database of a running server."""
    slow = slowness(server)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clean = _write_files(folder)
        bare = clean / _bare(server, folder / "clean.csv")
        orm = _orm(server, folder / "clean.csv")
        by_dlt = _dlt(server, folder / "clean.csv")
        first = measure_load(server, "bookings", folder / "first.csv")
        again = measure_load(server, "bookings", folder / "first.csv")
        copied = measure_load(server, "bookings", folder / "copy.csv")
    seconds, megabytes = first["seconds"], first["megabytes"]
    rate, unchanged = LINES / seconds, again["loaded"] + copied["loaded"]
    return [
        Measure("bookings: bare COPY", bare, "lines/s", None),
        Measure("bookings: load 1,000,000 lines", rate, "lines/s", 0.85 * bare, more=True),
        Measure("bookings: dlt, merge of Arrow", by_dlt, "lines/s", None),
        factor("bookings: times an ORM by row", rate / orm, 100.0),
        Measure("bookings: its memory", megabytes, "MB", 500.0),
        Measure("bookings: the same file again", again["seconds"], "s", seconds / 2),
        Measure("bookings: its lines, another name", copied["seconds"], "s", seconds),
        Measure("bookings: events changed by both", unchanged, "", 0),
        *_counts(server, slow),
        *_pages(server),
    ]


def _events(random: Random) -> Iterator[list[str]]:
    """Events as a hotel system exports them: nearly in the order of their times."""
    window: list[list[str]] = []
    for number in range(LINES):
        seconds = int((number + 0.5 * random.random()) * DAYS * 86_400 / LINES)
        at = dt.datetime(2022, 1, 1) + dt.timedelta(seconds=seconds)
        night = at.date() + dt.timedelta(days=int(120 * random.random() ** 2))
        room = str(uuid.UUID(int=random.getrandbits(128), version=4))
        status = "1" if random.random() < 0.85 else "2"
        window.append(
            [str(number), str(random.randrange(HOTELS)), f"{at}", status, room, f"{night}"]
        )
        if len(window) == 2_000:
            random.shuffle(window)
            yield from window
            window.clear()


SPOIL: list[Callable[[list[str]], list[str]]] = [
    lambda row: row[:4],
    lambda row: [*row[:4], "no uuid", row[5]],
    lambda row: [*row[:3], "3", *row[4:]],
    lambda row: [*row[:5], "2023-02-30"],
    lambda row: [*row[:2], "yesterday", *row[3:]],
]


@step("bookings: write files")
def _write_files(folder: Path) -> int:
    """Files with dirt, and the clean lines of the first alone; how many lines these have."""
    random = Random(1)
    clean = 0
    with (folder / "first.csv").open("w") as dirty, (folder / "clean.csv").open("w") as good:
        writer, clean_writer = (csv.writer(file, lineterminator="\n") for file in (dirty, good))
        writer.writerow(COLUMNS)
        for row in _events(random):
            if random.random() < DIRT:
                writer.writerow(random.choice(SPOIL)(row))
            else:
                clean += 1
                writer.writerow(row)
                clean_writer.writerow([*row[:3], STATUSES[row[3]], *row[4:]])
    (folder / "copy.csv").write_bytes((folder / "first.csv").read_bytes() + b"\n")
    return clean


@step("bookings: bare COPY")
def _bare(server: Connections, clean: Path) -> float:
    """Seconds of COPY, by the owner, straight into the same table with the same indexes."""
    with psycopg.connect(server.url(SUPERUSER, "bench")) as connection:
        connection.execute("CREATE TABLE bare (LIKE bookings.events INCLUDING ALL)")
        connection.execute(
            "ALTER TABLE bare ALTER delivery_id SET DEFAULT 1, ALTER load_number SET DEFAULT 1"
        )
        connection.commit()
        began = time.monotonic()
        statement = f"COPY bare ({', '.join(EVENT_COLUMNS)}) FROM STDIN (FORMAT csv)"
        with clean.open("rb") as lines, connection.cursor().copy(statement.encode()) as copy:
            while chunk := lines.read(1 << 20):
                copy.write(chunk)
        connection.commit()
        seconds = time.monotonic() - began
        connection.execute("DROP TABLE bare")
    return seconds


class _Base(DeclarativeBase):
    pass


class _Event(_Base):
    __tablename__ = "by_orm"
    event_id: Mapped[int] = mapped_column(primary_key=True)
    hotel_id: Mapped[int]
    event_at: Mapped[dt.datetime]
    status: Mapped[str]
    room_reservation_id: Mapped[uuid.UUID]
    night_of_stay: Mapped[dt.date]
    delivery_id: Mapped[int]
    load_number: Mapped[int]


@step("bookings: an ORM by row, a sample")
def _orm(server: Connections, clean: Path) -> float:
    """Lines a second by get or create and a commit for each, slow on purpose."""
    engine = create_engine(
        make_url(server.url(SUPERUSER, "bench")).set(drivername="postgresql+psycopg")
    )
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE by_orm (LIKE bookings.events INCLUDING ALL)"))
    with clean.open(newline="") as file, Session(engine) as session:
        began = time.monotonic()
        for row, _ in zip(csv.reader(file), range(ORM_SAMPLE), strict=False):
            number = int(row[0])
            if session.get(_Event, number) is None:
                event = _Event(
                    event_id=number,
                    hotel_id=int(row[1]),
                    event_at=dt.datetime.fromisoformat(row[2]),
                    status=row[3],
                    room_reservation_id=uuid.UUID(row[4]),
                    night_of_stay=dt.date.fromisoformat(row[5]),
                    delivery_id=1,
                    load_number=1,
                )
                session.add(event)
            session.commit()
        rate = ORM_SAMPLE / (time.monotonic() - began)
    engine.dispose()
    return rate


@step("bookings: dlt")
def _dlt(server: Connections, clean: Path) -> float:
    """Lines a second by dlt, merging Arrow tables on the id."""
    dlt.config["runtime.log_level"] = "ERROR"
    dlt.config["runtime.dlthub_telemetry"] = False
    options = arrow.ReadOptions(column_names=EVENT_COLUMNS, block_size=32 << 20)
    events = dlt.resource(
        arrow.open_csv(clean, read_options=options),
        name="events",
        write_disposition="merge",
        primary_key="event_id",
    )
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=folder,
            destination=dlt.destinations.postgres(server.url(SUPERUSER, "bench")),
            dataset_name="by_dlt",
        )
        began = time.monotonic()
        pipeline.run(events)
        seconds = time.monotonic() - began
    with psycopg.connect(server.url(SUPERUSER, "bench")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM by_dlt.events").fetchone() or (0,)
        connection.execute("DROP SCHEMA by_dlt CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS by_dlt_staging CASCADE")
    return float(count / seconds)


def _counts(server: Connections, slow: float) -> list[Measure]:
    """The counts of two million events: all anew, after ten thousand more, and queried."""
    with psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True) as connection:
        _fill_up(connection)
        warehouse = Warehouse(server.url(LOADER, "bench"))
        with step("bookings: count 2,000,000 events, for the first time"):
            refresh(warehouse, rebuild=True)
            connection.execute("VACUUM ANALYZE metrics.hotel_bookings_by_event_day")
            connection.execute("VACUUM ANALYZE metrics.hotel_bookings_by_stay_night")
            connection.execute("VACUUM ANALYZE metrics.hotel_book")
        with step("bookings: count 2,000,000 events anew"):
            began = time.monotonic()
            refresh(warehouse, rebuild=True)
            anew = time.monotonic() - began
        with step("bookings: count 10,000 late events"):
            _add(connection, FRESH)
            began = time.monotonic()
            refreshed = refresh(warehouse)
            added = time.monotonic() - began
        assert refreshed == (FRESH, False)
        with step("bookings: VACUUM ANALYZE"):
            connection.execute("VACUUM ANALYZE")
        warehouse.dispose()
    measures = [
        Measure("bookings: count 2,000,000 events anew", anew, "s", 4.0 * slow),
        Measure("bookings: count 10,000 late events", added, "s", 1.5 * slow),
        factor("bookings: 10,000 added, times faster", anew / added, 10.0),
    ]
    for period, most in (("month", 15.0), ("day", 30.0)):
        query = f"SELECT * FROM metrics.hotel_bookings(7, '{period}', 2023);\n"
        measures.append(latency(server, f"bookings: a hotel-year by {period}", query, most))
    return measures


def _pages(server: Connections) -> list[Measure]:
    """Statements of the page of 250 hotels, beside the books of 2,000 with ten million events."""
    with psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True) as connection:
        with step("bookings: make the books of 2,000 hotels"):
            connection.execute(BOOKS.encode())
            connection.execute("VACUUM ANALYZE metrics.hotel_book")
        hotels = [*range(1, PAGE_HOTELS + 1)]
        values = {"hotels": hotels, "names": [f"Hotel {hotel}" for hotel in hotels], "nights": 60}
        measures = []
        for name in ("on_the_books", "by_hotel", "pickup", "occupancy", "pace", "card"):
            statement = read_sql("pipelines.sources.bookings", f"dashboard/{name}")
            with step(f"bookings: page, {name}"):
                cursor = psycopg.ClientCursor(connection)
                seconds = []
                for _ in range(3):
                    began = time.monotonic()
                    cursor.execute(statement.encode(), values).fetchall()
                    seconds.append(time.monotonic() - began)
            measures.append(Measure(f"bookings: page, {name}", min(seconds), "s", 0.3))
    return measures


@step("bookings: make it 2,000,000 events")
def _fill_up(connection: psycopg.Connection) -> None:
    """Make it two million events; the indexes are made anew, which is faster."""
    found = connection.execute("SELECT count(*) FROM bookings.events").fetchone()
    assert found is not None
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'bookings' AND tablename = 'events' AND indexname <> 'events_pkey'"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX bookings.{name}")
    _add(connection, EVENTS - found[0])
    for _, definition in indexes:
        connection.execute(definition)
    connection.execute("VACUUM ANALYZE bookings.events")


def _add(connection: psycopg.Connection, count: int) -> None:
    """Add made-up events as one load of their own."""
    connection.execute(
        "WITH load AS ("
        " UPDATE ops.watermarks SET position = position + 1 WHERE name = 'bookings.events'"
        " RETURNING position"
        "), made AS ("
        " SELECT number, random() AS day, random() AS before, random() AS status, random() AS hotel"
        " FROM generate_series((SELECT max(event_id) FROM bookings.events) + 1,"
        " (SELECT max(event_id) FROM bookings.events) + %(count)s) AS number"
        ") INSERT INTO bookings.events"
        " SELECT number, floor(hotel * %(hotels)s), timestamptz '2022-01-01 00:00Z'"
        " + day * %(days)s * interval '1 day',"
        " CASE WHEN status < 0.85 THEN 'booking' ELSE 'cancellation' END, gen_random_uuid(),"
        " date '2022-01-01' + (day * %(days)s + before * before * 120)::integer, 1, position"
        " FROM made, load",
        {"count": count, "hotels": HOTELS, "days": DAYS},
    )
