"""Numbers of hotels beside the oracle's, over histories with everything that senders do."""

import datetime as dt
from pathlib import Path

import psycopg
import pytest

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import oracle
from pipelines_tests.sources.bookings.histories import (
    BERLIN,
    LOS_ANGELES,
    NEW,
    NO_ROW,
    TOKYO,
    history,
)
from pipelines_tests.sources.bookings.hotels import Hotels
from pipelines_tests.sources.bookings.made_up import deliver, sent

BOOK = "SELECT * FROM metrics.hotel_book ORDER BY hotel_id, night_of_stay, changed_on"
DIFFER = "SELECT count(*) FROM bookings.findings WHERE rule = 'matches_recount'"


@pytest.fixture
def hotels(
    request: pytest.FixtureRequest, warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> Hotels:
    return Hotels(history(request.param), warehouse, owner, tmp_path)


@pytest.mark.parametrize("hotels", [1, 2, 3], indirect=True)
def test_every_number_of_hotels_is_that_of_the_oracle(hotels: Hotels) -> None:
    """Whether hotels are entered before their events, between them or later, or have new days."""
    given = hotels.given.hotels
    hotels.enter(given[TOKYO], given[BERLIN])
    hotels.load(slice(1))
    hotels.enter(*given.values())
    hotels.load(slice(1, None))
    assert hotels.differences(given) == []
    moved = given | {
        hotel_id: oracle.Hotel(hotel_id, given[hotel_id].rooms, zone, dt.time(begins))
        for hotel_id, zone, begins in (
            (LOS_ANGELES, "Pacific/Auckland", 4),
            (BERLIN, "Europe/Berlin", 0),
            (NEW, None, 4),
        )
    }
    moved[NO_ROW] = oracle.Hotel(NO_ROW, 3, "America/Los_Angeles")
    hotels.enter(*moved.values())
    hotels.refresh()
    assert hotels.differences(moved, audit=True) == []
    hotels.refresh(rebuild=True)
    assert hotels.differences(moved) == []


@pytest.mark.parametrize("hotels", [4], indirect=True)
def test_a_book_that_was_changed_by_hand_is_found_and_made_anew(hotels: Hotels) -> None:
    hotels.load(slice(None))
    hotels.owner.execute("UPDATE metrics.hotel_book SET change = change + 100 WHERE hotel_id = 1")
    given: dict[int, oracle.Hotel] = {}
    changed = hotels.differences(given, audit=True)
    assert [difference.partition(":")[0] for difference in changed][:2] == ["book", "findings"]
    assert hotels.owner.execute(DIFFER).fetchone() != (0,)
    hotels.refresh(rebuild=True)
    assert hotels.differences(given, audit=True) == []


def test_a_reader_never_sees_the_counts_without_the_book(
    warehouse: Warehouse, owner: psycopg.Connection, tmp_path: Path
) -> None:
    """All or nothing: what is refreshed breaks off in the middle, and runs again."""
    hotels = Hotels(history(5), warehouse, owner, tmp_path)
    hotels.load(slice(1))
    book = owner.execute(BOOK).fetchall()
    broken = "ADD CONSTRAINT full_disk CHECK (hotel_id < 0) NOT VALID"
    owner.execute(f"ALTER TABLE bookings.books {broken}".encode())
    deliver(warehouse, tmp_path, [*map(sent, hotels.given.batches[1])], "next.csv")
    with pytest.raises(Exception, match="full_disk"):
        hotels.refresh()
    assert owner.execute(BOOK).fetchall() == book
    owner.execute("ALTER TABLE bookings.books DROP CONSTRAINT full_disk")
    hotels.refresh()
    hotels.load(slice(2, None))
    assert hotels.differences({}) == []
