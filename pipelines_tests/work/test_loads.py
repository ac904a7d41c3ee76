"""Count what a delivery costs: statements and rows written."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.windows import Window
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.solar_rows import add_plant
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights import made_up as flights
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar import made_up as solar
from pipelines_tests.stored import Stored
from pipelines_tests.work.filled import flights_document
from pipelines_tests.work.plans import executed

#: Records that the measured delivery changes, and those that are stored before.
CHANGED, STORED = 100, (500, 5_000)
NOW = dt.datetime.now(dt.UTC)
WRITTEN = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables"


@dataclass(frozen=True)
class Cost:
    """What a delivery may cost: statements in all, rows for a changed record.

    Unless each delivery has all records, it does not cost more if more are stored.
    """

    statements: int
    rows: float
    has_all_records: bool = False


def put_bookings(warehouse: Warehouse, folder: Path, stored: int, changed: int) -> None:
    events = [bookings.event(stored + n) for n in range(1, changed + 1)]
    if not changed:
        events = [bookings.event(n) for n in range(1, stored + 1)]
    bookings.deliver(warehouse, folder, events, name=f"{changed}.csv")


def put_shipments(warehouse: Warehouse, folder: Path, stored: int, changed: int) -> None:
    numbers = range(changed or stored)
    status = "delivery" if changed else "scanned"
    lines = [shipments.line(n, status=status) for n in numbers]
    shipments.deliver(warehouse, folder, lines, name=f"{changed}.csv")


def put_flights(warehouse: Warehouse, _: Path, stored: int, changed: int) -> None:
    document = flights_document(stored, NOW, dearer=changed)
    flights.keep(warehouse, NOW + dt.timedelta(days=1 if changed else 0), document)
    flights.bring_up_to_date(warehouse)


def put_solar(warehouse: Warehouse, _: Path, stored: int, changed: int) -> None:
    window = Window(solar.DAY, solar.DAY + dt.timedelta(days=stored // 24))
    items = solar.items_of(window)
    items[:changed] = [one | {"observed": one["expected"]} for one in items[:changed]]
    plant = Plant(1, "A", "UTC")
    load_response(warehouse, plant, window, solar.answer_of(items), run_id=None, now=NOW)


Put = Callable[[Warehouse, Path, int, int], None]
COSTS: dict[Put, Cost] = {
    put_bookings: Cost(statements=16, rows=1.1),
    put_shipments: Cost(statements=35, rows=2.1),
    put_flights: Cost(statements=91, rows=8.1, has_all_records=True),
    put_solar: Cost(statements=23, rows=4.2, has_all_records=True),
}


@contextmanager
def sent() -> Iterator[list[str]]:
    """The statements that are sent meanwhile, COPY included."""
    copy, copied = psycopg.Cursor.copy, list[str]()

    def noting(cursor: psycopg.Cursor[Any], statement: Any, *more: Any, **options: Any) -> Any:
        copied.append(str(statement))
        return copy(cursor, statement, *more, **options)

    with pytest.MonkeyPatch.context() as patch, executed() as others:
        patch.setattr(psycopg.Cursor, "copy", noting)
        found: list[str] = []
        yield found
        found += [*copied, *(statement for statement, _ in others)]


def written(stored: Stored) -> int:
    """Return how many rows were written so far."""
    stored.warehouse.dispose()  # a session that ends reports what it wrote
    stored.rows("SELECT pg_stat_force_next_flush()")
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    deadline = time.monotonic() + 30
    while stored.row(others)[0] > 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    (rows,) = stored.row(WRITTEN)
    return int(rows)


@pytest.mark.usefixtures("few_airports")
@pytest.mark.parametrize("put", COSTS, ids=lambda put: put.__name__.removeprefix("put_"))
def test_a_delivery_costs_by_what_it_changes(
    server: Connections, template: str, tmp_path: Path, put: Put
) -> None:
    found = []
    for count in STORED:
        with (
            made(server, template) as name,
            Warehouse(server.url(LOADER, name)) as warehouse,
            psycopg.connect(server.url(SUPERUSER, name), autocommit=True) as owner,
        ):
            add_plant(owner, 1)
            put(warehouse, tmp_path, count, 0)
            owner.execute("VACUUM ANALYZE")
            stored = Stored(warehouse, owner)
            rows = written(stored)
            with sent() as statements:
                put(warehouse, tmp_path, count, CHANGED)
            rows_after = written(stored)
        found.append(Cost(len(statements), (rows_after - rows) / CHANGED))
    small, large = found
    limit = COSTS[put]
    assert large.statements <= min(small.statements, limit.statements), found
    assert large.rows <= limit.rows, found
    if not limit.has_all_records:
        assert large.rows == small.rows, found
