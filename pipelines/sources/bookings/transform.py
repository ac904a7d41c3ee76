"""Convert booking events to rows: pure functions of data to data.

The contract: id (an integer; may be missing), hotel_id (an integer from 0), event_timestamp (date
and time; without a zone, in the zone of the source), status (1 booking, 2 cancellation),
room_reservation_id (a UUID), night_of_stay (a date). Spreadsheets write 24-06-2022 13:00 for times
and 26-06-2022 for dates. An event is about one night of a reservation.
"""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pipelines.failures import PermanentFailure
from pipelines.ingest.column_rows import MAX_INTEGER
from pipelines.ingest.contract import as_json, drift_of, shown, violations
from pipelines.ingest.csv_files import Batch
from pipelines.ingest.feeds import Content, Context, Parsed
from pipelines.ingest.identifiers import NULLS
from pipelines.ingest.parsers import Csv
from pipelines.ingest.reasons import not_an_object
from pipelines.warehouse.connection import RECORD

COLUMNS = ("id", "hotel_id", "event_timestamp", "status", "room_reservation_id", "night_of_stay")
OPTIONAL = ("id",)
#: Columns that the table calls otherwise.
STORED_AS = {"id": "event_id", "event_timestamp": "event_at"}
#: Names that the hotel system's API uses for some of them.
ALIASES = {"room_id": "room_reservation_id", "rpg_status": "status"}
#: The first part of the keys of events in quarantine.
EVENT_KEY = "event"
STATUSES = {"1": "booking", "2": "cancellation"}
FIRST_YEAR, LAST_YEAR = 1950, 2050
FIRST = pd.Timestamp(FIRST_YEAR, 1, 1)
BEHIND = pd.Timestamp(LAST_YEAR + 1, 1, 1)
A_DAY = pd.Timedelta(days=1)
#: The largest that a column holds.
MAX_BIGINT = str(MAX_INTEGER)
#: From here on, a float may be another whole number than the one that was sent.
INEXACT = 2.0**53
UUID = r"^[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}$"
#: What programs write for none.
NO_UUID = "00000000-0000-0000-0000-000000000000"
ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
DAY_FIRST = r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}"
#: What proves that a sender writes the month first.
MONTH_FIRST = re.compile(r"(?:0?[1-9]|1[0-2])-(?:1[3-9]|2[0-9]|3[01])-[0-9]{4}(?: .*)?")
ISO_TIME = rf"{ISO_DATE}[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?"
SHORT_TIME = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
YEARS = f"{FIRST_YEAR} to {LAST_YEAR}"
#: What a value is that violates the contract.
OTHERWISE = {
    "id": "is not a whole number",
    "hotel_id": "is not a whole number",
    "event_timestamp": f"is not a time like 2022-07-31 12:00:40 ({YEARS})",
    "status": "is neither 1 (booking) nor 2 (cancellation)",
    "room_reservation_id": "is not a UUID",
    "night_of_stay": f"is not a date like 2022-08-01 ({YEARS})",
}


def parse(content: Content, context: Context) -> Iterator[Parsed]:
    """Parse a file or a page of the API, or events of either that are in quarantine."""
    if content.file is not None:
        yield from FILE(content, context)
    elif content.header is not None:
        yield from LINES(content, context)
    elif content.quarantined is None:
        yield Parsed(drift=unknown_keys(content.document, content.delivery.name))
        yield read_events(of_objects(content.document), context, is_whole=True)
    else:
        numbers = [one.number for one in content.quarantined]
        again = of_objects([json.loads(one.raw) for one in content.quarantined], numbers)
        yield read_events(again, context)


