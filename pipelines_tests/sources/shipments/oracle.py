"""The parcels' numbers, computed a second time from their definitions and the delivered files.

Plain Python without SQL, which shares nothing with the code that it judges. Whole histories are
computed anew on each call: what counts here is that a reader can check each function by eye.

Files are given in the order in which they were loaded. That order decides only between two files
of the same time and name; otherwise a file that is loaded late counts as if it had come in time.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Class = Literal["under_way", "exception", "delivered", "returned", "lost", "cancelled"]

#: Any other status is of the class under_way: in_transit, inbound_scan, scanned, unknown words.
CLASSES: Mapping[str, Class] = {
    "exception": "exception",
    "delivery": "delivered",
    "returned": "returned",
    "lost": "lost",
    "cancelled": "cancelled",
}
NOT_ENDED: tuple[Class, ...] = ("under_way", "exception")
#: `SHIPMENTS_STALE_DAYS`.
STALE = timedelta(days=30)
#: Countries with one clock. A receiver in any other country, or in none, has days of UTC.
ZONES = {
    "BE": "Europe/Brussels",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IN": "Asia/Kolkata",
    "JP": "Asia/Tokyo",
    "NL": "Europe/Amsterdam",
}


class Place(NamedTuple):
    """An end of a parcel's journey; the country is None if the address names no known one."""

    country: str | None
    address: str


@dataclass(frozen=True)
class Line:
    tracking_number: str
    carrier: str
    sender: Place
    receiver: Place
    status: str
    promised_on: date | None = None

    @property
    def key(self) -> "Key":
        return Key(self.tracking_number, self.carrier)


class Key(NamedTuple):
    """What identifies a parcel."""

    tracking_number: str
    carrier: str


@dataclass(frozen=True)
class File:
    """A delivery: its name, its modification time and its lines."""

    name: str
    at: datetime
    lines: tuple[Line, ...]


class Change(NamedTuple):
    """A row of a parcel's history: the news in which a status was first seen."""

    changed_at: datetime
    status: str

    @property
    def class_(self) -> Class:
        return CLASSES.get(self.status, "under_way")

    def is_silent(self, now: datetime, stale: timedelta = STALE) -> bool:
        """Return whether nothing changed since, for a parcel that has not ended."""
        return self.class_ in NOT_ENDED and self.changed_at <= now - stale

    def is_on_its_way(self, now: datetime, stale: timedelta = STALE) -> bool:
        return self.class_ in NOT_ENDED and self.changed_at > now - stale


