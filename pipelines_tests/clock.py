"""A clock that a test moves, and the day in UTC, which may end while a test runs."""

import datetime as dt


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def yesterday() -> dt.date:
    return today() - dt.timedelta(days=1)


class FakeClock:
    """An instant that a test moves."""

    def __init__(self, now: dt.datetime = dt.datetime(2026, 11, 20, 10, 7, tzinfo=dt.UTC)) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_by(self, **duration: float) -> None:
        """Let time pass, given in units of `timedelta`."""
        self.now += dt.timedelta(**duration)
