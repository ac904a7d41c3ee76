"""A plug-in with an inbox of CSV files and a field of every kind, as a stranger would write it."""

DECLARATION = '''
"""Stops of buses, from CSV files."""

import datetime as dt
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel

from pipelines import source as isobar


class Settings(isobar.SourceSettings, env_prefix="{NAME}_"):
    """Where files of stops arrive."""

    inbox: isobar.Folder = isobar.folder("Folder for CSV files.")


class Stop(BaseModel):
    stop_id: int = isobar.Field(ge=1, le=2_000_000_000, otherwise="is not a number of a stop")
    line: str = isobar.Field(pattern=r"^[A-Z]{1,2}$", otherwise="is not a line")
    name: isobar.Name = isobar.Field(alias="stop_name")
    kind: Literal["bus", "tram"] = isobar.Field(otherwise="is not a kind")
    opened_on: dt.date = isobar.Field(otherwise="is not a day")
    seen_at: AwareDatetime = isobar.Field(otherwise="is not a time")
    fare: Decimal = isobar.Field(ge=0, le=1000, decimal_places=2, otherwise="is not a fare")
    share: float = isobar.Field(gt=0, lt=1, otherwise="is not a share")
    is_roofed: bool = isobar.Field(otherwise="is neither true nor false")
    code: str = isobar.Field(
        min_length=4, max_length=4, pattern="^[0-9]+$", otherwise="is not a code"
    )
    uuid: UUID
    remark: isobar.Name | None = None


source = isobar.Source(
    name="{name}",
    package=__name__,
    about="Stops of buses.",
    settings=Settings,
    feeds=(
        isobar.Feed(
            fetch=isobar.FileInbox(),
            parse=isobar.Rows(Stop, table="{name}.stops", key=("stop_id", "line")),
        ),
    ),
)
'''
SANDBOX = '''
"""Two stops."""

from pipelines import source as isobar

HEADER = "stop_id,line,stop_name,kind,opened_on,seen_at,fare,share,is_roofed,code,uuid,remark"
UUID = "00000000-0000-0000-0000-00000000{1}"
STOP = f"{{0}},A,Stop {{0}},bus,2020-01-01,2020-01-01T00:00:00Z,2.50,0.5,true,{{1}},{UUID},"


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
    "tables.py": None,
    "sandbox.py": SANDBOX,
    "sql/views/enriched.{name}_stops.sql": VIEW,
}
