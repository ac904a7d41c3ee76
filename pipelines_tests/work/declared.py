"""How much work statements may do, as they say themselves in comments beside what they do.

    -- Work: flat, 400 buffers: ORDER BY price_amount LIMIT 100

It says how the buffers (8 kB each) grow with the rows stored, how many there are at most on the
larger database, and for a view what is queried: clauses after `SELECT * FROM` the view, or a
statement. Statements of the dashboards and of the cookbook say the first two alone.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pipelines.warehouse.sql_files import relations_read
from pipelines_tests.command import PROJECT

#: By how much the buffers may be multiplied where the rows are ten times as many.
GROWTH = {"flat": 1.3, "logarithmic": 4.0, "linear": 13.0}
#: How many more they may be in any case: indexes get a level more, and small tables are read as a
#: whole instead of by lookups for each row that is returned.
MORE, LOOKUPS = 20, 8
WORK = re.compile(
    r"^-- Work: (?P<growth>\w+), (?P<buffers>[\d,]+) buffers"
    r"(?:: (?P<query>.+(?:\n--   .+)*))?$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Work:
    """How much a statement may read, and the statement where it says it."""

    growth: str
    buffers: int
    statement: str = ""

    @property
    def is_page(self) -> bool:
        """Whether some rows of many are queried."""
        return "LIMIT" in self.statement

    def most(self, small: int, rows_returned: int = 1) -> float:
        """Return the most buffers on the larger database, by those on the smaller one."""
        grown = GROWTH[self.growth] * small + MORE + LOOKUPS * rows_returned
        return min(self.buffers, grown)


def views() -> dict[str, str]:
    """The texts of the files that create a view, or a function that reads a table or view."""
    files = (PROJECT / "pipelines").rglob("sql/views/*.sql")
    texts = {file.stem: file.read_text() for file in files}
    functions = {name for name, text in texts.items() if "CREATE OR REPLACE FUNCTION" in text}
    return {name: text for name, text in sorted(texts.items()) if relations_read(text) - functions}


def dashboard_statements() -> dict[Path, str]:
    """The statements of dashboards by their files."""
    files = sorted((PROJECT / "pipelines").rglob("sql/dashboard/*.sql"))
    return {file: file.read_text() for file in files}


def questions() -> dict[Path, str]:
    """The questions of the cookbook by their files."""
    files = sorted((PROJECT / "pipelines").rglob("sql/cookbook/*.sql"))
    return {file: file.read_text() for file in files}


def declared(name: str, text: str) -> list[Work]:
    """Return what a file declares; `name` is the view's."""
    found = []
    for one in WORK.finditer(text):
        query = re.sub(r"\n--   ", " ", one["query"] or "")
        is_whole = re.match("SELECT|UPDATE|DELETE", query)
        statement = query if is_whole else f"SELECT * FROM {name} {query}".strip()
        found.append(Work(one["growth"], int(one["buffers"].replace(",", "")), statement))
    return found
