"""What was measured at several sizes: a row for each measure, a column for each size.

`python -m benchmarks.curve FILE…` prints the ratios of several runs of `make bench ARGS="--json
FILE"`, with a column for the day of each.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

#: A query is repeated until so much time is spent on it, and five times at most.
REPEATED_SECONDS = 3.0


class Curve:
    """Numbers by measure and size, both in the order in which they first came."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.sizes: list[str] = []
        self.rows: dict[str, dict[str, float]] = {}
        #: Of each load: how many millions there were then, and lines a second.
        self.steps: list[tuple[float, float]] = []

    def add(self, size: str, measure: str, value: float) -> None:
        """Note a number; `measure` says its unit."""
        if size not in self.sizes:
            self.sizes.append(size)
        self.rows.setdefault(measure, {})[size] = value

    def time(self, size: str, connection: psycopg.Connection, measure: str, query: str) -> None:
        """Note the milliseconds until all rows of a query are here (see `median_seconds`)."""
        seconds = median_seconds(lambda: connection.execute(query.encode()).fetchall())
        self.add(size, f"{measure}, ms", 1000 * seconds)

    @contextmanager
    def seconds(self, size: str, measure: str) -> Iterator[None]:
        """Note how long something takes."""
        began = time.monotonic()
        yield
        self.add(size, f"{measure}, s", time.monotonic() - began)

    @contextmanager
    def spilled(
        self, connect: Callable[[], psycopg.Connection], size: str, measure: str
    ) -> Iterator[None]:
        """Note how much PostgreSQL puts into temporary files meanwhile."""
        before = _spilled(connect)
        yield
        self.add(size, f"{measure}: temporary files, MB", (_spilled(connect) - before) / 1e6)

    def as_markdown(self) -> str:
        """The numbers as a table of a page."""
        head = f"| {self.title} | {' | '.join(self.sizes)} |\n|---|{'---:|' * len(self.sizes)}\n"
        lines = (
            f"| {measure} | {' | '.join(_shown(values.get(size)) for size in self.sizes)} |\n"
            for measure, values in self.rows.items()
        )
        steps = ", ".join(f"{rate / 1000:.0f}" for _, rate in self.steps)
        line = f"\nEach million in its turn, thousand lines/s: {steps}.\n" if steps else ""
        return head + "".join(lines) + line


def of_days(files: Iterable[Path]) -> Curve:
    """What is compared with the baseline, in the order of the files."""
    curve = Curve("ratio to the reference, or value")
    for file in files:
        for one in json.loads(file.read_text()):
            if one["is_compared"]:
                unit = one["reference"] or one["unit"] or "number"
                curve.add(one["date"], f"{one['name']}, {unit}", one["ratio"])
    return curve


def median_seconds(ask: Callable[[], object]) -> float:
    """Seconds that a call takes: the median of several, after one that is not counted.

    One that takes longer than all of them together may is called once.
    """
    taken: list[float] = []
    while len(taken) < 6 and sum(taken) < REPEATED_SECONDS:
        began = time.monotonic()
        ask()
        taken.append(time.monotonic() - began)
    return statistics.median(taken[1:] or taken)


def _spilled(connect: Callable[[], psycopg.Connection]) -> float:
    """Bytes that went through temporary files of this database so far."""
    with connect() as connection:
        found = connection.execute(
            "SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert found is not None
    return float(found[0])


def _shown(value: float | None) -> str:
    """With three digits that count."""
    if value is None:
        return ""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    if 0 < value < 1:
        return f"{value:.3g}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


if __name__ == "__main__":
    print(of_days(map(Path, sys.argv[1:])).as_markdown())  # noqa: T201
