"""The solar card, computed from its definition; see `oracle.py`."""

from collections.abc import Mapping
from datetime import date, datetime
from math import fsum
from typing import Literal, NamedTuple

from pipelines_tests.sources.solar.oracle import DAY, Record, data_completeness, local_day


class Card(NamedTuple):
    """The last day that is over at every plant; sums are of the plants with all of its hours."""

    day: date
    plants: int
    plants_with_day: int
    observed_kwh: float | None
    expected_kwh: float | None
    #: Plants that also have all hours of the day before; both sums are theirs.
    plants_compared: int
    compared_kwh: float | None
    day_before_kwh: float | None


def card(all_records: Mapping[int, Record], now: datetime) -> Card:
    everyone = list(all_records.values())
    day = min(local_day(record.plant, now) for record in everyone) - DAY
    whole = [record for record in everyone if data_completeness(record, day, day) == 1]
    both = [r for r in whole if data_completeness(r, day - DAY, day - DAY) == 1]

    def total(of: list[Record], on: date, what: Literal["observed_kwh", "expected_kwh"]) -> float:
        return fsum(getattr(hour, what) for record in of for hour in record.on(on))

    return Card(
        day,
        len(everyone),
        len(whole),
        total(whole, day, "observed_kwh") if whole else None,
        total(whole, day, "expected_kwh") if whole else None,
        len(both),
        total(both, day, "observed_kwh") if both else None,
        total(both, day - DAY, "observed_kwh") if both else None,
    )
