"""Generated histories of parcels, with everything that senders of lists of parcels do.

Each seed has each case at least once; `test_histories.py` tests so. Nothing of `pipelines`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from pipelines_tests.sources.shipments.oracle import File, Line, Place

DAYS = 120
PARCELS = 150
CARRIERS = ("DHL", "UPS", "DPD", "GLS")
SENDERS = (
    Place("DE", "Street 1, 10115 Berlin, Germany"),
    Place("DE", "Street 2, 80331 Munich, Germany"),
    Place("DK", "Street 3, 1050 Copenhagen, Denmark"),
)
TOKYO = Place("JP", "Street 10, 100-0005 Tokyo, Japan")
#: Its country has many clocks, so its days are those of UTC.
NEW_YORK = Place("US", "Street 11, New York, NY 10001, United States")
NOWHERE = Place(None, "Street 12, Nowhereland")
RECEIVERS = (
    TOKYO,
    NEW_YORK,
    NOWHERE,
    Place("FR", "Street 13, 75001 Paris, France"),
    Place("FR", "Street 14, 69002 Lyon, France"),
    Place("BE", "Street 15, 1000 Brussels, Belgium"),
    Place("NL", "Street 16, 1016 Amsterdam, Netherlands"),
    Place("IN", "Street 17, 110001 New Delhi, India"),
    Place("ES", "Street 18, 28013 Madrid, Spain"),
)
#: Journeys of parcels: a status, and after how many days it is first reported.
Journey = Sequence[tuple[str, int]]
JOURNEYS: tuple[Journey, ...] = (
    (("in_transit", 0), ("inbound_scan", 1), ("scanned", 2), ("delivery", 1)),
    (("in_transit", 0), ("delivery", 4)),
    (("inbound_scan", 0), ("exception", 2), ("in_transit", 3), ("delivery", 2)),
    (("delivery", 0),),
    (("delivery", 0), ("in_transit", 2), ("delivery", 3)),
    (("in_transit", 0), ("delivery", 3), ("exception", 2), ("delivery", 4)),
    (("in_transit", 0), ("delivery", 2), ("returned", 6)),
    (("scanned", 0), ("returned", 5), ("in_transit", 3), ("delivery", 2)),
    (("in_transit", 0), ("lost", 12)),
    (("in_transit", 0), ("lost", 9), ("in_transit", 8), ("delivery", 2)),
    (("cancelled", 0),),
    (("in_transit", 0), ("cancelled", 1)),
    (("in_transit", 0), ("exception", 2)),
    (("in_transit", 0), ("waiting for customs", 2), ("at depot 7", 1), ("delivery", 3)),
    (("scanned", 0), ("in_transit", 1), ("scanned", 1), ("in_transit", 1)),
)


@dataclass(frozen=True)
class History:
    """Files in the order in which they are loaded."""

    files: list[File]
    now: datetime


@dataclass
class _Slot:
    """A file before it has its lines."""

    name: str
    at: datetime


def history(seed: int, now: datetime) -> History:
    """Return some 150 parcels of the 120 days before `now`, always the same for a seed."""
    random = Random(seed)
    slots = _slots(random, now)
    late = set(random.sample(range(10, len(slots) - 20), 12))
    reported = _Reported(random, slots, now)
    _cases(reported, late)
    while reported.parcels < PARCELS:
        reported.follow(random.choice(JOURNEYS), random.randrange(len(slots) - 3))
    for number in set(range(len(slots))) - set(reported.lines):  # no file without lines
        reported.add([(number, reported.line())])
    files = [
        File(slot.name, slot.at, tuple(reported.lines[number])) for number, slot in enumerate(slots)
    ]
    return History(_as_loaded(random, files, late), now)


def _slots(random: Random, now: datetime) -> list[_Slot]:
    """Return a file for each day, in the order of news; some days have two of one time."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    times = [
        midnight - timedelta(days=days) + timedelta(hours=random.choice((0, 4, 11, 16, 22)))
        for days in range(DAYS, 0, -1)
    ]
    # Exactly at the limits of silence and of the weather after the end, and just within them.
    for days in (30, 7):
        limit = now - timedelta(days=days)
        times += [limit, limit + timedelta(seconds=1)]
    times.sort()
    # status_9 and status_10 have one time, as have status_99 and status_100, and others.
    for number in (8, 98, *random.sample(range(20, 90, 2), 4)):
        times[number + 1] = times[number]
    return [_Slot(f"status_{number}.csv", at) for number, at in enumerate(times, start=1)]


