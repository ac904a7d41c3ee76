"""`bookings.events` after files: which events are one, which are rejected, what is retried."""

from typing import Any
from uuid import UUID

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest.deliveries import unbalanced
from pipelines.sources.bookings import Settings, transform
from pipelines.sources.bookings.load import EventsWriter
from pipelines_tests.loaders import runner
from pipelines_tests.sources.bookings.made_up import ROOM, Event, Inbox, counts, event, text_of

LENIENT = Settings(most_bad=0.9)


def test_of_two_events_with_one_id_the_second_is_quarantined(inbox: Inbox) -> None:
    """DEF E55: the same event was stored as often as it came."""
    events = [event(1), event(1), event(1, hotel_id=9), *map(event, range(2, 12))]
    assert inbox.deliver(events) == (13, 11, 1, 1)
    later = [event(5, status=2, night_of_stay="2022-08-09"), *map(event, range(6, 20))]
    assert inbox.deliver(later, "later.csv") == (15, 8, 6, 1)
    came_before = "the event came before with other content:"
    changed = f"{came_before} status was booking, night_of_stay was 2022-08-01"
    assert inbox.quarantined() == [
        ("line 4", f"{came_before} hotel_id was 2607", text_of(events[2:3]).splitlines()[1]),
        ("line 2", changed, text_of(later).splitlines()[1]),
    ]
    assert inbox.stored("status, hotel_id")[0] == ("booking", 2607)


def test_the_hotel_systems_own_names_of_columns_are_read(inbox: Inbox) -> None:
    """DEF E60: names differed between the task and what was built."""
    content = text_of([event(1)]).replace("status", "rpg_status").replace("_reservation", "")
    assert inbox.deliver(content) == (1, 1, 0, 0)
    assert inbox.stored("status, room_reservation_id") == [("booking", UUID(ROOM.format(1)))]


def test_a_corrected_line_leaves_quarantine_and_others_stay(inbox: Inbox) -> None:
    """E24: a line stayed in quarantine though the hotel had sent it again, well."""
    bad: list[dict[str, Any]] = [
        {"status": 7},
        {"night_of_stay": "2022-02-30", "room_reservation_id": "none"},
        {"id": "x"},
        {"id": "", "room_reservation_id": "none"},
        {"id": "", "night_of_stay": "2022-02-30"},
        {"id": "", "event_timestamp": "noon"},
    ]
    for number, changes in enumerate(bad, start=1):
        good, corrected, stays, other = (event(10 * number + n) for n in range(4))
        sent = [good, corrected | changes, stays | {"status": 9}]
        assert inbox.deliver(sent) == (3, 1, 0, 2), changes
        assert inbox.deliver([other], "others.csv") == (1, 1, 0, 0)
        assert len(inbox.quarantined()) == number + 1
        assert inbox.deliver([good, corrected]) == (2, 1, 1, 0)
        assert [position for position, _, _ in inbox.quarantined()] == ["line 4"] * number
    with inbox.warehouse.engine.connect() as connection:
        assert unbalanced(connection, "bookings") == []


def test_a_line_that_is_still_bad_is_not_corrected_by_one_like_it(inbox: Inbox) -> None:
    """Rooms are booked together: the other room has the same hotel, time, status and night."""
    events = [event(n) for n in (1, 2)]
    for one in events:
        del one["id"]
    bad, good = events[0] | {"room_reservation_id": "NOT-A-UUID-1"}, events[1]
    inbox.deliver([good, bad], "a.csv")
    other = good | {"room_reservation_id": ROOM.format(77)}
    assert inbox.deliver([good, bad, other], "a.csv") == (3, 1, 2, 0)
    ((raw,),) = inbox.rows("SELECT raw FROM ops.quarantine")
    assert "NOT-A-UUID-1" in raw


def test_many_conflicts_reject_a_small_file_but_few_do_not(inbox: Inbox) -> None:
    inbox.deliver([event(number) for number in range(30)])
    assert inbox.deliver([event(1, hotel_id=1), event(30)], "few.csv") == (2, 1, 0, 1)
    many = [event(number, hotel_id=1) for number in range(21)]
    reason = "line 2: the event came before with other content: hotel_id was 2607"
    with pytest.raises(PermanentFailure, match=reason):
        inbox.deliver([*many, event(31)], "many.csv")
    assert len(inbox.stored()) == 31


def nameless(events: list[Event]) -> list[Event]:
    return [{name: value for name, value in one.items() if name != "id"} for one in events]


