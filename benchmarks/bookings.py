"""Hotel bookings: a million event lines from file to committed events, and the counts of them.

The bare reference of new events is COPY of the clean lines straight into a table with the same
indexes; of a file of which half is stored, COPY to an unlogged table, then INSERT … ON CONFLICT.
Beside them stand pandas, an ORM row by row as the replaced service had it, and dlt. That service
answered 1,048 months and 278 days of a hotel-year a second.
"""

import csv
import datetime as dt
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.one_load import measure_load
from benchmarks.references import COPY, LOOKUPS
from benchmarks.report import Measure, answers_a_second, factor, step
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings.counts import refresh
from pipelines.sources.bookings.transform import COLUMNS
from pipelines.warehouse.connection import Warehouse

LINES, TIMES_MORE, DIRT = 1_000_000, 3, 0.01
HOTELS, DAYS = 3_000, 1_000
PANDAS_SAMPLE, ORM_SAMPLE = 200_000, 2_000
EVENTS, FRESH = 5_000_000, 10_000
EVENT_COLUMNS = (
    *("event_id", "hotel_id", "event_at", "status", "room_reservation_id", "night_of_stay"),
)
HOTEL_YEAR = "SELECT * FROM metrics.hotel_bookings({hotel}, '{period}', 2023);\n"


