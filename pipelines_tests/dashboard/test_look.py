"""The look of the dashboards: colours that everybody can distinguish, numbers for people."""

import datetime as dt
from typing import Any

import pytest

from pipelines.dashboard import theme
from pipelines.dashboard.page import as_number, as_percent, period_axis

COLOURS = {
    name: getattr(theme, name) for name in ("BLUE", "ORANGE", "GREEN", "RED", "SKY", "PINK", "GREY")
}
XYZ = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8725))
Colour = tuple[float, ...]


def linear(colour: str) -> Colour:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return tuple(one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)


def times(matrix: tuple[tuple[float, ...], ...], colour: Colour) -> Colour:
    return tuple(sum(a * b for a, b in zip(row, colour, strict=True)) for row in matrix)


def contrast(one: str, other: str) -> float:
    dark, bright = sorted(times(XYZ, linear(colour))[1] for colour in (one, other))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", theme.BACKGROUNDS.values(), ids=[*theme.BACKGROUNDS])
def test_each_colour_of_charts_is_visible_in_both_themes(background: str) -> None:
    assert {name for name, one in COLOURS.items() if contrast(one, background) < 3} == set()


@pytest.mark.parametrize("name", theme.BACKGROUNDS)
def test_texts_have_the_contrast_that_readers_need(name: str) -> None:
    background = theme.BACKGROUNDS[name]
    for part in ("textColor", "linkColor", "grayTextColor"):
        assert contrast(theme.THEME[f"theme.{name}.{part}"], background) >= 4.5, part


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (as_number(12345), "12,345"),
        (as_number(12345.678, "kWh", 1), "12,345.7 kWh"),
        (as_number(2_500_000, "kWh"), "2.5 million kWh"),
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


def test_days_without_a_value_have_their_place() -> None:
    days = [dt.date(2026, 11, 28), dt.date(2026, 12, 2)]
    axis: Any = period_axis(days, "day", "day").to_dict()
    assert [(one["month"], one["date"]) for one in axis["scale"]["domain"]] == [
        *((11, 28), (11, 29), (11, 30), (12, 1), (12, 2))
    ]
