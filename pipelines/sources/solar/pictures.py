"""A picture of what is held of solar plants, for asset pages."""

import datetime as dt
import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pipelines.orchestration.pictures import as_markdown, days_on, short_name

BLUE, ORANGE, RED, GREY, PALE = "#1f4e9c", "#e08a2c", "#b5271e", "#9a9a9a", "#dcdcdc"
COVERAGE = {"held": BLUE, "empty": GREY, "partial": ORANGE, "failed": RED, "not asked": PALE}
STEPS = 5
"""Parts of a month's cell; what is not held has at least one of them."""
GAP = 2


def coverage_strip(rows: Sequence[Any]) -> str | None:
    """What is held of each plant, month by month; None without any plant.

    `rows` have plants (how many there are), plant_id, plant_name, month, days, held, partial,
    failed and empty, in order of plant and month.
    """
    if not rows:
        return None
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = [list(months) for _, months in groupby(rows, key=lambda row: row.plant_id)]
    first, last = min(row.month for row in rows), max(row.month for row in rows)
    figure = Figure(figsize=(5.6, 0.9 + 0.2 * len(shown)), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    left, right = days_on(axes, [first, last + dt.timedelta(days=28)])
    axes.imshow(
        _cells(shown, first, last),
        cmap=ListedColormap(list(COVERAGE.values())),
        vmin=0,
        vmax=len(COVERAGE) - 1,
        aspect="auto",
        interpolation="nearest",
        extent=(left, right, len(shown), 0),
    )
    middles = [place + STEPS / (STEPS + GAP) / 2 for place in range(len(shown))]
    axes.set_yticks(middles, [short_name(months[0].plant_name) for months in shown], fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.xaxis.get_offset_text().set_fontsize(7)
    axes.spines[["top", "right", "left"]].set_visible(False)
    found = [status for status in COVERAGE if any(_days(row)[status] for row in rows)]
    axes.legend(
        handles=[Patch(color=COVERAGE[status], label=status) for status in found],
        fontsize=7,
        frameon=False,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(found),
        handlelength=1,
    )
    plants = rows[0].plants
    if plants > len(shown):
        axes.set_xlabel(f"the {len(shown)} least complete of {plants:,} plants", fontsize=8)
    return as_markdown(figure, "coverage by plant and month")


def _cells(plants: Sequence[Sequence[Any]], first: dt.date, last: dt.date) -> list[list[float]]:
    """A picture of plants over months, each cell divided by how its days are known.

    Pixels are places in `COVERAGE`, NaN where there is nothing; below each plant is a gap.
    """
    nothing = float("nan")
    width = _months_between(first, last) + 1
    lines = [[nothing] * width for _ in range(len(plants) * (STEPS + GAP))]
    for place, months in enumerate(plants):
        for row in months:
            column = _months_between(first, row.month)
            for step, pixel in enumerate(_cell(row)):
                lines[place * (STEPS + GAP) + step][column] = pixel
    return lines


def _cell(row: Any) -> list[int]:
    """The pixels of a month from top to bottom: what is held first."""
    told: list[int] = []
    for place, (status, days) in enumerate(_days(row).items()):
        if status != "held":
            told += [place] * math.ceil(days * STEPS / row.days)
    return [0] * (STEPS - len(told)) + told[-STEPS:]


def _days(row: Any) -> dict[str, int]:
    """How many of a month's days are known how, in the order of `COVERAGE`."""
    known = {status: getattr(row, status) for status in ("held", "empty", "partial", "failed")}
    return known | {"not asked": row.days - sum(known.values())}


def _months_between(first: dt.date, last: dt.date) -> int:
    return 12 * (last.year - first.year) + last.month - first.month