@dataclass(frozen=True)
class Parcel:
    """A parcel after all its news; `sender` and `receiver` are those of the newest."""

    key: Key
    sender: Place
    receiver: Place
    promised_on: date | None
    changes: tuple[Change, ...]

    @property
    def last(self) -> Change:
        """The change into the present status."""
        return self.changes[-1]

    @property
    def first_seen_at(self) -> datetime:
        return self.changes[0].changed_at

    @property
    def first_under_way_at(self) -> datetime | None:
        return next((c.changed_at for c in self.changes if c.class_ in NOT_ENDED), None)

    @property
    def delivered_at(self) -> datetime | None:
        return self.last.changed_at if self.last.class_ == "delivered" else None

    @property
    def transit_hours(self) -> Fraction | None:
        """Return None if it is not delivered, was first seen delivered, or never under way."""
        begin, end = self.first_under_way_at, self.delivered_at
        if begin is None or end is None or self.changes[0].class_ == "delivered":
            return None
        return Fraction((end - begin) // timedelta(microseconds=1), 3_600_000_000)

    @property
    def on_time(self) -> bool | None:
        """Return None without a promise, or if it is not delivered."""
        if self.promised_on is None or self.delivered_at is None:
            return None
        return self.day_of_receiver(self.delivered_at) <= self.promised_on

    def is_overdue(self, now: datetime) -> bool:
        """Return whether it should have been delivered before today; silent parcels too."""
        if self.promised_on is None or self.last.class_ not in NOT_ENDED:
            return False
        return self.promised_on < self.day_of_receiver(now)

    def day_of_receiver(self, instant: datetime) -> date:
        zone = ZONES.get(self.receiver.country or "", "UTC")
        return instant.astimezone(ZoneInfo(zone)).date()


def as_read(name: str) -> list[tuple[int, int]]:
    """Return what names are ordered by: characters by code point, runs of digits as numbers.

    A run of digits stands where the character 0 does: `status.csv`, `status_9`, `status_10`.
    """
    parts = re.findall(r"[0-9]+|[^0-9]", name)
    return [(ord("0"), int(p)) if p[0] in "0123456789" else (ord(p), 0) for p in parts]


def in_order_of_news(files: Iterable[File]) -> list[File]:
    """Return the files by time, then by name; those of one time and name as they were loaded."""
    return sorted(files, key=lambda file: (file.at, as_read(file.name), file.name))


def parcels(files: Iterable[File]) -> dict[Key, Parcel]:
    news: dict[Key, list[tuple[datetime, Line]]] = defaultdict(list)
    for file in in_order_of_news(files):
        # All lines of a parcel in a file say the same.
        for key, line in {line.key: line for line in file.lines}.items():
            news[key].append((file.at, line))
    return {key: _parcel(key, its_news) for key, its_news in news.items()}


def _parcel(key: Key, news: Sequence[tuple[datetime, Line]]) -> Parcel:
    changes: list[Change] = []
    for at, line in news:
        if not changes or changes[-1].status != line.status:
            changes.append(Change(at, line.status))
    newest = news[-1][1]
    promises = [line.promised_on for _, line in news if line.promised_on is not None]
    first_promise = promises[0] if promises else None
    return Parcel(key, newest.sender, newest.receiver, first_promise, tuple(changes))


class Lane(NamedTuple):
    carrier: str
    sender_country: str | None
    receiver_country: str | None


class Scores(NamedTuple):
    """The scorecard of a carrier on a lane; medians and shares are None of no parcels."""

    parcels: int
    delivered: int
    median_transit_hours: Fraction | None
    p90_transit_hours: Fraction | None
    #: Parcels with a promise, and those of them that are delivered.
    promised: int
    delivered_with_promise: int
    on_time: int
    share_on_time: Fraction | None
    overdue: int
    exceptions: int
    returned: int
    lost: int
    cancelled: int


def carrier_lanes(
    everyone: Iterable[Parcel], from_day: date, to_day: date, now: datetime
) -> dict[Lane, Scores]:
    """Score the parcels first seen from the first day (of UTC) until before the last."""
    lanes: dict[Lane, list[Parcel]] = defaultdict(list)
    for parcel in everyone:
        if from_day <= _utc_day(parcel.first_seen_at) < to_day:
            ends = parcel.sender.country, parcel.receiver.country
            lanes[Lane(parcel.key.carrier, *ends)].append(parcel)
    return {lane: _scores(those, now) for lane, those in lanes.items()}


def _scores(those: Sequence[Parcel], now: datetime) -> Scores:
    transits = [p.transit_hours for p in those if p.transit_hours is not None]
    verdicts = [p.on_time for p in those if p.on_time is not None]
    classes = [p.last.class_ for p in those]
    return Scores(
        parcels=len(those),
        delivered=classes.count("delivered"),
        median_transit_hours=percentile(transits, Fraction(1, 2)),
        p90_transit_hours=percentile(transits, Fraction(9, 10)),
        promised=sum(p.promised_on is not None for p in those),
        delivered_with_promise=len(verdicts),
        on_time=sum(verdicts),
        share_on_time=Fraction(sum(verdicts), len(verdicts)) if verdicts else None,
        overdue=sum(p.is_overdue(now) for p in those),
        exceptions=sum(any(c.class_ == "exception" for c in p.changes) for p in those),
        returned=classes.count("returned"),
        lost=classes.count("lost"),
        cancelled=classes.count("cancelled"),
    )


def percentile(values: Iterable[Fraction], share: Fraction) -> Fraction | None:
    """Interpolate between the two nearest values, as PostgreSQL's `percentile_cont` does."""
    ordered = sorted(values)
    if not ordered:
        return None
    lower, rest = divmod(share * (len(ordered) - 1), 1)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * rest


class Day(NamedTuple):
    """The parcels of a day of UTC; the last three are of its end, silent exceptions included."""

    first_seen: int
    delivered: int
    on_their_way: int
    silent: int
    exceptions: int


def parcels_by_day(everyone: Iterable[Parcel], day: date, stale: timedelta = STALE) -> Day:
    """Count a day; a parcel that was delivered twice on it counts twice under `delivered`."""
    end = datetime.combine(day + timedelta(days=1), time(0), UTC)
    histories = [[c for c in parcel.changes if c.changed_at < end] for parcel in everyone]
    known = [changes for changes in histories if changes]
    of_day = [c for changes in known for c in changes if _utc_day(c.changed_at) == day]
    last = [changes[-1] for changes in known]
    return Day(
        first_seen=sum(_utc_day(changes[0].changed_at) == day for changes in known),
        delivered=sum(change.class_ == "delivered" for change in of_day),
        on_their_way=sum(change.is_on_its_way(end, stale) for change in last),
        silent=sum(change.is_silent(end, stale) for change in last),
        exceptions=sum(change.class_ == "exception" for change in last),
    )


def weather_wanted(
    everyone: Iterable[Parcel], now: datetime, stale: timedelta = STALE
) -> set[Place]:
    """Return both ends of what is on its way: neither what ended nor what is silent asks."""
    wanting = [parcel for parcel in everyone if parcel.last.is_on_its_way(now, stale)]
    return {place for parcel in wanting for place in (parcel.sender, parcel.receiver)}


def _utc_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
