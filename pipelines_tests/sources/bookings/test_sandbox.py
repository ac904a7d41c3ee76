"""The simulated hotel system: its API over HTTP, its files, and that their events are the same."""

import csv
import datetime as dt
import gzip
import operator
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pipelines.sources.bookings.sandbox import event_files, hotels
from pipelines_tests.sandbox_server import sandbox_server

NOON = dt.datetime(2026, 9, 15, 12, 0, 30, tzinfo=dt.UTC)
TODAY = NOON.date()
YESTERDAY = TODAY - dt.timedelta(days=1)
GOOD = {
    "hotel_id": 2607,
    "event_timestamp": "2026-09-15T11:59:59Z",
    "status": 1,
    "room_reservation_id": "0498d45a-263c-433c-90d5-aee300bfec37",
    "night_of_stay": "2026-10-01",
}
Record = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def short_history() -> Iterator[None]:
    """As much as bookings are made ahead and the API goes back, instead of 800 days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_files, "HISTORY_DAYS", 160)
        yield


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The API as nobody posts to it."""
    with sandbox_server(now=lambda: NOON) as url:
        yield f"{url}/events"


@pytest.fixture
def fresh() -> Iterator[str]:
    with sandbox_server(now=lambda: NOON) as url:
        yield f"{url}/events"


