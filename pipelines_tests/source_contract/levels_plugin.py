"""Plug-ins with CSV files: nothing but a model, a table and a feed, for the policies by key."""

from collections.abc import Mapping
from pathlib import Path

from pipelines_tests import plugins

DECLARATION = '''
"""Water levels, from CSV files."""

import datetime as dt
from decimal import Decimal

from pydantic import BaseModel, Field

from pipelines import source as isobar


class Settings(isobar.SourceSettings, env_prefix="{NAME}_"):
    """Where files of levels come."""

    inbox: isobar.Folder = isobar.folder("Folder for CSV files.")


class Level(BaseModel):
    """A level."""

    station: isobar.Name
    day: dt.date = Field(otherwise="is not a day")
    level: Decimal = Field(max_digits=6, decimal_places=2, otherwise="is not a level")


FILES = isobar.Input(name="{name}_files", about="CSV files of levels.", kind="csv")
feed = isobar.Feed(
    name="{name}",
    fetch=isobar.FileInbox(input=FILES, import_help="Load a CSV file of levels."),
    parse=isobar.Rows(Level, table="{name}.levels"),
    write=isobar.POLICY(),
    rejects="once",
    again=isobar.Reparse(),
)
source = isobar.Source(
    name="{name}",
    package=__name__,
    about="Water levels.",
    settings=Settings,
    job="Load files of levels.",
    inputs=(FILES,),
    feeds=(feed,),
    loads=("{name}.levels",),
    ledgers=(isobar.Ledger(on="{name}.levels"),),
)
'''
TABLES = '''
"""The table of levels."""

from sqlalchemy import Column, Date, Numeric, Table, Text

from pipelines import source as isobar

metadata = isobar.source_metadata()
levels = Table(
    "levels",
    metadata,
    Column("station", Text, primary_key=True, comment="Station."),
    Column("day", Date, primary_key=True, comment="Day."),
    Column("level", Numeric(6, 2), nullable=False, comment="Level, m."),
    isobar.delivery_id_column(),
    schema="{name}",
    comment="Levels, one row per station and day.",
)
'''
#: The policy of each plug-in, by its name.
POLICIES: Mapping[str, str] = {"lastlevels": "Latest", "firstlevels": "First"}


def write(folder: Path) -> None:
    """Write both plug-ins into a folder."""
    for name, policy in POLICIES.items():
        files = {
            "__init__.py": DECLARATION.replace("POLICY", policy),
            "tables.py": TABLES,
            "sql/views/enriched.{name}_stops.sql": None,
        }
        plugins.write(folder, name, files)
