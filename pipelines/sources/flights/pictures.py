"""Pictures of flights for asset pages."""

from collections.abc import Sequence

from pipelines.orchestration.pictures import as_markdown, days_on
from pipelines.sources.flights.load import PriceRange


def price_history(days: Sequence[PriceRange]) -> str | None:
    """Lowest, median and highest price by day; None where there is nothing to draw."""
    if not days:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 2.4), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    dates = days_on(axes, [day.snapshot_on for day in days])
    lowest, highest = [float(d.lowest) for d in days], [float(d.highest) for d in days]
    axes.fill_between(dates, lowest, highest, color="#c6d8f0", label="lowest to highest")
    axes.plot(dates, [float(d.median) for d in days], "o-", color="#1f4e9c", ms=3, label="median")
    axes.set_ylabel(f"price, {days[-1].currency}")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return as_markdown(figure, "prices by day")