def measure(server: Connections) -> list[Measure]:
    """All measures of bookings, on the bench's database of a running server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clean, clean_shuffled = _write_files(folder)
        staged = clean / _staged(server, folder)
        bare = clean / _bare(server, folder / "clean.csv")
        bare_shuffled = clean_shuffled / _bare(server, folder / "clean_shuffled.csv")
        pandas = _pandas(server, folder / "clean.csv")
        orm = _orm(server, folder / "clean.csv")
        dlt = _dlt(server, folder / "clean.csv")
        shuffled = LINES / measure_load(server, "bookings", folder / "shuffled.csv")["seconds"]
        _empty(server)
        measure_load(server, "bookings", folder / "half.csv")
        half_stored = LINES / measure_load(server, "bookings", folder / "shuffled.csv")["seconds"]
        _empty(server)
        first = measure_load(server, "bookings", folder / "first.csv")
        again = measure_load(server, "bookings", folder / "first.csv")
        copied = measure_load(server, "bookings", folder / "copy.csv")
        many = measure_load(server, "bookings", folder / "many.csv")
    rate = LINES / first["seconds"]
    half, fifth_more = first["seconds"] / 2, 1.2 * first["megabytes"]
    unchanged = again["loaded"] + copied["loaded"]
    measures = [
        _beside("bookings: bare COPY", bare),
        Measure(
            "bookings: load 1,000,000 lines",
            rate,
            "lines/s",
            0.85 * bare,
            COPY,
            True,
            is_beside=True,
        ),
        factor("bookings: times pandas.to_sql", rate / pandas, 2.5),
        factor("bookings: times an ORM by row", rate / orm, 100.0),
        _beside("bookings: bare COPY, random order", bare_shuffled),
        Measure(
            "bookings: load, random order",
            shuffled,
            "lines/s",
            0.85 * bare_shuffled,
            COPY,
            more=True,
            is_beside=True,
        ),
        _beside("bookings: bare COPY, half stored", staged),
        Measure(
            "bookings: load, half stored",
            half_stored,
            "lines/s",
            0.9 * staged,  # which neither parses, nor rejects, nor counts
            COPY,
            more=True,
            is_beside=True,
        ),
        Measure("bookings: its memory", first["megabytes"], "MB", 500.0),
        Measure("bookings: memory of 3,000,000 lines", many["megabytes"], "MB", fifth_more),
        Measure("bookings: the same file again", again["seconds"], "s", half, COPY, is_beside=True),
        Measure(
            "bookings: its lines, another name",
            copied["seconds"],
            "s",
            first["seconds"],
            COPY,
            is_beside=True,
        ),
        Measure("bookings: events changed by both", unchanged, "", 0),
    ]
    if dlt is not None:
        measures.insert(4, _beside("bookings: dlt, merge of Arrow", dlt))
    return measures + _counts(server)


def _beside(name: str, rate: float) -> Measure:
    """What stands beside our loads, in lines a second."""
    return Measure(name, rate, "lines/s", None, COPY, more=True, is_compared=False)


def events(random: Random, first: int, count: int, days: float = DAYS) -> Iterator[list[str]]:
    """Events as a hotel system exports them: nearly in the order of their times, over some days."""
    window: list[list[str]] = []
    for number in range(first, first + count):
        seconds = int((number - first + 0.5 * random.random()) * days * 86_400 / count)
        at = dt.datetime(2022, 1, 1) + dt.timedelta(seconds=seconds)
        night = at.date() + dt.timedelta(days=int(120 * random.random() ** 2))
        room = str(uuid.UUID(int=random.getrandbits(128), version=4))
        status = "1" if random.random() < 0.85 else "2"
        hotel = random.randrange(HOTELS)
        window.append([str(number), str(hotel), f"{at}", status, room, f"{night}"])
        if len(window) == 2_000:
            random.shuffle(window)
            yield from window
            window.clear()
    yield from window


SPOIL: list[Callable[[list[str]], list[str]]] = [
    lambda row: row[:4],
    lambda row: [*row[:4], "no uuid", row[5]],
    lambda row: [*row[:3], "3", *row[4:]],
    lambda row: [*row[:5], "2023-02-30"],
    lambda row: [*row[:2], "yesterday", *row[3:]],
]


@step("bookings: write files")
def _write_files(folder: Path) -> tuple[int, int]:
    """Files with dirt, and the clean lines of two of them alone; how many lines these have."""
    random = Random(1)
    rows = list(events(random, 0, LINES))
    clean = write(random, rows, folder / "first.csv", folder / "clean.csv")
    (folder / "copy.csv").write_bytes((folder / "first.csv").read_bytes() + b"\n")
    _write_many(folder / "first.csv", folder / "many.csv")
    random.shuffle(rows)
    shuffled = write(random, rows, folder / "shuffled.csv", folder / "clean_shuffled.csv")
    half = [row for row in rows if int(row[0]) % 2]
    write(random, half, folder / "half.csv", folder / "clean_half.csv")
    return clean, shuffled


def _write_many(first: Path, many: Path) -> None:
    """The lines of a file several times, each time with new ids: faster than new lines."""
    with first.open() as lines, many.open("w") as file:
        file.write(next(lines))
        rows = [line.partition(",") for line in lines]
        for number in range(1, TIMES_MORE + 1):
            shift = number * LINES
            file.writelines(f"{int(event) + shift},{rest}" for event, _, rest in rows)


def write(random: Random, rows: Iterable[list[str]], dirty: Path, clean: Path | None) -> int:
    """Write a file of which one line in a hundred is bad, and the good lines alone; how many."""
    count = 0
    with dirty.open("w", newline="") as first, (clean or Path("/dev/null")).open("w") as good:
        writer, clean_writer = (csv.writer(file, lineterminator="\n") for file in (first, good))
        writer.writerow(COLUMNS)
        for row in rows:
            if random.random() < DIRT:
                writer.writerow(random.choice(SPOIL)(row))
            else:
                count += 1
                writer.writerow(row)
                clean_writer.writerow([*row[:3], _status(row[3]), *row[4:]])
    return count


def _status(sent: str) -> str:
    return "booking" if sent == "1" else "cancellation"


def _empty(server: Connections) -> None:
    with psycopg.connect(server.url(SUPERUSER, "bench")) as connection:
        connection.execute("TRUNCATE bookings.events")
        connection.execute("DELETE FROM ops.quarantine")
        connection.execute("DELETE FROM ops.deliveries WHERE feed = 'bookings'")


@step("bookings: bare COPY")
def _bare(server: Connections, clean: Path) -> float:
    """Seconds of COPY, by the owner, straight into the same table with the same indexes."""
    with psycopg.connect(server.url(SUPERUSER, "bench")) as connection:
        _create_bare(connection)
        began = time.monotonic()
        _copy(connection, clean, "bare")
        connection.commit()
        seconds = time.monotonic() - began
        connection.execute("DROP TABLE bare")
    return seconds


@step("bookings: bare COPY, half stored")
def _staged(server: Connections, folder: Path) -> float:
    """Seconds of COPY and INSERT … ON CONFLICT into the same table, which has half of the lines."""
    columns = ", ".join(EVENT_COLUMNS)
    with psycopg.connect(server.url(SUPERUSER, "bench")) as connection:
        _create_bare(connection)
        _copy(connection, folder / "clean_half.csv", "bare")
        connection.execute(
            f"CREATE UNLOGGED TABLE staging AS SELECT {columns} FROM bookings.events LIMIT 0"
        )
        connection.commit()
        began = time.monotonic()
        _copy(connection, folder / "clean_shuffled.csv", "staging")
        connection.execute(
            f"INSERT INTO bare ({columns}) SELECT {columns} FROM staging"
            " ON CONFLICT (event_id) DO NOTHING"
        )
        connection.commit()
        seconds = time.monotonic() - began
        connection.execute("DROP TABLE bare, staging")
    return seconds


def _create_bare(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE bare (LIKE bookings.events INCLUDING ALL)")
    connection.execute(
        "ALTER TABLE bare ALTER delivery_id SET DEFAULT 1, ALTER load_number SET DEFAULT 1"
    )
    connection.commit()


def _copy(connection: psycopg.Connection, file: Path, table: str) -> None:
    statement = f"COPY {table} ({', '.join(EVENT_COLUMNS)}) FROM STDIN (FORMAT csv)"
    with file.open("rb") as lines, connection.cursor().copy(statement.encode()) as copy:
        while chunk := lines.read(1 << 20):
            copy.write(chunk)


@step("bookings: pandas.to_sql, a sample")
def _pandas(server: Connections, clean: Path) -> float:
    """Lines a second by pandas, from a file to a table with the same indexes, as of a sample."""
    import pandas as pd

    engine = create_engine(_alchemy_url(server))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE by_pandas (LIKE bookings.events INCLUDING ALL)"))
    began = time.monotonic()
    frame = pd.read_csv(
        clean,
        names=EVENT_COLUMNS,
        nrows=PANDAS_SAMPLE,
        parse_dates=["event_at", "night_of_stay"],
    )
    frame.assign(delivery_id=1, load_number=1).to_sql(
        "by_pandas", engine, if_exists="append", index=False, dtype={"room_reservation_id": _uuid()}
    )
    rate = PANDAS_SAMPLE / (time.monotonic() - began)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE by_pandas"))
    engine.dispose()
    return rate


def _uuid() -> Any:
    from sqlalchemy import Uuid

    return Uuid(as_uuid=False)


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
    engine = create_engine(_alchemy_url(server))
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
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE by_orm"))
    engine.dispose()
    return rate


@step("bookings: dlt")
def _dlt(server: Connections, clean: Path) -> float | None:
    """Lines a second by dlt, merging Arrow tables on the id; None where it is not installed."""
    try:
        import dlt
    except ImportError:
        return None
    from pyarrow import csv as arrow

    dlt.config["runtime.log_level"] = "ERROR"
    dlt.config["runtime.dlthub_telemetry"] = False
    options = arrow.ReadOptions(column_names=list(EVENT_COLUMNS), block_size=32 << 20)
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
        found = connection.execute("SELECT count(*) FROM by_dlt.events").fetchone()
        connection.execute("DROP SCHEMA by_dlt CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS by_dlt_staging CASCADE")
    return found[0] / seconds if found else None


def _alchemy_url(server: Connections) -> str:
    url = make_url(server.url(SUPERUSER, "bench")).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _counts(server: Connections) -> list[Measure]:
    """The counts of five million events: all anew, after ten thousand more, and queried."""
    url = server.url(LOADER, "bench")
    with psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True) as connection:
        _fill_up(connection)
        warehouse = Warehouse(url)
        with step("bookings: count 5,000,000 events, for the first time"):
            refresh(warehouse, rebuild=True)
            connection.execute("VACUUM ANALYZE metrics.hotel_bookings_by_event_day")
            connection.execute("VACUUM ANALYZE metrics.hotel_bookings_by_stay_night")
        with step("bookings: count 5,000,000 events anew"):
            began = time.monotonic()
            refresh(warehouse, rebuild=True)
            anew = time.monotonic() - began
        with step("bookings: count 10,000 late events"):
            _add(connection, FRESH)
            began = time.monotonic()
            refreshed = refresh(warehouse)
            added = time.monotonic() - began
        assert (refreshed.events, refreshed.is_rebuilt) == (FRESH, False)
        with step("bookings: VACUUM ANALYZE"):
            connection.execute("VACUUM ANALYZE")
        warehouse.dispose()
    measures = [
        Measure("bookings: count 5,000,000 events anew", anew, "s", 10.0, COPY),
        Measure("bookings: count 10,000 late events", added, "s", 0.5, COPY),
        factor("bookings: 10,000 added, times faster", anew / added, 25.0),
    ]
    for period, target in (("month", 2500.0), ("day", 1200.0)):
        query = HOTEL_YEAR.format(hotel=7, period=period)
        name = f"bookings: a hotel-year by {period}"
        with step(name):
            rate = answers_a_second(url, query, clients=1)
        measures.append(Measure(name, rate, "answers/s", target, LOOKUPS, more=True))
    return measures


@step("bookings: make it 5,000,000 events")
def _fill_up(connection: psycopg.Connection) -> None:
    """Make it five million events; the indexes are made anew, which is faster."""
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
