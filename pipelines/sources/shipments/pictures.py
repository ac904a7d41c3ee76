"""Pictures of shipments for asset pages."""

from collections.abc import Mapping

from pipelines.orchestration.pictures import as_markdown, short_name

MOST_BARS = 8


def shipments_by_status(counts: Mapping[str, int]) -> str | None:
    """How many shipments have each status, most first; None where there is nothing to draw."""
    if not counts:
        return None
    from matplotlib.figure import Figure

    shown = list(counts.items())[:MOST_BARS]
    rest = sum(count for _, count in list(counts.items())[MOST_BARS:])
    bars = [(short_name(status), n) for status, n in shown]
    bars += [("other", rest)] if rest else []
    figure = Figure(figsize=(5.6, 0.7 + 0.3 * len(bars)), dpi=80, layout="constrained")
    axes = figure.add_subplot()
    drawn = axes.barh([name for name, _ in bars], [n for _, n in bars], color="#1f4e9c", height=0.6)
    axes.bar_label(drawn, labels=[f"{n:,}" for _, n in bars], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("shipments")
    axes.spines[["top", "right"]].set_visible(False)
    return as_markdown(figure, "shipments by status")
