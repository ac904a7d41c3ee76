"""One multiset of events in any files, orders and overlaps, with crashes: always the plain set."""

import random
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.failures import Failure
from pipelines.ingest import runner
from pipelines.postgres.roles import LOADER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings import counts as hotel_bookings
from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings.made_up import Event, deliver, event

MAX_EVENTS = 30
START = datetime(2022, 2, 27, 22, tzinfo=UTC)
#: Bookings and cancellations by hotel and day.
Counts = dict[tuple[int, str], list[int]]


@dataclass(frozen=True)
class Step:
    """Deliver these events, with ids or without, or count; perhaps with a crash in the middle."""

    numbers: list[int]
    nameless: bool = False
    crash: bool = False


steps = st.lists(
    st.builds(
        Step,
        st.lists(st.integers(0, MAX_EVENTS - 1), max_size=25),
        st.booleans(),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=8,
)


def made_up(number: int) -> Event:
    """The event of a number: always the same, and some of them of equal times."""
    chance = random.Random(number)
    at = START + timedelta(hours=chance.randrange(6))
    return event(
        number,
        hotel_id=chance.randrange(2),
        event_timestamp=f"{at:%Y-%m-%d %H:%M:%S}",
        status=chance.choice([1, 1, 2]),
        night_of_stay=str(date(2022, 2, 27) + timedelta(days=chance.randrange(4))),
    )


def plain_counts(numbers: set[int]) -> list[Counts]:
    """Bookings and cancellations by hotel and day, as anyone would count them."""
    counted: list[Counts] = []
    for axis in ("event_timestamp", "night_of_stay"):
        counts: Counts = {}
        for one in map(made_up, numbers):
            counts.setdefault((one["hotel_id"], one[axis][:10]), [0, 0])[one["status"] - 1] += 1
        counted.append(counts)
    return counted


def stored_counts(owner: psycopg.Connection) -> list[Counts]:
    query = "SELECT hotel_id, day::text, bookings, cancellations FROM metrics.hotel_bookings_by_"
    tables = (owner.execute((query + axis).encode()) for axis in ("event_day", "stay_night"))
    return [{(hotel, day): counts for hotel, day, *counts in rows} for rows in tables]


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=steps, parts=st.booleans())
def test_however_events_come_they_count_as_the_plain_set(
    server: Connections,
    database: str,
    owner: psycopg.Connection,
    tmp_path: Path,
    steps: list[Step],
    parts: bool,
) -> None:
    owner.execute(
        "TRUNCATE bookings.events, ops.deliveries, ops.quarantine, ops.watermarks,"
        " metrics.hotel_bookings_by_event_day, metrics.hotel_bookings_by_stay_night CASCADE"
    )
    warehouse = Warehouse(server.url(LOADER, database))
    delivered: set[int] = set()
    for number, step in enumerate(steps):
        events = [made_up(one) for one in step.numbers]
        if step.nameless:
            events = [one | {"id": ""} for one in events]
        if events:
            if step.crash:
                load_file(warehouse, tmp_path, events, f"{number}.csv", crash=True)
            load_file(warehouse, tmp_path, events, f"{number}.csv")
            delivered |= set(step.numbers)
        if parts:
            count(warehouse, crash=step.crash)
    count(warehouse)
    assert stored_counts(owner) == plain_counts(delivered)
    assert owner.execute("SELECT count(*) FROM bookings.events").fetchone() == (len(delivered),)
    named = {n for step in steps if not step.nameless for n in step.numbers}
    ids = {number for (number,) in owner.execute("SELECT event_id FROM bookings.events")}
    assert {number for number in ids if number >= 0} == named
    warehouse.dispose()


def load_file(
    warehouse: Warehouse, folder: Path, events: list[Event], name: str, *, crash: bool = False
) -> None:
    if not crash:
        deliver(warehouse, folder, events, name)
        return
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Failure):
        patch.setattr(runner, "close_delivery", kill_session)
        deliver(warehouse, folder, events, name)


def count(warehouse: Warehouse, *, crash: bool = False) -> None:
    failing = suppress(Failure) if crash else nullcontext()
    with pytest.MonkeyPatch.context() as patch, failing:
        if crash:
            patch.setattr(hotel_bookings, "move", kill_session)
        refresh(warehouse)


def kill_session(connection: Any, *_: Any, **__: Any) -> None:
    """Kill a session, as kill -9 of its server process would, in a transaction."""
    connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
