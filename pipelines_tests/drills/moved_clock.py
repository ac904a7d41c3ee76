"""A clock that a drill moves: Python's by time-machine, a database's by a `now()` of its own."""

import datetime as dt
import time
from typing import Any, LiteralString, Self

import psycopg
import time_machine

#: Calls of both are replaced by their bodies when a statement is planned, in views and defaults
#: too. CURRENT_TIMESTAMP is no function: defaults that are it, all of Dagster's, are replaced.
MOVED_NOW = """
CREATE SCHEMA drill;
GRANT USAGE ON SCHEMA drill TO public;
CREATE TABLE drill.clock (shift interval NOT NULL);
INSERT INTO drill.clock VALUES ('0');
CREATE FUNCTION drill.present() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = drill
AS 'SELECT transaction_timestamp() + shift FROM drill.clock';
CREATE FUNCTION drill.wall() RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = drill
AS 'SELECT statement_timestamp() + shift FROM drill.clock';
CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz
LANGUAGE sql STABLE AS 'SELECT drill.present()';
CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz
LANGUAGE sql VOLATILE AS 'SELECT drill.wall()';
"""
DEFAULTS = """
SELECT format(
    'ALTER TABLE %I.%I ALTER COLUMN %I SET DEFAULT drill.present() AT TIME ZONE ''UTC''',
    table_schema, table_name, column_name
)
FROM information_schema.columns
WHERE column_default ILIKE 'current_timestamp%'
"""


class Clock:
    """The clock of this process and of databases; it goes on by itself, and jumps."""

    def __init__(self, start: dt.datetime) -> None:
        self._travel = time_machine.travel(start, tick=True)
        self._coordinates: Any = None
        self._databases: dict[str, psycopg.Connection] = {}

    def __enter__(self) -> Self:
        self._coordinates = self._travel.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._travel.stop()
        for connection in self._databases.values():
            connection.close()

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def govern(self, url: str, name: str) -> None:
        """Have a database's `now()` be this clock's; `url` is that of a superuser."""
        connection = psycopg.connect(url, autocommit=True)
        connection.execute(MOVED_NOW)
        for (statement,) in connection.execute(DEFAULTS).fetchall():
            connection.execute(statement)
        self._databases[name] = connection
        self._set_databases()

    def query(self, name: str, query: LiteralString) -> list[Any]:
        """Query a database whose clock is set."""
        return self._databases[name].execute(query).fetchall()

    def move_to(self, moment: dt.datetime) -> None:
        if moment > self.now:
            self._coordinates.move_to(moment, tick=True)
            self._set_databases()

    def _set_databases(self) -> None:
        shift = time.time() - time_machine.escape_hatch.time.time()
        for connection in self._databases.values():
            connection.execute("UPDATE drill.clock SET shift = %s * interval '1 s'", (shift,))
