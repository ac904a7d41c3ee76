"""What the demo begins with: the sandbox's hotels, apart so that the sandbox needs no database."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from pipelines.sources.bookings.sandbox import HOTELS
from pipelines.sources.bookings.tables import hotels
from pipelines.warehouse.connection import Warehouse

#: What operators enter of a hotel.
ENTERED = ("hotel_id", "name", "city", "rooms", "country_code", "latitude", "longitude")


def seed_sandbox(store: Warehouse) -> str | None:
    """Insert the hotels if the table is empty; return a message."""
    rows = [dict(zip(ENTERED, hotel, strict=True)) for hotel in HOTELS]
    with store.transaction("bookings") as connection:
        if connection.execute(select(hotels).limit(1)).first() is not None:
            return None
        connection.execute(insert(hotels).on_conflict_do_nothing(), rows)
    return "Entered the sandbox's hotels."