@pytest.mark.parametrize("turned", [False, True])
def test_an_event_with_and_without_its_id_is_one_event(inbox: Inbox, turned: bool) -> None:
    files = [[event(1), event(2)], nameless([event(2), event(1), event(3)])]
    for number, events in enumerate(reversed(files) if turned else files):
        inbox.deliver(events, f"{number}.csv")
    numbers = [number for (number,) in inbox.stored("event_id")]
    assert numbers[1:] == [1, 2]
    assert numbers[0] < 0
    both = [event(4), event("", room_reservation_id=ROOM.format(4))]
    assert inbox.deliver(both[::-1] if turned else both, "both.csv") == (2, 1, 1, 0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_first_of_two_claimants_of_an_id_keeps_it(inbox: Inbox, turned: bool) -> None:
    inbox.deliver(nameless([event(1), event(2)]), "nameless.csv")
    both = [event(1), event(1, room_reservation_id=ROOM.format(2))]
    assert inbox.deliver(both[::-1] if turned else both, settings=LENIENT) == (2, 1, 0, 1)
    (named,) = [row for row in inbox.stored("event_id, room_reservation_id") if row[0] == 1]
    assert named[1] == UUID(ROOM.format(2 if turned else 1))
    assert [position for position, _, _ in inbox.quarantined()] == ["line 3"]
    traced = "SELECT name FROM ops.deliveries JOIN bookings.events USING (delivery_id)"
    assert inbox.row(f"{traced} WHERE event_id = 1") == ("bookings.csv",)


def test_the_id_of_another_event_is_not_given_away(inbox: Inbox) -> None:
    five, other = event(5), event(5, hotel_id=9)
    nobody = event("", hotel_id=9, room_reservation_id=five["room_reservation_id"])
    assert inbox.deliver([nobody, five, other], settings=LENIENT) == (3, 2, 0, 1)
    numbers = [number for (number,) in inbox.stored("event_id")]
    assert (len(numbers), numbers[1]) == (2, 5)
    assert [position for position, _, _ in inbox.quarantined()] == ["line 4"]


def test_one_event_without_an_id_sends_no_other_down_the_slow_path(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Incident: from then on, each load took 1.7 times as long."""
    merged: list[int] = []
    merge = EventsWriter._merge

    def spied(self: EventsWriter, rows: Any) -> Any:
        merged.append(len(rows))
        return merge(self, rows)

    monkeypatch.setattr(EventsWriter, "_merge", spied)
    inbox.deliver(nameless([event(1), event(2, event_timestamp="2022-07-01 10:00:00")]), "a.csv")
    others = [event(n, event_timestamp=f"2022-07-{n:02} 09:00:00") for n in range(3, 9)]
    assert inbox.deliver(others, "b.csv") == (6, 6, 0, 0)
    assert merged == [2], "those without an id alone"
    mixed = [event(1), *others[:2], event(9, event_timestamp="2022-07-09 09:00:00")]
    assert inbox.deliver(mixed, "c.csv") == (4, 2, 2, 0)
    assert merged == [2, 1]
    numbers = [number for (number,) in inbox.stored("event_id")]
    assert (len(numbers), numbers[0] < 0, numbers[1]) == (9, True, 1)


def test_equal_content_under_two_ids_is_two_events(inbox: Inbox) -> None:
    inbox.deliver(nameless([event(1)]), "nameless.csv")
    both = [event(1), event(2, room_reservation_id=ROOM.format(1))]
    assert inbox.deliver(both) == (2, 2, 0, 0)
    assert inbox.stored("event_id") == [(1,), (2,)]


def test_a_retry_loads_mended_records_as_a_load_of_its_own(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event(1), event(1, hotel_id=5), event(2, status=3), event(3, status=4)]
    inbox.deliver(events, settings=LENIENT)
    watermark = "SELECT position FROM ops.watermarks WHERE name = 'bookings.events'"
    assert inbox.row(watermark) == (1,)
    monkeypatch.setitem(transform.STATUSES, "3", "cancellation")
    feed = runner("bookings", inbox.warehouse, **LENIENT.model_dump())
    (outcome,) = feed.retry()
    assert counts(outcome) == (3, 1, 0, 2)
    loads = inbox.stored("event_id, status, load_number")
    assert loads == [(1, "booking", 1), (2, "cancellation", 2)]
    assert [position for position, _, _ in inbox.quarantined()] == ["line 5", "line 3"]
    assert counts(feed.retry()[0]) == (2, 0, 0, 2)
    assert inbox.row(watermark) == (2,)


def test_a_conflicting_event_loads_once_the_stored_one_is_gone(inbox: Inbox) -> None:
    inbox.deliver([event(1), event(2)])
    assert inbox.deliver([event(1, hotel_id=9)], "later.csv") == (1, 0, 0, 1)
    inbox.owner.execute("DELETE FROM bookings.events WHERE event_id IN (1)")
    (outcome,) = runner("bookings", inbox.warehouse, **Settings().model_dump()).retry()
    assert counts(outcome) == (1, 1, 0, 0)
    assert inbox.stored("event_id, hotel_id") == [(1, 9), (2, 2607)]
    assert inbox.quarantined() == []
