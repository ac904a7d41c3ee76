"""The look of the dashboards: colours that everybody can distinguish, numbers for people."""

import datetime as dt
from itertools import combinations
from typing import Any

import altair as alt
import pandas as pd
import pytest
from streamlit import config

from pipelines.dashboard import theme
from pipelines.dashboard.page import as_number, as_percent, as_time, period_axis

COLOURS = {
    name: getattr(theme, name) for name in ("BLUE", "ORANGE", "GREEN", "RED", "SKY", "PINK", "GREY")
}
#: What is seen of linear RGB: by most people, and without one kind of cone (Machado et al., 2009).
VISIONS = {
    "most people": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
XYZ = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8725))
#: Differences in CIELAB: 2 can just be seen side by side, 10 at a glance.
CLEARLY = 15.0
Colour = tuple[float, ...]


def linear(colour: str) -> Colour:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return tuple(one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)


def times(matrix: tuple[tuple[float, ...], ...], colour: Colour) -> Colour:
    return tuple(sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2."""
    dark, bright = sorted(times(XYZ, linear(colour))[1] for colour in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def lab(colour: Colour) -> Colour:
    x, y, z = (one ** (1 / 3) if one > 0.008856 else 7.787 * one + 16 / 116 for one in colour)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("background", theme.BACKGROUNDS.values(), ids=[*theme.BACKGROUNDS])
def test_each_colour_of_charts_is_visible_in_both_themes(background: str) -> None:
    assert {name for name, one in COLOURS.items() if contrast(one, background) < 3} == set()


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_differ_also_for_the_colour_blind(vision: str) -> None:
    seen = {}
    for name, colour in COLOURS.items():
        light = times(VISIONS[vision], linear(colour))
        seen[name] = lab(times(XYZ, tuple(min(1.0, max(0.0, one)) for one in light)))
    alike = [
        (one, other)
        for one, other in combinations(seen, 2)
        if sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5 < CLEARLY
    ]
    assert alike == []


@pytest.mark.parametrize("name", theme.BACKGROUNDS)
def test_texts_have_the_contrast_that_readers_need(name: str) -> None:
    background = theme.BACKGROUNDS[name]
    for part in ("textColor", "linkColor", "grayTextColor"):
        assert contrast(theme.THEME[f"theme.{name}.{part}"], background) >= 4.5, part


def test_streamlit_has_every_option_of_the_theme() -> None:
    assert {one for one in theme.THEME if one not in config.get_config_options()} == set()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (as_number(12345), "12,345"),
        (as_number(12345.678, "kWh", 1), "12,345.7 kWh"),
        (as_number(2_500_000, "kWh"), "2.5 million kWh"),
        (as_number(48.5, "£", 2), "£48.50"),
        (as_number(-3, sign=True), "-3"),
        (as_number(0.934, "%"), "93 %"),
        (as_number(None), "—"),
        (as_number(float("nan")), "—"),
        (as_percent(0.9342), "93 %"),
        (as_percent(0.0234), "2.3 %"),
        (as_percent(1.0), "100 %"),
        (as_percent(0.99987), "99.9 %"),
        (as_percent(0), "0 %"),
        (as_percent(-0.125, sign=True), "-12 %"),
    ],
)
def test_numbers_are_written_for_people(number: str, text: str) -> None:
    assert number == text


def test_an_instant_has_its_age() -> None:
    now = pd.Timestamp.now("UTC")
    assert as_time(now).endswith(" UTC (0 min ago)")
    assert as_time(now - pd.Timedelta(hours=5)).endswith("(5 h ago)")
    assert as_time(now - pd.Timedelta(days=3)).endswith("(3 days ago)")
    assert as_time(None) == "—"


def test_days_without_a_value_have_their_place() -> None:
    days = [dt.date(2026, 11, 28), dt.date(2026, 12, 2)]
    axis: Any = period_axis(days, "day", "day").to_dict()
    assert [(one["month"], one["date"]) for one in axis["scale"]["domain"]] == [
        *((11, 28), (11, 29), (11, 30), (12, 1), (12, 2))
    ]
    upright: Any = period_axis(days, "day", "day", alt.Y).to_dict()
    assert upright["scale"]["reverse"] is True
    empty: Any = period_axis([], "day", "day").to_dict()
    assert "domain" not in empty["scale"]
