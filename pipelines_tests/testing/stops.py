"""A plug-in with an inbox of CSV files and a field of every kind, as a stranger would write it."""

DECLARATION = '''
"""Stops of buses, from CSV files."""

import datetime as dt
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from pipelines import source as isobar


class Settings(isobar.SourceSettings, env_prefix="{NAME}_"):
    """Where files of stops arrive."""

    inbox: isobar.Folder = isobar.folder("Folder for CSV files.")


class Stop(BaseModel):
    stop_id: int = Field(ge=1, le=2_000_000_000, description="is not a number of a stop")
    line: str = Field(pattern=r"^[A-Z]{1,2}$", description="is not a line")
    name: isobar.Name = Field(alias="stop_name")
    kind: Literal["bus", "tram"] = Field(description="is not a kind")
    opened_on: dt.date = Field(description="is not a day")
    seen_at: AwareDatetime = Field(description="is not a time")
    fare: Decimal = Field(ge=0, le=1000, decimal_places=2, description="is not a fare")
    share: float = Field(gt=0, lt=1, description="is not a share")
    is_roofed: bool = Field(description="is neither true nor false")
    code: str = Field(min_length=4, max_length=4, pattern="^[0-9]+$", description="is not a code")
    remark: isobar.Name | None = None


FILES = isobar.Input(name="{name}_files", about="Files of stops.", kind="csv")
feed = isobar.Feed(
    name="{name}",
    fetch=isobar.FileInbox(input=FILES, import_help="Load a file of stops."),
    parse=isobar.csv_records(Stop, table="{name}.stops"),
    write=isobar.Latest(),
    rejects="once",
    again=isobar.Reparse(),
)
source = isobar.Source(
    name="{name}",
    package=__name__,
    about="Stops of buses.",
    settings=Settings,
    job="Load stops.",
    inputs=(FILES,),
    feeds=(feed,),
    loads=("{name}.stops",),
    ledgers=(isobar.Ledger(on="{name}.stops"),),
)
'''
TABLES = '''
"""The table of stops."""

from sqlalchemy import (
    Boolean, Column, Date, DateTime, Double, Integer, Numeric, Table, Text
)

from pipelines import source as isobar

metadata = isobar.source_metadata()
stops = Table(
    "stops",
    metadata,
    Column("stop_id", Integer, primary_key=True, comment="Number of the stop."),
    Column("line", Text, primary_key=True, comment="Line that stops there."),
    Column("name", Text, nullable=False, comment="What it is called."),
    Column("kind", Text, nullable=False, comment="bus or tram."),
    Column("opened_on", Date, nullable=False, comment="When it was opened."),
    Column("seen_at", DateTime(timezone=True), nullable=False, comment="When it was seen."),
    Column("fare", Numeric(6, 2), nullable=False, comment="Price of a ride."),
    Column("share", Double, nullable=False, comment="Share of delayed buses."),
    Column("is_roofed", Boolean, nullable=False, comment="Whether it has a roof."),
    Column("code", Text, nullable=False, comment="Code of the stop."),
    Column("remark", Text, comment="Anything else."),
    isobar.delivery_id_column(),
    schema="{name}",
    comment="Where buses stop, one row a stop and line.",
)
'''
SANDBOX = '''
"""Two stops."""

from pipelines import source as isobar

HEADER = "stop_id,line,stop_name,kind,opened_on,seen_at,fare,share,is_roofed,code,remark"
STOP = "{0},A,Stop {0},bus,2020-01-01,2020-01-01T00:00:00Z,2.50,0.5,true,{1},"


def build(sandbox):
    def write_files(folder, day):
        lines = [STOP.format(n + sandbox.seed, f"{n:04}") for n in range(2)]
        file = folder / f"{day}.csv"
        if not file.exists():
            file.write_text("\\n".join([HEADER, *lines]) + "\\n")

    return isobar.SandboxParts(write_files=write_files)
'''
VIEW = """
CREATE OR REPLACE VIEW enriched.{name}_stops AS
SELECT stop_id, line, name FROM {name}.stops;

COMMENT ON VIEW enriched.{name}_stops IS 'Where buses stop.';
"""
#: The package of `pipelines_tests.plugins.write`.
FILES: dict[str, str | None] = {
    "__init__.py": DECLARATION,
    "tables.py": TABLES,
    "sandbox.py": SANDBOX,
    "sql/views/enriched.{name}_stops.sql": VIEW,
}
