"""The events API over real HTTP: pages, arrays, and answers of another shape."""

import datetime as dt
import json
from typing import Any

import pytest

from pipelines.failures import Failure, PermanentFailure, TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.bookings import client as clients
from pipelines.sources.bookings.client import EventsClient
from pipelines.testing.fake_source import FakeSource, body, document
from pipelines_tests.sources.bookings.made_up import event

SINCE = dt.datetime(2022, 7, 31, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def client(source: FakeSource) -> EventsClient:
    http = HttpClient("bookings", "BOOKINGS_EVENTS_URL", attempts=2, first_wait_seconds=0.01)
    return EventsClient(source.url, http)


def page(events: list[Any], following: str | None) -> dict[str, Any]:
    return {"count": 0, "next": following, "previous": None, "results": events}


def test_an_array_is_one_page(source: FakeSource) -> None:
    source.will(document([event(1), event(2)]))
    (found,) = client(source).pages(SINCE)
    assert found.delivery.name == "events since 2022-07-31T10:00:00Z, page 1"
    assert found.document == [event(1), event(2)]
    assert source.requests[0][1].endswith("?limit=5000&updated__gte=2022-07-31T10%3A00%3A00Z")


def test_a_next_page_in_the_header_is_read(source: FakeSource) -> None:
    linked = body(json.dumps([event(1)]).encode(), Link='<?offset=1>; rel="next"')
    source.will(linked, document([event(2)]))
    assert [one.document[0]["id"] for one in client(source).pages(None)] == [1, 2]


def test_all_pages_come_from_our_address_whatever_next_contains(source: FakeSource) -> None:
    source.will(
        document(page([event(1)], "http://internal.example/admin?limit=5000&offset=1&x=a%20b")),
        document(page([event(2)], "http://127.0.0.1:8/behind/a/proxy?limit=5000&offset=2")),
        document(page([event(3)], None)),
    )
    found = list(client(source).pages(None))
    assert [one.delivery.name for one in found] == [
        "events, page 1",
        "events, page 2",
        "events, page 3",
    ]
    assert [one.document[0]["id"] for one in found] == [1, 2, 3]
    paths = [path.partition("?") for _, path in source.requests]
    assert {path for path, _, _ in paths} == {"/document.json"}
    assert [query for _, _, query in paths][1:] == [
        "limit=5000&offset=1&x=a%20b",
        "limit=5000&offset=2",
    ]


def test_the_next_page_is_requested_as_the_service_gives_it(source: FakeSource) -> None:
    """Another path on the same server, and a key of the configured URL that it leaves out."""
    source.will(
        document(page([event(1)], source.url.replace("/document.json", "/pages/2"))),
        document(page([event(2)], "/pages/3?key=other")),
        document(page([event(3)], None)),
    )
    reader = client(source)
    found = list(EventsClient(f"{reader.url}?key=k%2F1", reader.http).pages(None))
    assert [one.document[0]["id"] for one in found] == [1, 2, 3]
    assert [path for _, path in source.requests] == [
        "/document.json?key=k%2F1&limit=5000",
        "/pages/2?key=k%2F1",
        "/pages/3?key=other",
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"events": []}, "neither an array nor a page with results, but dict"),
        ("nothing", "neither an array nor a page with results, but str"),
        (page([], "/events"), "the pages go in a circle"),
        (page([], "http://internal.example/2"), "the next page is on another server"),
        (page([], "http://[/2"), "the address of the next page cannot be read"),
        ({"results": [], "has_more": True}, "there are more, and not where"),
        (page([1], None) | {"count": 6500}, "counts 6,500 events, and its pages had 1"),
        (page([], 7), "the address of the next page cannot be read"),  # type: ignore[arg-type]
        (page([], "?limit=5000"), "the pages go in a circle"),
    ],
)
def test_a_response_of_another_shape_is_reported(
    source: FakeSource, answer: Any, words: str
) -> None:
    source.will(body(json.dumps(answer).encode()))
    with pytest.raises(PermanentFailure, match=words) as failed:
        list(client(source).pages(None))
    assert "BOOKINGS_EVENTS_URL" in failed.value.remedy


def test_pages_without_end_are_given_up(
    source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "MAX_PAGES", 4)
    source.will(*(document(page([], f"?offset={number}")) for number in range(1, 9)))
    with pytest.raises(PermanentFailure, match="more than 4 pages"):
        list(client(source).pages(None))


def test_a_response_other_than_200_is_retried(source: FakeSource) -> None:
    """DEF E59: anything but 200 was logged and skipped."""
    source.will(body(b"busy", 503), document([event(1)]))
    (found,) = client(source).pages(None)
    assert [one["id"] for one in found.document] == [1]
    source.will(body(b"busy", 503))
    with pytest.raises(TransientFailure, match="503"):
        list(client(source).pages(None))


def test_a_rejected_parameter_is_reported_and_not_dropped(source: FakeSource) -> None:
    """DEF E56: a filter that could not be read was dropped without a word."""
    source.will(body(b'{"error": "updated__gte: must be a date and time"}', 400))
    with pytest.raises(Failure, match="400"):
        list(client(source).pages(SINCE))


def test_null_and_no_content_end_the_list_and_another_status_does_not(source: FakeSource) -> None:
    first = document(page([event(1)], "?offset=1"))
    for end in (document(None), document(page([], None) | {"results": None}), body(b"", 204)):
        source.will(first, end)
        found = [one.document for one in client(source).pages(None)]
        assert [*filter(None, found)] == [[event(1)]]
    source.will(first, body(b"", 202))
    with pytest.raises(Failure, match="202"):
        list(client(source).pages(None))