def read_events(batch: Batch, context: Context, *, is_whole: bool = False) -> Parsed:
    """Split events into rows of `bookings.events` and rejects.

    Of an ambiguous time, the first occurrence is used; a skipped time is invalid. Raises
    `PermanentFailure` for a whole delivery if one event proves that the month comes first.
    """
    zone = context.settings.time_zone
    sent = batch.sent[list(COLUMNS)].apply(lambda texts: texts.str.strip())
    sent["id"] = sent["id"].mask(sent["id"].isin(NULLS), "")
    typed = pd.DataFrame(
        {
            "id": _whole_numbers(sent["id"]),
            "hotel_id": _whole_numbers(sent["hotel_id"]),
            "event_timestamp": _instants(sent["event_timestamp"], zone),
            "status": _whole_numbers(sent["status"]).astype("str").map(STATUSES),
            "room_reservation_id": sent["room_reservation_id"].where(
                sent["room_reservation_id"].str.match(UUID)
                & (sent["room_reservation_id"] != NO_UUID)
            ),
            "night_of_stay": _dates(sent["night_of_stay"]),
        }
    )
    is_good = {name: typed[name].notna() for name in COLUMNS}
    is_good["id"] |= sent["id"] == ""
    for name, its_zone in (("event_timestamp", "UTC"), ("night_of_stay", None)):
        ends = FIRST.tz_localize(its_zone), BEHIND.tz_localize(its_zone)
        is_good[name] = typed[name].between(*ends, inclusive="left")
    reasons = violations(is_good, OTHERWISE, sent)
    bad = typed.loc[list(reasons)]
    values = dict(zip(bad.index, zip(*(bad[name] for name in COLUMNS), strict=True), strict=True))
    good = typed.assign(record=batch.sent[RECORD]).drop(index=list(reasons))
    rows = good.assign(night_of_stay=good["night_of_stay"].astype("date32[pyarrow]"))
    if is_whole:
        _reject_month_first(batch, sent, reasons, context.source)
    return batch.parsed(
        {"stage_events": rows.rename(columns=STORED_AS)},
        {row: violated.values() for row, violated in reasons.items()},
        lambda row: _key(values[row], reasons[row]),
    )


#: Parses lines of files one by one, again.
LINES = Csv(columns=COLUMNS, read=read_events, optional=OPTIONAL, aliases=ALIASES)
#: Parses files of events.
FILE = replace(LINES, read=partial(read_events, is_whole=True))


def _reject_month_first(batch: Batch, sent: pd.DataFrame, bad: Iterable[int], source: str) -> None:
    for row in bad:
        for name in ("event_timestamp", "night_of_stay"):
            if MONTH_FIRST.fullmatch(str(sent.at[row, name])):
                position = batch.position(int(str(batch.sent.at[row, RECORD])))
                raise PermanentFailure(
                    source,
                    f"{position} has the month first: {name} {shown(sent.at[row, name])}. Nothing"
                    " was written",
                    place=position,
                    remedy="Ask the sender for dates as 2026-07-31, or for the day first.",
                )


def _key(values: Sequence[Any], bad: Container[str]) -> tuple[str, ...]:
    """Return the values that are not bad, which identify a correction; the others are empty."""
    named = zip(COLUMNS, values, strict=True)
    good = (None if name in bad else value for name, value in named)
    return EVENT_KEY, *("" if pd.isna(value) else str(value).lower() for value in good)


def _whole_numbers(texts: pd.Series) -> pd.Series:
    """Parse `17`, or `17.0` as spreadsheets write it; anything else is missing.

    Apart from missing ones: pandas would take both through floats, which end at 2^53.
    """
    plain = texts.str.replace(r"\.0{1,2}$", "", regex=True)
    is_whole = np.array(plain.str.match(r"^[0-9]{1,19}$"), bool)
    if (is_long := is_whole & (plain.str.len() == len(MAX_BIGINT)).to_numpy(bool)).any():
        is_whole &= ~(is_long & (plain > MAX_BIGINT).to_numpy(bool))
    numbers = np.zeros(len(plain), "int64")
    numbers[is_whole] = plain[is_whole].astype("int64[pyarrow]").to_numpy("int64")
    return pd.Series(pd.arrays.IntegerArray(numbers, ~is_whole), index=texts.index)


