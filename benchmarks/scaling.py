"""How loads, counts, questions and the disk grow: `make bench ARGS=scaling`.

Half an hour and 20 GB on a calm machine. Rows come by the paths of runs, one size after the other,
into a server that sizes itself. Writes the tables of docs/scaling.md.
"""

from pathlib import Path
from typing import Any

from benchmarks.curve import Curve
from benchmarks.scaling_bookings import Growing
from benchmarks.scaling_solar import grow
from pipelines.postgres.server import EmbeddedPostgres

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
SIZES = {"1 million": 1, "10 million": 10, "30 million": 30}


def measure(built_in: EmbeddedPostgres, folder: Path) -> list[dict[str, Any]]:
    """Curves of bookings and of solar readings, on the bench's database."""
    readings, bookings = Curve("solar readings"), Curve("booking events")
    server = built_in.start()
    grow(server, readings)
    show(readings)
    growing = Growing(server, bookings, folder)
    for size, millions in SIZES.items():
        growing.up_to(millions, size)
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


def show(curve: Curve) -> None:
    """Print a curve as far as it goes."""
    print(curve.as_markdown(), flush=True)  # noqa: T201
