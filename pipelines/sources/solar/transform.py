"""Parse a response of the monitoring service: items to readings, bad ones with their reasons.

An item is `{"datetime": …, "expected": {"energy", "irradiation"}, "observed": {…}}`. Its time is in
the plant's zone unless it names another one. Where the sun is down, what is null, absent or
negative by little counts as zero.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipelines.failures import PermanentFailure
from pipelines.ingest.contract import Reject, as_json, drift_of, shown
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.ingest.reasons import Reason, not_an_object
from pipelines.sources.solar.tables import VALUES
from pipelines.sources.solar.windows import Window

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [*VALUES]
SIDES = ("expected", "observed")
KEYS = {"datetime", *SIDES}
#: In an hour; no plant on Earth has ten gigawatts.
MAX_ENERGY_KWH = 1e7
#: In an hour; outside the atmosphere, the sun provides 1361 (Kopp and Lean 2011).
MAX_IRRADIATION_WH_PER_M2 = 2000.0
MOST = {"energy": MAX_ENERGY_KWH, "irradiation": MAX_IRRADIATION_WH_PER_M2}
#: The paths of `COLUMNS` in an item.
PATHS = [(side, measure) for measure in MOST for side in SIDES]
#: The most that an inverter's own consumption may be: a share of the highest expected energy of the
#: response, or some tens of watts; and the most that a pyranometer measures below zero.
OWN_SHARE, OWN_KWH, OFFSET_WH_PER_M2 = 0.01, 0.05, 5.0
#: An hour is dark if the sun is lower throughout: its light is of a quarter of an hour at most.
DARK_BELOW_DEGREES = 3.0
#: What a service does not expect in the dark. If it does, the coordinates or the times are wrong.
DARK_WH_PER_M2 = 200.0

SHORTEST_TIME = len("2019-01-01T00:00")
NO_TIME = Reason("datetime_invalid", "datetime is missing or invalid")
SKIPPED = Reason(
    "datetime_skipped", "datetime is skipped by a clock change in the plant's time zone"
)
NOT_ON_THE_HOUR = Reason("datetime_not_on_the_hour", "datetime is not on the hour")
IN_THE_FUTURE = Reason("datetime_in_the_future", "datetime is in the future")
ENDS_OF_HOURS = (
    "the first midnight is missing, and the one after the last day is there: if the times name the"
    " end of their hour, set MONITORING_HOUR=end"
)
CAME_BEFORE = Reason("came_before", "datetime repeats an hour with other values")


def parse(content: Content, context: Context) -> Iterator[Parsed]:
    """Parse the response for the days `window` of a plant in `zone`, as `content.said` names them.

    Its rows are `read_at` (UTC) and `COLUMNS`, each hour once. Absent hours of the
    night count as read, unless they are among the stored `hours`. Raises `PermanentFailure` if all
    items are of other days.
    """
    import pandas as pd

    items, said, place = content.document, content.said, content.delivery.name
    window, zone, now = said["window"], said["zone"], said["now"]
    hours = _times(items, zone, names_end=said["names_end"]).join(_values(items))
    days = hours.local.dt.normalize()
    is_requested = days.between(*map(pd.Timestamp, window), inclusive="left")
    has_no_time = hours.local.isna()
    elsewhere = int((~is_requested & ~has_no_time).sum())
    if elsewhere == len(items) > 0:
        raise PermanentFailure(
            context.source,
            f"all {len(items):,} items of the response are for days that were not requested",
            place=place,
            remedy="See whether the service respects from and to, and the time zone of its times.",
        )
    is_good = _is_possible(hours[COLUMNS])
    dark = dark_hours(window, zone, said["latitude"], said["longitude"], now)
    is_in_dark = hours.read_at.isin(dark)
    if (hours.expected_irradiation_wh_per_m2[is_in_dark & is_good] > DARK_WH_PER_M2).any():
        dark, is_in_dark = dark[:0], is_in_dark & False
    is_night = ~is_good
    if is_night.any():
        is_dark, by_night = _night(hours, days)
        is_night &= (is_dark | is_in_dark) & _is_possible(by_night)
        hours[COLUMNS] = hours[COLUMNS].mask(is_night, by_night)

    begun = hours.local.dt.ceil("h") if said["names_end"] else hours.local.dt.floor("h")
    is_whole = hours.local == begun
    is_whole &= ~begun.isin(begun[~is_whole & is_requested])  # a quarter stands for no hour
    is_right = is_requested & (is_good | is_night) & is_whole & (hours.read_at <= now)
    right = _distinguished(hours[is_right])
    kept = right.drop_duplicates("read_at")
    again = right.drop(kept.index)
    first = kept.set_index("read_at").loc[again.read_at, COLUMNS]
    others = again.index[(again[COLUMNS].to_numpy() != first.to_numpy()).any(axis=1)]
    hours.loc[right.index, "read_at"] = right.read_at

    is_rejected = (is_requested | has_no_time) & ~is_right
    is_rejected[others] = True
    # An item without a time counts to the last hour before it, or to the first one that has any.
    about = hours.local.where(is_requested).ffill().bfill().fillna(pd.Timestamp(window.first))
    bad = hours.assign(
        about=about,
        is_possible=is_good | is_night,
        is_whole=is_whole,
        is_other=hours.index.isin(others),
    )[is_rejected]
    rejects = [
        _reject(one, items[one.Index], said["plant_id"], zone, now) for one in bad.itertuples()
    ]
    # Any day may be that of an item without a time.
    spoiled = {*window.days()} if has_no_time.any() else {*bad.about.dt.date}

    rows = kept[["read_at", *COLUMNS]]
    night_days = [*days[kept.index[is_night[kept.index]]].dt.date]
    if len(dark):  # absent hours are zeros, on days of which there is something, all good
        good = {*rows.read_at.dt.tz_convert(zone).dt.date} - spoiled
        stored = pd.DatetimeIndex([*said["hours"]], tz="UTC")
        absent = dark.difference(pd.DatetimeIndex(rows.read_at)).difference(stored)
        absent = absent[[day in good for day in absent.tz_convert(zone).date]]
        night_days += [*absent.tz_convert(zone).date]
        zeros = pd.DataFrame({"read_at": absent} | dict.fromkeys(COLUMNS, 0.0))
        rows = pd.concat([rows, zeros])
    # Times with an offset say nothing of the end of hours: it may be that of winter all year.
    local = hours.local[~hours.has_offset]
    ends = [bool((local == pd.Timestamp(one)).any()) for one in window] == [False, True]
    yield Parsed(
        read=len(items) + len(rows) - len(kept),
        rows={"stage_readings": rows.sort_values("read_at", ignore_index=True)},
        rejects=rejects,
        skipped=len(again) - len(others) + elsewhere,
        parameters={"spoiled_days": sorted(spoiled), "night_days": night_days},
        drift=drift_of(place, _unknown_keys(items) + [ENDS_OF_HOURS] * ends, "unknown keys"),
    )


def _times(items: Sequence[Any], zone: str, *, names_end: bool) -> pd.DataFrame:
    """Return when the hour of each item begins: `local`, and `read_at` and `second` in UTC.

    Of a local time that clocks skip, `read_at` is NaT; of one that occurs twice, it is the first
    hour, and `second` the other one.
    """
    import numpy as np
    import pandas as pd

    written = [_written_time(item) for item in items]
    naive = [at.replace(tzinfo=None) if at and at.tzinfo else at for at in written]
    local = pd.Series(naive, dtype="datetime64[us]")
    offset = pd.Series([at and at.utcoffset() for at in written], dtype="timedelta64[us]")
    begins = pd.Timedelta(hours=-int(names_end))

    def in_utc(*, is_first: bool) -> pd.Series[pd.Timestamp]:
        of_zone = local.dt.tz_localize(
            zone, ambiguous=np.full(len(items), is_first), nonexistent="NaT"
        ).dt.tz_convert("UTC")
        at: pd.Series[pd.Timestamp] = of_zone.where(
            offset.isna(), (local - offset).dt.tz_localize("UTC")
        )
        return at + begins

    read_at, second = in_utc(is_first=True), in_utc(is_first=False)
    local = read_at.dt.tz_convert(zone).dt.tz_localize(None).fillna(local + begins)
    return pd.DataFrame(
        {
            "local": local,
            "read_at": read_at,
            "second": second.where(second != read_at),
            "has_offset": offset.notna(),
        }
    )


def _values(items: Sequence[Any]) -> pd.DataFrame:
    """Return `COLUMNS`: NaN for null or absent, infinite for what is no number."""
    import pandas as pd

    sides = {
        side: [(isinstance(item, dict) and item.get(side)) or {} for item in items]
        for side in SIDES
    }
    found = {}
    for name, (side, measure) in zip(COLUMNS, PATHS, strict=True):
        values = [one.get(measure) if isinstance(one, dict) else math.inf for one in sides[side]]
        found[name] = [
            value if type(value) is float and abs(value) <= MAX_ENERGY_KWH else _number(value)
            for value in values
        ]
    return pd.DataFrame(found, dtype="float64")


def _number(value: Any) -> float:
    """Return a value of an item that is no usual float as `_values` does."""
    if value is None:
        return math.nan
    # True is an int, and 10**400 no float
    is_number = type(value) is int and abs(value) <= MAX_ENERGY_KWH
    return float(value) if is_number else math.inf


def _is_possible(values: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of `COLUMNS` are numbers that there can be."""
    return ((values >= 0) & (values <= [MOST[measure] for _, measure in PATHS])).all(axis=1)


def _night(
    hours: pd.DataFrame, days: pd.Series[pd.Timestamp]
) -> tuple[pd.Series[bool], pd.DataFrame]:
    """Return in which hours the sun is down by what is expected, and the values if it is.

    Nothing is expected then, and the hours of the day for which something is are all before it, or
    all after it. Null and what is negative by little count as zero.
    """
    expected = hours[["expected_energy_kwh", "expected_irradiation_wh_per_m2"]]
    is_known = _is_possible(
        hours[COLUMNS].assign(observed_energy_kwh=0.0, observed_irradiation_wh_per_m2=0.0)
    )
    is_known &= hours.local.notna()
    is_lit = is_known & (expected > 0).any(axis=1)
    lit = hours.local.where(is_lit).groupby(days)
    is_around = (hours.local < lit.transform("min")) | (hours.local > lit.transform("max"))
    max_kwh = max(OWN_KWH, OWN_SHARE * expected.expected_energy_kwh[is_lit].max())
    most = [{"energy": max_kwh, "irradiation": OFFSET_WH_PER_M2}[name] for _, name in PATHS]
    values = hours[COLUMNS].fillna(0.0)
    is_little = (values < 0) & (values >= [-one for one in most])
    return is_known & ~is_lit & is_around, values.mask(is_little, 0.0)