def _moments(texts: pd.Series, pattern: str, form: str, *, utc: bool = False) -> pd.Series:
    """Parse the texts that have a pattern; anything else is missing."""
    fitting = texts.where(texts.str.match(f"^{pattern}$"))
    return pd.to_datetime(fitting, format=form, errors="coerce", utc=utc).dt.as_unit("us")


def _dates(texts: pd.Series) -> pd.Series:
    """Parse dates as midnights; anything else is missing."""
    days = _moments(texts, ISO_DATE, "%Y-%m-%d")
    if (is_other := days.isna()).any():
        days = days.fillna(_moments(texts[is_other], DAY_FIRST, "%d-%m-%Y"))
    return days


def _instants(texts: pd.Series, zone: str) -> pd.Series:
    """Parse instants in UTC; anything else, and times that the zone skips, is missing."""
    texts = texts.str.replace(",", ".", regex=False)
    naive = _moments(texts, ISO_TIME, "ISO8601")
    zoned = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    if (is_other := naive.isna()).any():
        other = texts[is_other]
        full = other.where(other.str.count(":") == 2, other + ":00")
        naive = naive.fillna(_moments(full, f"{DAY_FIRST} {SHORT_TIME}", "%d-%m-%Y %H:%M:%S"))
        with_zone = other.str.replace(r" ?(?:[Zz]|UTC|GMT)$", "Z", regex=True)
        with_zone = with_zone.str.replace(r" (?=[+-])", "", regex=True)
        zoned = zoned.fillna(_moments(with_zone, f"{ISO_TIME}{ZONE}", "ISO8601", utc=True))
    naive = naive.where(naive.between(FIRST - A_DAY, BEHIND + A_DAY))  # zones have no year 9999
    local = naive.dt.tz_localize(zone, ambiguous=np.ones(len(naive), bool), nonexistent="NaT")
    instants: pd.Series = local.dt.tz_convert("UTC").fillna(zoned)
    return instants


def of_objects(events: Sequence[Any], numbers: Sequence[int] | None = None) -> Batch:
    """Return a batch of events sent as JSON, numbered by position unless `numbers` are given."""
    objects, broken = [], []
    for number, event in zip(numbers or range(len(events)), events, strict=True):
        if isinstance(event, dict):
            objects.append((number, event))
        else:
            broken.append((number, as_json(event), not_an_object(event)))
    names = {name: [name, *(a for a, one in ALIASES.items() if one == name)] for name in COLUMNS}
    sent = pd.DataFrame(
        {name: [_as_text(event, names[name]) for _, event in objects] for name in COLUMNS},
        index=pd.RangeIndex(len(objects)),
        dtype="str",
    )
    sent[RECORD] = np.array([number for number, _ in objects], np.int64)
    return Batch(sent, lambda row: as_json(objects[row][1]), broken, "events[{}]".format)


def newest_event_at(
    events: Sequence[Any], settings: Any, *, until: dt.datetime
) -> dt.datetime | None:
    """Return the time of the newest valid event not after `until`; None if there is none."""
    parsed = read_events(of_objects(events), Context(source="bookings", settings=settings))
    times = parsed.rows["stage_events"]["event_at"]
    past = times[times <= until]
    return past.max().to_pydatetime() if len(past) else None


def unknown_keys(events: Sequence[Any], document: str) -> list[str]:
    """Return a message for each unexpected key."""
    seen = Counter(key for event in events if isinstance(event, dict) for key in event)
    unknown = sorted(seen.keys() - {*COLUMNS, *ALIASES})
    lines = [f"unknown key {shown(key)} in {seen[key]} of {len(events)} events" for key in unknown]
    return drift_of(document, lines, "unknown keys")


def _as_text(event: dict[str, Any], names: Sequence[str]) -> str:
    """Return a JSON value as a file would contain it; of two that differ both, which is invalid."""
    values = [event[name] for name in names if event.get(name) is not None]
    if not values:
        return ""
    value = values[0] if values.count(values[0]) == len(values) else values
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    text = json.dumps(value)
    if isinstance(value, float) and abs(value) >= INEXACT and text.endswith(".0"):
        return f"{value:.16e}"  # which is not a whole number
    return text
