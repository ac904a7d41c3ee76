"""What finds one thing, or a page of many, reads as much of a large database as of a small.

What PostgreSQL counts is the same on every machine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.testing.databases import made
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests import plans
from pipelines_tests.work.filled import fill

PARCEL = "WHERE tracking_number = 'TN00000007' AND carrier = 'FedEx'"
NIGHT = "WHERE hotel_id = 1000001 AND night_of_stay = current_date"
THIS_YEAR = "extract(year FROM current_date)::integer"
#: Each reads the same however much is stored.
FLAT = [
    "bookings.counted_from(1000001)",
    "bookings.chosen_hotels(1000001)",
    "bookings.newest",
    "bookings.weather_requests",
    f"enriched.reservation_changes {NIGHT}",
    f"enriched.reservation_nights {NIGHT}",
    f"metrics.hotel_bookings(1000001, 'month', {THIS_YEAR})",
    f"metrics.hotel_bookings(1000001, 'day', {THIS_YEAR}, axis => 'stay')",
    "enriched.itineraries ORDER BY price_amount LIMIT 100",
    (
        "enriched.itineraries WHERE max_stops <= 1 AND 'Air 1' < ANY (airlines)"
        " ORDER BY price_amount LIMIT 100"
    ),
    (
        "enriched.itineraries WHERE agent ILIKE '%agent 4%'"
        " ORDER BY agent_rating DESC, price_amount LIMIT 100"
    ),
    "enriched.itineraries WHERE itinerary_id = 'it_7'",
    "enriched.itinerary('it_7')",
    "enriched.itinerary_legs WHERE itinerary_id = 'it_7'",
    (
        "enriched.itinerary_legs WHERE itinerary_id IN"
        " (SELECT itinerary_id FROM enriched.itineraries ORDER BY price_amount LIMIT 10)"
    ),
    "flights.directions WHERE itinerary_id = 'it_7'",
    "flights.newest",
    "enriched.airports WHERE airport_code = 'LTN'",
    "metrics.flight_price_changes WHERE itinerary_id = 'it_7'",
    "metrics.flight_prices WHERE itinerary_id = 'it_7'",
    "metrics.flight_prices_by_day WHERE itinerary_id = 'it_7'",
    f"enriched.shipment_articles {PARCEL}",
    f"enriched.shipment_statuses {PARCEL}",
    f"enriched.shipment_weather {PARCEL}",
    "enriched.shipments ORDER BY total_value DESC LIMIT 100",
    "enriched.track('TN00000007', 'FedEx')",
    "enriched.shipments WHERE is_on_its_way",
    "enriched.shipments WHERE is_at_risk",
    "enriched.shipments WHERE is_on_its_way AND receiver_country_code = 'FR'",
    "enriched.shipments WHERE is_overdue OR is_silent",
    "metrics.parcels_by_day",
    "metrics.parcels_by_status",
    "shipments.newest",
    "shipments.weather_requests",
    "metrics.solar_daily WHERE plant_id = 1000001 ORDER BY day DESC LIMIT 10",
    "metrics.solar_hourly WHERE plant_id = 1000001 ORDER BY read_at DESC LIMIT 100",
    "metrics.solar_losses WHERE plant_id = 1000001 AND day = (SELECT max(day) FROM solar.days)",
    "metrics.solar_report(1000001, current_date - 28, current_date, 'day')",
    "metrics.solar_periods(ARRAY[1000001], current_date - 28, current_date, 'day')",
    "metrics.solar_coverage WHERE plant_id = 1000001",
    "metrics.solar_gaps WHERE plant_id = 1000001",
    "metrics.solar_soiling WHERE plant_id = 1000001 AND day = current_date - 1",
    "metrics.solar_syncs WHERE plant_id = 1000001",
    "enriched.solar_corrections WHERE plant_id = 1",
    "enriched.solar_impossible_hours WHERE plant_id = 1000001 AND day > current_date - 9",
    "enriched.solar_missing_hours WHERE plant_id = 1000001",
    "solar.keep_losses(1000001, ARRAY[current_date - 3])",
    "solar.counted_days(1000001, 'UTC', current_date - 3, current_date)",
    "solar.coverage WHERE plant_id = 1000001",
    "solar.gaps WHERE plant_id = 1000001",
    "solar.weather_requests WHERE latitude IS NOT NULL",
    "weather.correct_place('DE 10000', 50, 10)",
    "weather.pending_places(now())",
]
#: Their indexes get a level more, or more pages of the same rows.
LOGARITHMIC = [
    "enriched.shipments ORDER BY updated_at DESC, tracking_number LIMIT 100",
    (
        "enriched.solar_hour_losses WHERE plant_id = 1000001"
        " AND read_at >= current_date - 2 AND read_at < current_date"
    ),
    "enriched.solar_readings WHERE plant_id = 1000001 ORDER BY read_at DESC LIMIT 100",
    "metrics.hotel_on_the_books(1000001, now(), current_date, current_date + 7)",
    "metrics.hotel_pace(1000001, current_date, current_date + 7)",
    "metrics.hotel_pickup(1000001, current_date, current_date + 7)",
    f"metrics.hotel_book {NIGHT}",
    (
        "metrics.hotels_at_close("
        "current_date, current_date + 7, 'day', current_date - 1, ARRAY[1000001])"
    ),
    "metrics.hotel_stays WHERE hotel_id = 1000001",
]
#: What the overview and the page of shipments show: it is about parcels on their way.
OF_PARCELS = ("by_status", "card", "choices", "on_their_way", "track", "under_weather")
#: Rows of a page that may be read for one that is shown, besides the first hundred.
READ_FOR_ONE = 20
ROWS = (2_000, 20_000)
#: Plans depend on these, which follow from the machine otherwise. The page cost is that of disks
#: with a motor: where it is lower, plans may read more pages in random order, in less time.
PLANNED_WITH = {
    "random_page_cost": "4",
    "work_mem": "4MB",
    "effective_cache_size": "4GB",
    "max_parallel_workers_per_gather": "2",
}
#: Connections to the smaller database and to the larger one.
Both = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]
#: Rows from which a table is one that grows.
MANY = 1_000


@dataclass(frozen=True)
class Counted:
    """The work of one execution. `scanned` are growing tables that were read as a whole.

    `rows_read` are without those of other tables that were.
    """

    buffers: int
    rows_read: int
    rows_returned: int
    scanned: frozenset[str]
    has_hashed_subplan: bool


def counted(connection: psycopg.Connection[Any], statement: str) -> Counted:
    """Execute a statement twice, and count the second time: the first one fills the caches."""
    explain = f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE, TIMING OFF, FORMAT JSON) {statement}".encode()
    for _ in range(2):
        with connection.transaction(force_rollback=True):
            ((found,),) = connection.execute(explain).fetchall()
    plan = found[0]["Plan"]
    nodes = list(plans.nodes(plan))
    leaves = [
        one
        for one in nodes
        if "Relation Name" in one and (one["Node Type"] != "Seq Scan" or _rows(one) >= MANY)
    ]
    return Counted(
        buffers=sum(
            plan.get(f"{kind} Blocks", 0)
            for kind in ("Shared Hit", "Shared Read", "Temp Read", "Temp Written")
        ),
        rows_read=sum(round(_rows(one) * one["Actual Loops"]) for one in leaves),
        rows_returned=round(plan["Actual Rows"]),
        scanned=frozenset(one["Relation Name"] for one in leaves if one["Node Type"] == "Seq Scan"),
        has_hashed_subplan="hashed SubPlan" in str(found),
    )


def _rows(node: dict[str, Any]) -> float:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(node["Actual Rows"] + sum(node.get(one, 0) for one in removed))


@pytest.fixture(scope="module")
def both(
    server: Connections, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    """Connections to two databases, one ten times as large as the other."""
    with made(server, template) as small, made(server, template) as large:
        found = server.url(SUPERUSER, small), server.url(SUPERUSER, large)
        for name, url, rows in zip((small, large), found, ROWS, strict=True):
            with (
                Warehouse(server.url(LOADER, name)) as warehouse,
                psycopg.connect(url, autocommit=True) as owner,
            ):
                for setting, value in PLANNED_WITH.items():
                    owner.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'".encode())
                fill(warehouse, owner, rows, tmp_path_factory.mktemp("files"))
        with (
            psycopg.connect(found[0], autocommit=True) as smaller,
            psycopg.connect(found[1], autocommit=True) as larger,
        ):
            yield smaller, larger


@pytest.mark.parametrize(
    ("growth", "query"),
    [*((1.3, one) for one in FLAT), *((4.0, one) for one in LOGARITHMIC)],
    ids=[*FLAT, *LOGARITHMIC],
)
def test_what_finds_few_rows_reads_few(both: Both, growth: float, query: str) -> None:
    small, large = (counted(one, f"SELECT * FROM {query}") for one in both)
    assert large.buffers <= growth * small.buffers + 20 + 8 * large.rows_returned, (small, large)
    if "LIMIT" in query:
        assert large.scanned == frozenset(), large
        assert not large.has_hashed_subplan, large
        assert large.rows_read <= READ_FOR_ONE * large.rows_returned + 100, large


@pytest.mark.parametrize("name", OF_PARCELS)
def test_a_page_of_parcels_reads_those_on_their_way(both: Both, name: str) -> None:
    """With a million parcels, 2,000 of them on their way, it took 14 s, and the card 6 s."""
    statement = read_sql("pipelines.sources.shipments", f"dashboard/{name}")
    statement = re.sub(r"%\(\w+\)s", "NULL", statement).replace("= NULL", "= 'TN00000007'")
    small, large = (counted(connection, statement) for connection in both)
    assert large.buffers <= 1.3 * small.buffers + 20 + 8 * large.rows_returned, (small, large)
    assert "shipments" not in large.scanned, large


def test_a_view_as_a_whole_reads_in_proportion_to_the_rows(both: Both) -> None:
    wrong = {}
    for view in views(both[0]):
        small, large = (counted(one, f"SELECT * FROM {view}") for one in both)
        if large.buffers > 13 * small.buffers + 20 + 8 * large.rows_returned:
            wrong[view] = (small, large)
    assert not wrong


def views(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "SELECT schemaname || '.' || viewname FROM pg_views"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
    ).fetchall()
    return [name for (name,) in found]
