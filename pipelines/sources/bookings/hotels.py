"""The sandbox's initial data: names, places and rooms of its hotels."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from pipelines.sources.bookings.tables import hotels
from pipelines.warehouse.connection import Warehouse

#: What operators enter of a hotel.
ENTERED = ("hotel_id", "name", "city", "rooms", "country_code", "latitude", "longitude")


def seed_sandbox(store: Warehouse) -> str | None:
    """Insert the sandbox's hotels if the table is empty; return a message."""
    from pipelines.sources.bookings.sandbox import HOTELS

    rows = [dict(zip(ENTERED, hotel, strict=True)) for hotel in HOTELS]
    with store.transaction("bookings") as connection:
        if connection.execute(select(hotels).limit(1)).first() is not None:
            return None
        connection.execute(insert(hotels).on_conflict_do_nothing(), rows)
    return "Entered the sandbox's hotels."
