"""Fixed work that shows how fast the machine is meanwhile: other measures are stated in it.

A ratio to it differs less between machines than a time does. Whoever changes the work, the
constants or the table makes every baseline worthless.
"""

import csv
import io
import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import psycopg

from benchmarks.report import Measure, answers_a_second, step

COPY, LOAD, LOOKUPS = "COPY", "parse and COPY", "lookups"
ROWS, PARSED_ROWS, LOOKUP_SECONDS = 500_000, 200_000, 2
TABLE = """
DROP TABLE IF EXISTS reference;
CREATE TABLE reference (id integer PRIMARY KEY, hotel integer, at timestamp, name text);
CREATE INDEX ON reference (hotel);
"""
#: Of a calm machine of two cores, which copied 136,000 lines of bookings a second (`bare COPY`). A
#: target in seconds is none by itself: a slow machine would miss it whatever the code does.
STATED = {COPY: 360_000.0, LOAD: 190_000.0, LOOKUPS: 7_300.0}
LOOKUP = f"\\set n random(0, {ROWS - 1})\nSELECT * FROM reference WHERE id = :n;\n"


@dataclass(frozen=True)
class Reference:
    """Work of which `amount` is done at once, and how much of it was done a second, each time."""

    unit: str
    amount: int
    #: How much of it the machine did a second for which targets are stated.
    stated: float
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of all times."""
        return statistics.median(self.rates)

    @property
    def spread(self) -> float:
        """The distance of the fastest time from the slowest, as a share of the median."""
        return (max(self.rates) - min(self.rates)) / self.rate

    def ratio(self, value: float, unit: str) -> float:
        """Return a rate as a share of this one, or a duration in durations of this work."""
        if unit.endswith("/s"):
            return value / self.rate
        return value / {"s": 1, "ms": 1000}[unit] * self.rate / self.amount

    def here(self, target: float, unit: str) -> float:
        """Return what a target, stated for a calm machine, is at the speed of this one."""
        speed = self.rate / self.stated
        return target * speed if unit.endswith("/s") else target / speed


def references() -> dict[str, Reference]:
    """Return the references by name.

    COPY into a table with two indexes; the same of rows that Python reads from JSON and writes as
    CSV, as loads spend half of their time in Python; lookups by a key.
    """
    return {
        COPY: Reference("rows/s", ROWS, STATED[COPY]),
        LOAD: Reference("rows/s", PARSED_ROWS, STATED[LOAD]),
        LOOKUPS: Reference("answers/s", 1, STATED[LOOKUPS]),
    }


@step("references")
def measure_once(found: dict[str, Reference], url: str) -> None:
    """Measure each reference once more, in the database at `url`."""
    made = [
        (number, number * 7919 % 3_000, "2026-01-01 12:34:56", f"Guest {number}")
        for number in range(ROWS)
    ]
    document = json.dumps(made[:PARSED_ROWS])
    found[LOAD].rates.append(PARSED_ROWS / _seconds(url, lambda: _as_csv(json.loads(document))))
    found[COPY].rates.append(ROWS / _seconds(url, lambda: _as_csv(made), is_timed=False))
    rate = answers_a_second(url, LOOKUP, clients=1, seconds=LOOKUP_SECONDS)
    found[LOOKUPS].rates.append(rate)


def _seconds(url: str, make: Callable[[], str], *, is_timed: bool = True) -> float:
    """Return how long it takes to copy what `make` returns, and to make it if that is timed."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
        began = time.monotonic()
        rows = make()
        made = time.monotonic()
        with connection.cursor().copy("COPY reference FROM STDIN (FORMAT csv)") as copy:
            copy.write(rows)
        ended = time.monotonic()
        connection.execute("VACUUM ANALYZE reference")
    return ended - (began if is_timed else made)


def _as_csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def as_measures(found: dict[str, Reference]) -> list[Measure]:
    """Return the median of each reference and its spread, to stand beside the other measures."""
    return [
        measure
        for name, one in found.items()
        for measure in (
            Measure(f"reference: {name}", one.rate, one.unit, None, more=True, is_compared=False),
            Measure(
                f"reference: {name}, its spread", 100 * one.spread, "%", None, is_compared=False
            ),
        )
    ]
