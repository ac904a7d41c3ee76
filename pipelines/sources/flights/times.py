"""Interpret the times of a leg: instants, elapsed time, layover, and plausibility.

The source sends wall-clock times without offsets, and a duration that excludes layovers. Without
stops, the elapsed time must equal the stated duration. With stops it must be at least that, and the
rest is layover. Anything else is impossible. When clocks change, a wall-clock time may occur twice
or not at all. It is then resolved by these rules if they allow exactly one reading.
"""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pandas as pd

INSTANT = "datetime64[us, UTC]"


def add_times(legs: pd.DataFrame) -> pd.DataFrame:
    """Add instants, minutes, verdict and remark to legs.

    Expects departure_local, arrival_local (wall clock), departure_time_zone, arrival_time_zone
    (IANA, or missing), duration_minutes and stops. Adds departure_at, arrival_at (UTC, missing if
    the zone is), elapsed_minutes, layover_minutes, time_verdict and clock_change.
    """
    legs = legs.assign(clock_change=pd.Series(None, index=legs.index, dtype="str"))
    for end in ("departure", "arrival"):
        legs[f"{end}_at"] = instants(legs[f"{end}_local"], legs[f"{end}_time_zone"])
    unclear = (legs["departure_at"].isna() & legs["departure_time_zone"].notna()) | (
        legs["arrival_at"].isna() & legs["arrival_time_zone"].notna()
    )
    for index in legs.index[unclear]:
        departure, arrival, remark = _read_unclear(legs.loc[index])
        legs.loc[index, ["departure_at", "arrival_at", "clock_change"]] = departure, arrival, remark
    seconds = (legs["arrival_at"] - legs["departure_at"]).dt.total_seconds()
    elapsed = seconds.div(60).round().astype("Int64")
    stated = legs["duration_minutes"].astype("Int64")
    has_layover = (elapsed > stated) & (legs["stops"] > 0)
    verdict = pd.Series("impossible", index=legs.index, dtype="str")
    verdict = verdict.mask((elapsed == stated).fillna(False).astype(bool), "consistent")
    verdict = verdict.mask(has_layover.fillna(False).astype(bool), "includes_layover")
    return legs.assign(
        elapsed_minutes=elapsed,
        layover_minutes=(elapsed - stated).where(verdict.ne("impossible") & (legs["stops"] > 0)),
        time_verdict=verdict.mask(elapsed.isna()),
    )


def instants(local: pd.Series, time_zones: pd.Series) -> pd.Series:
    """Convert wall-clock times to instants, each in its own zone.

    Returns NaT if the zone is missing, or if the time is ambiguous or does not exist.
    """
    found = [
        times.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        .dt.tz_convert("UTC")
        .astype(INSTANT)
        for zone, times in local.groupby(time_zones)
    ]
    each: pd.Series = pd.concat([pd.Series(dtype=INSTANT), *found])
    return each.reindex(local.index)


def _read_unclear(leg: pd.Series) -> tuple[datetime | None, datetime | None, str | None]:
    """Resolve a leg across a clock change: the possible reading, or the first one with a remark."""
    departures = _readings(leg["departure_local"], leg["departure_time_zone"])
    arrivals = _readings(leg["arrival_local"], leg["arrival_time_zone"])
    possible = [
        (departure, arrival)
        for departure, arrival in product(departures, arrivals)
        if _can_be_true(arrival - departure, leg)
    ]
    if len(possible) == 1:
        return (*possible[0], None)
    is_skipped = any(both != sorted(both) for both in (departures, arrivals))
    departure, arrival = (next(iter(both), None) for both in (departures, arrivals))
    return departure, arrival, "skipped" if is_skipped else "ambiguous"


def _readings(local: pd.Timestamp, time_zone: str | None) -> list[datetime]:
    """Return the instants that a wall-clock time may mean, the earlier offset first (PEP 495).

    If the clocks of the zone skipped the time, the first one is later than the second.
    """
    if not isinstance(time_zone, str):
        return []
    wall = local.to_pydatetime().replace(tzinfo=ZoneInfo(time_zone))
    return list(dict.fromkeys(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)))


def _can_be_true(elapsed: timedelta, leg: pd.Series) -> bool:
    stated = timedelta(minutes=int(leg["duration_minutes"]))
    return elapsed >= stated if leg["stops"] > 0 else elapsed == stated
