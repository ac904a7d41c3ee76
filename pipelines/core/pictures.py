"""Small pictures for asset pages, as Markdown with the image in it."""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        image.convert("RGB").quantize(16).save(small, format="png", optimize=True)
    return f"![{words}](data:image/png;base64,{base64.b64encode(small.getvalue()).decode()})"
