"""A file that was loaded while it ended within a line, and a longer version of it that follows."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines.ingest.deliveries import miscounted, unbalanced
from pipelines.sources.bookings import counts
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.bookings.made_up import ROOM, Event, event
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.shipments.made_up import line

HOTEL_LAST = ("id", "event_timestamp", "status", "room_reservation_id", "night_of_stay", "hotel_id")
COUNTS = (
    "SELECT hotel_id, day, bookings, cancellations FROM metrics.hotel_bookings_by_{} ORDER BY 1"
)
QUARANTINE = "SELECT position, raw FROM ops.quarantine ORDER BY quarantine_id"


def text_of(*events: Event, last: str = "hotel_id") -> str:
    columns = [*(one for one in HOTEL_LAST if one != last and one in events[0]), last]
    return bookings.text_of([{name: one[name] for name in columns} for one in events])


@pytest.fixture
def rows(owner: psycopg.Connection) -> Any:
    return lambda query: owner.execute(query).fetchall()


def see_true_counts(warehouse: Warehouse, *tables: str) -> None:
    """The ledger balances and matches the rows."""
    with warehouse.engine.connect() as connection:
        assert miscounted(connection, tables) == []
        assert unbalanced(connection, tables[0].split(".")[0]) == []


@pytest.mark.parametrize("is_counted", [True, False])
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_hotel_that_was_cut_gives_way_to_the_complete_file(
    warehouse: Warehouse, tmp_path: Path, rows: Any, ending: str, *, is_counted: bool
) -> None:
    """Incident: 16 of 161 was stored for good, and the complete line quarantined as a conflict."""
    whole = text_of(event(1, hotel_id=16), event(2, hotel_id=161)).removesuffix("\n")
    bookings.deliver(warehouse, tmp_path, whole[:-1])
    assert rows("SELECT event_id, hotel_id FROM bookings.events ORDER BY 1") == [(1, 16), (2, 16)]
    if is_counted:
        counts.refresh(warehouse)
    more = f"{whole}\n3,{whole.rpartition(chr(10))[2].partition(',')[2]}{ending}"
    outcome = bookings.deliver(warehouse, tmp_path, more)
    assert bookings.counts(outcome) == (3, 2, 1, 0)
    stored = "SELECT event_id, hotel_id FROM bookings.events ORDER BY 1"
    assert rows(stored) == [(1, 16), (2, 161), (3, 161)]
    assert rows(QUARANTINE) == []
    counts.refresh(warehouse)
    for axis in ("event_day", "stay_night"):
        assert [(hotel, n, m) for hotel, _, n, m in rows(COUNTS.format(axis))] == [
            (16, 1, 0),
            (161, 2, 0),
        ]
    see_true_counts(warehouse, "bookings.events")


def test_an_id_that_was_cut_leaves_no_event(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    whole = text_of(event(1), event(255), last="id")
    bookings.deliver(warehouse, tmp_path, whole[:-2])
    counts.refresh(warehouse)
    bookings.deliver(warehouse, tmp_path, whole)
    assert rows("SELECT event_id FROM bookings.events ORDER BY 1") == [(1,), (255,)]
    counts.refresh(warehouse)
    assert [n for _, _, n, _ in rows(COUNTS.format("event_day"))] == [2]
    see_true_counts(warehouse, "bookings.events")


def test_an_event_without_id_that_was_cut_leaves_no_event(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    events = [{name: value for name, value in event(n).items() if name != "id"} for n in (1, 2)]
    whole = text_of(*events)
    bookings.deliver(warehouse, tmp_path, whole[:-2])
    assert rows("SELECT hotel_id FROM bookings.events ORDER BY 1") == [(260,), (2607,)]
    bookings.deliver(warehouse, tmp_path, whole)
    assert rows("SELECT hotel_id FROM bookings.events") == [(2607,), (2607,)]
    see_true_counts(warehouse, "bookings.events")


def test_a_value_that_another_delivery_brought_is_not_replaced(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    bookings.deliver(warehouse, tmp_path, text_of(event(2, hotel_id=16)), "other.csv")
    whole = text_of(event(1), event(2, hotel_id=161))
    bookings.deliver(warehouse, tmp_path, whole[:-2])
    assert bookings.counts(bookings.deliver(warehouse, tmp_path, whole)) == (2, 0, 1, 1)
    assert rows("SELECT hotel_id FROM bookings.events WHERE event_id = 2") == [(16,)]
    ((position, _),) = rows(QUARANTINE)
    assert position == "line 3"


def test_a_cut_version_gives_way_although_a_shorter_one_came_between(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    """A writer that begins anew: 16 of 161 stayed, and the complete line was a conflict."""
    whole = text_of(event(1), event(2, hotel_id=161))
    bookings.deliver(warehouse, tmp_path, whole[:-2])
    bookings.deliver(warehouse, tmp_path, text_of(event(1)))
    assert bookings.counts(bookings.deliver(warehouse, tmp_path, whole)) == (2, 1, 1, 0)
    assert rows("SELECT hotel_id FROM bookings.events WHERE event_id = 2") == [(161,)]
    see_true_counts(warehouse, "bookings.events")


def test_what_another_file_may_have_repeated_is_not_taken_back(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    """It counted as unchanged, and its event was deleted with that of the cut line."""
    whole = text_of(event(888_123), last="id")
    bookings.deliver(warehouse, tmp_path, whole.removesuffix("123\n"))
    other = text_of(event(888), last="id").replace(
        ROOM.format(888 % 256), ROOM.format(888_123 % 256)
    )
    repeated = bookings.deliver(warehouse, tmp_path, other, "other.csv")
    assert bookings.counts(repeated) == (1, 0, 1, 0)
    bookings.deliver(warehouse, tmp_path, whole)
    assert rows("SELECT event_id FROM bookings.events ORDER BY 1") == [(888,), (888_123,)]
    see_true_counts(warehouse, "bookings.events")


def test_a_bad_line_that_another_file_may_have_repeated_stays_in_quarantine(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    whole = text_of(event(1), event(2, night_of_stay="2022-13-99"), last="night_of_stay")
    cut = whole.removesuffix("-99\n")
    bookings.deliver(warehouse, tmp_path, cut)
    assert bookings.counts(bookings.deliver(warehouse, tmp_path, f"{cut}\n", "other.csv"))[2] == 2
    bookings.deliver(warehouse, tmp_path, whole)
    assert [raw.rpartition(",")[2] for _, raw in rows(QUARANTINE)] == ["2022-13", "2022-13-99"]


def test_an_invalid_line_that_was_cut_leaves_the_quarantine(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    """The lines before it are loaded at once."""
    whole = text_of(event(1), event(2), last="night_of_stay")
    cut = whole.removesuffix("-01\n")
    assert bookings.counts(bookings.deliver(warehouse, tmp_path, cut)) == (2, 1, 0, 1)
    assert [position for position, _ in rows(QUARANTINE)] == ["line 3"]
    assert bookings.counts(bookings.deliver(warehouse, tmp_path, whole)) == (2, 1, 1, 0)
    assert rows(QUARANTINE) == []
    see_true_counts(warehouse, "bookings.events")


def test_another_file_of_the_same_name_takes_nothing_back(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    whole = text_of(event(1, hotel_id=161)).removesuffix("\n")
    bookings.deliver(warehouse, tmp_path, whole[:-1])
    bookings.deliver(warehouse, tmp_path, text_of(event(3, hotel_id=5), event(4, hotel_id=5)))
    stored = "SELECT event_id, hotel_id FROM bookings.events ORDER BY 1"
    assert rows(stored) == [(1, 16), (3, 5), (4, 5)]


def test_a_cut_content_that_came_twice_gives_way_too(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    whole = text_of(event(1), event(2, hotel_id=161))
    for content in (whole[:-2], text_of(event(3)), whole[:-2], whole):
        bookings.deliver(warehouse, tmp_path, content)
    assert rows("SELECT hotel_id FROM bookings.events WHERE event_id = 2") == [(161,)]
    assert rows(QUARANTINE) == []
    see_true_counts(warehouse, "bookings.events")


def test_a_record_of_several_lines_that_was_cut_gives_way(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    address = "Street 3,\n28013 Madrid, Spain"
    whole = shipments.text_of([line(1), line(2, sender_address=address, status="delivery")])
    shipments.deliver(warehouse, tmp_path, whole.removesuffix("ivery\n"))
    shipments.deliver(warehouse, tmp_path, whole)
    query = "SELECT status FROM shipments.status_history WHERE tracking_number = 'TN00000002'"
    assert rows(query) == [("delivery",)]


def test_what_other_files_brought_is_not_taken_back(
    warehouse: Warehouse, tmp_path: Path, rows: Any
) -> None:
    """An article that a cut line overwrote, and a status that another file brought since."""
    first = [line(1, sku="A1", article_quantity=2), line(3)]
    shipments.deliver(warehouse, tmp_path, first, "first.csv")
    columns = [*(name for name in line() if name not in ("status", "sku")), "status", "sku"]
    sent = [line(3, status="scanned"), line(1, sku="A12", article_quantity=5)]
    whole = shipments.text_of([{name: one[name] for name in columns} for one in sent])
    shipments.deliver(warehouse, tmp_path, whole.removesuffix("2\n"))
    shipments.deliver(warehouse, tmp_path, whole)
    articles = "SELECT sku FROM shipments.articles WHERE tracking_number = 'TN00000001' ORDER BY 1"
    assert rows(articles) == [("A1",), ("A12",)]
    numbered = [*(name for name in line() if name != "tracking_number"), "tracking_number"]
    sent = [line(5), line(34, status="scanned")]
    whole = shipments.text_of([{name: one[name] for name in numbered} for one in sent])
    shipments.deliver(warehouse, tmp_path, whole.removesuffix("4\n"), "second.csv")
    cut = [line(5), line(3, status="delivery", tracking_number="TN0000003")]
    shipments.deliver(warehouse, tmp_path, cut, "third.csv")
    shipments.deliver(warehouse, tmp_path, whole, "second.csv")
    query = "SELECT status FROM shipments.{} WHERE tracking_number = 'TN0000003'"
    assert rows(query.format("shipments")) == [("delivery",)]
    assert rows(query.format("status_history")) == [("delivery",)]


@pytest.mark.parametrize("before", [None, "delivery", "in_transit"])
def test_a_status_that_was_cut_leaves_the_history(
    warehouse: Warehouse, tmp_path: Path, rows: Any, before: str | None
) -> None:
    """Incident: `del` was in the history beside `delivery`."""
    if before:
        shipments.deliver(warehouse, tmp_path, [line(2, status=before)], "before.csv")
    whole = shipments.text_of([line(1), line(2, status="delivery")])
    shipments.deliver(warehouse, tmp_path, whole.removesuffix("ivery\n"))
    query = "SELECT status FROM shipments.status_history WHERE tracking_number = 'TN00000002'"
    assert ("del",) in rows(query)
    shipments.deliver(warehouse, tmp_path, whole)
    assert rows(f"{query} ORDER BY seen_at") == [
        (status,) for status in dict.fromkeys((before, "delivery")) if status
    ]
    assert rows("SELECT status FROM shipments.shipments ORDER BY tracking_number") == [
        ("in_transit",),
        ("delivery",),
    ]
    see_true_counts(warehouse, "shipments.shipments", "shipments.status_history")


@pytest.mark.parametrize(
    "last", ["sku", "tracking_number", "carrier", "receiver_address", "article_price"]
)
def test_nothing_of_a_line_that_was_cut_is_left(
    warehouse: Warehouse, tmp_path: Path, rows: Any, last: str
) -> None:
    """Whatever column the file was cut in, the tables are as if it had come whole."""
    lines = [line(1), line(12, sku="LP12345", receiver_address="Street 3, 28013 Madrid, Spain")]
    ordered = [
        {name: one[name] for name in [*(n for n in one if n != last), last]} for one in lines
    ]
    whole = shipments.text_of(ordered, ";")
    shipments.deliver(warehouse, tmp_path, whole.rstrip("\n")[:-1])
    shipments.deliver(warehouse, tmp_path, whole)
    assert rows(
        "SELECT tracking_number, carrier, article_count, total_value, receiver_address"
        " FROM shipments.shipments ORDER BY 1"
    ) == [(one["tracking_number"], "DHL", 1, 800, one["receiver_address"]) for one in lines]
    assert rows("SELECT tracking_number, sku FROM shipments.articles ORDER BY 1") == [
        (one["tracking_number"], one["sku"]) for one in lines
    ]
    assert rows("SELECT count(*) FROM shipments.addresses") == [(3,)]
    assert rows("SELECT count(*) FROM shipments.status_history") == [(2,)]
    assert rows(QUARANTINE) == []
    see_true_counts(warehouse, "shipments.shipments", "shipments.articles")
