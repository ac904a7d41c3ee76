"""A file that was loaded while it ended within a line, and the complete one that follows."""

from pathlib import Path

import psycopg

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.shipments.made_up import line


def test_a_value_that_was_cut_is_replaced_where_the_last_one_counts(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    whole = shipments.text_of([line(1), line(2, status="delivery")])
    shipments.deliver(warehouse, tmp_path, whole.removesuffix("ivery\n"))
    shipments.deliver(warehouse, tmp_path, whole)
    query = "SELECT status_raw FROM shipments.{} WHERE tracking_number = 'TN00000002' ORDER BY 1"
    assert owner.execute(query.format("shipments").encode()).fetchall() == [("delivery",)]
    history = owner.execute(query.format("status_history").encode()).fetchall()
    assert history == [("del",), ("delivery",)], "what was sent, in its order"


def test_a_value_that_was_cut_conflicts_where_the_first_one_stays(
    warehouse: Warehouse, tmp_path: Path, owner: psycopg.Connection
) -> None:
    columns = ("id", "event_timestamp", "status", "room_reservation_id", "night_of_stay")
    sent = [event(1, hotel_id=16), event(2, hotel_id=161)]
    whole = bookings.text_of([{name: one[name] for name in (*columns, "hotel_id")} for one in sent])
    bookings.deliver(warehouse, tmp_path, whole.removesuffix("1\n"))
    outcome = bookings.deliver(warehouse, tmp_path, whole)
    assert bookings.counts(outcome) == (2, 0, 1, 1)
    stored = "SELECT event_id, hotel_id FROM bookings.events ORDER BY 1"
    assert owner.execute(stored.encode()).fetchall() == [(1, 16), (2, 16)]
    ((reasons,),) = owner.execute("SELECT reasons FROM ops.quarantine").fetchall()
    assert "hotel_id was 16" in reasons[0], "the check shows both"
