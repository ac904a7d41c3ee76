"""The sources that come as files: no connection can break, but what is in them can be anything."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

from pipelines_tests.drills.faults.faults import (
    ADDRESSES,
    ANSWERS,
    CONTENT,
    GIGABYTE,
    HTML,
    Spot,
    bomb,
    spoil,
)
from pipelines_tests.drills.faults.sources import EVENTS, STORED_EVENTS, Bench, Source, _event_spots
from pipelines_tests.sources.bookings.made_up import event
from pipelines_tests.sources.shipments.made_up import line

SHAPES = ("HTML", "empty body", "truncated", "wrong encoding", "gzip bomb", "1 GB")
NO_CONNECTION = {
    fault: "files have no connection" for fault in (*ADDRESSES, *ANSWERS) if fault not in SHAPES
}
#: Lines of a file by their columns.
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Files(Source):
    """A source whose inbox a file is put into; `dropped` is the column that may be lacking."""

    truth: Callable[[], Rows]
    spots: Callable[[Rows, int], list[Spot]]
    dropped: str

    @contextmanager
    def open(self, bench: Bench) -> Iterator["_Dropped"]:
        folder = bench.folder / bench.owner.info.dbname
        folder.mkdir()
        yield _Dropped(self, folder)


class _Dropped:
    def __init__(self, files: Files, folder: Path) -> None:
        self.files, self.folder = files, folder
        self.is_spoiled = False

    def serve(self, fault: str | None) -> Mapping[str, str]:
        for file in self.folder.iterdir():
            file.unlink()
        suffix = ".csv.gz" if fault == "gzip bomb" else ".csv"
        file = self.folder / f"sent{suffix}"
        if fault == "1 GB":
            with file.open("wb") as opened:
                opened.truncate(GIGABYTE)
        else:
            file.write_bytes(bomb() if fault == "gzip bomb" else self._content(fault))
        return {self.files.variable: str(self.folder)}

    def _content(self, fault: str | None) -> bytes:
        rows = self.files.truth()
        if fault in CONTENT and fault not in ("missing field", "duplicate keys"):
            spots = self.files.spots(rows, 0)
            is_typed = fault != "changed type"  # what a text is about, any text may be
            spoil(fault, [spot for spot in spots if is_typed or spot.kind != "text"])
        columns = list(rows[0])
        if fault == "missing field":
            columns.remove(self.files.dropped)
        if fault == "duplicate keys":
            columns.append(self.files.dropped)
        true = _written(rows, columns, is_quoted=fault == "numbers as strings")
        self.is_spoiled = true != _written(self.files.truth(), [*rows[0]], is_quoted=False)
        return {
            "HTML": HTML,
            "empty body": b"",
            "truncated": true[: len(true) // 2],
            "wrong encoding": true.decode().encode("utf-16"),
        }.get(fault or "", true)


def _written(rows: Rows, columns: list[str], *, is_quoted: bool) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows([row.get(column) for column in columns] for row in rows)
    return out.getvalue().encode()


bookings_files = Files(
    title="Hotel bookings, files",
    variable="BOOKINGS_INBOX",
    job="bookings",
    assets=("bookings.events",),
    stored=STORED_EVENTS,
    truth=lambda: [event(number) for number in range(EVENTS)],
    spots=_event_spots,
    dropped="hotel_id",
    spared=NO_CONNECTION,
)
LINE_KINDS = {
    "tracking_number": "text",
    "carrier": "text",
    "sender_address": "text",
    "receiver_address": "text",
    "article_name": "text",
    "article_quantity": "number",
    "article_price": "number",
    "sku": "text",
    "status": "text",
}
LINES = 40
STORED_SHIPMENTS: LiteralString = (
    "SELECT concat_ws(' ', tracking_number, carrier, sender_address, receiver_address, status,"
    " sku, article_name, quantity, unit_price)"
    " FROM shipments.shipments JOIN shipments.articles USING (tracking_number, carrier)"
)


def _line_spots(rows: Rows, number: int) -> list[Spot]:
    places = zip(rows, LINE_KINDS.items(), strict=False)
    return [Spot(row, key, kind) for row, (key, kind) in places]


shipments = Files(
    title="Shipments, files",
    variable="SHIPMENTS_INBOX",
    job="shipments",
    assets=tuple(
        f"shipments.{name}" for name in ("addresses", "shipments", "articles", "status_history")
    ),
    stored=STORED_SHIPMENTS,
    truth=lambda: [{**line(number)} for number in range(LINES)],
    spots=_line_spots,
    dropped="carrier",
    spared=NO_CONNECTION
    | {"gzip bomb": "packed files are not accepted", "far future": "they have no times"},
)
