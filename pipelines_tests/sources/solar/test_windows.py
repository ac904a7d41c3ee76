"""Windows: the days that are requested, their order, and none in vain."""

import datetime as dt
from collections.abc import Collection

import pytest

from pipelines.sources.solar.windows import Depth, Window, windows, years

TODAY = dt.date(2026, 11, 20)
YESTERDAY = dt.date(2026, 11, 19)
NOTHING: dict[dt.date, bool] = {}
TEN_YEARS = Depth(every_run=1, until=10)


def requested(*windows: Window) -> set[dt.date]:
    return {day for window in windows for day in window.days()}


def known(days: set[dt.date], due: Collection[dt.date] = ()) -> dict[dt.date, bool]:
    """Return the requested days, and whether they are due again."""
    return {day: day in due for day in days}


def test_p09_p10_yesterday_comes_first_then_history_by_the_years_of_one_run() -> None:
    year = Window(dt.date(2025, 11, 19), YESTERDAY)
    before = Window(dt.date(2024, 11, 19), dt.date(2025, 11, 19))
    assert list(windows(NOTHING, TODAY, TEN_YEARS)) == [Window(YESTERDAY, TODAY), year]
    assert list(windows(NOTHING, TODAY, Depth(2, 10))) == [Window(YESTERDAY, TODAY), year, before]


def test_p11_p54_history_ends_after_ten_years_of_runs_without_gaps_or_repeats() -> None:
    days: set[dt.date] = set()
    for _ in range(10):
        found = list(windows(known(days), TODAY, TEN_YEARS))
        assert not requested(*found) & days
        days |= requested(*found)
    assert min(days) == dt.date(2016, 11, 20)
    assert len(days) == (TODAY - min(days)).days
    assert list(windows(known(days), TODAY, TEN_YEARS)) == []


def test_p34_long_ranges_are_requested_by_year() -> None:
    cut = list(years(Window(dt.date(2019, 3, 1), dt.date(2022, 1, 1))))
    assert cut == [
        Window(dt.date(2021, 1, 1), dt.date(2022, 1, 1)),
        Window(dt.date(2020, 1, 1), dt.date(2021, 1, 1)),
        Window(dt.date(2019, 3, 1), dt.date(2020, 1, 1)),
    ]


def test_days_never_requested_in_time_come_next() -> None:
    days = requested(Window(dt.date(2016, 11, 20), dt.date(2026, 11, 16)))
    assert list(windows(known(days), TODAY, TEN_YEARS)) == [Window(dt.date(2026, 11, 16), TODAY)]


def test_p59_due_gaps_are_requested_again_with_their_neighbours() -> None:
    days = requested(Window(dt.date(2016, 11, 20), TODAY))
    due = {dt.date(2020, 1, 1), dt.date(2020, 1, 5), dt.date(2022, 5, 5)}
    assert list(windows(known(days, due), TODAY, TEN_YEARS)) == [
        Window(dt.date(2022, 5, 5), dt.date(2022, 5, 6)),
        Window(dt.date(2020, 1, 1), dt.date(2020, 1, 6)),
    ]


@pytest.mark.parametrize("depth", [Depth(0, 10), Depth(1, 0)])
def test_without_history_only_yesterday_is_requested(depth: Depth) -> None:
    found = requested(*windows(NOTHING, TODAY, depth))
    assert found == {YESTERDAY}
