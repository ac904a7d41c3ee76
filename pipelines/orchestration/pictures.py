"""Small pictures for asset pages, as Markdown with the image in it."""

from __future__ import annotations

import base64
import datetime as dt
import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EPOCH = dt.date(1970, 1, 1).toordinal()
MAX_CHARACTERS = 20
MAX_DAY_LABELS = 6


def as_markdown(figure: Figure, words: str) -> str:
    """The figure as PNG of a few kilobytes: it is stored with every materialization.

    `words` say what it shows, for those who do not see it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    FigureCanvasAgg(figure)
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # words of sources may be in any script
        figure.savefig(drawn, format="png")
    small = io.BytesIO()
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(16, method=Image.Quantize.FASTOCTREE).save(
            small, format="png", optimize=True
        )
    return f"![{words}](data:image/png;base64,{base64.b64encode(small.getvalue()).decode()})"


def days_on(axes: Axes, days: Sequence[dt.date]) -> list[float]:
    """Where days are on the x-axis of a figure, which is labelled for them."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter, DayLocator
    from matplotlib.ticker import Formatter, Locator

    at = [float(day.toordinal() - EPOCH) for day in days]  # as matplotlib counts
    axes.set_xlim(at[0] - 0.6, at[-1] + 0.6)
    locator: Locator = AutoDateLocator(maxticks=MAX_DAY_LABELS)  # type: ignore[no-untyped-call]
    formatter: Formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    if at[-1] - at[0] < MAX_DAY_LABELS:  # it has no interval for three or four
        locator = DayLocator()  # type: ignore[no-untyped-call]
        formatter = DateFormatter("%d %b")  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)
    return at


def short_name(name: str) -> str:
    """A name as matplotlib may show it: short, and no formula."""
    short = name if len(name) <= MAX_CHARACTERS else f"{name[: MAX_CHARACTERS - 1]}…"
    return short.replace("$", r"\$")
