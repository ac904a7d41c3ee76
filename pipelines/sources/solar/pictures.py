"""A picture of what is held of solar plants, for asset pages."""

import datetime as dt
import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from pipelines.orchestration.pictures import as_markdown, days_on, short_name
from pipelines.warehouse.sql_files import read_sql

SHOWN_PLANTS = 12
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


def energy_by_day(rows: Sequence[Any]) -> str | None:
    """Expected and observed energy by day, a plant beside the other; None without any.

    `rows` have plant_id, plant_name, ratio, day, expected_energy_kwh, observed_energy_kwh, in order
    of plant and day; a day that nothing is held of leaves a hole.
    """
    plants = [list(days) for _, days in groupby(rows, key=lambda row: row.plant_id)]
    if not plants:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 2.2), dpi=80, layout="constrained")
    for place, days in enumerate(plants):
        axes = figure.add_subplot(1, len(plants), place + 1)
        at = days_on(axes, [row.day for row in days])
        known = [
            (x, row) for x, row in zip(at, days, strict=True) if row.expected_energy_kwh is not None
        ]
        middles = [x for x, _ in known]
        observed = [row.observed_energy_kwh / 1000 for _, row in known]
        expected = [row.expected_energy_kwh / 1000 for _, row in known]
        axes.bar(middles, observed, 1, color=BLUE, aa=False, label="observed")
        begins, ends = [x - 0.5 for x in middles], [x + 0.5 for x in middles]
        axes.hlines(expected, begins, ends, color=ORANGE, linewidth=1.5, label="expected")
        axes.set_title(
            f"{short_name(days[0].plant_name)}\n{days[0].ratio:.0%} of expected", fontsize=8
        )
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=7)
        axes.xaxis.get_offset_text().set_fontsize(7)
    figure.axes[0].set_ylabel("MWh a day", fontsize=8)
    figure.axes[0].legend(fontsize=7, frameon=False)
    return as_markdown(figure, "expected and observed energy by day")


def coverage_of(connection: Connection) -> str | None:
    """The least complete plants, month by month; None without any plant."""
    query = text(read_sql("pipelines.sources.solar", "coverage_by_month"))
    return coverage_strip(connection.execute(query, {"plants": SHOWN_PLANTS}).all())
