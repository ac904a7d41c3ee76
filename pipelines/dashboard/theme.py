"""The look of the dashboards: colours, type and spacing, in a light and in a dark theme.

A visitor's system chooses the theme; *Settings* in the menu overrides it.
"""

from typing import Any

BACKGROUNDS = {"light": "#ffffff", "dark": "#10181f"}
#: Colours of charts, one set for both themes: each has a contrast of at least 3 : 1 with both
#: backgrounds, and no two are alike for a reader who is colour-blind. After Okabe and Ito (2008),
#: whose orange and sky blue are too pale for white.
BLUE, ORANGE, GREEN, RED = "#256eaa", "#9a5307", "#01973e", "#f25d4a"
SKY, PINK, GREY = "#0c9ce4", "#db6ba6", "#6c736c"
#: For values that are neither good nor bad, such as routes: without red.
CATEGORIES = (BLUE, ORANGE, GREEN, PINK, SKY, GREY)
#: From little to much. The middle is visible on both backgrounds.
LITTLE_TO_MUCH = ("#a9cbe6", "#256eaa", "#123b5e")


def _colours(theme: str, **colours: str) -> dict[str, Any]:
    return {
        f"theme.{theme}.{name}": value
        for name, value in {
            "backgroundColor": BACKGROUNDS[theme],
            "chartCategoricalColors": list(CATEGORIES),
            **colours,
        }.items()
    }


#: Options of Streamlit. They are passed to it and not written into a `.streamlit/config.toml`,
#: which is read in the working directory alone.
THEME: dict[str, Any] = {
    "theme.baseFontSize": 15,
    "theme.headingFontSizes": ["1.9rem", "1.4rem", "1.15rem", "1rem", "1rem", "1rem"],
    "theme.headingFontWeights": [700, 600, 600, 600, 600, 600],
    "theme.metricValueFontSize": "1.8rem",
    "theme.metricValueFontWeight": 600,
    "theme.codeFontSize": "0.85rem",
    "theme.baseRadius": "0.5rem",
    "theme.paddingTop": "2.5rem",
    **_colours(
        "light",
        primaryColor="#1769a3",
        secondaryBackgroundColor="#f3f6f8",
        textColor="#18232c",
        borderColor="#d8dfe5",
        linkColor="#1769a3",
        greenColor="#157f60",
        redColor="#c2410c",
        orangeColor="#a86400",
        grayColor="#6b747c",
        grayTextColor="#5a646c",
    ),
    **_colours(
        "dark",
        primaryColor="#5fb0e5",
        secondaryBackgroundColor="#1a252e",
        textColor="#e8eef2",
        borderColor="#33424e",
        linkColor="#7cc0ee",
        greenColor="#3fbf98",
        redColor="#ff8a5c",
        orangeColor="#e5a93d",
        grayColor="#93a1ac",
        grayTextColor="#a9b6c0",
    ),
}
