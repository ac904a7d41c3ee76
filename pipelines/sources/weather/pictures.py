"""Pictures of the weather's places for asset pages."""

from collections.abc import Sequence

from pipelines.orchestration.pictures import as_markdown

BLUE, ORANGE = "#1f4e9c", "#d9822b"


def places_map(places: Sequence[tuple[float, float, bool]]) -> str | None:
    """Where places are: longitude, latitude, whether it was looked up; None without any."""
    if not places:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 2.8), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    for was_looked_up, color, label in (
        (False, BLUE, "given with coordinates"),
        (True, ORANGE, "looked up by name"),
    ):
        shown = [(x, y) for x, y, found in places if found is was_looked_up]
        if shown:
            axes.plot(*zip(*shown, strict=True), "o", ms=4, color=color, label=label)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_xlabel("degrees east", fontsize=8)
    axes.set_ylabel("degrees north", fontsize=8)
    axes.tick_params(labelsize=8)
    figure.legend(fontsize=8, frameon=False, loc="outside upper right", ncols=2)
    return as_markdown(figure, "where the places are")
