"""Distributed PostgreSQL: events, counts and roles on a Citus cluster (`pipelines_tests.citus`)."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import ANALYST, LOADER, SUPERUSER
from pipelines.sources.bookings.counts import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests import citus
from pipelines_tests.sources.bookings.histories import history
from pipelines_tests.sources.bookings.hotels import Hotels
from pipelines_tests.sources.bookings.made_up import deliver, event
from pipelines_tests.warehouse.schemas import differences

pytestmark = pytest.mark.skipif(
    not citus.URL, reason="CITUS_TEST_URL is not set: the address of a Citus coordinator"
)
COUNTS = ("metrics.hotel_bookings_by_event_day", "metrics.hotel_bookings_by_stay_night")
DISTRIBUTED = {"bookings.events", "metrics.hotel_book", *COUNTS}
HOTELS = range(2600, 2620)


@pytest.fixture
def cluster() -> Iterator[citus.Cluster]:
    with citus.running_server() as server, citus.made(server):
        yield server


@pytest.fixture
def owner(cluster: citus.Cluster) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.url(SUPERUSER, cluster.database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def warehouse(cluster: citus.Cluster) -> Iterator[Warehouse]:
    with Warehouse(cluster.url(LOADER, cluster.database)) as opened:
        yield opened


def test_events_and_counts_of_a_hotel_are_on_one_node(owner: psycopg.Connection) -> None:
    found = owner.execute(
        "SELECT logicalrelid::text, colocationid, column_to_column_name(logicalrelid, partkey)"
        " FROM pg_dist_partition"
    ).fetchall()
    assert {name for name, _, _ in found} == DISTRIBUTED
    assert {(together, column) for _, together, column in found} == {(found[0][1], "hotel_id")}


def test_a_second_migration_changes_nothing(cluster: citus.Cluster) -> None:
    said: list[str] = []
    migrate(cluster.address, said.append)
    assert differences(cluster.address) == []
    assert said == []


def test_an_id_that_comes_with_another_hotel_is_a_conflict(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """No key spans the events of all hotels there."""
    deliver(warehouse, tmp_path, [event(1, hotel_id=hotel) for hotel in HOTELS], "one.csv")
    deliver(warehouse, tmp_path, [event(1, hotel_id=7), event(2)], "other.csv")
    found = owner.execute("SELECT event_id, hotel_id FROM bookings.events ORDER BY 1").fetchall()
    assert found == [(1, HOTELS[0]), (2, 2607)]
    codes = owner.execute("SELECT reason_codes FROM ops.quarantine").fetchall()
    assert codes == [(["came_before"],)] * len(HOTELS)


def test_counts_follow_events_on_all_nodes(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    first = [event(number, hotel_id=hotel) for number, hotel in enumerate(HOTELS, 1)]
    deliver(warehouse, tmp_path, first, "first.csv")
    refresh(warehouse)
    later = [event(number + 100, hotel_id=hotel) for number, hotel in enumerate(HOTELS[:3])]
    deliver(warehouse, tmp_path, later, "later.csv")
    refresh(warehouse)
    counted = owner.execute("SELECT hotel_id FROM enriched.hotels ORDER BY 1").fetchall()
    assert [hotel for (hotel,) in counted] == [*HOTELS]
    for table in COUNTS:
        query = f"SELECT hotel_id, bookings FROM {table} ORDER BY 1"
        assert owner.execute(query.encode()).fetchall() == [
            (hotel, 2 if hotel in HOTELS[:3] else 1) for hotel in HOTELS
        ]


def test_every_number_of_hotels_is_that_of_the_oracle(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    hotels = Hotels(history(1), warehouse, owner, tmp_path)
    given = hotels.given.hotels
    hotels.load(slice(1))
    hotels.enter(*given.values())
    hotels.load(slice(1, None))
    for is_rebuilt in (False, True):
        hotels.refresh(rebuild=is_rebuilt)
        assert hotels.differences(given, audit=is_rebuilt) == []
    for function, arguments in (
        ("hotel_bookings", "'month', 2026"),
        ("hotel_pickup", "'2026-11-01', '2026-11-05'"),
        ("hotel_pace", "'2026-11-01', '2026-11-05'"),
        ("hotel_on_the_books", "now(), '2026-11-01', '2026-11-05'"),
    ):
        query = f"SELECT * FROM metrics.{function}(NULL, {arguments})"
        each = query.replace("NULL", "hotels.hotel_id").replace("FROM ", "FROM enriched.hotels, ")
        each = each.replace("*", f"{function}.*") + " ORDER BY 1, 3"
        of_all = sorted(owner.execute(query.encode()).fetchall(), key=lambda row: row[::2])
        assert of_all, function
        assert len(of_all) == len(owner.execute(each.encode()).fetchall())


def test_analysts_read_and_write_nothing_on_any_node(cluster: citus.Cluster) -> None:
    url = cluster.url(ANALYST, cluster.database)
    with psycopg.connect(url, autocommit=True) as analyst:
        assert analyst.execute("SELECT count(*) FROM bookings.events").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("DELETE FROM bookings.events")
        made = "SELECT success FROM run_command_on_workers('CREATE {} TABLE taken (here int)')"
        for kind in ("", "TEMP"):
            answers = analyst.execute(made.format(kind).encode()).fetchall()
            assert not any(succeeded for (succeeded,) in answers), kind
