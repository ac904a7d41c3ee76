"""Made-up booking events, as files have them and as the API has them."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.sources.bookings import Settings
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.loaders import runner
from pipelines_tests.sources.bookings import oracle
from pipelines_tests.stored import Stored

ROOM = "0498d45a-263c-433c-90d5-aee300bfec{:02x}"
Event = dict[str, Any]


def event(number: int | str, **values: Any) -> Event:
    """A good event with this id; its reservation is one of its own."""
    hundreds = int(number) % 256 if str(number).isdigit() else 0
    return {
        "id": number,
        "hotel_id": 2607,
        "event_timestamp": "2022-07-31 12:00:40",
        "status": 1,
        "room_reservation_id": ROOM.format(hundreds),
        "night_of_stay": "2022-08-01",
    } | values


def sent(event: oracle.Event) -> Event:
    """An event of a generated history, as a file has it."""
    return {
        "id": "" if event.event_id is None else event.event_id,
        "hotel_id": event.hotel_id,
        "event_timestamp": event.event_at.isoformat(),
        "status": {"booking": 1, "cancellation": 2}[event.status],
        "room_reservation_id": str(event.reservation),
        "night_of_stay": event.night.isoformat(),
    }


def text_of(events: Iterable[Mapping[str, Any]], delimiter: str = ",") -> str:
    """A CSV file of events, whose columns are those of the first."""
    rows = list(events)
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def deliver(
    warehouse: Warehouse,
    folder: Path,
    content: str | bytes | Sequence[Event],
    name: str = "bookings.csv",
    settings: Settings | None = None,
) -> Outcome | None:
    """Load a file with this content; one that ends in gz is compressed."""
    text = content if isinstance(content, str | bytes) else text_of(content)
    data = text.encode() if isinstance(text, str) else text
    file = folder / name
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return deliver_file(warehouse, file, settings)


def deliver_file(
    warehouse: Warehouse, file: Path, settings: Settings | None = None
) -> Outcome | None:
    """Load a file as it is."""
    feed = runner("bookings", warehouse, **(settings or Settings()).model_dump())
    return load_file(feed, inspect_file("bookings", file))


def counts(outcome: Outcome | None) -> tuple[int, int, int, int]:
    """Read, loaded, unchanged, rejected."""
    assert outcome is not None
    return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected


@dataclass
class Inbox(Stored):
    """A folder of files of events, and the database into which they are loaded."""

    folder: Path

    def deliver(
        self,
        content: str | bytes | Sequence[Event],
        name: str = "bookings.csv",
        settings: Settings | None = None,
    ) -> tuple[int, int, int, int]:
        """Load a file with this content; returns read, loaded, unchanged, rejected."""
        return counts(deliver(self.warehouse, self.folder, content, name, settings))

    def stored(self, columns: str = "*") -> list[Any]:
        """Return the stored events by id."""
        return self.rows(f"SELECT {columns} FROM bookings.events ORDER BY event_id")

    def quarantined(self) -> list[tuple[str, str, str]]:
        """Position, reasons and text of what is in quarantine."""
        query = "SELECT position, reasons, raw FROM ops.quarantine ORDER BY quarantine_id"
        return [(position, "; ".join(reasons), raw) for position, reasons, raw in self.rows(query)]
