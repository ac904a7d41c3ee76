"""The day in UTC, as of now: tests that begin before midnight may end after it."""

import datetime as dt


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def yesterday() -> dt.date:
    return today() - dt.timedelta(days=1)
