"""A clock that a test moves."""

import datetime as dt

MORNING = dt.datetime(2026, 11, 20, 10, 7, tzinfo=dt.UTC)


class FakeClock:
    """An instant that a test moves."""

    def __init__(self, now: dt.datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        """Return the present instant."""
        return self.now

    def pass_by(self, **duration: float) -> None:
        """Let time pass, given in units of `timedelta`."""
        self.now += dt.timedelta(**duration)
