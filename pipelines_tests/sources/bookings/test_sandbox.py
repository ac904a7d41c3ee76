"""The API of the simulated hotel system over HTTP."""

import datetime as dt
import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from pipelines_tests.sandbox_server import sandbox_server

NOON = dt.datetime(2026, 9, 15, 12, 0, 30, tzinfo=dt.UTC)
GOOD = {
    "hotel_id": 2607,
    "event_timestamp": "2026-09-15T11:59:59Z",
    "status": 1,
    "room_reservation_id": "0498d45a-263c-433c-90d5-aee300bfec37",
    "night_of_stay": "2026-10-01",
}
Record = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The API as nobody posts to it."""
    with sandbox_server(now=lambda: NOON) as url:
        yield f"{url}/events"


@pytest.fixture(scope="module")
def everything(served: str) -> list[Record]:
    return list(get(served))


def request(url: str, **parameters: object) -> requests.Response:
    return requests.get(
        url, params={name: str(value) for name, value in parameters.items()}, timeout=10
    )


def get(url: str, **parameters: object) -> Any:
    answer = request(url, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


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
        "offset": ("-1",),
    }.items():
        for value in values:
            answer = request(served, **{name: value})
            assert answer.status_code == 400
            assert answer.json()["error"].startswith(f"{name}: ")
            assert len(answer.text) < 600


def test_pages_are_parts_of_the_list(served: str, everything: list[Record]) -> None:
    pages = [get(served, limit=400)]
    while pages[-1]["next"]:
        pages.append(get(pages[-1]["next"]))
    assert [one for page in pages for one in page["results"]] == everything
    assert {page["count"] for page in pages} == {len(everything)}
    assert pages[0]["previous"] is None
    assert get(pages[2]["previous"]) == pages[1]


def test_a_posted_event_is_among_the_others() -> None:
    sent = GOOD | {"id": 1}
    with sandbox_server(now=lambda: NOON) as url:
        answer = requests.post(f"{url}/events", json=sent, timeout=10)
        assert (answer.status_code, answer.json()) == (201, sent)
        assert get(f"{url}/events", room_id=GOOD["room_reservation_id"]) == [sent]
        served = get(f"{url}/events")
    order = [(event["event_timestamp"], event["id"]) for event in served]
    assert order == sorted(order)
    assert sent in served
