"""Small files of shipments that tests make for themselves."""

import csv
import datetime as dt
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest.deliveries import Outcome
from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.sources.shipments import transform
from pipelines.sources.shipments.transform import COLUMNS
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.loaders import runner
from pipelines_tests.stored import Stored

BERLIN, PARIS = "Street 1, 10115 Berlin, Germany", "Street 10, 75001 Paris, France"


def line(number: int = 1, **changes: Any) -> dict[str, str]:
    """A line about one article of shipment `number`."""
    return {
        "tracking_number": f"TN{number:08}",
        "carrier": "DHL",
        "sender_address": BERLIN,
        "receiver_address": PARIS,
        "article_name": "Laptop",
        "article_quantity": "1",
        "article_price": "800",
        "sku": "LP123",
        "status": "in-transit",
    } | {name: str(value) for name, value in changes.items()}


def text_of(lines: list[dict[str, str]], delimiter: str = ",") -> str:
    """The file with these lines, columns in the order of the first."""
    written = io.StringIO()
    columns = list(lines[0]) if lines else list(COLUMNS)
    writer = csv.DictWriter(written, columns, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue()


def deliver(
    warehouse: Warehouse,
    folder: Path,
    content: list[dict[str, str]] | str | bytes,
    name: str = "shipments.csv",
    at: dt.datetime | None = None,
    **settings: str,
) -> Outcome | None:
    """Write a file, which was last modified at a time (or now), and load it."""
    file = folder / name
    text = text_of(content) if isinstance(content, list) else content
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    if at is not None:
        os.utime(file, (at.timestamp(), at.timestamp()))
    feed = runner("shipments", warehouse, "a run", **settings)
    return load_file(feed, inspect_file("shipments", file))


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the parser accept `free`, as a mended release would."""
    amounts = transform._amounts
    monkeypatch.setattr(
        transform, "_amounts", lambda texts, *of: amounts(texts.replace("free", "0"), *of)
    )


@dataclass
class Inbox(Stored):
    """A folder of files of shipments, and the database into which they are loaded."""

    folder: Path

    def age(self) -> None:
        """Make what is stored that of version 4, which took the time of loading for a file's."""
        times = {
            "shipments": ("first_seen_at", "status_changed_at", "last_seen_at", "under_way_at"),
            "status_history": ("seen_at",),
        }
        with self.owner.transaction():
            self.owner.execute("UPDATE ops.deliveries SET modified_at = NULL")
            for table, columns in times.items():
                for column in columns:
                    self.owner.execute(
                        f"UPDATE shipments.{table} AS rows SET {column} = loaded_at"
                        " FROM ops.deliveries AS loads WHERE loads.delivery_id = rows.delivery_id"
                        f" AND {column} IS NOT NULL".encode()
                    )
            self.owner.execute("UPDATE shipments.shipments SET last_sequence = NULL")
            self.owner.execute(
                "UPDATE shipments.status_history SET previous_seen_at = NULL,"
                " previous_sequence = NULL"
            )

    def deliver(
        self,
        content: list[dict[str, str]] | str | bytes,
        name: str = "shipments.csv",
        at: dt.datetime | None = None,
        **settings: str,
    ) -> tuple[int, int, int, int]:
        """Load a file with this content; returns read, loaded, unchanged, rejected."""
        outcome = deliver(self.warehouse, self.folder, content, name, at, **settings)
        assert outcome is not None
        return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected
