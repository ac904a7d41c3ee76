"""Parse a response of the monitoring service: items to readings, bad ones with their reasons.

An item is `{"datetime": …, "expected": {"energy", "irradiation"}, "observed": {…}}`. Its time is in
the plant's zone unless it names another one. Where the sun is down, what is null, absent or
negative by little counts as zero.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipelines.failures import PermanentFailure
from pipelines.http.json_documents import parse_json
from pipelines.ingest.contract import Reject, as_json, drift_of, shown
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.ingest.reasons import Reason, not_an_object
from pipelines.sources.solar.tables import VALUES
from pipelines.sources.solar.windows import Window

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

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

MAX_ITEMS_AN_HOUR = 4
SHORTEST_TIME = len("2019-01-01T00:00")
HOUR = dt.timedelta(hours=1)
HOUR_IN_US = 3_600_000_000
Values = tuple[float, ...]
NO_TIME = Reason("datetime_invalid", "datetime is missing or invalid")
SKIPPED = Reason(
    "datetime_skipped", "datetime is skipped by a clock change in the plant's time zone"
)
NOT_ON_THE_HOUR = Reason("datetime_not_on_the_hour", "datetime is not on the hour")
IN_THE_FUTURE = Reason("datetime_in_the_future", "datetime is in the future")
CAME_BEFORE = Reason("came_before", "datetime repeats an hour with other values")


@dataclass(frozen=True)
class Columns:
    """The items of a response as columns; each item has exactly the expected keys."""

    body: bytes
    #: As written, without a zone.
    times: NDArray[Any]
    #: One row for each of `VALUES`.
    values: NDArray[Any]

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.times)


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


class _Zone:
    """A plant's zone: converts its naive times to UTC, also naive."""

    def __init__(self, name: str) -> None:
        self.info = ZoneInfo(name)
        self.is_utc = name == "UTC"

    def to_utc(self, local: dt.datetime) -> dt.datetime | None:
        """Convert to UTC: None for a skipped hour, the first of a repeated one."""
        utc = self.about(local)
        return utc if self.is_utc or self.to_local(utc.replace(tzinfo=dt.UTC)) == local else None

    def about(self, local: dt.datetime, *, second: bool = False) -> dt.datetime:
        """Convert to UTC: a skipped hour as the next; a repeated one as its `second`."""
        if self.is_utc:
            return local
        aware = local.replace(tzinfo=self.info, fold=int(second))
        return aware.astimezone(dt.UTC).replace(tzinfo=None)

    def to_local(self, aware: dt.datetime) -> dt.datetime:
        return aware.astimezone(self.info).replace(tzinfo=None, fold=0)


