"""Parse a response of the monitoring service: items to readings, bad ones with their reasons.

An item is `{"datetime": …, "expected": {"energy", "irradiation"}, "observed": {…}}`. Its time is in
the plant's zone unless it names another one. Where the sun is down, what is null, absent or
negative by little counts as zero.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
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

SIDES, MEASURES = ("expected", "observed"), ("energy", "irradiation")
#: In an hour; no plant on Earth has ten gigawatts.
MAX_ENERGY_KWH = 1e7
#: In an hour; outside the atmosphere, the sun provides 1361 (Kopp and Lean 2011).
MAX_IRRADIATION_WH_PER_M2 = 2000.0
MOST = {"energy": MAX_ENERGY_KWH, "irradiation": MAX_IRRADIATION_WH_PER_M2}
#: The most that an inverter's own consumption may be: a share of the highest expected energy of the
#: response, or some tens of watts; and the most that a pyranometer measures below zero.
OWN_SHARE, OWN_KWH, OFFSET_WH_PER_M2 = 0.01, 0.05, 5.0
#: An hour is dark if the sun is lower throughout: its light is of a quarter of an hour at most.
DARK_BELOW_DEGREES = 3.0
#: What a service does not expect in the dark. If it does, the coordinates or the times are wrong.
DARK_WH_PER_M2 = 200.0
#: The paths of the columns of `VALUES` in an item, in their order.
PLACES = [(side, measure) for measure in MEASURES for side in SIDES]
OBSERVED = [name for name in VALUES if name.startswith("observed")]

MAX_ITEMS_AN_HOUR = 4
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


@dataclass(frozen=True)
class ParsedResponse:
    """The items of a response: read = readings + repeated + elsewhere + rejects."""

    #: Items, and absent hours of the night.
    read: int
    #: `read_at` (UTC) and the columns of `VALUES`, in order of time, each hour once.
    readings: pd.DataFrame
    rejects: list[Reject]
    #: Items that repeat another one.
    repeated: int
    #: Items of days that were not requested; they are reported when those are.
    elsewhere: int
    #: Days with an item that was rejected, or may have been: one without a readable time.
    spoiled_days: list[dt.date]
    drift: list[str]
    #: The days of hours that count as zero because the sun is down, one for each hour.
    night_days: list[dt.date]


def parse(content: Content, context: Context) -> Iterator[Parsed]:
    """Parse the response for a window of a plant.

    Raises `PermanentFailure` if it cannot be about the window.
    """
    items, said, place = content.document, content.said, content.delivery.name
    window, zone, now = said["window"], said["zone"], said["now"]
    most = MAX_ITEMS_AN_HOUR * 24 * ((window.end - window.first).days + 1)
    if len(items) > most:
        raise PermanentFailure(
            context.source,
            f"the response has {len(items):,} items, more than the allowed {most:,}",
            place=place,
            remedy="See whether the service respects from and to, and sends hours.",
        )
    dark = None
    if said["latitude"] is not None:
        dark = dark_hours(window, zone, said["latitude"], said["longitude"], now)
    parsed = read_response(
        items,
        plant_id=said["plant_id"],
        zone=zone,
        window=window,
        now=now,
        dark=dark,
        stored=said["hours"],
        names_end=said["names_end"],
    )
    if parsed.elsewhere == parsed.read > 0:
        raise PermanentFailure(
            context.source,
            f"all {parsed.read:,} items of the response are for days that were not requested",
            place=place,
            remedy="See whether the service respects from and to, and the time zone of its times.",
        )
    between = Counter(
        one.key[1][:10] for one in parsed.rejects if one.key and NOT_ON_THE_HOUR in one.reasons
    )
    for day, count in between.items():
        on_the_hour = int((parsed.readings["read_at"].dt.strftime("%Y-%m-%d") == day).sum())
        if count >= max(2, on_the_hour / 2):
            raise PermanentFailure(
                context.source,
                f"the response has {count:,} items of {day} (UTC) between the hours or beside such,"
                " which are not the energy of whole hours",
                place=place,
                remedy="Have the service send one item an hour, with the energy of that hour.",
            )
    yield Parsed(
        read=parsed.read,
        rows={"stage_readings": parsed.readings},
        rejects=parsed.rejects,
        skipped=parsed.repeated + parsed.elsewhere,
        parameters={"spoiled_days": parsed.spoiled_days, "night_days": parsed.night_days},
        drift=drift_of(place, parsed.drift, "unknown keys"),
    )


def read_response(
    items: Sequence[Any],
    *,
    plant_id: int,
    zone: str,
    window: Window,
    now: dt.datetime,
    dark: pd.DatetimeIndex | None = None,
    stored: Collection[dt.datetime] = (),
    names_end: bool = False,
) -> ParsedResponse:
    """Parse the items of a response for some days of a plant in `zone`.

    `dark` are the hours in which the sun is down (`dark_hours`), unless the plant has no
    coordinates; `stored` are hours that are no longer absent. With `names_end`, times name the
    end of their hour.
    """
    import pandas as pd

    hours = _times(items, zone, names_end=names_end).join(_values(items))
    values = hours[[*VALUES]]
    days = hours.local.dt.normalize()
    is_requested = days.between(*map(pd.Timestamp, window), inclusive="left")
    has_no_time = hours.local.isna()
    is_good = _is_possible(values)
    is_dark, by_night = _night(hours, days)
    if dark is not None:
        is_in_dark = hours.read_at.isin(dark)
        if (values.expected_irradiation_wh_per_m2[is_in_dark & is_good] > DARK_WH_PER_M2).any():
            dark = None
        else:
            is_dark |= is_in_dark
    is_night = ~is_good & is_dark & _is_possible(by_night)
    hours = hours.assign(**values.mask(is_night, by_night))

    begun = hours.local.dt.ceil("h") if names_end else hours.local.dt.floor("h")
    is_whole = hours.local == begun
    is_whole &= ~begun.isin(begun[~is_whole & is_requested])  # a quarter stands for no hour
    is_future = hours.read_at > now
    is_right = is_requested & (is_good | is_night)
    is_right &= hours.read_at.notna() & is_whole & ~is_future
    right = _distinguished(hours[is_right])
    same = right[right.duplicated("read_at", keep=False)]
    first = same.groupby("read_at")[[*VALUES]].transform("first")
    is_again = same.duplicated("read_at")
    is_other = is_again & (same[[*VALUES]] != first).any(axis=1)
    kept = right.drop_duplicates("read_at").sort_values("read_at")

    # An item without a time counts to the last hour before it, or to the first one that has any:
    # the window may begin days earlier, and may be a different one when a correction arrives.
    about = hours.local.where(is_requested).ffill().bfill().fillna(pd.Timestamp(window.first))
    is_rejected = (is_requested | has_no_time) & ~is_right
    is_rejected[is_other.index[is_other]] = True
    rejects = []
    for number in hours.index[is_rejected]:
        reasons = [] if is_good[number] or is_night[number] else _problems(items[number])
        at = hours.read_at[number]
        if is_other.get(number):
            at, reasons = right.read_at[number], [CAME_BEFORE]
        elif has_no_time[number]:
            reasons.append(NO_TIME)
        elif pd.isna(at):
            reasons.append(SKIPPED)
        elif not is_whole[number]:
            reasons.append(NOT_ON_THE_HOUR)
        elif is_future[number]:
            reasons.append(IN_THE_FUTURE)
        if pd.isna(at):  # a skipped hour is the one after it
            at = about[number].to_pydatetime().replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
        key = f"{at:%Y-%m-%dT%H:%M:%S}Z{'?' if has_no_time[number] else ''}"
        rejects.append(
            Reject(
                int(number),
                f"[{number}]",
                as_json(items[number]),
                tuple(reasons),
                key=(str(plant_id), key),
            )
        )
    days_of_rejects = sorted({*about[is_rejected].dt.date})
    parsed = ParsedResponse(
        len(items),
        kept[["read_at", *VALUES]].reset_index(drop=True),
        rejects,
        repeated=int((is_again & ~is_other).sum()),
        elsewhere=int((~is_requested & ~has_no_time).sum()),
        spoiled_days=[*window.days()] if has_no_time.any() else days_of_rejects,
        drift=_drift(items) + ([ENDS_OF_HOURS] if _names_ends(hours, window) else []),
        night_days=[*days[kept.index[is_night[kept.index]]].dt.date],
    )
    return _with_absent_nights(parsed, zone, dark, stored)


def _times(items: Sequence[Any], zone: str, *, names_end: bool) -> pd.DataFrame:
    """Return when the hour of each item begins: `local`, and `read_at` and `second` in UTC.

    Without a time, all are NaT. Of a local time that clocks skip, `read_at` is NaT; of one that
    occurs twice, it is the first hour, and `second` the other one.
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


def _names_ends(hours: pd.DataFrame, window: Window) -> bool:
    """Return whether the hours of a window seem to be named by their end, as they are not read.

    Times with an offset say nothing of it: it may be that of winter all year.
    """
    import pandas as pd

    local = hours.local[~hours.has_offset]
    midnights = [pd.Timestamp(one) for one in window]
    return [bool((local == one).any()) for one in midnights] == [False, True]


def _values(items: Sequence[Any]) -> pd.DataFrame:
    """Return the columns of `VALUES`: NaN for null or absent, infinite for what is no number."""
    import pandas as pd

    of_side = {side: [one or {} for one in _of_side(items, side)] for side in SIDES}
    found = {}
    for name, (side, measure) in zip(VALUES, PLACES, strict=True):
        values = [one.get(measure) if isinstance(one, dict) else math.inf for one in of_side[side]]
        found[name] = [
            value if type(value) is float and value <= MAX_ENERGY_KWH else _number(value)
            for value in values
        ]
    return pd.DataFrame(found, dtype="float64")


def _of_side(items: Sequence[Any], side: str) -> list[Any]:
    """Return what each item has at `side`; None if it has nothing there."""
    return [item.get(side) if isinstance(item, dict) else None for item in items]


def _number(value: Any) -> float:
    """Return a value of an item as `_values` does."""
    if value is None:
        return math.nan
    # True is an int, and 10**400 no float
    is_number = type(value) in (float, int) and abs(value) <= MAX_ENERGY_KWH
    return float(value) if is_number else math.inf


