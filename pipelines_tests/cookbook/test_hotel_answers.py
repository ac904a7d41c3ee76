"""Hotels: the answers are recomputed in Python from the deliveries."""

import datetime as dt
from collections.abc import Iterable


from pipelines_tests.cookbook import known_bookings
from pipelines_tests.cookbook.answers import Answer, of
from pipelines_tests.sources.bookings.made_up import ROOM, Event

EVENTS = sorted(known_bookings.EVENTS, key=lambda one: (one["event_timestamp"], one["id"]))
OURS = [one for one in EVENTS if one["hotel_id"] == 2607]
DAY = dt.timedelta(days=1)
EVENTS_OF_TWO_WEEKS = [one for one in EVENTS if "2026-11-02" <= one["night_of_stay"] < "2026-11-16"]


def of_year(events: Iterable[Event], year: str, key: str = "event_timestamp") -> list[Event]:
    return [one for one in events if one[key].startswith(year)]


def booked(events: Iterable[Event]) -> int:
    return sum(one["status"] == 1 for one in events)


def test_hotel_events(answer: Answer) -> None:
    ids = [one["id"] for one in EVENTS]
    assert of(answer("Which hotels are there"), "hotel_id", "bookings") == [
        (hotel, booked(one for one in EVENTS if one["hotel_id"] == hotel)) for hotel in (2607, 3009)
    ]
    page = of(answer("Which events are there"), "event_id")
    assert page == ids[:4]
    following = of(answer("What is the next page"), "event_id")
    assert following == [id_ for id_ in ids if id_ > 7101][:4]
    assert of(answer("What was cancelled"), "event_id") == [
        one["id"] for one in OURS if one["status"] == 2
    ]
    statuses = [
        ("", "booking", "cancellation")[one["status"]]
        for one in EVENTS
        if one["room_reservation_id"] == ROOM.format(5)
    ]
    assert of(answer("What was said of a reservation"), "status") == statuses
    assert of(answer("What was said about some nights"), "event_id") == [
        one["id"] for one in OURS if "2026-11-05" <= one["night_of_stay"] <= "2026-11-06"
    ]


def test_hotel_dashboards(answer: Answer) -> None:
    this_year = of_year(OURS, "2026")
    for row in answer("How many bookings did a hotel have, month"):
        month = of_year(OURS, f"{row['period_start']:%Y-%m}")
        assert row["bookings"] == booked(month)
        assert row["cancellations"] == len(month) - booked(month)
    weeks = answer("How many bookings did all hotels have")
    in_october = of_year(EVENTS, "2026-10")
    assert sum(of(weeks, "bookings")) == booked(in_october)
    assert sum(of(weeks, "cancellations")) == len(in_october) - booked(in_october)
    assert {row["period_start"].weekday() for row in weeks[1:]} == {0}
    full = answer("How full is each hotel")
    assert sum(of(full, "rooms_booked")) == booked(EVENTS_OF_TWO_WEEKS) - 2
    assert of(full, "rooms_available") == [4 * 7, 4 * 7, 2 * 7, 2 * 7]
    assert all(
        float(row["occupancy"]) == round(row["rooms_booked"] / row["rooms_available"], 4)
        for row in full
    )
    days = answer("How many day by day")
    assert sum(of(days, "net_bookings")) == 2 * booked(of_year(OURS, "2026-10")) - len(
        of_year(OURS, "2026-10")
    )
    (four,) = answer('What does "bookings')
    assert list(four.values()) == [
        booked(this_year),
        2 * booked(this_year) - len(this_year),
        booked(of_year(OURS, "2026", "night_of_stay")),
        len(this_year),
    ]
    assert len(set(four.values())) == 4
    assert of(answer("Which hotels were busiest"), "hotel_id", "bookings") == [(2607, 2), (3009, 1)]


def on_the_books(night: str, until: str) -> int:
    """Return the books by the last event of each reservation's night until a time, included."""
    last = {
        one["room_reservation_id"]: one["status"]
        for one in OURS
        if one["night_of_stay"] == night and one["event_timestamp"] <= until
    }
    return list(last.values()).count(1)


def said(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def test_hotel_revenue(answer: Answer) -> None:
    noon = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
    for row in answer("What was on the books"):
        then = on_the_books(f"{row['night_of_stay']}", "2026-10-28 00:00:00")
        assert row["on_the_books"] == then
    for row in answer("What came in since"):
        night = f"{row['night_of_stay']}"
        now = on_the_books(night, said(noon))
        assert row["on_the_books"] == now
        for name, days in (("1_day", 1), ("7_days", 7), ("30_days", 30)):
            assert row[f"pickup_{name}"] == now - on_the_books(night, said(noon - days * DAY))
    pace = answer("How does a week fill up")
    began = dt.datetime.fromisoformat(OURS[0]["event_timestamp"]).date()
    for row in pace:
        for column, first in (
            ("on_the_books", dt.date(2026, 11, 3)),
            ("on_the_books_last_year", dt.date(2025, 11, 4)),
        ):
            nights = [first + n * DAY for n in range(7)]
            ends = [night - row["days_before_arrival"] * DAY for night in nights]
            total = sum(
                on_the_books(f"{night}", f"{end} 23:59:59")
                for night, end in zip(nights, ends, strict=True)
            )
            is_known = max(ends) < noon.date() and min(ends) >= began
            assert row[column] == (total if is_known else None)
    assert None in of(pace, "on_the_books")
    expected = {
        (one["hotel_id"], one["room_reservation_id"], one["night_of_stay"]): one
        for one in reversed(of_year(EVENTS, "2026-11", "night_of_stay"))
    }
    for row in answer("How long before the stay"):
        mine = [one for (hotel, *_), one in expected.items() if hotel == row["hotel_id"]]
        leads = [
            dt.date.fromisoformat(one["night_of_stay"])
            - dt.date.fromisoformat(one["event_timestamp"][:10])
            for one in mine
        ]
        cancelled = [
            one for one in EVENTS if one["status"] == 2 and one["hotel_id"] == row["hotel_id"]
        ]
        assert row["nights"] == len(mine)
        assert float(row["mean_lead_time_days"]) == sum(leads, dt.timedelta()).days / len(mine)
        assert float(row["cancelled_share"]) == len(cancelled) / len(mine)


def test_cancellations_by_week(answer: Answer) -> None:
    counted: dict[tuple[dt.date, str], list[int]] = {}
    for one in EVENTS:
        day = dt.date.fromisoformat(one["event_timestamp"][:10])
        if "2026-10-05" <= str(day) < "2026-11-02":
            hotel = known_bookings.HOTELS[one["hotel_id"]][0]
            counts = counted.setdefault((day - day.weekday() * DAY, hotel), [0, 0])
            counts[one["status"] == 1] += 1
    weeks = of(answer("How much was cancelled"), "week", "hotel", "cancellations", "bookings")
    assert weeks == [(*week, *counts) for week, counts in sorted(counted.items())]
