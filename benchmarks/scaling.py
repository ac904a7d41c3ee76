"""How loads, counts, questions and the disk grow: `make bench ARGS=scaling`.

Half an hour and 20 GB on a calm machine. Rows come by the paths of runs, one size after the other;
in a last column the server has settings for so many. Writes the tables of docs/scaling.md.
"""

from pathlib import Path
from typing import Any

import psycopg

from benchmarks.curve import Curve
from benchmarks.scaling_bookings import SET, Growing
from benchmarks.scaling_solar import grow, measure_queries
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections, EmbeddedPostgres

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
SIZES = {"1 million": 1, "10 million": 10, "30 million": 30}
#: For a machine of 16 GB or more, with an SSD.
SETTINGS = {
    "shared_buffers": "4GB",
    "effective_cache_size": "12GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "16GB",
    "random_page_cost": "1.1",
}


def measure(built_in: EmbeddedPostgres, folder: Path) -> list[dict[str, Any]]:
    """Curves of bookings and of solar readings, on the bench's database."""
    readings, bookings = Curve("solar readings"), Curve("booking events")
    server = built_in.start()
    grow(server, readings)
    last = readings.sizes[-1]
    measure_queries(set_up(built_in, SETTINGS), readings, f"{last}, {SET}")
    show(readings)
    growing = Growing(set_up(built_in, {}), bookings, folder)
    for size, millions in SIZES.items():
        growing.up_to(millions, size)
        show(bookings)
    growing.server = set_up(built_in, SETTINGS)
    growing.up_to(max(SIZES.values()) + 1, f"31 million, {SET}")
    show(bookings)
    PAGE.write_text(filled_in(PAGE.read_text(), [bookings, readings]))
    return [vars(bookings), vars(readings)]


def filled_in(page: str, curves: list[Curve]) -> str:
    """The page with these tables in place of the old ones, each behind a mark that names it."""
    for curve in curves:
        before, mark, after = page.partition(f"<!-- {curve.title} -->\n")
        assert mark, f"the page has no place for {curve.title}"
        _, _, rest = after.partition("<!-- end -->\n")
        page = f"{before}{mark}\n{curve.as_markdown()}\n<!-- end -->\n{rest}"
    return page


def set_up(built_in: EmbeddedPostgres, settings: dict[str, str]) -> Connections:
    """Restart the server with these settings, and none of those that were set before."""
    url = built_in.start().url(SUPERUSER, "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    built_in.stop()
    return built_in.start()


def show(curve: Curve) -> None:
    """Print a curve as far as it goes."""
    print(curve.as_markdown(), flush=True)  # noqa: T201