def _is_possible(values: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows of `VALUES` are numbers that there can be."""
    return ((values >= 0) & (values <= [MOST[measure] for _, measure in PLACES])).all(axis=1)


def _night(
    hours: pd.DataFrame, days: pd.Series[pd.Timestamp]
) -> tuple[pd.Series[bool], pd.DataFrame]:
    """Return in which hours the sun is down by what is expected, and the values if it is.

    Nothing is expected then, and the hours of the day for which something is are all before it, or
    all after it. Null and what is negative by little count as zero.
    """
    expected = hours[["expected_energy_kwh", "expected_irradiation_wh_per_m2"]]
    is_known = _is_possible(hours[[*VALUES]].assign(**dict.fromkeys(OBSERVED, 0.0)))
    is_known &= hours.local.notna()
    is_lit = is_known & (expected > 0).any(axis=1)
    lit = hours.local.where(is_lit).groupby(days)
    is_around = (hours.local < lit.transform("min")) | (hours.local > lit.transform("max"))
    most_kwh = max(OWN_KWH, OWN_SHARE * expected.expected_energy_kwh[is_lit].max())
    most = [{"energy": most_kwh, "irradiation": OFFSET_WH_PER_M2}[name] for _, name in PLACES]
    values = hours[[*VALUES]].fillna(0.0)
    is_little = (values < 0) & (values >= [-one for one in most])
    return is_known & ~is_lit & is_around, values.mask(is_little, 0.0)


def _distinguished(hours: pd.DataFrame) -> pd.DataFrame:
    """Distribute the items of a local time that occurs twice to its hours, in their order.

    The second hour are those with other values than the first item, or else the second item.
    """
    for _, same in hours[hours.second.notna()].groupby("read_at"):
        others = same.index[(same[[*VALUES]] != same[[*VALUES]].iloc[0]).any(axis=1)]
        second = others if len(others) else same.index[1:2]
        hours.loc[second, "read_at"] = same.second.iloc[0]
    return hours


def dark_hours(
    window: Window, zone: str, latitude: float, longitude: float, now: dt.datetime
) -> pd.DatetimeIndex:
    """Return the hours of some days that had begun and in which the sun is down, in UTC."""
    import pandas as pd

    from pipelines.sources.solar.sensor_rules import sun

    ends = [dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) for day in window]
    first, end = (one.astimezone(dt.UTC) for one in ends)
    quarters = pd.date_range(first, min(end, now), freq="15min", inclusive="left")
    at = quarters[quarters.tz_convert(zone).minute == 0]  # by local time, also of Asia/Kathmandu
    hours = pd.DataFrame(
        {"plant_id": 0, "read_at": at, "latitude": latitude, "longitude": longitude}
    )
    return pd.DatetimeIndex(at[sun(hours).highest_degrees < DARK_BELOW_DEGREES]).as_unit("s")


def _with_absent_nights(
    parsed: ParsedResponse,
    zone: str,
    dark: pd.DatetimeIndex | None,
    stored: Collection[dt.datetime],
) -> ParsedResponse:
    """Add zeros for the absent hours of `dark`, on days of which there is something, all good."""
    import pandas as pd

    if dark is None:
        return parsed
    absent = dark.difference(pd.DatetimeIndex(parsed.readings.read_at))
    if absent.empty:
        return parsed
    absent = absent.difference(pd.DatetimeIndex([*stored], tz="UTC"))
    good = {*parsed.readings.read_at.dt.tz_convert(zone).dt.date} - {*parsed.spoiled_days}
    days = absent.tz_convert(zone).date
    is_added = [day in good for day in days]
    zeros = pd.DataFrame({"read_at": absent[is_added]} | dict.fromkeys(VALUES, 0.0))
    return replace(
        parsed,
        read=parsed.read + len(zeros),
        readings=pd.concat([parsed.readings, zeros]).sort_values("read_at", ignore_index=True),
        night_days=[*parsed.night_days, *days[is_added]],
    )


def _problems(item: Any) -> list[Reason]:
    """Return what is wrong with an item's values."""
    if not isinstance(item, dict):
        return [not_an_object(item)]
    problems = []
    for side in SIDES:
        values = item.get(side)
        if not isinstance(values, dict):
            problems.append(
                Reason(f"{side}_missing", f"{side} is missing")
                if side not in item
                else Reason(f"{side}_invalid", f"{side} is not an object")
            )
            continue
        for measure in MEASURES:
            value = values.get(measure)
            name, code = f"{side}.{measure}", f"{side}_{measure}"
            if measure not in values:
                problems.append(Reason(f"{code}_missing", f"{name} is missing"))
            elif not isinstance(value, float | int) or isinstance(value, bool):
                words = f"{name} is not a number: {shown(value)}"
                problems.append(Reason(f"{code}_invalid", words))
            elif not 0 <= value <= MOST[measure]:
                words = f"{name} is out of range: {shown(value)}"
                problems.append(Reason(f"{code}_invalid", words))
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


def _drift(items: Sequence[Any]) -> list[str]:
    """Return the unexpected keys with their counts."""
    seen: Counter[str] = Counter()
    for one in items:
        if isinstance(one, dict) and len(one) > 1 + len(SIDES):
            seen.update(one.keys() - {"datetime", *SIDES})
    for side in SIDES:
        for one in _of_side(items, side):
            if isinstance(one, dict) and len(one) > len(MEASURES):
                seen.update(f"{side}.{key}" for key in one.keys() - {*MEASURES})
    return [
        f"unknown key {shown(key)} in {count} of {len(items)} items"
        for key, count in sorted(seen.items())
    ]
