"""Which days of a plant to request: new ones, then history going back, then gaps.

Days are in the plant's zone. A window is the range of one request: at most a year.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

DAY = dt.timedelta(days=1)
#: Gaps that are no further apart are requested together, with the days between them.
BRIDGED = dt.timedelta(days=7)


class Depth(NamedTuple):
    """How many years of history one sync adds, and how many in total."""

    every_run: int
    until: int


class Window(NamedTuple):
    """The days from `first` until before `end`."""

    first: dt.date
    end: dt.date

    def __str__(self) -> str:
        return f"{self.first} to {self.end}"

    def days(self) -> Iterator[dt.date]:
        """Yield its days, in order."""
        yield from (self.first + DAY * number for number in range((self.end - self.first).days))


def windows(requested: Mapping[dt.date, bool], today: dt.date, depth: Depth) -> Iterator[Window]:
    """Yield what one sync requests, in order; never today or later.

    `requested` are the days that were requested, and whether they are due again.
    """
    oldest = min(years_before(today, depth.until), today - DAY)
    last = max(requested, default=today - 2 * DAY)  # of a new plant, yesterday is new
    yield from years(Window(max(last + DAY, oldest), today))
    holes = together(day for day in Window(oldest, last + DAY).days() if day not in requested)
    if holes:
        back_to = years_before(holes[0].end, depth.every_run)
        for hole in holes:
            yield from years(Window(max(hole.first, back_to), hole.end))
    due = (day for day, is_due in requested.items() if is_due and oldest <= day < today)
    for gap in together(due, BRIDGED):
        yield from years(gap)


def years(window: Window) -> Iterator[Window]:
    """Split a window by years, the last one first; yield nothing if it is empty."""
    end = window.end
    while window.first < end:
        first = max(window.first, years_before(end, 1))
        yield Window(first, end)
        end = first


def together(days: Iterable[dt.date], apart: dt.timedelta = dt.timedelta()) -> list[Window]:
    """Return windows that cover the days, merging those so far apart; the last one first."""
    found: list[Window] = []
    for day in sorted(days):
        if found and day - found[-1].end <= apart:
            found[-1] = Window(found[-1].first, day + DAY)
        else:
            found.append(Window(day, day + DAY))
    return found[::-1]


def years_before(day: dt.date, years: int) -> dt.date:
    """Return the same day of an earlier year; for 29 February, the 28th if there is none."""
    year = max(day.year - years, 1)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