def _distinguished(hours: pd.DataFrame) -> pd.DataFrame:
    """Distribute the items of a local time that occurs twice to its hours, in their order.

    The second hour are those with other values than the first item, or else the second item.
    """
    for _, same in hours[hours.second.notna()].groupby("read_at"):
        others = same.index[(same[COLUMNS] != same[COLUMNS].iloc[0]).any(axis=1)]
        second = others if len(others) else same.index[1:2]
        hours.loc[second, "read_at"] = same.second.iloc[0]
    return hours


def dark_hours(
    window: Window, zone: str, latitude: float | None, longitude: float, now: dt.datetime
) -> pd.DatetimeIndex:
    """Return the hours of some days that had begun and in which the sun is down, in UTC.

    Without coordinates there are none.
    """
    import pandas as pd

    from pipelines.sources.solar.sensor_rules import sun

    if latitude is None:
        return pd.DatetimeIndex([], tz="UTC")

    first, end = (dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) for day in window)
    quarters = pd.date_range(
        first.astimezone(dt.UTC), min(end, now).astimezone(dt.UTC), freq="15min", inclusive="left"
    )
    at = quarters[quarters.tz_convert(zone).minute == 0]  # by local time, also of Asia/Kathmandu
    is_dark = sun(at, latitude, longitude).highest_degrees < DARK_BELOW_DEGREES
    return pd.DatetimeIndex(at[is_dark]).as_unit("s")


