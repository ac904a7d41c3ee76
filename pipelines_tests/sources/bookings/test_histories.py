"""Each generated history has everything that senders do; the oracle agrees with itself on it."""

from datetime import date, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from pipelines_tests.sources.bookings.histories import (
    CLOCK_CHANGES,
    NEW,
    NO_ROOMS,
    NO_ROW,
    NO_ZONE,
    History,
    history,
)
from pipelines_tests.sources.bookings.oracle import (
    YEAR,
    Event,
    Hotel,
    against_last_year,
    book,
    business_day,
    changes,
    findings,
    last_instant,
    last_year,
    on_the_books,
    on_the_books_at,
    stored,
)

SEEDS = range(5)
RULES = ("double_booking", "double_cancellation", "cancelled_before_booked", "event_after_night")


@pytest.mark.parametrize("seed", SEEDS)
def test_each_history_has_each_kind_of_case(seed: int) -> None:
    made = history(seed)
    assert made == history(seed)
    assert 2 <= len(made.batches) <= 4
    assert 300 <= sum(map(len, made.batches)) <= 2_500
    events = stored(made.batches)
    found = cases_of_hotels(made, events) | cases_of_nights(events) | cases_of_deliveries(made)
    found |= {rule: rule in {each for each, _ in findings(events, made.hotels)} for rule in RULES}
    assert [name for name, is_there in found.items() if not is_there] == []


def cases_of_hotels(made: History, events: list[Event]) -> dict[str, bool]:
    night = made.closed_on
    compared = against_last_year(events, made.hotels, [night], night)
    walk_ins = (
        event
        for event in events
        if event.hotel_id == NO_ROOMS
        and event.event_at.astimezone(ZoneInfo("Europe/Berlin")).time() == time(1, 30)
    )
    found = {
        "without a row": NO_ROW not in made.hotels and any(e.hotel_id == NO_ROW for e in events),
        "without rooms": made.hotels[NO_ROOMS].rooms is None,
        "without a zone": made.hotels[NO_ZONE].time_zone is None,
        "without last year": last_year(events, made.hotels, NEW, night, night) is None,
        "with last year": (compared.hotels_compared, compared.hotels) == (6, 7),
        "nights of last year": any(e.night <= night - YEAR for e in events),
        "changes after the close": any(day > night for _, _, day in book(events, made.hotels)),
        "walk-in after midnight": any(
            business_day(made.hotels[NO_ROOMS], event.event_at) == event.night for event in walk_ins
        ),
    }
    for hotel_id, instants in CLOCK_CHANGES.items():
        for instant in instants:
            sides = {
                event.event_at >= instant
                for event in events
                if event.hotel_id == hotel_id and abs(event.event_at - instant) < timedelta(hours=2)
            }
            found[f"both sides of {instant}"] = sides == {True, False}
    return found


def cases_of_nights(events: list[Event]) -> dict[str, bool]:
    courses: dict[tuple[int, UUID], dict[date, list[int]]] = {}
    for one in changes(events):
        nights = courses.setdefault((one.hotel_id, one.reservation), {})
        nights.setdefault(one.night, []).append(one.change)
    fields = [event.fields for event in events]
    cancelled_at = {(*f[:3], f[4]) for f in fields if f[3] == "cancellation"}
    hotels_of: dict[UUID, set[int]] = {}
    for event in events:
        hotels_of.setdefault(event.reservation, set()).add(event.hotel_id)
    return {
        "cancelled and booked again": any([1, -1, 1] in n.values() for n in courses.values()),
        "partly cancelled": any(0 < sum(map(sum, n.values())) < len(n) for n in courses.values()),
        "wholly cancelled": any(sum(map(sum, n.values())) == 0 for n in courses.values()),
        "booked and cancelled at once": any(
            f[3] == "booking" and (*f[:3], f[4]) in cancelled_at for f in fields
        ),
        "two ids, all else equal": len({*fields}) < len(fields),
        "a reservation's id at two hotels": any(len(ids) == 2 for ids in hotels_of.values()),
    }


def cases_of_deliveries(made: History) -> dict[str, bool]:
    delivered = [(n, event) for n, batch in enumerate(made.batches) for event in batch]
    with_id = {event.fields: n for n, event in delivered if event.event_id is not None}
    without_id = [(n, event.fields) for n, event in delivered if event.event_id is None]
    newest = [max(event.event_at for event in batch) for batch in made.batches]
    return {
        "late": any(event.event_at < newest[n - 1] for n, event in delivered if n),
        "out of order": any(b != sorted(b, key=lambda e: e.event_at) for b in made.batches),
        "id later": any(with_id.get(fields, -1) > n for n, fields in without_id),
        "id before": any(with_id.get(fields, n) < n for n, fields in without_id),
        "never an id": any(fields not in with_id for _, fields in without_id),
        "delivered again": len({event for _, event in delivered}) < len(delivered),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_to_the_books_agree_at_the_ends_of_days(seed: int) -> None:
    made = history(seed)
    events = stored(made.batches)
    for hotel_id, night, changed_on in book(events, made.hotels):
        hotel = made.hotels.get(hotel_id, Hotel(hotel_id))
        of_night = [e for e in events if e.hotel_id == hotel_id and e.night == night]
        for day in (changed_on - timedelta(days=1), changed_on):
            by_days = on_the_books(of_night, made.hotels, hotel_id, night, day)
            by_instant = on_the_books_at(of_night, hotel_id, night, last_instant(hotel, day))
            assert by_days == by_instant
            assert by_days >= 0