@pytest.fixture(scope="module")
def everything(served: str) -> list[Record]:
    return list(get(served))


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the inbox as a sandbox has filled it by its first response."""
    inboxes = tmp_path_factory.mktemp("inboxes")
    with sandbox_server(now=lambda: NOON, inboxes=inboxes) as url:
        assert requests.get(f"{url}/health", timeout=10).text == "ok"
        assert (inboxes / "bookings" / "bookings-history.csv.gz").exists()
    return inboxes / "bookings"


def request(url: str, **parameters: object) -> requests.Response:
    return requests.get(
        url, params={name: str(value) for name, value in parameters.items()}, timeout=10
    )


def get(url: str, **parameters: object) -> Any:
    answer = request(url, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(url: str, event: object) -> requests.Response:
    return requests.post(url, json=event, timeout=10)


def rows(file: Path) -> list[Record]:
    """The lines of a file by column; a short one has None."""
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode()
    return list(csv.DictReader(text.splitlines()))


def as_record(row: Record) -> Record:
    """Return a good line as the API serves it."""
    return {
        **row,
        **{name: int(row[name]) for name in ("id", "hotel_id", "status")},
        "event_timestamp": row["event_timestamp"].replace(" ", "T") + "Z",
    }


def is_good(row: Record) -> bool:
    try:
        uuid.UUID(row["room_reservation_id"])
        dt.date.fromisoformat(row["night_of_stay"])
        int(row["hotel_id"])
    except (ValueError, TypeError, AttributeError):
        return False
    return row["status"] in ("1", "2")


def test_reservations_have_one_event_per_night_and_some_are_cancelled() -> None:
    since = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    served = hotels.events(1, since, since + dt.timedelta(days=150))
    stays: dict[tuple[str, int], list[hotels.Event]] = {}
    for event in served:
        stays.setdefault((event.room_reservation_id, event.status), []).append(event)
    for events in stays.values():
        first = events[0]
        nights = [first.night_of_stay + dt.timedelta(days=number) for number in range(len(events))]
        assert [event.night_of_stay for event in events] == nights
        assert len({(event.hotel_id, event.event_timestamp) for event in events}) == 1
        assert 0 <= (first.night_of_stay - first.event_timestamp.date()).days <= 120
        assert first.event_timestamp.microsecond == 0
    booked = {room: events for (room, status), events in stays.items() if status == 1}
    both = [room for room in booked if (room, 2) in stays]
    for room in both:
        before, after = booked[room], stays[room, 2]
        assert before[0].event_timestamp < after[0].event_timestamp
        assert [event.night_of_stay for event in before] == [event.night_of_stay for event in after]
    assert Counter(len(events) for events in booked.values()).keys() == {1, 2, 3, 4}
    assert 10 < len(booked) / 150 < 20
    assert 0.1 < len(both) / len(booked) < 0.2
    assert max(event.id % hotels.IDS_A_DAY for event in served) < 1000
    assert hotels.events(2, since, since + dt.timedelta(days=1)) != served[:40]


@pytest.mark.parametrize(
    ("names", "field", "matches"),
    [
        (["hotel_id"], "hotel_id", operator.eq),
        (["updated__gte", "updated_gte"], "event_timestamp", operator.ge),
        (["updated__gt", "updated_gt"], "event_timestamp", operator.gt),
        (["updated__lte", "updated_lte"], "event_timestamp", operator.le),
        (["rpg_status", "status"], "status", operator.eq),
        (["room_id", "room_reservation_id"], "room_reservation_id", operator.eq),
        (["night_of_stay__gte", "night_of_stay_gte"], "night_of_stay", operator.ge),
        (["night_of_stay__lte", "night_of_stay_lte"], "night_of_stay", operator.le),
    ],
)
def test_a_filter_works_in_each_spelling(
    served: str,
    everything: list[Record],
    names: list[str],
    field: str,
    matches: Callable[[Any, Any], bool],
) -> None:
    value = everything[len(everything) // 2][field]
    expected = [event for event in everything if matches(event[field], value)]
    assert 0 < len(expected) < len(everything)
    for name in names:
        assert get(served, **{name: value}) == expected, name


def test_unsupported_parameters_are_rejected_and_never_dropped(served: str) -> None:
    for name, values in {
        "hotel_id": ("-1", "Grand", "", "9" * 5000),
        "updated__gte": ("yesterday",),
        "updated_gt": ("2026-02-30",),
        "updated__lte": ("0001-01-01T00:00:00+05:00",),
        "rpg_status": ("3",),
        "status": ("booked",),
        "room_id": ("7", "{0498d45a-263c-433c-90d5-aee300bfec37}"),
        "night_of_stay__gte": ("01.10.2026",),
        "night_of_stay_lte": ("20261001",),
        "updated__lt": ("2026-09-01",),
        "limit": ("0", "5001"),
        "offset": ("10",),
    }.items():
        for value in values:
            answer = request(served, **{name: value})
            assert answer.status_code == 400
            assert answer.json()["error"].startswith(f"{name}: ")
            assert len(answer.text) < 600


@pytest.mark.parametrize("limit", [97, 5000])
def test_pages_give_the_same_events_as_the_array(
    served: str, everything: list[Record], limit: int
) -> None:
    for filters in ({}, {"hotel_id": 2607, "updated__gte": "2026-08-20T10:00:00+00:00"}):
        unpaged = get(served, **filters)
        url = requests.Request("GET", served, params={**filters, "limit": limit}).prepare().url
        found: list[Record] = []
        visited: list[str] = []
        while url is not None:
            page = get(url)
            assert page["count"] == len(unpaged)
            assert page["previous"] == (visited[-1] if visited else None)
            assert len(page["results"]) <= limit
            found += page["results"]
            visited.append(url)
            url = page["next"]
        assert found == unpaged
        assert len(visited) == -(-len(unpaged) // limit)
    beyond = get(served, limit=10, offset=len(everything) + 100)
    assert (beyond["results"], beyond["next"]) == ([], None)


def test_a_posted_event_is_among_the_others(fresh: str) -> None:
    sent = GOOD | {"id": 1}
    answer = post(fresh, sent)
    assert (answer.status_code, answer.json()) == (201, sent)
    assert get(fresh, room_id=GOOD["room_reservation_id"]) == [sent]
    served = get(fresh)
    order = [(event["event_timestamp"], event["id"]) for event in served]
    assert order == sorted(order)
    assert sent in served


def test_files_and_the_api_contain_the_same_events(inbox: Path, everything: list[Record]) -> None:
    history = [as_record(row) for row in rows(inbox / "bookings-history.csv.gz")]
    day = rows(inbox / f"bookings-{YESTERDAY}.csv")
    good = {row["id"]: as_record(row) for row in day if is_good(row)}
    served = {event["id"]: event for event in [*history, *good.values()]}
    assert len(served) == len(history) + len(good)
    before_today = [event for event in everything if event["event_timestamp"] < str(TODAY)]
    assert [served.get(event["id"]) for event in before_today] == before_today
    assert history[0]["event_timestamp"][:10] == str(TODAY - dt.timedelta(days=160))
    assert history[-1]["event_timestamp"][:10] == str(TODAY - dt.timedelta(days=2))
    assert {event["event_timestamp"][:10] for event in good.values()} == {str(YESTERDAY)}
    assert len(good) == len(hotels.events_of_day(1, YESTERDAY))
