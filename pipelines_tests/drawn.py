"""What is in a picture of an asset page."""

import base64
import io
import re

from PIL import Image


def png(markdown: str | None) -> bytes:
    """The picture in Markdown."""
    assert markdown is not None
    found = re.fullmatch(r"!\[[a-z ]+\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found is not None
    return base64.b64decode(found[1])


def hues(picture: bytes) -> set[str]:
    """Which of warm colours and blue stand out somewhere."""
    with Image.open(io.BytesIO(picture)) as image:
        pixels = image.convert("RGB").getcolors(1 << 20)
    colors = [color for _, color in pixels or [] if isinstance(color, tuple)]
    warm = {"warm" for red, _, blue in colors if red > blue + 40}
    return warm | {"blue" for red, _, blue in colors if blue > red + 40}
