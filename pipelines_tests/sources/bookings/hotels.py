"""A generated history of hotels in a database, and the numbers that differ from the oracle's."""

from pathlib import Path

import psycopg

from pipelines.sources.bookings.counts import compare, refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.bookings import oracle
from pipelines_tests.sources.bookings.histories import History
from pipelines_tests.sources.bookings.made_up import deliver, sent
from pipelines_tests.sources.bookings.numbers import Numbers

ENTERED = "INSERT INTO bookings.hotels (hotel_id, name, rooms, time_zone, day_begins) VALUES "


class Hotels:
    """A history that is loaded batch by batch, each of which is counted by itself."""

    def __init__(
        self, given: History, warehouse: Warehouse, owner: psycopg.Connection, folder: Path
    ) -> None:
        self.given, self.warehouse, self.owner, self.folder = given, warehouse, owner, folder

    def load(self, batches: slice) -> None:
        for number, batch in [*enumerate(self.given.batches)][batches]:
            deliver(self.warehouse, self.folder, [*map(sent, batch)], f"{number}.csv")
            self.refresh()

    def enter(self, *hotels: oracle.Hotel) -> None:
        for hotel in hotels:
            self.owner.execute(
                ENTERED.encode() + b"(%s, 'A hotel', %s, %s, %s) ON CONFLICT (hotel_id) DO UPDATE"
                b" SET time_zone = excluded.time_zone, day_begins = excluded.day_begins",
                [hotel.hotel_id, hotel.rooms, hotel.time_zone, hotel.day_begins],
            )

    def refresh(self, *, rebuild: bool = False) -> None:
        refresh(self.warehouse, rebuild=rebuild)

    def differences(self, hotels: oracle.Hotels, *, audit: bool = False) -> list[str]:
        """Of all numbers; after an audit, which finds all contradictions anew."""
        if audit:
            compare(self.warehouse)
        events = oracle.stored(self.given.batches)
        return Numbers(self.owner, events, hotels, self.given.closed_on).differences()