class _Reported:
    """What is reported of parcels, by the numbers of files in the order of news."""

    def __init__(self, random: Random, slots: Sequence[_Slot], now: datetime) -> None:
        self.random = random
        self.slots = slots
        self.now = now
        self.parcels = 0
        self.lines: dict[int, list[Line]] = defaultdict(list)

    def add(self, news: Iterable[tuple[int, Line]]) -> None:
        self.parcels += 1
        for number, line in news:
            # A line for each article of a parcel, which all say the same.
            self.lines[number] += [line] * self.random.choice((1, 1, 2))

    def line(self, receiver: Place | None = None, promised_on: date | None = None) -> Line:
        """Return a line of a new parcel, whose status is still to be set."""
        return Line(
            f"TN{20_000_000 + self.parcels}",
            self.random.choice(CARRIERS),
            self.random.choice(SENDERS),
            receiver or self.random.choice(RECEIVERS),
            "in_transit",
            promised_on,
        )

    def follow(self, journey: Journey, start: int, again: int | None = None) -> None:
        """Add a parcel: its journey, the same again for some files, and perhaps its promise."""
        random, parcel = self.random, self.line()
        promised_from = random.choice((0, 0, 1, 2))
        promise = self.slots[start].at.date() + timedelta(days=random.randrange(2, 9))
        statuses: dict[int, str] = {}
        number = start
        for status, days in journey:
            for between in range(number + 1, min(number + days, len(self.slots))):
                if random.random() < 0.4:
                    statuses[between] = statuses[number]
            number += days
            if number >= len(self.slots):
                break
            statuses[number] = status
        last = max(statuses)
        until = last + (random.randrange(10) if again is None else again)
        for after in range(last + 1, min(until + 1, len(self.slots))):
            statuses[after] = statuses[last]
        has_promise = random.random() < 0.6
        news = []
        for reported, number in enumerate(sorted(statuses)):
            promised_on = promise if has_promise and reported >= promised_from else None
            news.append((number, replaced(parcel, statuses[number], promised_on)))
            if random.random() < 0.1:
                promise += timedelta(days=random.choice((-1, 1, 3)))
        self.add(news)


def replaced(
    line: Line, status: str, promised_on: date | None = None, receiver: Place | None = None
) -> Line:
    ends = line.sender, receiver or line.receiver
    return Line(line.tracking_number, line.carrier, *ends, status, promised_on)


def _cases(reported: _Reported, late: set[int]) -> None:
    """What chance might leave out: each journey, and what depends on a certain file."""
    random, count = reported.random, len(reported.slots)
    for journey in JOURNEYS:
        reported.follow(journey, random.randrange(count // 2))
    # Silent, though the same list comes again until today; and silent on time's limit.
    for status in ("in_transit", "exception", "at depot 7"):
        reported.follow(((status, 0),), random.randrange(20, 60), again=count)
    for days in (30, 7):
        limit = reported.now - timedelta(days=days)
        at_limit = [n for n, slot in enumerate(reported.slots) if slot.at == limit]
        for number in (*at_limit, at_limit[-1] + 1):
            for status in ("in_transit", "delivery"):
                reported.add([(number, replaced(reported.line(), status))])
    # status_9 comes before status_10, whichever is loaded first.
    for ties in (8, 98):
        parcel = reported.line()
        reported.add([(ties, parcel), (ties + 1, replaced(parcel, "delivery"))])
    for number in sorted(late):
        # A late file splits a time of one status, ...
        parcel = reported.line()
        split = replaced(parcel, "scanned")
        reported.add([(number - 2, parcel), (number, split), (number + 2, parcel)])
        # ... shows that what was first loaded as delivered had been under way, ...
        parcel = reported.line()
        reported.add([(number, parcel), (number + 1, replaced(parcel, "delivery"))])
        # ... and is the first to have a promise.
        parcel, promise = reported.line(), reported.slots[number].at.date() + timedelta(days=3)
        reported.add(
            [
                (number - 1, parcel),
                (number, replaced(parcel, "in_transit", promise)),
                (number + 1, replaced(parcel, "in_transit", promise + timedelta(days=4))),
                (number + 6, replaced(parcel, "delivery", promise + timedelta(days=4))),
            ]
        )
    # Delivered in the evening of UTC on the promised day, which is the day after in Tokyo.
    evening = random.choice([n for n, s in enumerate(reported.slots) if n > 3 and s.at.hour >= 16])
    for receiver in (TOKYO, NEW_YORK, NOWHERE):
        parcel = reported.line(receiver, reported.slots[evening].at.date())
        delivered = replaced(parcel, "delivery", parcel.promised_on)
        reported.add([(evening - 3, parcel), (evening, delivered)])
    # Overdue: silent, and on its way.
    for number in (50, count - 8):
        promise = reported.slots[number].at.date() + timedelta(days=2)
        reported.add([(number, reported.line(promised_on=promise))])
    # The receiver is corrected; and two carriers use the same tracking number.
    parcel = reported.line(NOWHERE)
    reported.add([(30, parcel), (33, replaced(parcel, "scanned", receiver=TOKYO))])
    parcel = reported.line()
    other = Line(parcel.tracking_number, "FedEx", *SENDERS[:2], "lost")
    reported.add([(40, parcel), (41, other)])


def _as_loaded(random: Random, files: list[File], late: set[int]) -> list[File]:
    """Load some files late, some again; of two with one time, sometimes the second first."""
    moved = [(float(number), file) for number, file in enumerate(files)]
    for number in late:
        moved[number] = (number + random.randrange(3, 20) + 0.5, files[number])
    moved[9], moved[99] = (7.5, files[9]), (97.5, files[99])
    for number in random.sample(range(len(files)), 5):
        moved.append((moved[number][0] + random.randrange(1, 20) + 0.7, files[number]))
    return [file for _, file in sorted(moved, key=lambda each: each[0])]