class _Reader:
    """Reads the items of one response, one after the other."""

    def __init__(
        self,
        plant_id: int,
        zone: str,
        window: Window,
        now: dt.datetime,
        dark: pd.DatetimeIndex | None,
        *,
        names_end: bool,
    ) -> None:
        self.names_end = names_end
        self.plant_id, self.zone, self.window = plant_id, _Zone(zone), window
        self.now = _naive_utc(now)
        self.dark = set() if dark is None else {*dark.tz_localize(None).to_pydatetime()}
        self.light: dict[dt.date, list[dt.datetime]] = {}
        self.night_days: list[dt.date] = []
        self.own_kwh = OWN_KWH
        self.readings: dict[dt.datetime, Values] = {}
        self.rejects: list[Reject] = []
        self.repeated = self.elsewhere = 0
        self.spoiled_days: set[dt.date] = set()
        self.has_unreadable_time = False
        self.last_local = dt.datetime.combine(window.first, dt.time())

    def begin(self, items: Sequence[Any]) -> None:
        """Look at what the items have in common, before any is read.

        Items without a timestamp are assigned to the date of the first item that has one: the
        window may begin days earlier, and may be a different one when a correction arrives.
        """
        timed = [
            (self._local(written), item)
            for item in items
            if (written := self._written_time(item)) is not None
        ]
        requested = (local for local, _ in timed if self._is_requested(local))
        self.last_local = next(requested, self.last_local)
        for local, item in timed:
            if any(expected := _expected(item)):
                self.light.setdefault(local.date(), []).append(local)
                self.own_kwh = max(self.own_kwh, OWN_SHARE * expected[0])

    def _is_dark(self, utc: dt.datetime, local: dt.datetime, item: Any) -> bool:
        """Return whether the sun is down in an hour, by its position or by what is expected.

        That is nothing, and the hours of the day for which something is expected are all before
        it, or all after it.
        """
        light = self.light.get(local.date())
        return utc in self.dark or bool(
            light and not min(light) <= local <= max(light) and _expected(item) == (0, 0)
        )

    def _written_time(self, item: Any) -> dt.datetime | None:
        """Return the begin of an item's hour, as `_written_time` does."""
        written = _written_time(item)
        if written is None or not self.names_end:
            return written
        begin = written - HOUR
        if begin.tzinfo is None and self.zone.to_utc(begin) is None:
            begin -= HOUR  # the hour before clocks are set forward, by the clock after it
        return begin

    def _local(self, written: dt.datetime) -> dt.datetime:
        return written if written.tzinfo is None else self.zone.to_local(written)

    def _is_requested(self, local: dt.datetime) -> bool:
        return self.window.first <= local.date() < self.window.end

    def read(self, number: int, item: Any) -> None:
        """Add an item, or reject it."""
        values = _values(item)
        written = self._written_time(item)
        if written is None:
            self.has_unreadable_time = True
            self._reject(number, item, None, [*_problems(item), NO_TIME])
            return
        local = self._local(written)
        if not self._is_requested(local):
            self.elsewhere += 1
            return
        self.last_local = local
        utc = self.zone.to_utc(local) if written.tzinfo is None else _naive_utc(written)
        is_night = values is None and utc is not None and self._is_dark(utc, local, item)
        if is_night:
            values = _night_values(item, {"energy": self.own_kwh, "irradiation": OFFSET_WH_PER_M2})
        if written.tzinfo is None and utc is not None and utc in self.readings:
            utc = self._other(utc, local, values)  # the same, or the other one of this name
        reasons = [] if values else _problems(item)
        if utc is None:
            reasons.append(SKIPPED)
        elif (local.minute, local.second, local.microsecond) != (0, 0, 0):
            reasons.append(NOT_ON_THE_HOUR)
        elif utc > self.now:
            reasons.append(IN_THE_FUTURE)
        if reasons or utc is None or values is None:
            self._reject(number, item, utc or self.zone.about(local), reasons)
        elif utc not in self.readings:
            self.readings[utc] = values
            self.night_days += [local.date()] if is_night else []
        elif self.readings[utc] == values:
            self.repeated += 1
        else:
            self._reject(number, item, utc, [CAME_BEFORE])

    def _other(self, first: dt.datetime, local: dt.datetime, values: Values | None) -> dt.datetime:
        """Return the hour of an item whose local time `first` already has: the same or its repeat.

        Two items with the same local time are both hours, even with equal values, as at night. If a
        third one differs, the second was a repetition of the first.
        """
        second = self.zone.about(local, second=True)
        if second == first or second not in self.readings:
            return second
        if values in (self.readings[first], self.readings[second]):
            return first if values == self.readings[first] else second
        if self.readings[first] == self.readings[second]:
            del self.readings[second]
            self.repeated += 1
        return second

    def _reject(
        self, number: int, item: Any, utc: dt.datetime | None, reasons: list[Reason]
    ) -> None:
        """Reject an item; its key is its hour, or the approximate position if it has none."""
        self.spoiled_days.add(self.last_local.date())
        about = utc or self.zone.about(self.last_local)
        key = f"{about:%Y-%m-%dT%H:%M:%S}Z{'' if utc else '?'}"
        self.rejects.append(
            Reject(
                number,
                f"[{number}]",
                as_json(item),
                tuple(reasons),
                key=(str(self.plant_id), key),
            )
        )


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
    read = partial(
        read_response,
        items,
        plant_id=said["plant_id"],
        zone=zone,
        window=window,
        now=now,
        names_end=said["names_end"],
    )
    parsed = read(dark=dark, stored=said["hours"])
    if dark is not None and _is_lit(parsed.readings, dark):
        parsed = read()
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
                f"the response has {count:,} items of {day} between the hours, and so the"
                f" {on_the_hour:,} on the hour are not the energy of whole hours",
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
    items: Sequence[Any] | Columns,
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
    import numpy as np

    if isinstance(items, Columns):
        if names_end:
            items = replace(items, times=items.times - np.timedelta64(1, "h"))
        if (readings := _plain_readings(items, zone, window, now)) is not None:
            parsed = ParsedResponse(len(items), readings, [], 0, 0, [], [], [])
            return _with_absent_nights(parsed, zone, dark, stored)
        items = [*parse_json(items.body)]
    reader = _Reader(plant_id, zone, window, now, dark, names_end=names_end)
    reader.begin(items)
    for number, item in enumerate(items):
        reader.read(number, item)
    parsed = ParsedResponse(
        len(items),
        _frame(reader.readings),
        reader.rejects,
        reader.repeated,
        reader.elsewhere,
        list(window.days()) if reader.has_unreadable_time else sorted(reader.spoiled_days),
        _drift(items),
        reader.night_days,
    )
    return _with_absent_nights(parsed, zone, dark, stored)


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


def _is_lit(readings: pd.DataFrame, dark: pd.DatetimeIndex) -> bool:
    """Return whether light is expected in the dark: the coordinates or the times are wrong."""
    expected = readings.expected_irradiation_wh_per_m2[readings.read_at.isin(dark)]
    return bool(expected.max() > DARK_WH_PER_M2)


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


