"""The simulated gauges; what the source makes of them, the contract tests show."""

import datetime as dt

from isobar_tides.sandbox import document

NOON = dt.datetime(2026, 11, 21, 12, 30, tzinfo=dt.UTC)


def test_the_sandbox_is_deterministic_by_hour() -> None:
    assert document(1, NOON) == document(1, NOON.replace(minute=59)) != document(2, NOON)
