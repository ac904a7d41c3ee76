"""A source of nothing but models, a table and a feed: files of water levels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Column, DateTime, Double, MetaData, Table, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from pipelines.ingest.csv_files import Batch
from pipelines.ingest.deliveries import miscounted, unbalanced
from pipelines.ingest.feeds import Feed, FileInbox, Parsed, Step
from pipelines.ingest.file_loader import load_file
from pipelines.ingest.inbox import inspect_file
from pipelines.ingest.parsers import Csv
from pipelines.ingest.row_files import Rows
from pipelines.ingest.runner import Runner
from pipelines.source import Field, Name, delivery_id_column, source_metadata
from pipelines.warehouse.connection import Warehouse

HEADER = "station,read_at,level\n"
AT = "2026-01-01T{:02}:00Z"


class Level(BaseModel):
    """A reading."""

    station: Name
    read_at: AwareDatetime = Field(otherwise="is not a time")
    level: float = Field(ge=-1000, le=2000, otherwise="is not a level")


metadata: MetaData = source_metadata()
levels = Table(
    "levels",
    metadata,
    Column("station", Text, primary_key=True),
    Column("read_at", DateTime(timezone=True), primary_key=True),
    Column("level", Double, nullable=False),
    delivery_id_column(),
    schema="bookings",  # in which the loader may write
)
FEED = Feed(name="levels", fetch=FileInbox(), parse=Rows(Level, table="bookings.levels"))


@dataclass(frozen=True)
class Owner:
    """A source, as far as the runner needs it."""

    name: str = "levels"
    package: str = "pipelines_tests.ingest"
    metadata: MetaData = metadata


class Levels:
    """A folder of files of levels, and the database into which they are loaded."""

    def __init__(self, warehouse: Warehouse, owner: psycopg.Connection, folder: Path) -> None:
        self.warehouse, self.owner, self.folder = warehouse, owner, folder
        self.runner = Runner(Owner(), FEED, warehouse, None)

    def deliver(self, name: str, *lines: str, end: str = "\n") -> tuple[int, int, int, int]:
        """Load a CSV file; returns read, loaded, unchanged, rejected."""
        return self.deliver_bytes(name, (HEADER + "\n".join(lines) + end).encode())

    def deliver_bytes(self, name: str, content: bytes) -> tuple[int, int, int, int]:
        """Load a file with this content; returns read, loaded, unchanged, rejected."""
        file = self.folder / name
        file.write_bytes(content)
        outcome = load_file(self.runner, inspect_file("levels", file))
        assert outcome is not None
        return outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected

    def rows(self, query: str = "SELECT station, level FROM bookings.levels ORDER BY 1") -> Any:
        return self.owner.execute(query.encode()).fetchall()

    def check(self) -> None:
        """The counts balance, and are those of the rows."""
        with self.warehouse.engine.connect() as connection:
            assert unbalanced(connection, "levels") == []
            assert miscounted(connection, ["bookings.levels"]) == []


def make_table(owner: psycopg.Connection, table: Table) -> None:
    """Create a declared table, into which the loader may write."""
    dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
    owner.execute(str(CreateTable(table).compile(dialect=dialect)).encode())
    owner.execute(f"ALTER TABLE {table.fullname} OWNER TO isobar_owner".encode())
    owner.execute(f"GRANT ALL ON {table.fullname} TO isobar_loader".encode())


def line(station: str, level: Any, hour: int = 0) -> str:
    return f"{station},{AT.format(hour)},{level}"


def _rows(batch: Batch, _: Any) -> Parsed:
    rows = batch.sent[["station", "read_at", "level", "record"]]
    return batch.parsed({"stage_levels": rows}, {})


def stepwise(stored: Levels, *steps: Step, read: Any = _rows) -> None:
    """Have the levels loaded by steps: statements that put them, and these."""
    stages = {"stage_levels": "bookings.levels"}
    parse = Csv(columns=("station", "read_at", "level"), read=read)
    load = ("put_levels", *steps)
    feed = Feed(name="levels", fetch=FileInbox(), parse=parse, stages=stages, load=load)
    stored.runner = Runner(Owner(), feed, stored.warehouse, None)