def parse_items(body: bytes) -> Any:
    """Parse a response into `Columns` if every item is valid, as is usual, else as JSON.

    This takes a fifth of the time, because no item becomes a Python object. Raises as `parse_json`
    does.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute, json

    whole = b'{"items":%b}' % body
    side = pa.struct([(measure, pa.float64()) for measure in MEASURES])
    item = pa.struct([("datetime", pa.string()), *((name, side) for name in SIDES)])
    promised = json.ParseOptions(
        explicit_schema=pa.schema([("items", pa.list_(item))]),
        newlines_in_values=True,
        unexpected_field_behavior="error",
    )
    options = json.ReadOptions(use_threads=False, block_size=len(whole))
    try:
        table = json.read_json(pa.BufferReader(whole), options, promised)
        texts, *sides = table.column("items").chunk(0).flatten().flatten()
        written = texts.cast(pa.timestamp("us"))
    except pa.ArrowException:
        return parse_json(body)
    found = dict(zip(SIDES, (of.flatten() for of in sides), strict=True))
    columns = [found[side][MEASURES.index(measure)] for side, measure in PLACES]
    values = np.array([column.to_numpy(zero_copy_only=False) for column in columns])
    most = np.array([[MOST[measure]] for _, measure in PLACES])
    if (
        table.num_rows != 1
        or len(texts) == 0
        or texts.null_count
        or compute.min(compute.binary_length(texts)).as_py() < SHORTEST_TIME
        or not ((values >= 0) & (values <= most)).all()  # missing values are NaN here
    ):
        return parse_json(body)
    return Columns(body, written.to_numpy(), values)


def _plain_readings(
    columns: Columns, zone: str, window: Window, now: dt.datetime
) -> pd.DataFrame | None:
    """Return the readings; None unless every item is a requested hour, in chronological order.

    An ambiguous hour is resolved by that order, and has to occur twice.
    """
    import numpy as np
    import pandas as pd

    local = columns.times
    try:
        at = pd.DatetimeIndex(local).tz_localize(zone, ambiguous="infer").tz_convert("UTC")
    except ValueError:
        return None
    first, end, last = map(np.datetime64, (window.first, window.end, _naive_utc(now)))
    hours = at.tz_localize(None).to_numpy()
    if (
        local.min() < first
        or local.max() >= end
        or hours[-1] > last
        or (np.diff(hours) <= np.timedelta64(0)).any()
        or (local.astype("int64") % HOUR_IN_US).any()
    ):
        return None
    return _frame_of(hours.astype("datetime64[s]"), columns.values)


def _values(item: Any) -> Values | None:
    """Return the four values in the order of `VALUES`; None if one is missing or invalid."""
    try:
        found = tuple([item[side][measure] for side, measure in PLACES])
    except (KeyError, TypeError, IndexError):
        return None
    good = (_is_good(value, measure) for value, (_, measure) in zip(found, PLACES, strict=True))
    return found if all(good) else None


def _is_good(value: object, measure: str) -> bool:
    return (
        isinstance(value, float | int) and type(value) is not bool and 0 <= value <= MOST[measure]
    )


def _night_values(item: Any, most: Mapping[str, float]) -> Values | None:
    """Return the values of an hour of the night: zero for null, and for what is negative by little.

    `most` is how negative each measure may be. None if a value is wrong otherwise.
    """
    found = []
    for side, measure in PLACES:
        of_side = item.get(side) or {}
        value = of_side.get(measure) if isinstance(of_side, dict) else of_side
        if value is None or (isinstance(value, float | int) and -most[measure] <= value < 0):
            value = 0.0
        if not _is_good(value, measure):
            return None
        found.append(value)
    return tuple(found)


def _expected(item: Any) -> tuple[float, ...]:
    """Return what the service expects of an hour, energy and irradiation; empty if unknown."""
    expected = item.get("expected") if isinstance(item, dict) else None
    if not isinstance(expected, dict):
        return ()
    values: tuple[Any, ...] = tuple(expected.get(measure) for measure in MEASURES)
    return values if all(map(_is_good, values, MEASURES)) else ()


def _naive_utc(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(tzinfo=None)


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
    try:
        written = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return written if 1900 <= written.year < 2200 else None


def _frame(readings: dict[dt.datetime, Values]) -> pd.DataFrame:
    import numpy as np
    import pyarrow as pa

    hours = sorted(readings)
    values = np.array([readings[hour] for hour in hours], dtype="float64").reshape(-1, len(VALUES))
    return _frame_of(pa.array(hours, pa.timestamp("s")).to_numpy(), values.T)


def _frame_of(hours: NDArray[Any], values: NDArray[Any]) -> pd.DataFrame:
    """Return the readings of some hours (UTC); `values` has one row per name in `VALUES`."""
    import pandas as pd

    at = pd.DatetimeIndex(hours, tz="UTC")
    return pd.DataFrame({"read_at": at} | dict(zip(VALUES, values, strict=True)))


def _drift(items: Sequence[Any]) -> list[str]:
    """Return the unexpected keys with their counts."""
    seen: Counter[str] = Counter()
    for item in items:
        if isinstance(item, dict) and len(item) > 1 + len(SIDES):
            seen.update(item.keys() - {"datetime", *SIDES})
        for side in SIDES:
            values = item.get(side) if isinstance(item, dict) else None
            if isinstance(values, dict) and len(values) > len(MEASURES):
                seen.update(f"{side}.{key}" for key in values.keys() - {*MEASURES})
    return [
        f"unknown key {shown(key)} in {count} of {len(items)} items"
        for key, count in sorted(seen.items())
    ]
