"""Fixed work that shows how fast the machine is at the moment, to state targets in."""

import csv
import io
import json
import time
from collections.abc import Iterable

import psycopg

from benchmarks.report import Measure, answers_a_second, step
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections

ROWS = 200_000
#: Of a calm machine of two cores, which copied 136,000 lines of bookings a second (`bare COPY`). A
#: target in seconds is none by itself: a slow machine would miss it whatever the code does.
STATED_ROWS_A_SECOND = 190_000.0
TABLE = """
DROP TABLE IF EXISTS reference;
CREATE TABLE reference (id integer PRIMARY KEY, hotel integer, at timestamp, name text);
CREATE INDEX ON reference (hotel);
"""
LOOKUP = f"\\set n random(0, {ROWS - 1})\nSELECT * FROM reference WHERE id = :n;\n"


@step("reference: rows from JSON to COPY")
def slowness(server: Connections) -> float:
    """How many times longer than on that machine Python and PostgreSQL take to load rows.

    Rows are read from JSON, written as CSV and copied into a table with two indexes: loads, too,
    spend half of their time in Python.
    """
    document = json.dumps(
        [
            (number, number * 7919 % 3_000, "2026-01-01 12:34:56", f"Guest {number}")
            for number in range(ROWS)
        ]
    )
    with psycopg.connect(server.url(SUPERUSER, "bench"), autocommit=True) as connection:
        connection.execute(TABLE)
        began = time.monotonic()
        rows = _as_csv(json.loads(document))
        with connection.cursor().copy("COPY reference FROM STDIN (FORMAT csv)") as copy:
            copy.write(rows)
        seconds = time.monotonic() - began
        connection.execute("VACUUM ANALYZE reference")
    return seconds * STATED_ROWS_A_SECOND / ROWS


def latency(server: Connections, name: str, script: str, most: float) -> Measure:
    """Milliseconds of an answer, which may take `most` times as long as a lookup just before it.

    A lookup is of a row of the reference by its key, for which `slowness` was measured before.
    """
    with step(name):
        lookups = answers_a_second(server.url(SUPERUSER, "bench"), LOOKUP)
        answers = answers_a_second(server.url(LOADER, "bench"), script)
    return Measure(name, 1000 / answers, "ms", most * 1000 / lookups)


def _as_csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
