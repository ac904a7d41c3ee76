"""Pictures of hotel bookings for asset pages."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pipelines.orchestration.pictures import as_markdown, days_on

BLUE, ORANGE, GREY = "#1f4e9c", "#d9822b", "#9a9a9a"


def bookings_by_day(days: Sequence[tuple[dt.date, int, int]]) -> str | None:
    """Day, bookings and cancellations of all hotels; None where there is nothing to draw."""
    if not days:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 2.4), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    at = days_on(axes, [day for day, _, _ in days])
    axes.bar(at, [bookings for _, bookings, _ in days], color=BLUE, label="bookings")
    cancellations = [-cancellations for _, _, cancellations in days]
    axes.bar(at, cancellations, color=ORANGE, label="cancellations")
    axes.axhline(0, color="#555555", linewidth=0.6)
    axes.set_ylabel("nights a day")
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return as_markdown(figure, "bookings and cancellations by day")


def pace(rows: Sequence[Any]) -> str | None:
    """Nights on the books by days before arrival, this year and last; None where there are none.

    `rows` have hotel_id, first_night, days_before_arrival, on_the_books, on_the_books_last_year.
    """
    hotels = list(dict.fromkeys(row.hotel_id for row in rows))
    if not hotels:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 2.4), dpi=80, layout="constrained")
    for place, hotel in enumerate(hotels):
        axes = figure.add_subplot(1, len(hotels), place + 1)
        of_hotel = [row for row in rows if row.hotel_id == hotel]
        for name, label, color in (
            ("on_the_books_last_year", "52 weeks before", GREY),
            ("on_the_books", "now", BLUE),
        ):
            told = [(-row.days_before_arrival, getattr(row, name)) for row in of_hotel]
            known = [(days, nights) for days, nights in told if nights is not None]
            axes.plot(*zip(*known, strict=True), color=color, label=label) if known else None
        axes.set_title(f"hotel {hotel}", fontsize=9)
        axes.set_ylim(bottom=0)
        axes.tick_params(labelsize=7)
    figure.axes[0].set_ylabel("nights on the books", fontsize=8)
    figure.axes[0].legend(fontsize=7, frameon=False)
    figure.supxlabel(f"days to arrival, 30 nights from {rows[0].first_night}", fontsize=8)
    return as_markdown(figure, "pace of the busiest hotels")