def _reject(hour: Any, item: Any, plant_id: int, zone: str, now: dt.datetime) -> Reject:
    """Return an item with what is wrong with it, and the hour that it is about."""
    import pandas as pd

    reasons = [] if hour.is_possible else _problems(item)
    at, has_no_time = hour.read_at, pd.isna(hour.local)
    if hour.is_other:
        reasons = [CAME_BEFORE]
    elif has_no_time:
        reasons.append(NO_TIME)
    elif pd.isna(at):
        reasons.append(SKIPPED)
    elif not hour.is_whole:
        reasons.append(NOT_ON_THE_HOUR)
    elif at > now:
        reasons.append(IN_THE_FUTURE)
    if pd.isna(at):  # a skipped hour is the one after it
        at = hour.about.to_pydatetime().replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    key = f"{at:%Y-%m-%dT%H:%M:%S}Z{'?' if has_no_time else ''}"
    number = hour.Index
    return Reject(number, f"[{number}]", as_json(item), tuple(reasons), key=(str(plant_id), key))


def _problems(item: Any) -> list[Reason]:
    """Return what is wrong with an item's values."""
    if not isinstance(item, dict):
        return [not_an_object(item)]
    problems = []
    for side in SIDES:
        values = item.get(side)
        if not isinstance(values, dict):
            kind, words = ("invalid", "not an object") if side in item else ("missing",) * 2
            problems.append(Reason(f"{side}_{kind}", f"{side} is {words}"))
            continue
        for measure, most in MOST.items():
            value = values.get(measure)
            if measure not in values:
                kind, words = "missing", "missing"
            elif not isinstance(value, float | int) or isinstance(value, bool):
                kind, words = "invalid", f"not a number: {shown(value)}"
            elif not 0 <= value <= most:
                kind, words = "invalid", f"out of range: {shown(value)}"
            else:
                continue
            problems.append(Reason(f"{side}_{measure}_{kind}", f"{side}.{measure} is {words}"))
    return problems


def _written_time(item: Any) -> dt.datetime | None:
    """Return an item's time as written, with or without a zone; None if there is none."""
    text = item.get("datetime") if isinstance(item, dict) else None
    if not isinstance(text, str) or len(text) < SHORTEST_TIME:
        return None
    is_24 = text[11:16] == "24:00"
    try:
        written = dt.datetime.fromisoformat(text.replace("24:00", "00:00") if is_24 else text)
        written += dt.timedelta(days=is_24)
    except (ValueError, OverflowError):
        return None
    return written if 1900 <= written.year < 2200 else None


def _unknown_keys(items: Sequence[Any]) -> list[str]:
    """Return the unexpected keys of items with their counts."""
    seen: Counter[str] = Counter()
    for item in (one for one in items if isinstance(one, dict)):
        if not item.keys() <= KEYS:
            seen.update(item.keys() - KEYS)
        for side in SIDES:
            values = item.get(side)
            if isinstance(values, dict) and not values.keys() <= MOST.keys():
                seen.update(f"{side}.{key}" for key in values.keys() - MOST.keys())
    return [
        f"unknown key {shown(key)} in {count} of {len(items)} items"
        for key, count in sorted(seen.items())
    ]
